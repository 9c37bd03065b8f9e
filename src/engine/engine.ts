// An engine is a block of memory and one verb: run rows of a plan that lies in that memory. It is not a graph, holds no
// weights of its own, knows no layer and no objective, and never allocates after creation. Two kinds exist, WebAssembly and
// plain JavaScript, with the same meaning down to the order in which floats are added.
//
// A plan is a table of 16-word rows; assembly/abi.ts defines rows, lists and every operation's arguments.

import { refusal, SlonnError } from "../errors.ts";
import { show } from "../quoted.ts";
import { startKernels } from "./kernels.ts";
import { createReferenceEngine } from "./reference-engine.ts";
import { createWasmEngine, instantiate } from "./wasm-engine.ts";
import type { WasmModule } from "./wasm-module.ts";

export { buildName } from "./generated/build.ts";
export type { WasmModule } from "./wasm-module.ts";

/** `relaxed` and `simd` are the two WebAssembly SIMD builds, `scalar` one without SIMD, `js` the plain-JavaScript kernels. */
export type Backend = "relaxed" | "simd" | "scalar" | "js";

const backends: readonly unknown[] = ["relaxed", "simd", "scalar", "js"];

export interface Engine {
  readonly backend: Backend;
  /** Why the backend is not the fastest one; null when it is, or was asked for. */
  readonly reason: string | null;
  /** The engine's memory. It never moves or grows. */
  readonly buffer: ArrayBuffer;
  /**
   * Runs rows `begin` … `end` − 1 of the plan at byte `plan`. Returns the row after the last one run: less than `end` when a
   * MARGIN row ended the run.
   */
  execute(plan: number, begin: number, end: number): number;
}

/** Which kernels to run on. */
export interface EngineOptions {
  /** The fastest that runs here unless given. */
  backend?: Backend | undefined;
  /** The compiled kernels of this very version (`slonn/kernels.wasm`), for runtimes that refuse to compile bytes. */
  module?: WasmModule | undefined;
}

/**
 * Creates an engine with `bytes` of memory.
 * @throws SlonnError `no-engine` when what was asked for cannot run here or the memory cannot be had, `bad-option` for an unknown backend.
 */
export async function createEngine(bytes: number, options: EngineOptions = {}): Promise<Engine> {
  const { backend, module } = options;
  if (backend !== undefined && !backends.includes(backend)) throw refusal("bad-option", "backend", show(backend), backends.join(", "));
  if (backend === "js") return createReferenceEngine(bytes, null);
  if (module) return createWasmEngine(await instantiate(module), bytes, backend ?? "simd", null);
  if (backend === "scalar") throw refusal("no-engine", "backend", "scalar without a module", "the scalar binary as `module`");
  const kernels = await startKernels(backend);
  if (typeof kernels !== "string") return createWasmEngine(kernels.exports, bytes, kernels.backend, kernels.reason);
  if (backend) throw new SlonnError("no-engine", `backend: got ${backend}, but ${kernels} in this runtime`);
  return createReferenceEngine(bytes, kernels);
}
