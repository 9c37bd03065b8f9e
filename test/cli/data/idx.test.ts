import { describe, expect, test } from "vitest";
import { readIdx } from "../../../src/cli/data/idx.ts";
import { idxFile } from "./build-files.ts";

describe("idx", () => {
  test("reads every type, big-endian", () => {
    expect(readIdx(idxFile(0x08, [1, 3], Uint8Array.of(0, 7, 255)), "x")).toEqual({
      dtype: "uint8",
      shape: [1, 3],
      data: Uint8Array.of(0, 7, 255),
    });
    expect(readIdx(idxFile(0x09, [2], Uint8Array.of(1, 255)), "x").data).toEqual(Int8Array.of(1, -1));
    expect(readIdx(idxFile(0x0b, [2], Uint8Array.of(1, 0, 255, 254)), "x").data).toEqual(Int16Array.of(256, -2));
    expect(readIdx(idxFile(0x0c, [1], Uint8Array.of(0, 0, 1, 0)), "x").data).toEqual(Int32Array.of(256));
    expect(readIdx(idxFile(0x0d, [1], Uint8Array.of(0x3f, 0xc0, 0, 0)), "x").data).toEqual(Float32Array.of(1.5));
    expect(readIdx(idxFile(0x0e, [1], Uint8Array.of(0x3f, 0xf8, 0, 0, 0, 0, 0, 0)), "x").data).toEqual(Float64Array.of(1.5));
  });

  test.each([
    ["truncated numbers", idxFile(0x08, [2, 3], new Uint8Array(5)), /got 5 bytes of numbers, expected 6/],
    ["too many numbers", idxFile(0x08, [2, 3], new Uint8Array(7)), /got 7 bytes of numbers, expected 6/],
    [
      "sizes that overflow",
      idxFile(0x08, [0xffffffff, 0xffffffff], new Uint8Array(5)),
      /got sizes \(4294967295, 4294967295\), expected a product below 2\^53/,
    ],
    ["truncated sizes", idxFile(0x08, [2, 3], new Uint8Array(0)).subarray(0, 7), /got 7 bytes, expected 12 for 2 sizes/],
    ["an unknown type", idxFile(0x0a, [1], new Uint8Array(1)), /got no IDX signature/],
  ])("refuses %s", (_, file, message) => {
    expect(() => readIdx(file, "x.idx")).toThrow(message);
  });
});
