// Compressed sparse rows made canonical: columns ascending and distinct within each row. It knows no file format.

import { refusal } from "../../errors.ts";

export interface SparseRows {
  /** [count + 1] */
  indptr: Uint32Array;
  indices: Uint32Array;
  values: Float32Array;
}

/** Sorts each row by column and adds up values of repeated columns, in place; the results are views of the same arrays. */
export function canonical({ indptr, indices, values }: SparseRows): SparseRows {
  let kept = 0;
  let from = indptr[0];
  for (let r = 0; r + 1 < indptr.length; r++) {
    const to = indptr[r + 1];
    if (!isAscending(indices, from, to)) sortRow(indices, values, from, to);
    const rowStart = kept;
    let sum = 0; // in doubles, as values of a column may cancel each other
    for (let i = from; i < to; i++) {
      if (kept === rowStart || indices[kept - 1] !== indices[i]) {
        indices[kept++] = indices[i];
        sum = 0;
      }
      sum += values[i];
      values[kept - 1] = sum;
    }
    indptr[r + 1] = kept;
    from = to;
  }
  return { indptr, indices: indices.subarray(0, kept), values: values.subarray(0, kept) };
}

/** @throws SlonnError `bad-input` naming the first row that holds NaN or infinity. */
export function checkSparseFinite({ indptr, indices, values }: SparseRows, name: string): void {
  for (let i = 0, row = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    while (indptr[row + 1] <= i) row++;
    throw refusal("bad-input", `${name}: row ${row}, column ${indices[i]}`, values[i], "a finite number");
  }
}

function isAscending(indices: Uint32Array, from: number, to: number): boolean {
  for (let i = from + 1; i < to; i++) if (indices[i - 1] >= indices[i]) return false;
  return true;
}

function sortRow(indices: Uint32Array, values: Float32Array, from: number, to: number): void {
  const order = Array.from({ length: to - from }, (_, i) => from + i).sort((a, b) => indices[a] - indices[b]);
  const [columns, held] = [order.map((i) => indices[i]), order.map((i) => values[i])];
  indices.set(columns, from);
  values.set(held, from);
}
