import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type ErrorCode, SlonnError } from "../../src/errors.ts";
import { importOnnx } from "../../src/import/onnx.ts";
import { forward } from "../../src/model/forward.ts";
import { floatWeights } from "../../src/model/model.ts";
import { seeded } from "../../src/random.ts";
import { mutate, survives } from "../model/mutations.ts";
import { bytes, float, int, list, node, onnx, tensor, text, value } from "./write-onnx.ts";

const goldens = new URL("goldens/", import.meta.url);
const golden = (file: string) => new Uint8Array(readFileSync(new URL(file, goldens)));
const json = (file: string) => JSON.parse(readFileSync(new URL(file, goldens), "utf8"));
const inputs: Record<string, { rows: number[][] }> = json("inputs.json");
const outputs: Record<string, number[][]> = json("outputs.json");
const external = async (location: string) => golden(location);
const read = (file: Uint8Array, name = "m") => importOnnx(file, { name, external });

test.each(Object.keys(outputs))("%s answers as ONNX Runtime does, to 1e-4 relative", async (name) => {
  const model = await read(golden(`${name}.onnx`), name);
  const largest = Math.max(...outputs[name].flat().map(Math.abs));
  inputs[name].rows.forEach((row, r) => {
    const got = forward(model, Float32Array.from(row));
    expect(got.length).toBe(outputs[name][r].length);
    for (const [i, y] of outputs[name][r].entries())
      expect(Math.abs(got[i] - y)).toBeLessThan(1e-4 * Math.max(Math.abs(y), 0.01 * largest));
  });
});

test("layers carry the names of their nodes and the activations between them", async () => {
  const model = await read(golden("gelu-opset20.onnx"), "g");
  expect(model.layers.map(({ name, inputs, outputs, activation }) => [name, inputs, outputs, activation])).toEqual([
    ["MatMul_a", 6, 8, "gelu"],
    ["MatMul_c", 8, 4, "gelu-tanh"],
    ["MatMul_y", 4, 2, "identity"],
  ]);
  expect(model.name).toBe("g");
});

test("labels that the output does not depend on do not matter", async () => {
  const nodes = [node("MatMul", ["x", "w"], ["y"]), node("ArgMax", ["y"], ["label"])];
  expect((await read(onnx({ nodes }))).layers.length).toBe(1);
});

test("dead nodes, unused weights and old-style inputs for weights do not matter; weights as they are, bit by bit", async () => {
  const model = await read(
    onnx({
      nodes: [node("Conv", ["x", "unused"], ["dead"]), node("MatMul", ["x", "w"], ["h"]), node("Add", ["h", "b"], ["y"])],
      tensors: [tensor("unused", [1], [Number.NaN])],
      inputs: [value("w", [2, 3]), value("x", null), value("b", [3])],
    }),
  );
  expect(model.layers).toEqual([
    {
      name: "matmul1",
      inputs: 2,
      outputs: 3,
      weight: Float32Array.of(1, 4, 2, 5, 3, 6),
      bias: Float32Array.of(0.5, 0.25, -1),
      activation: "identity",
      alpha: 0,
    },
  ]);
});

test("a batch size fixed in the file, in its input and its Reshape, counts as one sample", async () => {
  const model = await read(
    onnx({
      nodes: [node("Reshape", ["x", "s"], ["f"]), node("MatMul", ["f", "w"], ["y"])],
      tensors: [list("s", [32, -1])],
      inputs: [value("x", [32, 1, 2])],
    }),
  );
  expect(Array.from(forward(model, Float32Array.of(1, 1)))).toEqual([5, 7, 9]);
});

const dense = node("MatMul", ["x", "w"], ["h"]);
const scalar = tensor("c", [], [2]);
const externally = (location: string, more: [string, string][] = []) => [
  ...int(1, 3),
  ...int(2, 1),
  ...text(8, "far"),
  ...int(14, 1),
  ...[["location", location], ...more].flatMap(([key, content]) => bytes(13, [...text(1, key), ...text(2, content)])),
];
const far = (tensorBytes: number[]) => onnx({ nodes: [dense, node("Add", ["h", "far"], ["y"])], tensors: [tensorBytes] });

