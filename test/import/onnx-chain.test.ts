import { expect, test } from "vitest";
import { importOnnx } from "../../src/import/onnx.ts";
import { forward } from "../../src/model/forward.ts";
import { bytes, float, list, node, onnx, tensor, text, value } from "./write-onnx.ts";

const read = (file: Uint8Array) => importOnnx(file, { name: "m" });
const dense = node("MatMul", ["x", "w"], ["h"]);
const refusal = (message: string) => expect.objectContaining({ name: "SlonnError", code: "unsupported", message });
const clip = (min: number, max?: number) => [
  ...node("Clip", ["h"], ["y"]),
  ...bytes(5, [...text(1, "min"), ...float(2, min)]),
  ...(max === undefined ? [] : bytes(5, [...text(1, "max"), ...float(2, max)])),
];
const zero = tensor("zero", [], [0]);
const six = tensor("six", [1], [6]);

test.each<[string, number[], number]>([
  ["Max", node("Max", ["h", "zero"], ["y"]), 13],
  ["Max, the bound first", node("Max", ["zero", "h"], ["y"]), 13],
  ["Max of zeros", node("Max", ["h", "zeros"], ["y"]), 13],
  ["Clip", node("Clip", ["h", "zero"], ["y"]), 13],
  ["Clip with an empty bound", node("Clip", ["h", "zero", ""], ["y"]), 13],
  ["Clip by attributes", clip(0), 10],
  ["Clip below the largest float", clip(0, 3.4028234663852886e38), 10],
])("%s from 0 up is relu", async (_, part, opset) => {
  const { layers } = await read(onnx({ nodes: [dense, part], tensors: [zero, tensor("zeros", [1, 3], [0, 0, 0])], opset }));
  expect(layers.map(({ activation }) => activation)).toEqual(["relu"]);
});

test.each<[string, number[], number, string]>([
  ["Clip to 6", node("Clip", ["h", "zero", "six"], ["y"]), 13, '"clip1" (Clip): got a range from 0 to 6'],
  ["Clip to 6 by attributes", clip(0, 6), 10, '"clip1" (Clip): got a range from 0 to 6'],
  ["Clip from above", node("Clip", ["h", "", "six"], ["y"]), 13, '"clip1" (Clip): got a range from -Infinity to 6'],
  ["Max with 6", node("Max", ["h", "six"], ["y"]), 13, '"max1" (Max): got a range from 6 to Infinity'],
  ["Max of one", node("Max", ["h"], ["y"]), 13, '"max1" (Max): got 1 inputs'],
  ["Max with a vector", node("Max", ["h", "b"], ["y"]), 13, '"max1" (Max): got a bound that is no single constant'],
])("%s is refused by its bounds", async (_, part, opset, got) => {
  await expect(read(onnx({ nodes: [dense, part], tensors: [zero, six], opset }))).rejects.toThrow(
    refusal(`m: node ${got}, expected a bound of 0 from below alone, which is Relu`),
  );
});

test("PRelu of one slope is leaky relu, of several it is refused", async () => {
  const slope = tensor("slope", [1, 1], [0.25]);
  const { layers } = await read(onnx({ nodes: [dense, node("PRelu", ["h", "slope"], ["y"])], tensors: [slope] }));
  expect(layers.map(({ activation, alpha }) => [activation, alpha])).toEqual([["leaky-relu", 0.25]]);
  for (const slopes of ["b", "h"])
    await expect(read(onnx({ nodes: [dense, node("PRelu", ["x", slopes], ["y"])] }))).rejects.toMatchObject({ code: "unsupported" });
});

test("x times the sigmoid of 1.702 x is refused by its name", async () => {
  const nodes = [dense, node("Mul", ["h", "k"], ["s"]), node("Sigmoid", ["s"], ["t"]), node("Mul", ["h", "t"], ["y"])];
  await expect(read(onnx({ nodes, tensors: [tensor("k", [], [1.702])] }))).rejects.toThrow(
    expect.objectContaining({
      message: expect.stringMatching(/got the activation quick Gelu \(x times the sigmoid of 1\.702 x\), expected one of identity, relu/),
    }),
  );
});

