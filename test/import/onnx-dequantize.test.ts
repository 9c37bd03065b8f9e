// Weights stored as integers, read as the floats they stand for.
import { expect, test } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { importOnnx } from "../../src/import/onnx.ts";
import { bytes, int, node, onnx, tensor, text } from "./write-onnx.ts";

const eightBits = (name: string, dims: number[], values: number[], elementType = 3) => [
  ...dims.flatMap((n) => int(1, n)),
  ...int(2, elementType),
  ...text(8, name),
  ...bytes(9, Uint8Array.from(values)),
];
const q = eightBits("q", [2, 3], [1, -2, 3, -4, 127, -128]);
const unsigned = eightBits("q", [2, 3], [0, 128, 255, 1, 2, 3], 2);
const weightsOf = async (
  tensors: number[][],
  inputs = ["q", "scale"],
  attributes: Record<string, number> = {},
  opset = 13,
): Promise<number[]> => {
  const nodes = [node("DequantizeLinear", inputs, ["d"], attributes), node("MatMul", ["x", "d"], ["y"])];
  const { layers } = await importOnnx(onnx({ nodes, tensors, opset }), { name: "m" });
  return [...(layers[0].weight as Float32Array)];
};

test("one scale for all", async () => {
  expect(await weightsOf([q, tensor("scale", [], [0.5])])).toEqual([0.5, -2, -1, 63.5, 1.5, -64]);
  expect(await weightsOf([q, tensor("scale", [1], [0.5])])).toEqual([0.5, -2, -1, 63.5, 1.5, -64]);
});

test("one scale and zero point for all, of unsigned numbers", async () => {
  const tensors = [unsigned, tensor("scale", [], [0.5]), eightBits("zero", [], [128], 2)];
  expect(await weightsOf(tensors, ["q", "scale", "zero"])).toEqual([-64, -63.5, 0, -63, 63.5, -62.5]);
});

test("a scale per column, which axis 1 names and which is the default, and one per row", async () => {
  const columns = tensor("scale", [3], [1, 0.5, 0.25]);
  for (const attributes of [{}, { axis: 1 }, { axis: -1 }] as Record<string, number>[])
    expect(await weightsOf([q, columns], undefined, attributes)).toEqual([1, -4, -1, 63.5, 0.75, -32]);
  const rows = [q, tensor("scale", [2], [1, 2]), eightBits("zero", [2], [1, 0])];
  expect(await weightsOf(rows, ["q", "scale", "zero"], { axis: 0 })).toEqual([0, -8, -3, 254, 2, -256]);
});

test.each<[string, () => Promise<number[]>, ErrorCode, RegExp]>([
  [
    "scales by blocks",
    () => weightsOf([q, tensor("scale", [2, 3], [1, 1, 1, 1, 1, 1])], undefined, { block_size: 1 }, 21),
    "unsupported",
    /\(DequantizeLinear\): got scales by blocks, expected one for all, or one per channel/,
  ],
  [
    "as many scales as rows along columns",
    () => weightsOf([q, tensor("scale", [2], [1, 2])]),
    "bad-model",
    /got scales or zero points \[2\] for \[2, 3\]/,
  ],
  [
    "one zero point for many scales",
    () => weightsOf([q, tensor("scale", [3], [1, 2, 3]), eightBits("zero", [], [1])], ["q", "scale", "zero"]),
    "bad-model",
    /got scales or zero points \[\] for \[2, 3\]/,
  ],
  ["floats", () => weightsOf([tensor("scale", [], [1])], ["w", "scale"]), "unsupported", /got other than integers with a scale of floats/],
  ["no scale", () => weightsOf([q], ["q"]), "bad-file", /got 1 inputs, expected at least 2/],
  ["an axis there is not", () => weightsOf([q, tensor("scale", [3], [1, 2, 3])], undefined, { axis: 2 }), "bad-file", /got axis 2/],
])("%s are refused", async (_, read, code, message) => {
  await expect(read()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});
