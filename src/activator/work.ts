// Reading from a plan that has run what it did: every row leaves its counts in its last words.

import { ROW_WORDS, WORD_BYTES_READ, WORD_MACS, WORD_UNITS } from "../engine/generated/abi.ts";
import type { LevelPlan } from "./level-plan.ts";

/** What a run did: multiply-adds, weight bytes read, and active nodes per layer. */
export interface Work {
  macs: number;
  bytes: number;
  nodes: number[];
}

/** What rows 0 … `ran` − 1 did. `words` is the plan's table, `widths` the nodes of each layer. */
export function countWork({ tags }: LevelPlan, words: Uint32Array, ran: number, widths: readonly number[]): Work {
  const nodes: number[] = [];
  let macs = 0;
  let bytes = 0;
  for (let r = 0; r < ran; r++) {
    macs += words[r * ROW_WORDS + WORD_MACS];
    bytes += words[r * ROW_WORDS + WORD_BYTES_READ];
    const { layer, nodes: kind } = tags[r];
    if (kind === "none") continue;
    const units = words[r * ROW_WORDS + WORD_UNITS];
    nodes[layer] = typeof kind === "number" ? kind : Math.min(widths[layer], kind === "added" ? nodes[layer] + units : units);
  }
  return { macs, bytes, nodes };
}

/** How many rungs a run that ended before row `ran` went through. */
export function rungsOf(plan: LevelPlan, ran: number): number {
  let rungs = 1;
  while (plan.rungEnds[rungs - 1] < ran) rungs++;
  return rungs;
}
