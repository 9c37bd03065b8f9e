// Takes the place of kernels.ts in workerd (Cloudflare Workers), where a .wasm file is imported as a compiled module.

import module from "../../slonn-simd.wasm";
import type { Backend } from "./engine.ts";
import { importedKernels } from "./imported-kernels.ts";
import type { Kernels } from "./kernels.ts";

export function startKernels(backend?: Backend): Promise<Kernels | string> {
  return importedKernels(module, backend);
}
