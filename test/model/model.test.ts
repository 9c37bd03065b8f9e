import { expect, test } from "vitest";
import { createModel, type DenseLayer } from "../../src/model/model.ts";
import { madeUpModel } from "../made-up-models.ts";

test.each<[string, Record<string, unknown>, string]>([
  [
    "an activation there is not",
    { activation: "ReLU" },
    '"m": layer "layer 0": got activation "ReLU", expected one of identity, relu, leaky-relu,',
  ],
  ["no activation", { activation: undefined }, '"m": layer "layer 0": got activation nothing, expected one of'],
  ["no weight", { weight: undefined }, '"m": layer "layer 0": got weight nothing, bias Float32Array, expected Float32Arrays'],
  ["no bias", { bias: undefined }, '"m": layer "layer 0": got weight Float32Array, bias nothing, expected Float32Arrays'],
  ["a bias that is a list", { bias: [1, 2, 3] }, '"m": layer "layer 0": got weight Float32Array, bias a list of 3, expected Float32Arrays'],
  [
    "weights in doubles",
    { weight: new Float64Array(12) },
    '"m": layer "layer 0": got weight Float64Array, bias Float32Array, expected Float32Arrays',
  ],
  ["bytes without a scale", { weight: { values: new Int8Array(12), scale: null } }, "got weight an object, bias Float32Array"],
  ["a scale that is a list", { weight: { values: new Int8Array(12), scale: [1, NaN, 1] } }, "got weight an object, bias Float32Array"],
  [
    "bytes without a sign",
    { weight: { values: new Uint8Array(12), scale: new Float32Array(3) } },
    "got weight an object, bias Float32Array",
  ],
  ["no node", { outputs: 0 }, '"m": layer "layer 0": got 0 outputs, expected 1 to 16777215'],
  ["half an input", { inputs: 2.5 }, '"m": layer "layer 0": got 2.5 inputs, expected 1 to 16777215'],
  ["too many inputs", { inputs: 2 ** 24 }, '"m": layer "layer 0": got 16777216 inputs, expected 1 to 16777215'],
  ["weights of other sizes", { weight: new Float32Array(11) }, '"m": layer "layer 0": got 11 weights, expected 3 x 4'],
  ["a bias too few", { bias: new Float32Array(2) }, '"m": layer "layer 0": got 2 biases, expected 3'],
  ["a slope that is no number", { alpha: "0" }, '"m": layer "layer 0": got alpha "0", expected a finite number'],
  ["softmax before the end", { activation: "softmax" }, '"m": layer "layer 0": got softmax on a hidden layer, expected it on the last'],
  ["log-softmax before the end", { activation: "log-softmax" }, "got log-softmax on a hidden layer"],
])("refuses %s", (_, odd, message) => {
  const [layer, last] = madeUpModel([4, 3, 2], 1).layers;
  expect(() => createModel("m", [{ ...layer, ...odd } as DenseLayer, last])).toThrow(
    expect.objectContaining({ code: "bad-model", message: expect.stringContaining(message) }),
  );
});

test("refuses layers that do not chain, none at all, and what is none", () => {
  const { layers } = madeUpModel([4, 3, 2], 1);
  expect(() => createModel("m", [...layers].reverse())).toThrow('"m": layer "layer 0": got 4 inputs, expected 2, the outputs of "layer 1"');
  expect(() => createModel("m", [])).toThrow('"m": got no dense layer, expected at least one');
  for (const odd of [[layers[0], 5], [null], "layers", undefined] as unknown[])
    expect(() => createModel("m", odd as DenseLayer[])).toThrow("expected what loadModel or createModel gives");
});

test("a number that is not finite is found wherever it stands, and no other is taken for one", () => {
  const [layer] = madeUpModel([1, 11], 1).layers;
  const withBias = (bias: Float32Array) => () => createModel("m", [{ ...layer, bias }]);
  const usual = Float32Array.of(0, -0, 1, -1, 3.4028234e38, -3.4028234e38, 1e-45, -1e-45, 1.1754944e-38, 2, -2);
  expect(withBias(usual)).not.toThrow();
  for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    for (let i = 0; i < 11; i++) {
      const bias = usual.slice();
      bias[i] = odd;
      expect(withBias(bias)).toThrow(`"m": layer "layer 0": got bias[${i}] = ${odd}, expected finite numbers`);
    }
});