const flatten = (slice: number[]) => [
  node("Shape", ["x"], ["shape"]),
  slice,
  node("Concat", ["batch", "two"], ["target"], { axis: 0 }),
  node("Reshape", ["x", "target"], ["flat"]),
  node("MatMul", ["flat", "w"], ["y"]),
];
const lists = [list("two", [2]), list("at", [0]), list("to", [1]), list("back", [-3]), list("last", [-2]), list("step", [2])];

test.each<[string, number[], number]>([
  ["inputs", node("Slice", ["shape", "at", "to", "at"], ["batch"]), 13],
  ["places from the end", node("Slice", ["shape", "back", "last"], ["batch"]), 13],
  ["attributes", node("Slice", ["shape"], ["batch"], { starts: [0], ends: [1], axes: [0] }), 9],
])("the batch size is cut out of a shape by Slice with %s", async (_, slice, opset) => {
  const model = await read(onnx({ nodes: flatten(slice), tensors: lists, inputs: [value("x", ["n", 1, 2])], opset }));
  expect(Array.from(forward(model, Float32Array.of(1, 1)))).toEqual([5, 7, 9]);
});

const unknown: [string, number[]][] = [
  ["sizes without numbers", value("x", ["n", "c", "w"])],
  ["no shape", value("x", null)],
];

test.each(unknown)("the batch size is read from a shape of %s", async (_, input) => {
  const pieces: [number[][], number][] = [
    [flatten(node("Slice", ["shape", "at", "to"], ["batch"])), 13],
    [flatten(node("Gather", ["shape", "at"], ["batch"])), 13],
    [[node("Shape", ["x"], ["batch"], { start: 0, end: 1 }), ...flatten([]).slice(2)], 18],
    [
      [
        node("Shape", ["x"], ["shape"]),
        node("Cast", ["shape"], ["i"], { to: 6 }),
        ...flatten(node("Gather", ["i", "at"], ["batch"])).slice(1),
      ],
      13,
    ],
  ];
  for (const [nodes, opset] of pieces) {
    const model = await read(onnx({ nodes, tensors: lists, inputs: [input], opset }));
    expect(Array.from(forward(model, Float32Array.of(1, 1)))).toEqual([5, 7, 9]);
  }
});

const [first, second, third] = ["at", "to", "step"].map((at, i) => node("Gather", ["shape", at], [`d${i}`]));
const sized = (...nodes: number[][]) => [
  node("Shape", ["x"], ["shape"]),
  first,
  second,
  third,
  ...nodes,
  node("MatMul", ["f", "w"], ["y"]),
];

test.each<[string, number[][]]>([
  ["the product of the others", [node("Mul", ["d1", "d2"], ["m"]), node("Concat", ["d0", "m"], ["t"], { axis: 0 })]],
  ["their difference is not the number of samples", [node("Sub", ["d1", "d2"], ["m"]), node("Concat", ["d0", "m"], ["t"], { axis: 0 })]],
])("a reshape to sizes that are not known: %s", async (_, nodes) => {
  const file = onnx({ nodes: sized(...nodes, node("Reshape", ["x", "t"], ["f"])), tensors: lists, inputs: [value("x", ["n", "c", "w"])] });
  expect(Array.from(forward(await read(file), Float32Array.of(1, 1)))).toEqual([5, 7, 9]);
});

test.each<[string, number[][], RegExp]>([
  [
    "as the first of a reshape",
    [node("Concat", ["d1", "d0"], ["t"], { axis: 0 }), node("Reshape", ["x", "t"], ["f"])],
    /\(Reshape\): got a shape \[\?, \?\] that spreads samples over other axes, expected the batch first$/,
  ],
  [
    "times the number of samples",
    [node("Mul", ["d0", "d1"], ["t"]), node("Reshape", ["x", "t"], ["f"])],
    /\(Mul\): got arithmetic with the number of samples, expected that number as it is$/,
  ],
  [
    "as a value",
    [node("Cast", ["d1"], ["c"], { to: 1 }), node("Div", ["x", "c"], ["f"])],
    /\(Cast\): got an open size as a value, expected one sample's own values and constants$/,
  ],
  [
    "as the end of a part",
    [node("Slice", ["b", "at", "d1"], ["s"]), node("Add", ["x", "s"], ["f"])],
    /\(Slice\): got more than a list or other than neighbours, expected a plain part of a list$/,
  ],
])("a size that is not known is refused %s", async (_, nodes, message) => {
  await expect(read(onnx({ nodes: sized(...nodes), tensors: lists, inputs: [value("x", ["n", "c", "w"])] }))).rejects.toThrow(
    expect.objectContaining({ code: "unsupported", message: expect.stringMatching(message) }),
  );
});

