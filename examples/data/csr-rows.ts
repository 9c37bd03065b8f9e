// Sparse inputs one behind the other, as a batch.

import type { Rows, SparseInput } from "../../src/model/rows.ts";

/** Rows of `width` columns in compressed sparse row form. */
export function csrRows(inputs: readonly SparseInput[], width: number): Extract<Rows, { kind: "csr" }> {
  const count = inputs.length;
  const indptr = new Uint32Array(count + 1);
  for (const [r, { indices }] of inputs.entries()) indptr[r + 1] = indptr[r] + indices.length;
  const indices = new Uint32Array(indptr[count]);
  const values = new Float32Array(indptr[count]);
  for (const [r, input] of inputs.entries()) {
    indices.set(input.indices, indptr[r]);
    values.set(input.values, indptr[r]);
  }
  return { kind: "csr", count, width, indptr, indices, values };
}
