import { describe, expect, test } from "vitest";
import { checkLabels, checkRows, isRight, type Labels, type Rows, rowOf, takeLabels, takeRows } from "../../src/model/rows.ts";
import { compressed, madeUpRows } from "../made-up-models.ts";

const rows = madeUpRows(20, 7, 1);
const sparse = compressed(rows);
const which = Uint32Array.of(3, 19, 3, 0);

function dense(of: Rows, r: number): number[] {
  const row = rowOf(of, r);
  if (row instanceof Float32Array) return [...row];
  const out = new Array<number>(of.width).fill(0);
  row.indices.forEach((i, n) => {
    out[i] += row.values[n];
  });
  return out;
}

test("both kinds hold the same rows, also when some are taken", () => {
  for (let r = 0; r < 20; r++) expect(dense(sparse, r)).toEqual(dense(rows, r));
  for (const kind of [rows, sparse]) {
    const taken = takeRows(kind, which);
    expect(taken.count).toBe(4);
    checkRows("taken", taken, 7);
    which.forEach((r, i) => {
      expect(dense(taken, i)).toEqual(dense(rows, r));
    });
    expect(takeRows(kind, new Uint32Array(0)).count).toBe(0);
  }
});

test("labels are taken like rows", () => {
  const classes: Labels = { kind: "class", count: 20, classes: Uint32Array.from({ length: 20 }, (_, r) => r % 3) };
  const multi: Labels = { kind: "multi", count: 3, indptr: Uint32Array.of(0, 2, 2, 3), indices: Uint32Array.of(5, 1, 4) };
  expect([...which.keys()].map((i) => isRight(takeLabels(classes, which), i, which[i] % 3))).toEqual([true, true, true, true]);
  expect(isRight(classes, 4, 2)).toBe(false);
  const taken = takeLabels(multi, Uint32Array.of(2, 1, 0));
  expect([isRight(taken, 0, 4), isRight(taken, 0, 5), isRight(taken, 1, 5), isRight(taken, 2, 5), isRight(taken, 2, 1)]).toEqual([
    true,
    false,
    false,
    true,
    true,
  ]);
});

describe("refuses labels that", () => {
  const classes = Uint32Array.of(0, 4, 2);
  const multi: Labels = { kind: "multi", count: 3, indptr: Uint32Array.of(0, 2, 2, 3), indices: Uint32Array.of(0, 4, 1) };
  const check = (labels: unknown) => () => checkLabels("x", labels as Labels, 3, 5);

  test("are wrong, and lets those pass that are right", () => {
    check({ kind: "class", count: 3, classes })();
    check(multi)();
  });

  test.each<[string, unknown, RegExp]>([
    ["are too few", { kind: "class", count: 2, classes }, /^x: got 2, expected 3, one a row$/],
    [
      "say they are more than they are",
      { kind: "class", count: 3, classes: classes.slice(1) },
      /^x: got 2 classes, expected 3, one a row$/,
    ],
    [
      "say they are fewer than they are",
      { kind: "class", count: 3, classes: Uint32Array.of(0, 4, 2, 1) },
      /^x: got 4 classes, expected 3, one a row$/,
    ],
    [
      "count from one",
      { kind: "class", count: 3, classes: Uint32Array.of(1, 5, 3) },
      /^x: got label 5 at position 1, expected a whole number from 0 to 4$/,
    ],
    [
      "are below zero",
      { kind: "class", count: 3, classes: Int32Array.of(0, 1, -1) },
      /^x: got label -1 at position 2, expected a whole number from 0 to 4$/,
    ],
    ["are no array", { kind: "class", count: 3, classes: "012" }, /^x: got "012", expected a Uint32Array$/],
    ["are a plain list", { kind: "class", count: 3, classes: [0, 1, 2] }, /^x: got a list of 3, expected a Uint32Array$/],
    ["are counted by no number", { kind: "class", count: Object.create(null), classes }, /^x: got an object, expected 3, one a row$/],
    ["are of no kind", { kind: "odd", count: 3, classes }, /^x: got kind "odd", expected kind "class" or "multi"$/],
    ["begin behind their begin", { ...multi, indptr: Uint32Array.of(1, 2, 2, 3) }, /row pointers from 1 to 3, expected 4 from 0 to 3$/],
    ["are of more rows", { ...multi, indptr: Uint32Array.of(0, 2, 2, 3, 3) }, /got 5 row pointers from 0 to 3, expected 4 from 0 to 3$/],
    ["point past their end", { ...multi, indptr: Uint32Array.of(0, 2, 2, 4) }, /row pointers from 0 to 4, expected 4 from 0 to 3$/],
    [
      "have pointers that descend",
      { ...multi, indptr: Uint32Array.of(0, 3, 2, 3) },
      /^x: got row pointer 2 after 3, expected ascending ones$/,
    ],
    ["are between classes", { kind: "class", count: 3, classes: Float32Array.of(0, 1.5, 2) as never }, /^x: got label 1.5 at position 1/],
    ["are 64-bit integers", { kind: "class", count: 3, classes: BigInt64Array.of(0n, 1n, 2n) as never }, /^x: got label 0n at position 0/],
    ["have pointers that are missing", { ...multi, indptr: undefined }, /^x: got row pointers as nothing, expected a Uint32Array$/],
    [
      "are none in any row",
      { ...multi, indptr: new Uint32Array(4), indices: new Uint32Array(0) },
      /^x: got no label in any row, expected at least one$/,
    ],
    [
      "name a class there is not",
      { ...multi, indices: Uint32Array.of(0, 5, 1) },
      /^x: got label 5 at position 1, expected a whole number from 0 to 4$/,
    ],
  ])("%s", (_, labels, message) => {
    expect(check(labels)).toThrow(expect.objectContaining({ code: "bad-input", message: expect.stringMatching(message) }));
  });
});

