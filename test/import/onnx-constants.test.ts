// Values that are known at import, and operators on the way that change nothing: what they come to, and what of them is refused.
import { expect, test } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { importOnnx } from "../../src/import/onnx.ts";
import type { DenseLayer } from "../../src/model/model.ts";
import { bytes, float, int, list, node, onnx, tensor, text, varint } from "./write-onnx.ts";

const dense = node("MatMul", ["x", "w"], ["h"]);
const add = node("Add", ["h", "c"], ["y"]);
const attribute = (key: string, type: number, ...content: number[]) => bytes(5, [...text(1, key), ...content, ...int(20, type)]);
/** A constant `c` of one attribute. */
const constant = (key: string, type: number, ...content: number[]) => [...node("Constant", [], ["c"]), ...attribute(key, type, ...content)];
const packed = (...values: number[]) => bytes(7, new Uint8Array(Float32Array.from(values).buffer));
const imported = async (nodes: number[][], tensors: number[][] = [], opset = 13): Promise<DenseLayer> =>
  (await importOnnx(onnx({ nodes, tensors, opset }), { name: "m" })).layers[0];

test.each<[string, number[][], number[][], number[]]>([
  ["a float", [constant("value_float", 1, ...float(2, 2)), add], [], [2, 2, 2]],
  ["a float that is left out, being 0", [constant("value_float", 1), add], [], [0, 0, 0]],
  ["floats", [constant("value_floats", 6, ...packed(1, 2, 3)), add], [], [1, 2, 3]],
  ["a tensor", [constant("value", 4, ...bytes(5, tensor("", [3], [4, 5, 6]))), add], [], [4, 5, 6]],
  [
    "an integer, cast",
    [constant("value_int", 2, ...int(3, 7)), node("Cast", ["c"], ["f"], { to: 1 }), node("Add", ["h", "f"], ["y"])],
    [],
    [7, 7, 7],
  ],
  [
    "integers, cast",
    [
      constant("value_ints", 7, ...bytes(8, [1, 2, 3].flatMap(varint))),
      node("Cast", ["c"], ["f"], { to: 1 }),
      node("Add", ["h", "f"], ["y"]),
    ],
    [],
    [1, 2, 3],
  ],
  [
    "lists put together",
    [node("Concat", ["b", "b"], ["bb"], { axis: 0 }), node("Gather", ["bb", "i"], ["c"]), add],
    [list("i", [3, -1, 1])],
    [0.5, -1, 0.25],
  ],
  [
    "a part of a list",
    [node("Slice", ["v", "one", "four"], ["c"]), add],
    [tensor("v", [5], [9, 1, 2, 3, 9]), list("one", [1]), list("four", [4])],
    [1, 2, 3],
  ],
  [
    "the shape of another",
    [node("Shape", ["table"], ["s"]), node("Reshape", ["row", "s"], ["c"]), add],
    [tensor("table", [3], [0, 0, 0]), tensor("row", [1, 3], [1, 2, 3])],
    [1, 2, 3],
  ],
  ["a sum that is spread", [node("Add", ["p", "q"], ["c"]), add], [tensor("p", [1, 3], [1, 2, 3]), tensor("q", [1], [10])], [11, 12, 13]],
  ["behind Dropout", [node("Dropout", ["h"], ["d"]), node("Add", ["d", "b"], ["y"])], [], [0.5, 0.25, -1]],
  [
    "behind Dropout that is told not to train",
    [node("Dropout", ["h", "r", "t"], ["d"]), node("Add", ["d", "b"], ["y"])],
    [tensor("r", [], [0.5]), tensor("t", [], [0])],
    [0.5, 0.25, -1],
  ],
  ["of the operator set's full name", [node("Add", ["h", "b"], ["y"], {}, "ai.onnx")], [], [0.5, 0.25, -1]],
])("a bias of %s", async (_, nodes, tensors, bias) => {
  const layer = await imported([dense, ...nodes], tensors);
  expect(layer.weight).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
  expect([...layer.bias]).toEqual(bias);
});

test("a part of a list by attributes, as before operator set 10", async () => {
  const slice = node("Slice", ["v"], ["c"], { starts: [1], ends: [4] });
  expect([...(await imported([dense, slice, add], [tensor("v", [5], [9, 1, 2, 3, 9])], 9)).bias]).toEqual([1, 2, 3]);
});

