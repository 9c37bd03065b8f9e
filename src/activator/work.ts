// Reading from a plan that has run what it did: every row leaves its counts in its last words.

import { ROW_WORDS, WORD_BYTES_READ, WORD_MACS, WORD_UNITS } from "../engine/generated/abi.ts";
import type { LevelPlan } from "./level-plan.ts";

/** What a run did: multiply-adds, weight bytes read, and active nodes per layer. */
export interface Work {
  macs: number;
  bytes: number;
  nodes: number[];
}

/** Sums rows 0 … `ran` − 1 into `work`. `words` is the plan's table, `widths` the nodes of each layer. */
export function countWork(plan: LevelPlan, words: Uint32Array, ran: number, widths: readonly number[], work: Work): void {
  const { nodes } = work;
  let macs = 0;
  let bytes = 0;
  nodes.fill(0);
  for (let r = 0; r < ran; r++) {
    macs += words[r * ROW_WORDS + WORD_MACS];
    bytes += words[r * ROW_WORDS + WORD_BYTES_READ];
    const { layer, nodes: kind } = plan.tags[r];
    if (kind === "none") continue;
    const units = words[r * ROW_WORDS + WORD_UNITS];
    nodes[layer] = Math.min(widths[layer], kind === "added" ? nodes[layer] + units : units);
  }
  work.macs = macs;
  work.bytes = bytes;
}

/** How many rungs a run that ended before row `ran` went through. */
export function rungsOf(plan: LevelPlan, ran: number): number {
  let rungs = 1;
  while (plan.rungEnds[rungs - 1] < ran) rungs++;
  return rungs;
}
