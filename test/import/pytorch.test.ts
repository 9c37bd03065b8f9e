import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { importSafetensors } from "../../src/import/pytorch.ts";
import { forward } from "../../src/model/forward.ts";
import { type Activation, createModel, floatWeights } from "../../src/model/model.ts";
import { encodeModel } from "../../src/model/slonn-file.ts";
import type { Tensor } from "../../src/model/tensor.ts";
import { seeded } from "../../src/random.ts";
import { mutate, mutateHeader, survives } from "../model/mutations.ts";
import { writeSafetensors } from "../model/write-safetensors.ts";

const goldens = new URL("goldens/", import.meta.url);
const json = (file: string) => JSON.parse(readFileSync(new URL(file, goldens), "utf8"));
const state = new Uint8Array(readFileSync(new URL("torch-state.safetensors", goldens)));

/** A file of float32 tensors of ones, by name and shape. */
function file(shapes: Record<string, number[]>, metadata: Record<string, string> = {}): Uint8Array {
  const tensors = Object.entries(shapes).map(([name, shape]): [string, Tensor] => [
    name,
    { dtype: "float32", shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1) },
  ]);
  return writeSafetensors(new Map(tensors), metadata);
}

const read = (bytes: Uint8Array, activations?: string[]) =>
  importSafetensors(bytes, { name: "f", activations: activations as Activation[] | undefined });

test("a state dict with batch normalization answers as the same network does in ONNX Runtime", () => {
  const model = read(state);
  json("inputs.json")["torch-state"].rows.forEach((row: number[], r: number) => {
    const expected: number[] = json("outputs.json")["torch-state"][r];
    const got = forward(model, Float32Array.from(row));
    for (const [i, y] of expected.entries()) expect(Math.abs(got[i] - y)).toBeLessThan(1e-4 * Math.max(...expected.map(Math.abs)));
  });
});

test("layers stand in natural order, relu between them by default", () => {
  const model = read(file({ "layers.10.weight": [1, 4], "layers.2.bias": [4], "layers.2.weight": [4, 3], "layers.1.weight": [3, 2] }));
  expect(model.layers.map(({ name, inputs, outputs, activation, bias }) => [name, inputs, outputs, activation, bias[0]])).toEqual([
    ["layers.1", 2, 3, "relu", 0],
    ["layers.2", 3, 4, "relu", 1],
    ["layers.10", 4, 1, "identity", 0],
  ]);
});

test("letters may order modules where the widths allow one order only, and numbers always", () => {
  const names = (shapes: Record<string, number[]>) => read(file(shapes)).layers.map(({ name }) => name);
  expect(names({ "fc.weight": [2, 2], "fc2.weight": [2, 2], "out.weight": [1, 2] })).toEqual(["fc", "fc2", "out"]);
  expect(names({ "a.weight": [3, 4], "b.weight": [2, 3], "c.weight": [3, 2], "d.weight": [1, 3] })).toEqual(["a", "b", "c", "d"]);
  expect(names({ "module.0.weight": [2, 2], "module.2.weight": [2, 2] })).toEqual(["module.0", "module.2"]);
});

test("where names of letters are in another order than the widths, the only order that fits is taken", () => {
  const names = (shapes: Record<string, number[]>) => read(file(shapes)).layers.map(({ name }) => name);
  expect(names({ "input.weight": [4, 6], "hidden.weight": [4, 4], "output.weight": [2, 4] })).toEqual(["input", "hidden", "output"]);
  expect(
    names({ "classifier.1.weight": [2, 4], "features.0.weight": [5, 6], "features.10.weight": [4, 3], "features.2.weight": [3, 5] }),
  ).toEqual(["features.0", "features.2", "features.10", "classifier.1"]);
  expect(names({ "net.trunk.weight": [3, 2], "net.loop.weight": [3, 3], "net.head.weight": [1, 3] })).toEqual([
    "net.trunk",
    "net.loop",
    "net.head",
  ]);
});

test("a batch normalization goes with its layer also where the order of names is not that of the layers", () => {
  const blocks = { "start.fc.weight": [3, 2], "start.bn.running_mean": [3], "start.bn.running_var": [3], "end.fc.weight": [1, 3] };
  const layers = read(file(blocks)).layers;
  expect(layers.map(({ name, bias }) => [name, bias[0]])).toEqual([
    ["start.fc", -Math.fround(1 / Math.sqrt(1 + 1e-5))],
    ["end.fc", 0],
  ]);
});

test("numbers that several modules share stand in the file once, and its metadata says for whom", () => {
  const shapes = { "l1.weight": [2, 2], "l1.bias": [2], "l2.bias": [2], "l4.weight": [1, 2] };
  const { layers } = read(
    file(shapes, { format: "pt", best: "l1.weight", "l2.weight": "l1.weight", "l3.weight": "l1.weight", "l4.weight": "l1.weight" }),
  );
  expect(layers.map(({ name, outputs, bias }) => [name, outputs, bias[0]])).toEqual([
    ["l1", 2, 1],
    ["l2", 2, 1],
    ["l3", 2, 0],
    ["l4", 1, 0],
  ]);
  expect(layers[2].weight).toEqual(Float32Array.of(1, 1, 1, 1));
});

