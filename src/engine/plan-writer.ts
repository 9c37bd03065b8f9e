// Writes plan tables: rows of operation and arguments, as assembly/abi.ts defines them.

import type { Engine } from "./engine.ts";
import { ROW_WORDS } from "./generated/abi.ts";
import type { MemoryPlan } from "./memory-plan.ts";

/** A float argument of a row; plain numbers are integers. */
export interface FloatArgument {
  float: number;
}

/** A row of a plan before it is written. */
export type Row = readonly [operation: number, ...args: (number | FloatArgument)[]];

/** Takes the next row of a plan. */
export type Emit = (row: Row) => void;

/** Reserves a plan of these rows and returns its address. */
export function reservePlan(memory: MemoryPlan, rows: readonly Row[]): number {
  const at: number = memory.reserve(rows.length * ROW_WORDS * 4, (engine) => writePlan(engine, at, rows));
  return at;
}

/** Writes rows at byte `at`. */
export function writePlan(engine: Engine, at: number, rows: readonly Row[]): void {
  const words = new Int32Array(engine.buffer, at, rows.length * ROW_WORDS);
  const floats = new Float32Array(engine.buffer, at, rows.length * ROW_WORDS);
  rows.forEach((row, r) => {
    row.forEach((argument, i) => {
      if (typeof argument === "number") words[r * ROW_WORDS + i] = argument;
      else floats[r * ROW_WORDS + i] = argument.float;
    });
  });
}
