// Test rows as dense vectors, ready to be asked.

import { type Rows, rowOf } from "../../src/model/rows.ts";

/** The first `most` rows. */
export function inputsOf(rows: Rows, most: number): Float32Array[] {
  return Array.from({ length: Math.min(most, rows.count) }, (_, r) => {
    const row = rowOf(rows, r);
    if (row instanceof Float32Array) return row.slice();
    const dense = new Float32Array(rows.width);
    row.indices.forEach((at, i) => {
      dense[at] = row.values[i];
    });
    return dense;
  });
}
