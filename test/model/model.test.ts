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
  ["no weight", { weight: undefined }, '"m": layer "layer 0": got weight nothing, bias Float32Array, expected a Float32Array of each'],
  ["no bias", { bias: undefined }, '"m": layer "layer 0": got weight Float32Array, bias nothing, expected a Float32Array of each'],
  [
    "a bias that is a list",
    { bias: [1, 2, 3] },
    '"m": layer "layer 0": got weight Float32Array, bias a list of 3, expected a Float32Array of each',
  ],
  [
    "weights in doubles",
    { weight: new Float64Array(12) },
    '"m": layer "layer 0": got weight Float64Array, bias Float32Array, expected a Float32Array of each',
  ],
  ["no slope", { alpha: undefined }, '"m": layer "layer 0": got alpha nothing, expected a finite number'],
])("refuses %s", (_, odd, message) => {
  const [layer] = madeUpModel([4, 3], 1).layers;
  expect(() => createModel("m", [{ ...layer, ...odd } as DenseLayer])).toThrow(
    expect.objectContaining({ code: "bad-model", message: expect.stringContaining(message) }),
  );
});
