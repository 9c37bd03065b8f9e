import { expect, test } from "vitest";
import { importOnnx } from "../../src/import/onnx.ts";
import { bytes, int, node, onnx, tensor, text, value } from "./write-onnx.ts";

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
