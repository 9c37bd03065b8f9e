import { expect, test } from "vitest";
import { idxFile } from "../../examples/data/write-idx.ts";
import { readIdx } from "../../src/cli/data/idx.ts";

test.each([Uint8Array.of(0, 1, 254, 255, 7, 8), Int16Array.of(-32768, -1, 0, 1, 258, 32767)])("what is written is read", (data) => {
  expect(readIdx(idxFile([3, 1, 2], data), "x")).toMatchObject({ shape: [3, 1, 2], data });
});

test.each([5, 7])("%d numbers for 3 rows of 2 are refused: rows behind the odd one would not be those of their labels", (count) => {
  expect(() => idxFile([3, 2], new Uint8Array(count))).toThrow(`numbers: got ${count}, expected 6`);
});
