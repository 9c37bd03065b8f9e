// Lists in engine memory (layout in assembly/abi.ts), from the host's side.

import type { Engine } from "./engine.ts";
import { LIST_HEADER } from "./generated/abi.ts";
import type { MemoryPlan } from "./memory-plan.ts";
import { paddedTo } from "./padded.ts";

/** Reserves an empty list that can hold `capacity` units. */
export function reserveList(memory: MemoryPlan, capacity: number): number {
  const padded = paddedTo(capacity, 4) * 4;
  const at: number = memory.reserve(LIST_HEADER + 2 * padded, ({ buffer }) => {
    new Uint32Array(buffer, at, 2)[1] = capacity;
  });
  return at;
}

/** Views of a list's parts; valid for the engine's life, since its memory never moves. */
export interface ListViews {
  /** One number: how many units there are. */
  count: Uint32Array;
  /** [capacity] */
  indices: Uint32Array;
  /** [capacity] */
  values: Float32Array;
}

export function listViews(engine: Engine, at: number): ListViews {
  const capacity = new Uint32Array(engine.buffer, at, 2)[1];
  const indices = at + LIST_HEADER;
  return {
    count: new Uint32Array(engine.buffer, at, 1),
    indices: new Uint32Array(engine.buffer, indices, capacity),
    values: new Float32Array(engine.buffer, indices + paddedTo(capacity, 4) * 4, capacity),
  };
}