test.each<[string, Uint8Array, SlonnError["code"], string]>([
  ["nothing", new Uint8Array(0), "bad-file", "m: got no graph, expected an ONNX model"],
  ["text", new TextEncoder().encode("hello world"), "bad-file", expect.stringMatching(/^m: /)],
  [
    "an operator outside the list",
    onnx({ nodes: [node("Conv", ["x", "w"], ["y"])] }),
    "unsupported",
    expect.stringMatching(/^m: node "conv1" \(Conv\): got an operator that is not supported here, expected one of Gemm, MatMul, Add,/),
  ],
  [
    "a recurrent layer, and not the shapes an exporter computes for it",
    onnx({
      nodes: [
        node("Shape", ["x"], ["s"]),
        node("ConstantOfShape", ["s"], ["start"]),
        node("LSTM", ["x", "w", "w", "b", "", "start"], ["y"]),
      ],
    }),
    "unsupported",
    expect.stringMatching(/^m: node "lstm1" \(LSTM\): got an operator that is not supported here/),
  ],
  [
    "a convolution, and not the labels behind it",
    onnx({ nodes: [node("Conv", ["x", "w"], ["h"]), node("ArgMax", ["h"], ["y"])] }),
    "unsupported",
    expect.stringMatching(/^m: node "conv1" \(Conv\): got an operator that is not supported here/),
  ],
  [
    "scikit-learn's linear models, and not the labels beside their scores",
    onnx({
      nodes: [node("LinearClassifier", ["x"], ["label", "h"], {}, "ai.onnx.ml"), node("ZipMap", ["h"], ["y"], {}, "ai.onnx.ml")],
      outputs: [value("label"), value("y")],
    }),
    "unsupported",
    expect.stringMatching(/\(ai\.onnx\.ml\.LinearClassifier\): got an operator that is not supported here/),
  ],
  [
    "a linear model, and not the operator sets it does without",
    onnx({ nodes: [node("LinearRegressor", ["x"], ["y"], {}, "ai.onnx.ml")], opset: 0 }),
    "unsupported",
    expect.stringMatching(/\(ai\.onnx\.ml\.LinearRegressor\): got an operator that is not supported here/),
  ],
  [
    "values that are quantised on the way",
    onnx({ nodes: [dense, node("QuantizeLinear", ["h", "c"], ["q"]), node("DequantizeLinear", ["q", "c"], ["y"])], tensors: [scalar] }),
    "unsupported",
    expect.stringMatching(/\(QuantizeLinear\): got an operator of a quantised network, expected one that computes in floats/),
  ],
  [
    "values that arrive quantised",
    onnx({
      nodes: [node("DequantizeLinear", ["x", "c"], ["f"]), node("MatMul", ["f", "w"], ["y"])],
      tensors: [scalar],
      inputs: [value("x", ["n", 2], 2)],
    }),
    "unsupported",
    expect.stringMatching(/\(DequantizeLinear\): got an operator of a quantised network, expected one that computes in floats/),
  ],
  [
    "weights quantised by ONNX Runtime",
    onnx({ nodes: [node("MatMulNBits", ["x", "w"], ["y"], {}, "com.microsoft")] }),
    "unsupported",
    expect.stringMatching(/\(com\.microsoft\.MatMulNBits\): got an operator of a quantised network/),
  ],
  [
    "what ONNX Runtime puts in place of several operators",
    onnx({ nodes: [node("FusedGemm", ["x", "w", "b"], ["y"], {}, "com.microsoft")] }),
    "unsupported",
    expect.stringMatching(/\(com\.microsoft\.FusedGemm\): got an operator that ONNX Runtime writes where it optimises/),
  ],
  ...["", "pkg.torch"].map((domain): [string, Uint8Array, ErrorCode, string] => [
    `a function that the file defines in domain "${domain}"`,
    Uint8Array.from([
      ...onnx({ nodes: [dense, node("Relu", ["h"], ["y"], {}, domain)] }),
      ...bytes(25, [...text(1, "Relu"), ...text(10, domain)]),
    ]),
    "unsupported",
    expect.stringMatching(/Relu\): got a function that the file defines, expected operators/),
  ]),
  [
    "a custom operator of a known name",
    onnx({ nodes: [node("Gemm", ["x", "w"], ["y"], {}, "com.custom")] }),
    "unsupported",
    expect.stringMatching(/^m: node "gemm1" \(com\.custom\.Gemm\): got an operator/),
  ],
  [
    "ArgMax at the end",
    onnx({ nodes: [dense, node("ArgMax", ["h"], ["y"])] }),
    "unsupported",
    expect.stringMatching(
      /\(ArgMax\): got an operator that turns scores into labels, expected the scores as the only output; export the model without it/,
    ),
  ],
  [
    "labels of two kinds",
    onnx({ nodes: [dense, node("TopK", ["h"], ["y"]), node("ArgMax", ["h"], ["z"])], outputs: [value("y"), value("z")] }),
    "unsupported",
    expect.stringMatching(/\(TopK\): got an operator that turns scores into labels/),
  ],
  [
    "an old operator set",
    onnx({ nodes: [dense], outputs: [value("h")], opset: 6 }),
    "unsupported",
    "m: got operator set 6, expected 7 to 28",
  ],
  [
    "a new operator set",
    onnx({ nodes: [dense], outputs: [value("h")], opset: 29 }),
    "unsupported",
    "m: got operator set 29, expected 7 to 28",
  ],
  [
    "a cycle",
    onnx({ nodes: [node("Add", ["x", "y"], ["h"]), node("Relu", ["h"], ["y"])] }),
    "bad-file",
    'm: node "relu1" (Relu): got a cycle back to it, expected a straight chain',
  ],
  [
    "a node that feeds itself",
    onnx({ nodes: [node("Relu", ["y"], ["y"])] }),
    "bad-file",
    'm: node "relu1" (Relu): got a cycle back to it, expected a straight chain',
  ],
  [
    "a missing value",
    onnx({ nodes: [node("Add", ["x", "nowhere"], ["y"])] }),
    "bad-file",
    'm: node "add1" (Add): got input "nowhere", expected a value that something produces',
  ],
  ["a missing output", onnx({ nodes: [dense] }), "bad-file", 'm: got output "y", expected a value that something produces'],
  [
    "two outputs",
    onnx({ nodes: [dense], outputs: [value("h"), value("x")] }),
    "unsupported",
    'm: got 2 outputs ("h", "x"), expected a straight chain from one input to one output; keep one of them (onnx.utils.extract_model)',
  ],
  [
    "two inputs",
    onnx({ nodes: [node("Add", ["x", "z"], ["y"])], inputs: [value("x"), value("z")] }),
    "unsupported",
    'm: got 2 inputs ("x", "z") that the output depends on, expected a straight chain from one',
  ],
  [
    "an initializer twice",
    onnx({ nodes: [dense], tensors: [tensor("w", [1], [1])] }),
    "bad-file",
    'm: initializer "w": got it twice, expected each name once',
  ],
  [
    "a value produced twice",
    onnx({ nodes: [dense, node("Relu", ["x"], ["h"])] }),
    "bad-file",
    'm: node "relu1" (Relu): got output "h", which something else produces too; expected one producer',
  ],
  [
    "a name with a line break",
    onnx({ nodes: [node("Relu", ["a\nb\u2028"], ["y"])] }),
    "bad-file",
    'm: node "relu1" (Relu): got input "a\\nb\\u2028", expected a value that something produces',
  ],
  [
    "a sparse initializer",
    onnx({ nodes: [dense], extra: bytes(15, bytes(1, tensor("s", [1], [1]))) }),
    "unsupported",
    'm: sparse initializer "s": got a sparse tensor, expected a dense one',
  ],
  [
    "a residual",
    onnx({ nodes: [dense, node("Relu", ["h"], ["r"]), node("Add", ["h", "r"], ["y"])] }),
    "unsupported",
    'm: node "relu1" (Relu): got a branch at "h", expected a straight chain (the only branches read are those of Gelu)',
  ],
  [
    "a value times itself",
    onnx({ nodes: [dense, node("Mul", ["h", "h"], ["y"])] }),
    "unsupported",
    'm: node "mul1" (Mul): got a branch at "h", expected a straight chain (the only branches read are those of Gelu)',
  ],
  [
    "SiLU",
    onnx({ nodes: [dense, node("Sigmoid", ["h"], ["s"]), node("Mul", ["h", "s"], ["y"])] }),
    "unsupported",
    'm: node "sigmoid1" (Sigmoid): got the activation SiLU (x times its sigmoid), expected one of identity, relu, leaky-relu, sigmoid, tanh, gelu, gelu-tanh, softmax, log-softmax',
  ],
  [
    "Erf alone",
    onnx({ nodes: [dense, node("Erf", ["h"], ["y"])] }),
    "unsupported",
    expect.stringMatching(/^m: node "erf1" \(Erf\): got an operator that is not supported here/),
  ],
  [
    "an affine step after softmax",
    onnx({ nodes: [dense, node("Softmax", ["h"], ["s"]), node("Mul", ["s", "c"], ["y"])], tensors: [scalar] }),
    "unsupported",
    'm: node "mul1" (Mul): got it after softmax, expected softmax to be the last step',
  ],
  [
    "an affine step after the last activation",
    onnx({ nodes: [dense, node("Relu", ["h"], ["s"]), node("Mul", ["s", "c"], ["y"])], tensors: [scalar] }),
    "unsupported",
    'm: node "mul1" (Mul): got it after the last activation, expected a dense layer before or after it that it can be folded into',
  ],
  [
    "softmax in the middle",
    onnx({ nodes: [dense, node("Softmax", ["h"], ["s"]), node("Gemm", ["s", "v"], ["y"])], tensors: [tensor("v", [3, 1], [1, 1, 1])] }),
    "unsupported",
    'm: node "gemm1" (Gemm): got it after softmax, expected softmax to be the last step',
  ],
  [
    "softmax over the batch, as everything from axis 0 on",
    onnx({ nodes: [dense, node("Softmax", ["h"], ["y"], { axis: 0 })], opset: 11 }),
    "unsupported",
    'm: node "softmax1" (Softmax): got axis 0, which runs over the batch, expected one within each sample',
  ],
  [
    "softmax over the batch of single numbers",
    onnx({
      nodes: [node("MatMul", ["x", "v"], ["h"]), node("Softmax", ["h"], ["y"], { axis: 0 })],
      tensors: [tensor("v", [2, 1], [1, 1])],
    }),
    "unsupported",
    'm: node "softmax1" (Softmax): got axis 0, which runs over the batch, expected one within each sample',
  ],
  [
    "softmax over the batch, where products with a vector leave nothing else",
    onnx({ nodes: [node("MatMul", ["x", "v"], ["h"]), node("Softmax", ["h"], ["y"])], tensors: [tensor("v", [2], [1, 1])] }),
    "unsupported",
    'm: node "softmax1" (Softmax): got axis -1, which runs over the batch, expected one within each sample',
  ],
  ...["MatMul", "Gemm"].map((operator): [string, Uint8Array, ErrorCode, string] => [
    `${operator} without weights`,
    onnx({ nodes: [node(operator, ["x"], ["y"])] }),
    "bad-file",
    `m: node "${operator.toLowerCase()}1" (${operator}): got no input 2, expected weights there`,
  ]),
  [
    "the number of samples among the numbers",
    onnx({
      nodes: [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"]),
        node("Cast", ["n"], ["f"], { to: 1 }),
        node("Div", ["x", "f"], ["d"]),
        node("MatMul", ["d", "w"], ["y"]),
      ],
      tensors: [list("zero", [0])],
    }),
    "unsupported",
    'm: node "cast1" (Cast): got an open size as a value, expected one sample\'s own values and constants',
  ],
  [
    "a reshape that lays samples side by side",
    onnx({
      nodes: [node("Reshape", ["x", "two"], ["r"]), node("MatMul", ["r", "w"], ["y"])],
      tensors: [list("two", [2, -1])],
    }),
    "unsupported",
    'm: node "reshape1" (Reshape): got a shape [2, -1] that spreads samples over other axes, expected the batch first',
  ],
  [
    "constants cast to integers that do not hold them",
    onnx({
      nodes: [node("Cast", ["v"], ["i"], { to: 3 }), node("Cast", ["i"], ["f"], { to: 1 }), node("MatMul", ["x", "f"], ["y"])],
      tensors: [tensor("v", [2, 1], [300, 1])],
    }),
    "unsupported",
    'm: node "cast1" (Cast): got 300 cast to int8, expected -128 to 127',
  ],
  [
    "integers that may not fit their type",
    onnx({
      nodes: [node("Mul", ["a", "a"], ["i"]), node("Cast", ["i"], ["f"], { to: 1 }), node("MatMul", ["x", "f"], ["y"])],
      tensors: [list("a", [100000, 1])],
    }),
    "unsupported",
    'm: node "mul1" (Mul): got integers past 31 bits, which may not fit their type, expected smaller ones',
  ],
  [
    "inputs cast to narrow integers",
    onnx({
      nodes: [node("Cast", ["x"], ["i"], { to: 3 }), node("Cast", ["i"], ["f"], { to: 1 }), node("MatMul", ["f", "w"], ["y"])],
      inputs: [value("x", ["n", 2], 7)],
    }),
    "unsupported",
    'm: node "cast1" (Cast): got a cast to int8, expected one to floats',
  ],
  [
    "control flow, whose branches hide the input",
    onnx({ nodes: [node("If", ["b"], ["y"])] }),
    "unsupported",
    'm: node "if1" (If): got an operator that is not supported here, expected one of Gemm, MatMul, Add, Sub, Mul, Div, BatchNormalization, Relu, Max, Clip, LeakyRelu, PRelu, Sigmoid, Tanh, Gelu, Softmax, LogSoftmax, Flatten, Reshape, Squeeze, Unsqueeze, Transpose, Identity, Dropout, Cast, ai.onnx.ml.Scaler',
  ],
  [
    "softmax over the batch",
    onnx({ nodes: [dense, node("Softmax", ["h"], ["y"], { axis: 0 })] }),
    "unsupported",
    'm: node "softmax1" (Softmax): got axis 0 of values of shape [1, 3], expected the one with all 3 of them',
  ],
  [
    "an activation on the input",
    onnx({ nodes: [node("Relu", ["x"], ["h"]), node("MatMul", ["h", "w"], ["y"])] }),
    "unsupported",
    'm: node "relu1" (Relu): got an activation without a dense layer right before it, expected one (Gemm or MatMul, Linear)',
  ],
  [
    "two activations after one dense layer",
    onnx({ nodes: [dense, node("Relu", ["h"], ["r"]), node("Softmax", ["r"], ["y"])] }),
    "unsupported",
    'm: node "softmax1" (Softmax): got softmax on top of relu, expected one activation for each dense layer',
  ],
  ["no dense layer", onnx({ nodes: [node("Identity", ["x"], ["y"])] }), "unsupported", "m: got no dense layer, expected at least one"],
  [
    "division by the values",
    onnx({ nodes: [dense, node("Div", ["c", "h"], ["y"])], tensors: [scalar] }),
    "unsupported",
    'm: node "div1" (Div): got the chain as another input than the first, expected it first and constants after it',
  ],
  [
    "weights that do not fit",
    onnx({ nodes: [dense, node("MatMul", ["h", "w"], ["y"])] }),
    "bad-model",
    'm: node "matmul1" (MatMul): got values of shape [1, 3], expected 2 numbers, as the weights have',
  ],
  [
    "a bias that does not fit",
    onnx({ nodes: [dense, node("Add", ["h", "d"], ["y"])], tensors: [tensor("d", [2], [1, 2])] }),
    "unsupported",
    'm: node "add1" (Add): got a constant [2] on values of shape [1, 3], expected one that fits each sample',
  ],
  [
    "one weight for many rows",
    onnx({ nodes: [node("MatMul", ["x", "w"], ["y"])], inputs: [value("x", ["n", 5, 2])] }),
    "unsupported",
    'm: node "matmul1" (MatMul): got the same weights for several rows of [1, 5, 2], expected one vector per sample',
  ],
  [
    "a transpose that moves values",
    onnx({
      nodes: [node("Transpose", ["x"], ["t"], { perm: [0, 2, 1] }), dense],
      inputs: [value("x", ["n", 5, 2])],
      outputs: [value("t")],
    }),
    "unsupported",
    expect.stringMatching(/got a transpose that reorders values of shape \[1, 5, 2\]/),
  ],
  [
    "an input of strings",
    onnx({ nodes: [dense], inputs: [value("x", ["n", 2], 8)], outputs: [value("h")] }),
    "unsupported",
    'm: input "x": got element type 8, expected a tensor of floats or integers',
  ],
  [
    "integers without a cast",
    onnx({ nodes: [dense], inputs: [value("x", ["n", 2], 7)], outputs: [value("h")] }),
    "unsupported",
    'm: node "matmul1" (MatMul): got integers, expected a Cast to floats before it (operator set 13)',
  ],
  [
    "a cast to integers",
    onnx({ nodes: [dense, node("Cast", ["h"], ["y"], { to: 7 })] }),
    "unsupported",
    'm: node "cast1" (Cast): got a cast to int64, expected one to floats',
  ],
  [
    "a tensor of strings",
    far([...int(1, 1), ...int(2, 8), ...text(8, "far")]),
    "unsupported",
    'm: tensor "far": got element type 8, expected float, float16, bfloat16, double or an integer type',
  ],
  [
    "fewer bytes than the shape says",
    far([...int(1, 3), ...int(2, 1), ...text(8, "far"), ...bytes(9, [0, 0, 0, 0])]),
    "bad-file",
    'm: tensor "far": got 4 bytes, expected 3 of float [3]',
  ],
  [
    "fewer numbers than the shape says",
    far([...int(1, 3), ...int(2, 1), ...text(8, "far"), ...float(4, 1), ...float(4, 2)]),
    "bad-file",
    'm: tensor "far": got 2 numbers, expected 3 of float [3]',
  ],
  [
    "more numbers than the shape says",
    far([...int(1, 1), ...int(2, 1), ...text(8, "far"), ...float(4, 1), ...float(4, 2)]),
    "bad-file",
    'm: tensor "far": got more numbers, expected 1 of float [1]',
  ],
  [
    "a billion numbers in a few bytes",
    far([...int(1, 1e9), ...int(2, 1), ...text(8, "far")]),
    "bad-file",
    expect.stringMatching(/^m: tensor "far": got a tensor of \d+ bytes in all, expected 1000000000 of float \[1000000000\]$/),
  ],
  [
    "a shape that overflows",
    far([...int(1, 2n ** 62n), ...int(1, 2n ** 62n), ...int(2, 1), ...text(8, "far")]),
    "bad-file",
    'm: tensor "far": got an impossible shape [4611686018427388000, 4611686018427388000], expected sizes of 0 or more',
  ],
  [
    "a negative size",
    far([...int(1, -3), ...int(2, 1), ...text(8, "far")]),
    "bad-file",
    'm: tensor "far": got an impossible shape [-3], expected sizes of 0 or more',
  ],
  [
    "a billion dimensions",
    far([...bytes(1, new Array(1000).fill(1)), ...int(2, 1), ...text(8, "far")]),
    "unsupported",
    "m: tensor: got more than 32 numbers in field 1, expected fewer",
  ],
  [
    "an infinite weight",
    onnx({ nodes: [dense, node("Add", ["h", "d"], ["y"])], tensors: [tensor("d", [3], [1, Infinity, 2])] }),
    "bad-model",
    expect.stringMatching(/got bias\[1\] = Infinity, expected finite numbers/),
  ],
  [
    "a division by zero",
    onnx({ nodes: [dense, node("Div", ["h", "z"], ["y"])], tensors: [tensor("z", [], [0])] }),
    "bad-model",
    expect.stringMatching(/expected finite numbers/),
  ],
  [
    "an outer sum that explodes",
    onnx({
      nodes: [node("Add", ["p", "q"], ["s"]), node("MatMul", ["x", "s"], ["y"])],
      tensors: [tensor("p", [5000, 1], new Array(5000).fill(1)), tensor("q", [1, 5000], new Array(5000).fill(1))],
    }),
    "unsupported",
    expect.stringMatching(/^m: got a graph that makes more than \d+ numbers, expected a smaller one$/),
  ],
  [
    "an external path out of its folder",
    far(externally("../secret")),
    "bad-file",
    'm: tensor "far": got external location "../secret", expected a file beside or below the model',
  ],
  [
    "an absolute external path",
    far(externally("/etc/passwd")),
    "bad-file",
    'm: tensor "far": got external location "/etc/passwd", expected a file beside or below the model',
  ],
  [
    "a URL as external path",
    far(externally("https://x")),
    "bad-file",
    'm: tensor "far": got external location "https://x", expected a file beside or below the model',
  ],
  [
    "an external path that a URL would take upwards",
    far(externally("%2e%2E/secret")),
    "bad-file",
    'm: tensor "far": got external location "%2e%2E/secret", expected a file beside or below the model',
  ],
  [
    "an external offset past the end",
    far(
      externally("external.bin", [
        ["offset", "360"],
        ["length", "12"],
      ]),
    ),
    "bad-file",
    'm: tensor "far": got bytes 360 to 372 of "external.bin", which has 368, expected 3 of float [3]',
  ],
  [
    "an external offset that is none",
    far(externally("external.bin", [["offset", "-1"]])),
    "bad-file",
    'm: tensor "far": got external offset or length "-1", expected a number of bytes',
  ],
  [
    "an external file that is missing",
    far(externally("none.bin")),
    "unreadable",
    'm: tensor "far": got no content of "none.bin", expected its weights there',
  ],
  ["a field past the end", Uint8Array.of(0x3a, 0x7f), "bad-file", "m: ONNX model: got 2 bytes, expected at least 129: it is cut off"],
  [
    "an endless number",
    new Uint8Array(20).fill(0xff),
    "bad-file",
    "m: ONNX model: got a number of more than 10 bytes, expected at most 10",
  ],
  ["a group", Uint8Array.of(0x3b, 0x3c), "bad-file", "m: ONNX model: got wire type 3, expected 0, 1, 2 or 5"],
])("%s is refused", async (_, file, code, message) => {
  const error = await read(file).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SlonnError);
  expect(error).toMatchObject({ code, message });
});

