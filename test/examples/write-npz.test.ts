import { expect, test } from "vitest";
import { csrFile, labelFile } from "../../examples/data/write-npz.ts";
import { readTable, toLabels, toRows } from "../../src/cli/data/data.ts";

const rows = [
  { indices: Uint32Array.of(1, 5), values: Float32Array.of(0.5, -2) },
  { indices: new Uint32Array(0), values: new Float32Array(0) },
  { indices: Uint32Array.of(0), values: Float32Array.of(1) },
];

test("rows are read back as they were written", async () => {
  expect(toRows(await readTable(csrFile(rows, 7), "rows.npz", "inputs"), "rows.npz")).toEqual({
    kind: "csr",
    count: 3,
    width: 7,
    indptr: Uint32Array.of(0, 2, 2, 3),
    indices: Uint32Array.of(1, 5, 0),
    values: Float32Array.of(0.5, -2, 1),
  });
});

test("labels are read back as they were written, none, one or several a row", async () => {
  const file = labelFile([Uint32Array.of(2, 3), new Uint32Array(0), Uint32Array.of(0)], 4);
  expect(toLabels(await readTable(file, "labels.npz", "labels"), "labels.npz", 3, 4)).toEqual({
    kind: "multi",
    count: 3,
    indptr: Uint32Array.of(0, 2, 2, 3),
    indices: Uint32Array.of(2, 3, 0),
  });
});

test("the same rows make the same bytes", () => expect(csrFile(rows, 7)).toEqual(csrFile(rows, 7)));
