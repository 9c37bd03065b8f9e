// Judging outcomes against dense and against the labels, row by row.

import { isRight, type Labels } from "../model/rows.ts";

/** One setting's verdicts, one entry a row. */
export interface Verdict {
  /** +1 where dense is right and the setting wrong, −1 the other way round, 0 otherwise. Without labels: 1 where they disagree. */
  differences: Int8Array;
  disagreements: Uint8Array;
  /** Whether the setting is right; null without labels. */
  right: Uint8Array | null;
}

export function judge(answers: Uint32Array, dense: Uint32Array, labels: Labels | null): Verdict {
  const n = answers.length;
  const differences = new Int8Array(n);
  const disagreements = new Uint8Array(n);
  const right = labels ? new Uint8Array(n) : null;
  for (let r = 0; r < n; r++) {
    disagreements[r] = answers[r] === dense[r] ? 0 : 1;
    if (labels && right) {
      right[r] = isRight(labels, r, answers[r]) ? 1 : 0;
      differences[r] = (isRight(labels, r, dense[r]) ? 1 : 0) - right[r];
    } else differences[r] = disagreements[r];
  }
  return { differences, disagreements, right };
}

export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}
