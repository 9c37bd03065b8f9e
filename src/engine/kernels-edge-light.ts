// Takes the place of kernels.ts in edge-light runtimes (Vercel, Next.js), where `?module` marks a compiled module.

import module from "../../slonn-simd.wasm?module";
import type { Backend } from "./engine.ts";
import { importedKernels } from "./imported-kernels.ts";
import type { Kernels } from "./kernels.ts";

export function startKernels(backend?: Backend): Promise<Kernels | string> {
  return importedKernels(module, backend);
}
