import { expect, test } from "vitest";
import { idxFile } from "../../examples/data/write-idx.ts";
import { readIdx } from "../../src/cli/data/idx.ts";

test.each([Uint8Array.of(0, 1, 254, 255, 7, 8), Int16Array.of(-32768, -1, 0, 1, 258, 32767)])("what is written is read", (data) => {
  expect(readIdx(idxFile([3, 1, 2], data), "x")).toMatchObject({ shape: [3, 1, 2], data });
});
