// The kernels ready to run, from the bytes the package carries. A runtime that compiles no bytes but imports modules gets
// `imported-kernels.ts` in the place of this file, by the conditions of the package's `imports`.

import { messageOf } from "../errors.ts";
import { bytesOfText } from "./binary-text.ts";
import type { Backend } from "./engine.ts";
import { simdBinary } from "./generated/binary.ts";
import type { WasmExports } from "./wasm-module.ts";

export interface Kernels {
  exports: WasmExports;
  backend: Backend;
  /** Why the backend is not the fastest one; null when it is, or was asked for. */
  reason: string | null;
}

/** The fastest kernels that run here, or those of `backend` alone; where there are none, why. */
export async function startKernels(backend?: Backend): Promise<Kernels | string> {
  if (typeof WebAssembly === "undefined") return "WebAssembly is missing";
  const simd = bytesOfText(simdBinary);
  for (const name of ["relaxed", "simd"] as const) {
    if (backend && backend !== name) continue;
    const binary = name === "simd" ? simd : fuseMultiplyAdds(simd.slice());
    try {
      // compiled and instantiated in one try: a page's policy on WebAssembly makes WebKit refuse only the latter
      const instance = startAtOnce(binary) ?? (WebAssembly.validate(binary) ? (await WebAssembly.instantiate(binary)).instance : null);
      if (instance)
        return { exports: instance.exports, backend: name, reason: backend || name === "relaxed" ? null : "relaxed SIMD is missing" };
    } catch (cause) {
      return `WebAssembly is forbidden here (${messageOf(cause)})`;
    }
  }
  return backend === "relaxed" ? "relaxed SIMD is missing" : "WebAssembly SIMD is missing";
}

/**
 * Starts the kernels without a promise, which would be kept only once a background thread is free: garbage collection may hold that up for
 * milliseconds. Null where this is refused, as by older Chromium on a page's main thread.
 */
function startAtOnce(binary: BufferSource): WebAssembly.Instance | null {
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(binary));
  } catch {
    return null;
  }
}

/** A product and a sum, as scripts/split-multiply-adds.mjs writes them; 0 stands for any local. */
const apart = [0x21, 0, 0xfd, 0xe6, 1, 0x20, 0, 0xfd, 0xe4, 1];
/** Both in one; nops (1) fill the bytes that become free. */
const fused = [0xfd, 0x85, 2];

/** Makes the relaxed binary of the SIMD one, in place: the same code but for the multiply-adds. */
export function fuseMultiplyAdds<Bytes extends Uint8Array>(binary: Bytes): Bytes {
  // searches for the fourth byte, which is the rarest
  for (let at = 0; at >= 0; at = binary.indexOf(apart[3], at + 4) - 3)
    if (apart.every((byte, i) => !byte || binary[at + i] === byte)) binary.fill(1, at, at + apart.length).set(fused, at);
  return binary;
}
