// Where everything lies in an engine's memory, laid out before the memory exists, so that it never has to grow.

import { createEngine, type Engine, type EngineOptions } from "./engine.ts";
import { paddedTo } from "./padded.ts";

export { paddedTo };

/** Writes what was reserved into the engine's memory. */
export type Fill = (engine: Engine) => void;

/** Hands out addresses in ascending order, then creates the engine that holds them all. */
export interface MemoryPlan {
  /** Reserves `bytes` at a 64-byte boundary (one cache line) and returns their address; `fill` runs once memory exists. */
  reserve(bytes: number, fill?: Fill): number;
  /** What is reserved from here on is filled by `complete`, not by `create`. */
  defer(): void;
  /** Creates the engine and fills it. Nothing may be reserved afterwards. */
  create(options?: EngineOptions): Promise<Engine>;
  /** Fills what is not filled yet. */
  complete(engine: Engine): void;
}

/** The first bytes stay unused, so that address 0 never names anything. */
const base = 1024;
/** Kernels may read up to one line past the end of a vector. */
const slack = 64;

export function createMemoryPlan(): MemoryPlan {
  let next = base;
  const fills: Fill[] = [];
  let deferredFrom = Number.POSITIVE_INFINITY;
  /** Runs the first fills, then drops them and what they hold on to. Where one throws, all are kept for another try. */
  const run = (engine: Engine, count: number): void => {
    for (const fill of fills.slice(0, count)) fill(engine);
    fills.splice(0, count);
  };
  return {
    reserve(bytes, fill) {
      const at = next;
      next += paddedTo(bytes, 64);
      if (fill) fills.push(fill);
      return at;
    },
    async create(options) {
      const engine = await createEngine(next + slack, options);
      run(engine, deferredFrom);
      return engine;
    },
    defer() {
      deferredFrom = fills.length;
    },
    complete(engine) {
      run(engine, fills.length);
    },
  };
}

/** A vector of n floats, padded with zeros to whole panels. Holds `values` if given; with an order, place i holds values[order[i]]. */
export function reserveFloats(memory: MemoryPlan, n: number, values?: Float32Array | null, order?: Uint32Array | null): number {
  const at: number = memory.reserve(paddedTo(n, 16) * 4, ({ buffer }) => {
    if (!values) return;
    const to = new Float32Array(buffer, at, values.length);
    if (order) order.forEach((node, place) => void (to[place] = values[node]));
    else to.set(values);
  });
  return at;
}

export function reserveWords(memory: MemoryPlan, values: Uint32Array): number {
  const at: number = memory.reserve(values.length * 4, (engine) => new Uint32Array(engine.buffer, at, values.length).set(values));
  return at;
}