test.each<[string, number[][]]>([
  ["a matrix", [node("Slice", ["w", "at", "to"], ["s"]), node("MatMul", ["x", "s"], ["y"])]],
  ["a list in steps", [node("Slice", ["b", "at", "to", "at", "step"], ["s"]), dense, node("Add", ["h", "s"], ["y"])]],
  [
    "a list by the number of samples",
    [
      node("Shape", ["x"], ["shape"]),
      node("Gather", ["shape", "at"], ["n"]),
      node("Slice", ["b", "at", "n"], ["s"]),
      dense,
      node("Add", ["h", "s"], ["y"]),
    ],
  ],
])("a part of %s is refused", async (_, nodes) => {
  await expect(read(onnx({ nodes, tensors: lists }))).rejects.toThrow(
    refusal('m: node "slice1" (Slice): got more than a list or other than neighbours, expected a plain part of a list'),
  );
});

test.each([[[1, 8]], [[1, 2, 4]], [[1, -1]]])("a fixed batch of 4 put into one row of shape %j is refused for that", async (shape) => {
  const nodes = [node("Reshape", ["x", "s"], ["f"]), node("MatMul", ["f", "w"], ["y"])];
  await expect(read(onnx({ nodes, tensors: [list("s", shape)], inputs: [value("x", [4, 2])] }))).rejects.toThrow(
    refusal(
      `m: node "reshape1" (Reshape): got a shape [${shape.join(", ")}] that spreads samples over other axes, expected the batch first`,
    ),
  );
});

test.each<[string, number[][], (number | string)[]]>([
  ["as a number", [node("Reshape", ["x", "s"], ["f"])], [4, 2]],
  [
    "taken from a shape",
    [node("Shape", ["x"], ["n2"]), node("Concat", ["one", "n2"], ["t"], { axis: 0 }), node("Reshape", ["x", "t"], ["f"])],
    ["n", 2],
  ],
])("a reshape may put axes of size 1 before the batch, named %s", async (_, reshape, dims) => {
  const nodes = [...reshape, node("MatMul", ["f", "w"], ["h"]), node("Softmax", ["h"], ["y"])];
  const tensors = [list("s", [1, 4, 2]), list("one", [1])];
  const model = await read(onnx({ nodes, tensors, inputs: [value("x", dims)] }));
  expect(model.layers.map(({ inputs, outputs, activation }) => [inputs, outputs, activation])).toEqual([[2, 3, "softmax"]]);
  const across = [...reshape, node("MatMul", ["f", "w"], ["h"]), node("Softmax", ["h"], ["y"], { axis: 1 })];
  await expect(read(onnx({ nodes: across, tensors, inputs: [value("x", dims)] }))).rejects.toMatchObject({ code: "unsupported" });
});

test.each([22, 28])("operator set %d is read", async (opset) => {
  expect((await read(onnx({ nodes: [dense, node("Relu", ["h"], ["y"])], opset }))).layers.length).toBe(1);
});

const across = node("Transpose", ["x"], ["t"], { perm: [1, 0] });
const columns = [across, node("MatMul", ["v", "t"], ["h"])];
const v = tensor("v", [3, 2], [1, 4, 2, 5, 3, 6]);

test("samples may stand in columns on the way", async () => {
  const nodes = [...columns, node("Softmax", ["h"], ["s"], { axis: 0 }), node("Transpose", ["s"], ["y"], { perm: [1, 0] })];
  const { layers } = await read(onnx({ nodes, tensors: [v] }));
  expect(layers.map(({ activation }) => activation)).toEqual(["softmax"]);
  expect(Array.from(layers[0].weight as Float32Array)).toEqual([1, 4, 2, 5, 3, 6]);
});

