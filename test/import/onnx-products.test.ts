import { expect, test } from "vitest";
import { importOnnx } from "../../src/import/onnx.ts";
import { forward } from "../../src/model/forward.ts";
import { bytes, float, int, node, onnx, tensor, text, value } from "./write-onnx.ts";

const nothing = new Array<number>(12).fill(1);

test.each<[string, Uint8Array, RegExp]>([
  [
    "a fixed batch flattened to one row",
    onnx({
      nodes: [node("Flatten", ["x"], ["f"], { axis: 0 }), node("MatMul", ["f", "v"], ["y"])],
      tensors: [tensor("v", [6, 2], nothing)],
      inputs: [value("x", [3, 2])],
    }),
    /\(MatMul\): got weights for 6 numbers, all 3 samples of the fixed batch in one row, expected one sample's 2/,
  ],
  [
    "a column as input",
    onnx({
      nodes: [node("MatMul", ["v", "x"], ["y"])],
      tensors: [tensor("v", [6, 2], nothing)],
      inputs: [value("x", [2, 1])],
    }),
    /\(MatMul\): got weights \[6, 2\] times \[2, 1\], expected one column of 2 numbers; the first axis of an input counts samples/,
  ],
  [
    "a sparse constant",
    onnx({
      nodes: [
        [...node("Constant", [], ["s"]), ...bytes(5, [...text(1, "sparse_value"), ...int(20, 11)])],
        node("MatMul", ["x", "w"], ["h"]),
        node("Add", ["h", "s"], ["y"]),
      ],
    }),
    /\(Constant\): got a sparse tensor, expected a tensor, floats or integers/,
  ],
])("%s is refused for what it is", async (_, file, message) => {
  await expect(importOnnx(file, { name: "m" })).rejects.toMatchObject({ code: "unsupported", message: expect.stringMatching(message) });
});

/** A Scaler of scikit-learn pipelines from x to s. */
function scaler(offset: number[], scale: number[], domain = "ai.onnx.ml"): number[] {
  const floats = (key: string, values: number[]) => bytes(5, [...text(1, key), ...values.flatMap((v) => float(7, v)), ...int(20, 6)]);
  return [...node("Scaler", ["x"], ["s"], {}, domain), ...floats("offset", offset), ...floats("scale", scale)];
}

const scaled = (part: number[], inputs = [value("x")]) => onnx({ nodes: [part, node("MatMul", ["s", "w"], ["y"])], inputs });

test.each<[number[], number[], number[]]>([
  [
    [1, 2],
    [10, 100],
    [410, 520, 630],
  ],
  [[1], [10, 100], [810, 1020, 1230]],
  [[1, 2], [10], [50, 70, 90]],
])("a Scaler of offset %j and scale %j is folded, of integers too", async (offset, scale, expected) => {
  for (const elementType of [1, 7]) {
    const model = await importOnnx(scaled(scaler(offset, scale), [value("x", ["n", 2], elementType)]), { name: "m" });
    expect(Array.from(forward(model, Float32Array.of(2, 3)))).toEqual(expected);
  }
});

test.each<[string, number[], string, RegExp]>([
  ["without numbers", scaler([], [1, 1]), "bad-file", /\(ai\.onnx\.ml\.Scaler\): got no offset, expected numbers/],
  ["of another width", scaler([1, 2, 3], [1]), "unsupported", /\(ai\.onnx\.ml\.Scaler\): got a constant \[3\] on values of shape \[1, 2\]/],
  ["of another domain", scaler([1], [1], ""), "unsupported", /\(Scaler\): got an operator that is not supported here/],
])("a Scaler %s is refused", async (_, part, code, message) => {
  await expect(importOnnx(scaled(part), { name: "m" })).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});

const [scale, mean, variance] = [tensor("scale", [3], [1, 2, 3]), tensor("mean", [3], [0, 1, 2]), tensor("variance", [3], [1, 4, 9])];
const batchNorm = (outputs: string[], attributes: Record<string, number> = {}) =>
  node("BatchNormalization", ["h", "scale", "b", "mean", "variance"], outputs, attributes);
const normalized = (part: number[], opset: number) =>
  importOnnx(onnx({ nodes: [node("MatMul", ["x", "w"], ["h"]), part], tensors: [scale, mean, variance], opset }), { name: "m" });

test.each<[string, number[], number]>([
  ["by the statistics it gives, before operator set 14", batchNorm(["y", "m1", "v1", "m2", "v2"]), 13],
  ["by its attribute, since", batchNorm(["y", "m1", "v1"], { training_mode: 1 }), 14],
])("batch normalization that trains is refused: told %s", async (_, part, opset) => {
  await expect(normalized(part, opset)).rejects.toMatchObject({ code: "unsupported", message: expect.stringMatching(/training/) });
});

test("batch normalization may leave its other outputs without a name", async () => {
  const { layers } = await normalized(batchNorm(["y", "", "", "", ""]), 9);
  expect(Array.from(layers[0].bias, (v) => Math.round(v * 100) / 100)).toEqual([0.5, -0.75, -3]);
});
