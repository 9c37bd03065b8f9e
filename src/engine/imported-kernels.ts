// Takes the place of kernels.ts in runtimes that compile no bytes, workerd and edge-light: the kernels are a module the runtime compiled when
// it loaded the program. Such a module either validates or the program does not start, so it is the plain SIMD build and never the relaxed one.

// `?module`, because without it Nitro hands out an instance
import module from "../../slonn-simd.wasm?module";
import type { Backend } from "./engine.ts";
import type { Kernels } from "./kernels.ts";

const reason = "imported kernels are plain SIMD";

/** As `startKernels` of kernels.ts, for the imported module. */
export async function startKernels(backend?: Backend): Promise<Kernels | string> {
  if (backend && backend !== "simd") return reason;
  return { exports: (await WebAssembly.instantiate(module)).exports, backend: "simd", reason };
}
