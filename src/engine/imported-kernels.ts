// Kernels for runtimes that compile no bytes: a module the runtime compiled when it loaded the program. Such a module either
// validates or the program does not start, so it is the plain SIMD build and never the relaxed one.

import type { Backend } from "./engine.ts";
import type { Kernels } from "./kernels.ts";
import type { WasmModule } from "./wasm-module.ts";

const reason = "imported kernels are plain SIMD";

/** As `startKernels` of kernels.ts, for an imported module. */
export async function importedKernels(module: WasmModule, backend?: Backend): Promise<Kernels | string> {
  if (backend && backend !== "simd") return reason;
  return { exports: (await WebAssembly.instantiate(module)).exports, backend: "simd", reason };
}