test("a file beside the model is read once, however its path is written", async () => {
  const asked: string[] = [];
  const locations = ["w.bin", "./w.bin", "././w.bin", "w.bin/."];
  const tensors = locations.map((location, i) => [
    ...int(1, 3),
    ...int(2, 1),
    ...text(8, `b${i}`),
    ...int(14, 1),
    ...bytes(13, [...text(1, "location"), ...text(2, location)]),
  ]);
  const nodes = [dense, ...locations.map((_, i) => node("Add", [i ? `s${i}` : "h", `b${i}`], [i < 3 ? `s${i + 1}` : "y"]))];
  const file = onnx({ nodes, tensors });
  const model = await importOnnx(file, {
    name: "m",
    external: async (location) => {
      asked.push(location);
      return new Uint8Array(Float32Array.of(1, 2, 3).buffer);
    },
  });
  expect(asked).toEqual(["w.bin"]);
  expect(Array.from(model.layers[0].bias)).toEqual([4, 8, 12]);
});

test("external data without a length are as long as the shape says", async () => {
  const content = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5).buffer);
  const model = await importOnnx(far(externally("w.bin", [["offset", "4"]])), { name: "m", external: () => content });
  expect(Array.from(model.layers[0].bias)).toEqual([2, 3, 4]);
});