test("activations: one for the hidden layers, or all", () => {
  const bytes = file({ "1.weight": [3, 2], "2.weight": [4, 3], "3.weight": [1, 4] });
  const kinds = (activations: string[]) =>
    read(bytes, activations).layers.map(({ activation, alpha }) => (alpha ? `${activation} ${alpha}` : activation));
  expect(kinds(["leaky-relu"])).toEqual(["leaky-relu 0.01", "leaky-relu 0.01", "identity"]);
  expect(kinds(["tanh", "gelu", "softmax"])).toEqual(["tanh", "gelu", "softmax"]);
  expect(read(file({ weight: [1, 2] }), ["softmax"]).layers[0]).toMatchObject({ name: "linear", activation: "softmax" });
});

test("batch normalization is found by number where kinds are numbered apart, and beside its layer", () => {
  const norm = (name: string, n: number) => ({
    [`${name}.running_mean`]: [n],
    [`${name}.running_var`]: [n],
    [`${name}.num_batches_tracked`]: [],
  });
  const weights = read(
    file({
      ...norm("bn1", 3),
      ...norm("bn2", 3),
      "bn2.weight": [3],
      "bn2.bias": [3],
      "fc1.weight": [3, 2],
      "fc2.weight": [3, 3],
      "fc3.weight": [1, 3],
    }),
  ).layers;
  const factor = Math.fround(1 / Math.sqrt(1 + 1e-5));
  expect(weights.map((layer) => [floatWeights(layer)[0], layer.bias[0]])).toEqual([
    [factor, -factor],
    [factor, Math.fround(1 - 1 / Math.sqrt(1 + 1e-5))],
    [1, 0],
  ]);
  expect(read(file({ "block1.fc.weight": [3, 2], ...norm("block1.bn", 3), "block2.fc.weight": [1, 3] })).layers[0].weight).toHaveProperty(
    "0",
    factor,
  );
});

const model = createModel("m", [
  { name: "l", inputs: 1, outputs: 1, weight: Float32Array.of(1), bias: Float32Array.of(1), activation: "relu", alpha: 0 },
]);

