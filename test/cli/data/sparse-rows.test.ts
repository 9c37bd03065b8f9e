// Rows made canonical one by one: what stands in one row is never taken for part of the row before it.

import { expect, test } from "vitest";
import { canonical, checkSparseFinite, type SparseRows } from "../../../src/cli/data/sparse-rows.ts";

const rowsOf = (indptr: number[], indices: number[], values: number[]): SparseRows => ({
  indptr: Uint32Array.from(indptr),
  indices: Uint32Array.from(indices),
  values: Float32Array.from(values),
});

test("a row that begins with the column the row before ends with keeps it", () => {
  const sparse = rowsOf([0, 2, 2, 4, 5], [1, 7, 7, 7, 7], [1, 2, 3, 4, 5]);
  expect(canonical(sparse)).toEqual(rowsOf([0, 2, 2, 3, 4], [1, 7, 7, 7], [1, 2, 7, 5]));
});

test("columns of one row are put in order with their values, those of others stay", () => {
  const sparse = rowsOf([0, 2, 5, 6], [4, 9, 8, 3, 8, 0], [1, 2, 3, 4, 5, 6]);
  expect(canonical(sparse)).toEqual(rowsOf([0, 2, 4, 5], [4, 9, 3, 8, 0], [1, 2, 4, 8, 6]));
});

test("what is not finite is refused by its row and column", () => {
  const sparse = rowsOf([0, 2, 2, 3], [1, 7, 5], [1, 2, Number.NaN]);
  expect(() => checkSparseFinite(sparse, "x")).toThrow("x: row 2, column 5");
});
