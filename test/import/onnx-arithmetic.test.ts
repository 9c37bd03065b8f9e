// What operators on constants come to: each result is the bias of a layer, so that a whole file is read. Expected numbers are those of
// ONNX Runtime 1.30.
import { expect, test } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { importOnnx } from "../../src/import/onnx.ts";
import { bytes, int, list, node, onnx, tensor, text } from "./write-onnx.ts";

const dense = node("MatMul", ["x", "w"], ["h"]);
const add = node("Add", ["h", "c"], ["y"]);
const table = tensor("t", [2, 3], [1, -2, 3, -4, 5, -6]);
const cube = tensor("t", [2, 3, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
const biasOf = async (nodes: number[][], tensors: number[][], opset: number): Promise<number[]> => [
  ...(await importOnnx(onnx({ nodes: [dense, ...nodes, add], tensors, opset }), { name: "m" })).layers[0].bias,
];
const near = (values: number[]) => values.map((v) => expect.closeTo(v, 5));

test.each<[operator: string, expected: number[]]>([
  ["Sqrt", [Math.SQRT2, 0.5, 3]],
  ["Reciprocal", [0.5, 4, 1 / 9]],
  ["Exp", [Math.exp(2), Math.exp(0.25), Math.exp(9)]],
  ["Neg", [-2, -0.25, -9]],
  ["Abs", [2, 0.25, 9]],
])("%s", async (operator, expected) => {
  const found = await biasOf([node(operator, ["v"], ["c"])], [tensor("v", [3], [2, 0.25, 9])], 13);
  expect(found.map((v, i) => v / expected[i])).toEqual(near([1, 1, 1]));
});

test("Pow by a number, float or integer", async () => {
  const squares = [4, 0.0625, 81];
  const v = tensor("v", [3], [2, -0.25, 9]);
  expect(await biasOf([node("Pow", ["v", "two"], ["c"])], [v, tensor("two", [], [2])], 13)).toEqual(squares);
  expect(await biasOf([node("Pow", ["v", "two"], ["c"])], [v, list("two", [2])], 13)).toEqual(squares);
});

test("signs of integers", async () => {
  const shape = [node("Neg", ["i"], ["n"]), node("Abs", ["n"], ["s"]), node("Reshape", ["row", "s"], ["c"])];
  expect(await biasOf(shape, [list("i", [3]), tensor("row", [1, 3], [1, 2, 3])], 13)).toEqual([1, 2, 3]);
});

const reductions: [operator: string, expected: number[]][] = [
  ["ReduceSum", [-3, 3, -3]],
  ["ReduceProd", [-4, -10, -18]],
  ["ReduceMean", [-1.5, 1.5, -1.5]],
  ["ReduceL1", [5, 7, 9]],
  ["ReduceL2", [Math.sqrt(17), Math.sqrt(29), Math.sqrt(45)]],
  ["ReduceSumSquare", [17, 29, 45]],
  ["ReduceMax", [1, 5, 3]],
  ["ReduceMin", [-4, -2, -6]],
];
test.each(reductions)("%s along an axis, named by attribute or input", async (operator, expected) => {
  for (const axis of [0, -2]) {
    const byInput = node(operator, ["t", "axes"], ["c"], { keepdims: 0 });
    expect(await biasOf([byInput], [table, list("axes", [axis])], 18)).toEqual(near(expected));
    const byAttribute = node(operator, ["t"], ["c"], { axes: [axis] }); // keeps the axis: [1, 3] is a bias as well
    expect(await biasOf([byAttribute], [table], 11)).toEqual(near(expected));
  }
});

test("a reduction along several axes, all, or none", async () => {
  const axes = list("axes", [0, 2]);
  expect(await biasOf([node("ReduceSum", ["t", "axes"], ["c"], { keepdims: 0 })], [cube, axes], 13)).toEqual([18, 26, 34]);
  const all = [node("ReduceSum", ["t"], ["s"], { keepdims: 0 }), node("Add", ["b", "s"], ["c"])];
  expect(await biasOf(all, [table], 13)).toEqual([-2.5, -2.75, -4]);
  const none = node("ReduceSumSquare", ["b"], ["c"], { noop_with_empty_axes: 1 });
  expect(await biasOf([none], [], 18)).toEqual([0.25, 0.0625, 1]);
});

test("weights of weight normalization: g · v / ‖v‖, a norm per column", async () => {
  const nodes = [
    node("ReduceL2", ["w"], ["norm"], { axes: [0] }),
    node("Div", ["w", "norm"], ["unit"]),
    node("Mul", ["unit", "b"], ["scaled"]),
    node("MatMul", ["x", "scaled"], ["y"]),
  ];
  const { weight } = (await importOnnx(onnx({ nodes, opset: 13 }), { name: "m" })).layers[0];
  const norms = [Math.sqrt(17), Math.sqrt(29), Math.sqrt(45)];
  const scale = [0.5, 0.25, -1].map((g, i) => g / norms[i]);
  expect([...(weight as Float32Array)]).toEqual(near([1 * scale[0], 4 * scale[0], 2 * scale[1], 5 * scale[1], 3 * scale[2], 6 * scale[2]]));
});

test("the size of what is flattened, as a product of sizes of a shape", async () => {
  const nodes = [
    node("Shape", ["x"], ["s"]),
    node("Slice", ["s", "one", "three"], ["inner"]),
    node("ReduceProd", ["inner"], ["size"]),
    node("Concat", ["minus", "size"], ["target"], { axis: 0 }),
    node("Reshape", ["x", "target"], ["flat"]),
    node("MatMul", ["flat", "w"], ["y"]),
  ];
  const inputs = [
    [
      ...text(1, "x"),
      ...bytes(2, bytes(1, [...int(1, 1), ...bytes(2, [bytes(1, text(2, "n")), bytes(1, int(1, 2)), bytes(1, int(1, 1))].flat())])),
    ],
  ];
  const tensors = [list("one", [1]), list("three", [3]), list("minus", [-1])];
  const { layers } = await importOnnx(onnx({ nodes, tensors, inputs, opset: 13 }), { name: "m" });
  expect(layers[0]).toMatchObject({ inputs: 2, outputs: 3 });
});

test("Expand, to a shape that is spread itself", async () => {
  expect(await biasOf([node("Expand", ["v", "s"], ["c"])], [tensor("v", [1], [7]), list("s", [3])], 13)).toEqual([7, 7, 7]);
  expect(await biasOf([node("Expand", ["v", "s"], ["c"])], [tensor("v", [3], [1, 2, 3]), list("s", [1])], 13)).toEqual([1, 2, 3]);
});

const quarter = tensor("half", [], [0.25]);
test.each<[string, number[][], number[][], ErrorCode, RegExp]>([
  ["the root of integers", [node("Sqrt", ["i"], ["c"])], [list("i", [3])], "unsupported", /\(Sqrt\): got integers, expected floats/],
  [
    "integers to the power of floats",
    [node("Pow", ["i", "half"], ["c"])],
    [list("i", [3]), quarter],
    "unsupported",
    /got integers with floats/,
  ],
  [
    "the mean of integers",
    [node("ReduceMean", ["i"], ["c"])],
    [list("i", [3, 4])],
    "unsupported",
    /\(ReduceMean\): got integers, expected floats/,
  ],
  [
    "an axis there is not",
    [node("ReduceSum", ["b", "a"], ["c"])],
    [list("a", [1])],
    "bad-file",
    /\(ReduceSum\): got axis 1, expected one of 1/,
  ],
  [
    "a product of integers too large",
    [node("ReduceProd", ["i"], ["s"]), node("Reshape", ["b", "s"], ["c"])],
    [list("i", [65536, 65536])],
    "unsupported",
    /\(ReduceProd\): got integers past 31 bits/,
  ],
  ["Expand to a shape that does not fit", [node("Expand", ["b", "s"], ["c"])], [list("s", [2])], "bad-model", /got shapes \[3\] and \[2\]/],
  [
    "Expand to a size below 0",
    [node("Expand", ["b", "s"], ["c"])],
    [list("s", [-1])],
    "unsupported",
    /got shape \[-1\], expected known sizes/,
  ],
  [
    "Expand to a billion numbers",
    [node("Expand", ["v", "s"], ["c"])],
    [tensor("v", [1], [7]), list("s", [1e9])],
    "unsupported",
    /got a graph that makes more than \d+ numbers/,
  ],
  ["Expand without a shape", [node("Expand", ["b"], ["c"])], [], "bad-file", /got 1 inputs, expected at least 2/],
])("%s is refused", async (_, nodes, tensors, code, message) => {
  await expect(biasOf(nodes, tensors, 13)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});
