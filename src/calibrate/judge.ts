// Judging outcomes against dense and against the labels, row by row, by the best answer or by the best few.

import { topDepth } from "../activator/level-plan.ts";
import { isRight, type Labels, sameAnswers } from "../model/rows.ts";
import type { Outcome } from "./evaluate.ts";

/** What a setting answered: of each row the best, and the best few. */
export type Answers = Pick<Outcome, "answers" | "tops">;

/** One setting's verdicts, one entry a row. */
export interface Verdict {
  /** Dense's precision minus the setting's: of one answer +1 where dense alone is right, −1 the other way round. Without labels: 1 where they disagree. */
  differences: Float32Array;
  /** 1 where the best answer, or the set of the best `depth`, is not dense's. */
  disagreements: Uint8Array;
  /** The share of the best `depth` answers that are right; null without labels. */
  precision: Float32Array | null;
}

/** @param depth how many of the best answers count: the k of precision@k and agreement@k, 1 to `topDepth` */
export function judge(answers: Answers, dense: Answers, labels: Labels | null, depth = 1): Verdict {
  const n = answers.answers.length;
  const differences = new Float32Array(n);
  const disagreements = new Uint8Array(n);
  const precision = labels ? new Float32Array(n) : null;
  for (let r = 0; r < n; r++) {
    const best = bestOf(answers, r, depth);
    const denseBest = bestOf(dense, r, depth);
    disagreements[r] = sameAnswers(best, denseBest) ? 0 : 1;
    if (labels && precision) {
      const right = rightOf(labels, r, best);
      precision[r] = right / best.length;
      differences[r] = (rightOf(labels, r, denseBest) - right) / best.length;
    } else differences[r] = disagreements[r];
  }
  return { differences, disagreements, precision };
}

function bestOf({ answers, tops }: Answers, r: number, depth: number): Uint32Array {
  return depth === 1 ? answers.subarray(r, r + 1) : tops.subarray(r * topDepth, r * topDepth + depth);
}

function rightOf(labels: Labels, r: number, best: Uint32Array): number {
  let right = 0;
  for (const answer of best) if (isRight(labels, r, answer)) right++;
  return right;
}

export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}