test.each<[string, number[][], number[][], ErrorCode, RegExp]>([
  ["a constant of no value", [node("Constant", [], ["c"]), add], [], "unsupported", /got no value, expected a tensor, floats or integers/],
  ["a sparse constant", [constant("sparse_value", 11), add], [], "unsupported", /got a sparse tensor, expected/],
  ["one input of two", [node("Mul", ["b"], ["c"]), add], [], "bad-file", /\(Mul\): got 1 inputs, expected at least 2/],
  [
    "shapes that do not go together",
    [node("Add", ["b", "v"], ["c"]), add],
    [tensor("v", [2], [1, 2])],
    "bad-model",
    /got shapes \[3\] and \[2\], expected shapes that broadcast/,
  ],
  [
    "tables put together",
    [node("Concat", ["w", "w"], ["c"], { axis: 0 }), add],
    [],
    "unsupported",
    /\(Concat\): got tensors of several dimensions, expected lists/,
  ],
  [
    "lists put together along an axis they lack",
    [node("Concat", ["b", "b"], ["c"], { axis: 1 }), add],
    [],
    "bad-file",
    /got axis 1, expected one of 1/,
  ],
  [
    "rows of a table",
    [node("Gather", ["w", "i"], ["c"]), add],
    [list("i", [0])],
    "unsupported",
    /\(Gather\): got tensors of several dimensions, expected lists/,
  ],
  ["an element past the end", [node("Gather", ["b", "i"], ["c"]), add], [list("i", [3])], "bad-file", /got axis 3, expected one of 3/],
  [
    "elements along an axis that is not there",
    [node("Gather", ["b", "i"], ["c"], { axis: 1 }), add],
    [list("i", [0])],
    "bad-file",
    /got axis 1, expected one of 1/,
  ],
  ["a part without an end", [node("Slice", ["b"], ["c"], { starts: [0] }), add], [], "bad-file", /got no starts or ends, expected both/],
  [
    "every other element",
    [node("Slice", ["b", "i", "i", "", "two"], ["c"]), add],
    [list("i", [0]), list("two", [2])],
    "unsupported",
    /expected a plain part of a list/,
  ],
  [
    "a part along an axis that is not there",
    [node("Slice", ["b", "i", "j", "j"], ["c"]), add],
    [list("i", [0]), list("j", [1])],
    "bad-file",
    /got axis 1, expected one of 1/,
  ],
  [
    "a shape that is not a number",
    [node("Cast", ["nan"], ["s"], { to: 7 }), node("Reshape", ["b", "s"], ["c"]), add],
    [tensor("nan", [1], [Number.NaN])],
    "unsupported",
    /\(Cast\): got NaN cast to int64, expected/,
  ],
  [
    "integers divided by zero",
    [node("Div", ["i", "i"], ["s"]), node("Reshape", ["b", "s"], ["c"]), add],
    [list("i", [0])],
    "unsupported",
    /\(Div\): got integers past 31 bits, which may not fit their type/,
  ],
  ["a cast to bool", [node("Cast", ["b"], ["c"], { to: 9 }), add], [], "unsupported", /got a cast of constants to bool, expected float/],
  ["a cast to nothing", [node("Cast", ["b"], ["c"], { to: 99 }), add], [], "unsupported", /got a cast of constants to element type 99/],
  [
    "a shape of floats",
    [node("Reshape", ["b", "v"], ["c"]), add],
    [tensor("v", [1], [3])],
    "bad-file",
    /got 1 numbers \[1\] for a shape or axes, expected a short list of integers/,
  ],
  [
    "a shape that is a table",
    [node("Reshape", ["b", "v"], ["c"]), add],
    [[...int(1, 1), ...int(1, 1), ...int(2, 7), ...text(8, "v"), ...bytes(7, varint(3))]],
    "bad-file",
    /got 1 numbers \[1, 1\] for a shape or axes/,
  ],
  [
    "Dropout that trains",
    [node("Dropout", ["h", "r", "t"], ["d"]), node("Add", ["d", "b"], ["y"])],
    [tensor("r", [], [0.5]), tensor("t", [], [1])],
    "unsupported",
    /\(Dropout\): got training mode, expected inference/,
  ],
])("%s is refused", async (_, nodes, tensors, code, message) => {
  await expect(imported([dense, ...nodes], tensors)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});