test("weights in another file without a way to read it", async () => {
  await expect(importOnnx(golden("external.onnx"), { name: "m" })).rejects.toMatchObject({
    code: "unreadable",
    message: 'm: tensor "w1": got weights in another file, "external.bin", expected a way to read it (option external)',
  });
});

test("Gelu is found however it is arranged, and only Gelu", async () => {
  const [root, one, half] = [tensor("root", [1], [Math.SQRT2]), tensor("one", [], [1]), tensor("half", [1, 1], [0.5])];
  const tail = node("MatMul", ["g", "v"], ["y"]);
  const tensors = [root, one, half, tensor("v", [3, 1], [1, 1, 1])];
  const erfs = [node("Div", ["h", "root"], ["d"]), node("Erf", ["d"], ["e"]), node("Add", ["one", "e"], ["a"])];
  const doubled = await read(onnx({ nodes: [dense, ...erfs, node("Mul", ["h", "a"], ["g"]), tail], tensors }));
  expect([doubled.layers[0].activation, Array.from(floatWeights(doubled.layers[1]))]).toEqual(["gelu", [2, 2, 2]]);
  const halved = await read(
    onnx({ nodes: [dense, ...erfs, node("Mul", ["a", "half"], ["m"]), node("Mul", ["m", "h"], ["g"]), tail], tensors }),
  );
  expect([halved.layers[0].activation, Array.from(floatWeights(halved.layers[1]))]).toEqual(["gelu", [1, 1, 1]]);
  const wrong = onnx({
    nodes: [dense, ...erfs, node("Mul", ["h", "a"], ["g"]), tail],
    tensors: [tensor("root", [], [1.5]), ...tensors.slice(1)],
  });
  await expect(read(wrong)).rejects.toMatchObject({ code: "unsupported", message: expect.stringMatching(/got a branch at "h"/) });
});