test.each<[string, Uint8Array, string[] | undefined, string, string]>([
  ["no weights", file({}), undefined, "unsupported", "f: got no tensor named *.weight with 2 dimensions, expected one per layer"],
  [
    "a convolution",
    file({ "conv.weight": [8, 1, 3, 3] }),
    undefined,
    "unsupported",
    'f: module "conv": got tensor "weight" with 4 dimensions, expected Linear (weight [out, in], bias [out]) or BatchNorm1d',
  ],
  [
    "a layer normalization",
    file({ "0.weight": [3, 2], "1.weight": [3], "1.bias": [3] }),
    undefined,
    "unsupported",
    'f: module "1": got tensor "weight" with 1 dimensions, expected Linear (weight [out, in], bias [out]) or BatchNorm1d',
  ],
  [
    "a recurrent layer",
    file({ "rnn.weight_ih_l0": [3, 2] }),
    undefined,
    "unsupported",
    'f: module "rnn": got tensor "weight_ih_l0" with 2 dimensions, expected Linear (weight [out, in], bias [out]) or BatchNorm1d',
  ],
  [
    "an adapter, whose halves would chain",
    file({ "base_model.model.fc1.lora_A.weight": [4, 6], "base_model.model.fc1.lora_B.weight": [8, 4] }),
    undefined,
    "unsupported",
    'f: got tensor "base_model.model.fc1.lora_A.weight" of an adapter (LoRA), expected whole weights: merge the adapter into its network before saving',
  ],
  [
    "a weight normalization of PyTorch",
    file({ "0.bias": [3], "0.parametrizations.weight.original0": [3, 1], "0.parametrizations.weight.original1": [3, 2] }),
    undefined,
    "unsupported",
    'f: got tensor "0.parametrizations.weight.original0" that a weight is computed from, expected the weight; call remove_parametrizations (torch.nn.utils.parametrize) before saving',
  ],
  ...["g", "v", "orig"].map((part): [string, Uint8Array, undefined, string, string] => [
    `an older normalization of weights (weight_${part})`,
    file({ "0.bias": [3], [`0.weight_${part}`]: [3, 2] }),
    undefined,
    "unsupported",
    `f: got tensor "0.weight_${part}" that a weight is computed from, expected the weight; call remove_weight_norm or remove_spectral_norm (torch.nn.utils) before saving`,
  ]),
  [
    "a bias alone",
    file({ "0.weight": [3, 2], "1.bias": [3] }),
    undefined,
    "bad-file",
    'f: module "1": got a bias alone, expected a weight beside it',
  ],
  [
    "a bias that does not fit",
    file({ "0.weight": [3, 2], "0.bias": [2] }),
    undefined,
    "bad-file",
    'f: module "0": got 2 numbers in bias, expected 3',
  ],
  [
    "an order of names that does not chain",
    file({ "body.weight": [3, 2], "head.weight": [1, 3], "embed.weight": [7, 5] }),
    undefined,
    "bad-model",
    'f: module "embed": got weights for 5 inputs, expected 3, the outputs before it; modules run in the order of their names, "body" before this one: rename them in the order they run, or export the network as ONNX',
  ],
  [
    "an order of numbers that does not chain, though another would",
    file({ "l1.weight": [3, 2], "l2.weight": [2, 5] }),
    undefined,
    "bad-model",
    expect.stringMatching(/^f: module "l2": got weights for 5 inputs, expected 3, the outputs before it/),
  ],
  [
    "a head beside another, neither of which comes after the other",
    file({ "policy.0.weight": [4, 6], "policy.2.weight": [3, 4], "value.0.weight": [4, 6], "value.2.weight": [1, 4] }),
    undefined,
    "bad-model",
    expect.stringMatching(/^f: module "value.0": got weights for 6 inputs, expected 3, the outputs before it/),
  ],
  [
    "several orders that fit, though not that of the names",
    file({ "in.weight": [4, 6], "first.weight": [4, 4], "second.weight": [4, 4], "end.weight": [1, 4] }),
    undefined,
    "unsupported",
    expect.stringMatching(/^f: got modules "in", .* whose names do not say which runs first/),
  ],
  [
    "names that leave the order of an autoencoder open",
    file({ "decoder.0.weight": [4, 2], "encoder.0.weight": [3, 4], "encoder.2.weight": [2, 3] }),
    undefined,
    "unsupported",
    'f: got modules "decoder.0", "encoder.0", whose names do not say which runs first and whose widths allow several orders, expected numbers in the names: rename them in the order they run, or export the network as ONNX',
  ],
  [
    "names of letters and equal widths",
    file({ "hidden.weight": [2, 2], "input.weight": [2, 2], "output.weight": [1, 2] }),
    undefined,
    "unsupported",
    expect.stringMatching(/^f: got modules "hidden", "input", "output", whose names do not say which runs first/),
  ],
  [
    "loops that could trade parts",
    file({ "a.weight": [3, 2], "b.weight": [2, 3], "c.weight": [3, 2], "d.weight": [1, 3] }),
    undefined,
    "unsupported",
    expect.stringMatching(/^f: got modules "a", "b", "c", "d", whose names/),
  ],
  [
    "normalization after a hidden module",
    file({ "0.weight": [3, 2], "2.running_mean": [3], "2.running_var": [3] }),
    undefined,
    "unsupported",
    'f: module "2": got a batch normalization of 3 without a Linear of 3 outputs right before it, expected one; export the network as ONNX instead',
  ],
  [
    "half a normalization",
    file({ "0.weight": [3, 2], "1.running_mean": [3] }),
    undefined,
    "bad-file",
    'f: module "1": got one of running_mean and running_var, expected both',
  ],
  [
    "an unknown activation",
    file({ "0.weight": [3, 2] }),
    ["swish"],
    "bad-option",
    'activations: got "swish", expected identity, relu, leaky-relu, sigmoid, tanh, gelu, gelu-tanh, softmax, log-softmax',
  ],
  [
    "an activation that is no text",
    file({ "0.weight": [3, 2] }),
    [Symbol("relu") as never],
    "bad-option",
    "activations: got a symbol, expected identity, relu, leaky-relu, sigmoid, tanh, gelu, gelu-tanh, softmax, log-softmax",
  ],
  [
    "too few activations",
    file({ "0.weight": [3, 2], "1.weight": [3, 3], "2.weight": [1, 3] }),
    ["relu", "relu"],
    "bad-option",
    "activations: got 2, expected 1 for every hidden layer or 3, one per layer",
  ],
  [
    "integers",
    writeSafetensors(new Map([["0.weight", { dtype: "int8", shape: [1, 1], data: Int8Array.of(1) }]]), {}),
    undefined,
    "unsupported",
    'f: module "0": got weight of int8, expected floats (quantized weights are not supported)',
  ],
  ["a .slonn file", encodeModel(model), undefined, "unsupported", "f: got a .slonn file, expected weights in PyTorch naming"],
])("%s is refused", (_, bytes, activations, code, message) => {
  expect(() => read(bytes, activations)).toThrow(expect.objectContaining({ name: "SlonnError", code, message }));
});

test("10,000 damaged files give a model or a SlonnError", async () => {
  const random = seeded(4);
  const files = Array.from({ length: 10_000 }, (_, i) => (i % 2 ? mutate : mutateHeader)(state, random));
  expect(await survives(files, (bytes) => read(bytes))).toBeGreaterThan(1000);
});
