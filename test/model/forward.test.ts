import { expect, test } from "vitest";
import { activate, erf, forward, gelu } from "../../src/model/forward.ts";
import { type Activation, createModel } from "../../src/model/model.ts";

const z = Float32Array.of(-2, -0.5, 0, 1, 3);

test("each activation on five numbers, against PyTorch in float64", () => {
  const expected: Record<Activation, number[]> = {
    identity: [-2, -0.5, 0, 1, 3],
    relu: [0, 0, 0, 1, 3],
    "leaky-relu": [-0.2, -0.05, 0, 1, 3],
    sigmoid: [0.119202922, 0.377540669, 0.5, 0.731058579, 0.952574127],
    tanh: [-0.96402758, -0.462117157, 0, 0.761594156, 0.995054754],
    gelu: [-0.045500264, -0.154268769, 0, 0.841344746, 2.995950306],
    "gelu-tanh": [-0.045402306, -0.15428599, 0, 0.841191991, 2.996362608],
    softmax: [0.005513608, 0.024710277, 0.040740359, 0.110743777, 0.81829198],
    "log-softmax": [-5.200536063, -3.700536063, -3.200536063, -2.200536063, -0.200536063],
  };
  for (const [activation, values] of Object.entries(expected)) {
    const got = activate(activation as Activation, z, 0.1);
    for (const [i, value] of values.entries()) expect(got[i], activation).toBeCloseTo(value, 6);
  }
});

test("softmax keeps finite for large numbers, NaN stays visible", () => {
  expect(Array.from(activate("softmax", Float32Array.of(1000, 1000), 0))).toEqual([0.5, 0.5]);
  expect(Array.from(activate("relu", Float32Array.of(Number.NaN, -1), 0))).toEqual([Number.NaN, 0]);
});

test("erf to 1e-15 at tabulated points (Abramowitz and Stegun, table 7.1), odd, and one far out", () => {
  for (const [x, y] of [
    [0, 0],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2, 0.9953222650189527],
    [3, 0.9999779095030014],
    [7, 1],
  ]) {
    expect(Math.abs(erf(x) - y)).toBeLessThan(1e-15);
    expect(erf(-x)).toBe(-erf(x));
  }
  expect(erf(Number.NaN)).toBeNaN();
  expect(gelu(-40)).toBeCloseTo(0, 12);
});

test("layers chain: y = W2 relu(W1 x + b1) + b2", () => {
  const layer = { name: "l", alpha: 0 };
  const model = createModel("m", [
    {
      ...layer,
      inputs: 2,
      outputs: 3,
      weight: Float32Array.of(1, 2, 3, 4, -5, -6),
      bias: Float32Array.of(0.5, -20, 1),
      activation: "relu",
    },
    { ...layer, inputs: 3, outputs: 1, weight: Float32Array.of(2, 1, 1), bias: Float32Array.of(-1), activation: "identity" },
  ]);
  expect(Array.from(forward(model, Float32Array.of(1, 2)))).toEqual([10]);
  expect(() => forward(model, Float32Array.of(1))).toThrow("input: got 1 numbers, expected 2");
});