test("a deep graph and many nodes of the same name cost little", async () => {
  const nodes = Array.from({ length: 20000 }, (_, i) => node("Identity", [`v${i}`], [`v${i + 1}`]));
  const squares = Array.from({ length: 3000 }, (_, i) => node("MatMul", [i ? `s${i}` : "v20000", "eye"], [i === 2999 ? "y" : `s${i + 1}`]));
  const model = await read(onnx({ nodes: [...nodes, ...squares], tensors: [tensor("eye", [2, 2], [1, 0, 0, 1])], inputs: [value("v0")] }));
  expect(new Set(model.layers.map(({ name }) => name)).size).toBe(3000);
});

test("the same weights again and again are refused before they fill the memory", async () => {
  const n = 400;
  const nodes = Array.from({ length: 2000 }, (_, i) => node("MatMul", [i ? `s${i}` : "x", "wide"], [i === 1999 ? "y" : `s${i + 1}`]));
  const file = onnx({ nodes, tensors: [tensor("wide", [n, n], new Array(n * n).fill(0))], inputs: [value("x", ["n", n])] });
  await expect(read(file)).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringMatching(/got a network that takes more than \d+ numbers to fold/),
  });
});

test("10,000 damaged files give a model or a SlonnError", async () => {
  const random = seeded(3);
  const seeds = Object.keys(outputs).map((name) => golden(`${name}.onnx`));
  const files = Array.from({ length: 10_000 }, (_, i) => mutate(seeds[i % seeds.length], random));
  expect(await survives(files, (file) => read(file))).toBeGreaterThan(2000);
});