test.each<[string, number[][]]>([
  ["reshape", [...columns, node("Reshape", ["h", "rows"], ["y"])]],
  ["flatten", [...columns, node("Flatten", ["h"], ["y"])]],
  ["reshape that puts them behind", [dense, node("Reshape", ["h", "behind"], ["y"])]],
])("samples in columns are not mixed by a %s", async (_, nodes) => {
  await expect(read(onnx({ nodes, tensors: [v, list("rows", [-1, 3]), list("behind", [1, 3, -1])] }))).rejects.toThrow(
    expect.objectContaining({
      code: "unsupported",
      message: expect.stringMatching(/with samples along axis \d, expected the batch first$/),
    }),
  );
});

test("softmax over all numbers of all samples is refused, in one row too", async () => {
  const nodes = [dense, node("Reshape", ["h", "row"], ["r"]), node("Softmax", ["r"], ["y"], { axis: 1 })];
  await expect(read(onnx({ nodes, tensors: [list("row", [1, -1])] }))).rejects.toThrow(
    /\(Softmax\): got axis 1, which runs over the batch/,
  );
});

test("squeeze without axes leaves the samples their axis", async () => {
  const nodes = [node("Squeeze", ["x"], ["t"]), node("Gemm", ["t", "w", "b"], ["y"])];
  const model = await read(onnx({ nodes, inputs: [value("x", ["n", 1, 2])] }));
  expect(Array.from(forward(model, Float32Array.of(1, 1)))).toEqual([5.5, 7.25, 8]);
});

test.each<[string, number, number[], string]>([
  ["twice the number of samples", 2, node("Mul", ["n", "k"], ["m"]), "mul1"],
  ["its square", 1, node("Mul", ["n", "n"], ["m"]), "mul1"],
  ["one divided by it", 1, node("Div", ["k", "n"], ["m"]), "div1"],
])("%s is not taken for it", async (_, k, arithmetic, name) => {
  const nodes = [
    ...[dense, node("Shape", ["h"], ["shape"]), node("Gather", ["shape", "at"], ["n"]), arithmetic],
    ...[node("Concat", ["m", "rest"], ["target"], { axis: 0 }), node("Reshape", ["h", "target"], ["r"]), node("Softmax", ["r"], ["y"])],
  ];
  await expect(read(onnx({ nodes, tensors: [list("at", [0]), list("k", [k]), list("rest", [-1])] }))).rejects.toThrow(
    expect.objectContaining({ code: "unsupported", message: expect.stringContaining(`"${name}"`) }),
  );
});

test("one times the number of samples is still read as that number", async () => {
  const nodes = [
    ...[dense, node("Shape", ["h"], ["shape"]), node("Gather", ["shape", "at"], ["n"]), node("Mul", ["k", "n"], ["m"])],
    ...[node("Concat", ["m", "rest"], ["target"], { axis: 0 }), node("Reshape", ["h", "target"], ["r"]), node("Softmax", ["r"], ["y"])],
  ];
  const { layers } = await read(onnx({ nodes, tensors: [list("at", [0]), list("k", [1]), list("rest", [-1])] }));
  expect(layers.map(({ activation }) => activation)).toEqual(["softmax"]);
});

test("a number of three dimensions puts one before the batch of an input without a shape", async () => {
  const nodes = [node("Sub", ["x", "one"], ["s"]), node("MatMul", ["s", "w"], ["h"]), node("Softmax", ["h"], ["y"], { axis: 1 })];
  await expect(read(onnx({ nodes, tensors: [tensor("one", [1, 1, 1], [1])], inputs: [value("x", null)] }))).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringMatching(/\(Softmax\): got axis 1 of values of shape \[1, 1, 3\]/),
  });
});

test("Unsqueeze puts an axis before or after the batch of an input without a shape", async () => {
  const unsqueezed = (axis: string, ...nodes: number[][]) =>
    read(
      onnx({
        nodes: [node("Unsqueeze", ["x", axis], ["u"]), node("MatMul", ["u", "w"], ["h"]), ...nodes],
        tensors: [list("first", [0]), list("second", [1])],
        inputs: [value("x", null)],
      }),
    );
  // that is the batch
  await expect(unsqueezed("first", node("Softmax", ["h"], ["y"], { axis: 1 }))).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringMatching(/\(Softmax\): got axis 1 of values of shape \[1, 1, 3\]/),
  });
  const model = await unsqueezed("second", node("Squeeze", ["h", "second"], ["y"]));
  expect(Array.from(forward(model, Float32Array.of(1, 1)))).toEqual([5, 7, 9]);
});
