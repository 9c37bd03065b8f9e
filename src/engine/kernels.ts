// The kernels ready to run, from the bytes the package carries. A runtime that compiles no bytes but imports modules gets
// `kernels-workerd.ts` or `kernels-edge-light.ts` in the place of this file, by the conditions of the package's `imports`.

import { bytesOfText } from "./binary-text.ts";
import type { Backend } from "./engine.ts";
import { relaxedBinary, simdBinary } from "./generated/binaries.ts";

export interface Kernels {
  exports: WebAssembly.Exports;
  backend: Backend;
  /** Why the backend is not the fastest one; null when it is. */
  reason: string | null;
}

/** The fastest kernels that run here, or those of `backend` alone; where there are none, why. */
export async function startKernels(backend?: Backend): Promise<Kernels | string> {
  if (typeof WebAssembly === "undefined") return "WebAssembly is missing";
  for (const [name, text] of [
    ["relaxed", relaxedBinary],
    ["simd", simdBinary],
  ] as const) {
    if (backend && backend !== name) continue;
    const binary = bytesOfText(text);
    if (!WebAssembly.validate(binary)) continue;
    try {
      // compiled and instantiated in one, since WebKit's policy on WebAssembly forbids the latter only
      const { exports } = (await WebAssembly.instantiate(binary, {})).instance;
      return { exports, backend: name, reason: name === "relaxed" ? null : "relaxed SIMD is missing" };
    } catch (cause) {
      return `WebAssembly is forbidden here (${cause instanceof Error ? cause.message : String(cause)})`;
    }
  }
  return "WebAssembly SIMD is missing";
}
