// Test rows as dense vectors, ready to be asked.

import { type Rows, rowOf } from "../../src/model/rows.ts";
import { writtenOut } from "../peers/peers.ts";

/** The first `most` rows. */
export function inputsOf(rows: Rows, most: number): Float32Array[] {
  return Array.from({ length: Math.min(most, rows.count) }, (_, r) => {
    const row = rowOf(rows, r);
    return row instanceof Float32Array ? row.slice() : writtenOut(row, new Float32Array(rows.width));
  });
}
