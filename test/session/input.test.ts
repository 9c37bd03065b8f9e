import { expect, test } from "vitest";
import { writeInput } from "../../src/session/input.ts";
import type { QueryInput } from "../../src/session/input-parts.ts";

const written = (input: unknown, width = 4): number[] => {
  const dense = new Float32Array(width).fill(9);
  const list = { count: new Uint32Array(1), indices: new Uint32Array(width), values: new Float32Array(width) };
  expect(writeInput(input as QueryInput, { dense, list }, { readsNonZerosOnly: false })).toBe(0);
  return [...dense];
};

function handedOver<View extends ArrayBufferView>(view: View): View {
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
  return view;
}

test("takes every form of an input", () => {
  expect(written(Float32Array.of(1, 0, -2, 0.5))).toEqual([1, 0, -2, 0.5]);
  expect(written([1, 0, -2, 0.5])).toEqual([1, 0, -2, 0.5]);
  expect(written(Float64Array.of(1, 0, -2, 0.5))).toEqual([1, 0, -2, 0.5]);
  expect(written(Uint8ClampedArray.of(1, 0, 255, 300))).toEqual([1, 0, 255, 255]);
  expect(written(BigInt64Array.of(1n, 0n, -2n, 5n))).toEqual([1, 0, -2, 5]);
  expect(written(BigUint64Array.of(1n, 0n, 2n, 5n))).toEqual([1, 0, 2, 5]);
  expect(written({ indices: [2, 0], values: [-2, 1] })).toEqual([1, 0, -2, 0]);
  expect(written({ indices: Uint32Array.of(2, 0), values: Float32Array.of(-2, 1) })).toEqual([1, 0, -2, 0]);
  expect(written({ indices: new Uint32Array(0), values: new Float32Array(0) })).toEqual([0, 0, 0, 0]);
  expect(written({ indices: Uint8Array.of(3), values: Int8Array.of(-7) })).toEqual([0, 0, 0, -7]);
  expect(written({ dtype: "float32", shape: [4], data: Float32Array.of(1, 2, 3, 4) })).toEqual([1, 2, 3, 4]);
  expect(written({ dtype: "uint8", shape: [1, 2, 2], data: Uint8Array.of(1, 2, 3, 255) })).toEqual([1, 2, 3, 255]);
  expect(written({ dtype: "int64", shape: [1, 4], data: BigInt64Array.of(1n, -2n, 3n, 4n) })).toEqual([1, -2, 3, 4]);
  expect(written({ dtype: "float64", shape: [4, 1], data: Float64Array.of(1, 2, 3, 0.25) })).toEqual([1, 2, 3, 0.25]);
});

test("repeated indices add up", () => {
  expect(written({ indices: Uint32Array.of(1, 1, 3, 1), values: Float32Array.of(1, 2, 5, 4) })).toEqual([0, 7, 0, 5]);
});

test.each<[string, unknown, RegExp]>([
  ["too few numbers", new Float32Array(3), /^input: got 3 numbers, expected 4$/],
  ["too many numbers", [1, 2, 3, 4, 5], /^input: got 5 numbers, expected 4$/],
  ["text among numbers", [1, "2", 3, 4], /^input: got "2" at position 1, expected numbers$/],
  ["a hole", new Array(4), /got nothing at position 0/],
  ["big integers among numbers", [1, 2, 3, 4n], /got a bigint at position 3/],
  ["nothing", undefined, /got nothing, expected a Float32Array of 4/],
  ["null", null, /got null/],
  ["text", "1,2,3,4", /got "1,2,3,4"/],
  ["too few numbers of another type", new Float64Array(3), /got 3 numbers, expected 4/],
  ["a DataView alone", new DataView(new ArrayBuffer(16)), /got DataView/],
  ["an object", { numbers: [1, 2, 3, 4] }, /got an object/],
  ["an object without a constructor", Object.create(null), /got an object/],
  ["indices alone", { indices: Uint32Array.of(1) }, /got Uint32Array and nothing/],
  ["text for values", { indices: [1], values: "2" }, /got a list of 1 and "2", expected indices and values as lists of numbers/],
  ["text among indices", { indices: ["1"], values: [2] }, /got index "1" at position 0/],
  ["a symbol among indices", { indices: [Symbol("1")], values: [2] }, /got index a symbol at position 0/],
  ["what has no text among indices", { indices: [Object.create(null)], values: [2] }, /got index an object at position 0/],
  ["text among values", { indices: [1], values: ["2"] }, /got "2" at position 0, expected numbers/],
  ["a DataView", { indices: new DataView(new ArrayBuffer(4)), values: Float32Array.of(1) }, /got DataView/],
  ["64-bit indices", { indices: BigInt64Array.of(1n), values: Float32Array.of(1) }, /got BigInt64Array/],
  ["64-bit values", { indices: [1], values: BigUint64Array.of(1n) }, /got a list of 1 and BigUint64Array/],
  ["more indices than values", { indices: Uint32Array.of(1, 2), values: Float32Array.of(1) }, /got 2 indices and 1 values/],
  [
    "an index past the end",
    { indices: Uint32Array.of(1, 4), values: Float32Array.of(1, 1) },
    /got index 4 at position 1, expected a whole number from 0 to 3/,
  ],
  ["an index below 0", { indices: Int32Array.of(-1), values: Float32Array.of(1) }, /got index -1/],
  ["half an index", { indices: Float32Array.of(0.5), values: Float32Array.of(1) }, /got index 0.5/],
  ["NaN as an index", { indices: Float32Array.of(Number.NaN), values: Float32Array.of(1) }, /got index NaN/],
  [
    "values that were handed over",
    { indices: new Uint32Array(0), values: handedOver(Float32Array.of(1)) },
    /got buffers that were handed over/,
  ],
  ["indices that were handed over", { indices: handedOver(Uint32Array.of(1)), values: [] }, /got buffers that were handed over/],
  ["numbers that were handed over", handedOver(new Float32Array(4)), /got 0 numbers, expected 4/],
  ["a tensor of another size", { shape: [3], data: new Float32Array(3) }, /got a tensor of shape \[3\] and 3 numbers, expected 4/],
  ["a shape that is not its data's", { shape: [4], data: new Float32Array(5) }, /shape \[4\] and 5 numbers/],
  ["negative sizes", { shape: [-2, -2], data: new Float32Array(4) }, /shape \[-2, -2\]/],
  ["a symbol as a size", { shape: [Symbol("4")], data: new Float32Array(4) }, /shape \[a symbol\] and 4 numbers/],
  ["more sizes than a message holds", { shape: new Array(1e5).fill(2), data: new Float32Array(4) }, /^.{50,100}$/],
  ["a shape that is a number", { shape: 4, data: new Float32Array(4) }, /shape 4 and data Float32Array/],
  ["data that is missing", { shape: [4], data: null }, /data null/],
])("refuses %s", (_, input, message) => {
  expect(() => written(input)).toThrow(message);
  expect(() => written(input)).toThrow(expect.objectContaining({ code: "bad-input" }));
});
