// The WebAssembly engine: one instance, its memory grown once to what was planned.

import { messageOf, refusal, SlonnError } from "../errors.ts";
import type { Backend, Engine } from "./engine.ts";
import type { WasmExports, WasmModule } from "./wasm-module.ts";

const pageBytes = 65536;

/** @throws SlonnError `no-engine` */
export async function instantiate(module: WasmModule): Promise<WasmExports> {
  try {
    return (await WebAssembly.instantiate(module)).exports ?? {}; // bytes in place of a module have none
  } catch (cause) {
    throw new SlonnError("no-engine", `module: could not be instantiated (${messageOf(cause)})`, {
      cause,
    });
  }
}

/** @throws SlonnError `no-engine` when these are not the exports of kernels or the memory is not to be had. */
export function createWasmEngine(exports: WasmExports, bytes: number, backend: Backend, reason: string | null): Engine {
  const { memory, execute } = exports;
  if (!(memory instanceof WebAssembly.Memory) || typeof execute !== "function")
    throw refusal("no-engine", "module", `exports ${Object.keys(exports).join(", ") || "none"}`, "memory and execute");
  const missing = Math.ceil(bytes / pageBytes) - memory.buffer.byteLength / pageBytes;
  try {
    if (missing > 0) memory.grow(missing);
  } catch (cause) {
    throw new SlonnError("no-engine", `memory: ${bytes} bytes could not be had`, { cause });
  }
  return { backend, reason, buffer: memory.buffer as ArrayBuffer, execute: execute as Engine["execute"] };
}
