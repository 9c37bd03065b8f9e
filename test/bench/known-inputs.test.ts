import { expect, test } from "vitest";
import { countKnownInputs } from "../../bench/evaluate/known-inputs.ts";
import { csrRows } from "../../examples/data/csr-rows.ts";
import type { Rows } from "../../src/model/rows.ts";

const denseRows = (...rows: [number, number][]): Rows => ({
  kind: "dense",
  count: rows.length,
  width: 2,
  data: Float32Array.from(rows.flat()),
});
const listed = (indices: number[], values: number[]) => ({ indices: Uint32Array.from(indices), values: Float32Array.from(values) });

test("a row is known where another part has its very input, however often", () => {
  expect(countKnownInputs(denseRows([1, 2], [2, 1], [1, 2], [0, 0]), [denseRows([1, 2], [5, 5]), denseRows([1, 2])])).toBe(2);
  expect(countKnownInputs(denseRows([1, 2]), [])).toBe(0);
});

test("of lists both indices and values have to be the same", () => {
  const others = [csrRows([listed([1, 4], [0.5, 1])], 9)];
  expect(countKnownInputs(csrRows([listed([1, 4], [0.5, 1]), listed([1, 4], [1, 0.5]), listed([4], [1])], 9), others)).toBe(1);
});