describe("refuses batches that contradict themselves", () => {
  test.each<[string, Rows, RegExp]>([
    ["another width", rows, /^x: got rows of 7 numbers, expected 8$/],
    ["too few numbers", { ...rows, width: 8 }, /^x: got 140 numbers, expected 20 x 8$/],
    ["nothing", undefined as unknown as Rows, /^x: got nothing, expected kind "dense" or "csr"$/],
    ["another kind", { ...rows, kind: "coo" } as unknown as Rows, /^x: got kind "coo", expected kind "dense" or "csr"$/],
    ["no count", { ...rows, count: undefined } as unknown as Rows, /^x: got nothing as count, expected a whole number$/],
    [
      "a plain list",
      { ...rows, width: 8, data: [...rows.data] } as unknown as Rows,
      /got numbers as a list of 140, expected a Float32Array/,
    ],
    [
      "doubles",
      { ...rows, width: 8, data: Float64Array.from(rows.data) } as unknown as Rows,
      /got numbers as Float64Array, expected a Float32Array/,
    ],
    [
      "plain row pointers",
      { ...sparse, width: 8, indptr: [0] } as unknown as Rows,
      /got row pointers as a list of 1, columns as Uint32Array, expected a Uint32Array of each/,
    ],
    ["too few row pointers", { ...sparse, width: 8, count: 21 }, /^x: got 21 row pointers from 0, expected 22 from 0$/],
    ["fewer than no rows", { ...rows, width: 8, count: -1 }, /^x: got 140 numbers, expected -1 x 8$/],
    ["half a row", { ...rows, width: 8, count: 17.5 }, /^x: got 17.5 as count, expected a whole number$/],
    [
      "row pointers that begin behind the first number",
      { ...sparse, width: 8, indptr: sparse.indptr.map((v, i) => (i === 0 ? 1 : v)) },
      /^x: got 21 row pointers from 1, expected 21 from 0$/,
    ],
    [
      "numbers in no row",
      { ...sparse, width: 8, indices: Uint32Array.of(...sparse.indices, 0), values: Float32Array.of(...sparse.values, 1) },
      /^x: got (\d+) columns and \1 values, expected \d+ of both$/,
    ],
    ["columns that are missing", { ...sparse, width: 8, indices: sparse.indices.slice(1) }, /columns and .* values, expected/],
    ["columns as a plain list", { ...sparse, width: 8, indices: [...sparse.indices] } as unknown as Rows, /columns as a list of/],
    [
      "columns below zero",
      { ...sparse, width: 8, indices: Int32Array.from(sparse.indices, () => -7) } as unknown as Rows,
      /columns as Int32Array/,
    ],
    [
      "columns as 64-bit integers",
      { ...sparse, width: 8, indices: new BigInt64Array(sparse.indices.length) } as unknown as Rows,
      /columns as BigInt/,
    ],
    ["values that are missing", { ...sparse, width: 8, values: sparse.values.slice(1) }, /columns and .* values, expected/],
    [
      "row pointers that descend",
      { ...sparse, width: 8, indptr: sparse.indptr.map((v, i) => (i === 3 ? 99 : v)) },
      /got row pointer \d+ after 99, expected ascending ones/,
    ],
    [
      "a column that does not exist",
      { ...sparse, width: 8, indices: sparse.indices.map((v, i) => (i === 3 ? 8 : v)) },
      /got column 8, expected below 8/,
    ],
    ["a count that is no number", { ...sparse, width: 8, count: Object.create(null) }, /got an object as count, expected a whole number/],
    ["a width that is no number", { ...sparse, width: Object.create(null) }, /got rows of an object numbers, expected 8/],
    [
      "infinity",
      { ...sparse, width: 8, values: sparse.values.map((v, i) => (i === 3 ? Number.POSITIVE_INFINITY : v)) },
      /got Infinity, expected finite numbers/,
    ],
  ])("%s", (_, batch, message) => {
    expect(() => checkRows("x", batch, 8)).toThrow(message);
    expect(() => checkRows("x", batch, 8)).toThrow(expect.objectContaining({ code: "bad-input" }));
  });
});
