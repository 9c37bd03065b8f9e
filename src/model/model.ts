// A trained network as plain data: a chain of dense layers. It knows no file format, no engine and no service level objective.

import { refusal } from "../errors.ts";
import type { Tensor } from "./tensor.ts";

/** What a layer applies to its pre-activations. `gelu` is the exact (erf) form, `gelu-tanh` the tanh approximation. */
export type Activation = "identity" | "relu" | "leaky-relu" | "sigmoid" | "tanh" | "gelu" | "gelu-tanh" | "softmax" | "log-softmax";

export const activations: readonly Activation[] = [
  "identity",
  "relu",
  "leaky-relu",
  "sigmoid",
  "tanh",
  "gelu",
  "gelu-tanh",
  "softmax",
  "log-softmax",
];

/** Weights in eight bits: W[o][i] = scale[o] · values[o · inputs + i]. */
export interface ByteWeights {
  /** Row-major [outputs, inputs], −127 to 127. */
  values: Int8Array;
  /** [outputs] */
  scale: Float32Array;
}

/** y = activation(W x + b). A node is one row of W with its bias. */
export interface DenseLayer {
  name: string;
  inputs: number;
  outputs: number;
  /** Row-major [outputs, inputs]. */
  weight: Float32Array | ByteWeights;
  /** [outputs]; zeros where the source had none. */
  bias: Float32Array;
  activation: Activation;
  /** Slope below zero of `leaky-relu`; 0 elsewhere. */
  alpha: number;
}

/** A layer whose weights are floats, as every importer gives it. */
export interface FloatLayer extends DenseLayer {
  weight: Float32Array;
}

/** What calibration adds to a network: levels and certificates as JSON, activators as tensors. Opaque to this room. */
export interface CalibrationSection {
  ladder: unknown;
  tensors: ReadonlyMap<string, Tensor>;
}

export interface Model {
  name: string;
  /** In order; the outputs of one are the inputs of the next. */
  layers: readonly DenseLayer[];
  calibration: CalibrationSection | null;
}

/** The most nodes or inputs one layer may have. */
export const maxWidth: number = 1 << 24;

/**
 * Builds a model after checking that it can run.
 * @throws SlonnError `bad-model` when there is no layer, sizes do not chain, a weight is not finite, or softmax stands before the end.
 */
export function createModel(name: string, layers: readonly DenseLayer[], calibration: CalibrationSection | null = null): Model {
  if (layers.length === 0) throw refusal("bad-model", name, "no dense layer", "at least one");
  layers.forEach((layer, l) => {
    const { inputs, outputs, weight, bias } = layer;
    for (const [what, n] of [
      ["inputs", inputs],
      ["outputs", outputs],
    ] as const)
      if (!Number.isInteger(n) || n < 1 || n > maxWidth) throw refusal("bad-model", layer.name, `${n} ${what}`, `1 to ${maxWidth}`);
    const [count, scale] = weight instanceof Float32Array ? [weight.length, null] : [weight.values.length, weight.scale];
    if (count !== inputs * outputs) throw refusal("bad-model", layer.name, `${count} weights`, `${outputs} x ${inputs}`);
    if (scale && scale.length !== outputs) throw refusal("bad-model", layer.name, `${scale.length} scales`, outputs);
    if (bias.length !== outputs) throw refusal("bad-model", layer.name, `${bias.length} biases`, outputs);
    const before = layers[l - 1];
    if (before && before.outputs !== inputs)
      throw refusal("bad-model", layer.name, `${inputs} inputs`, `${before.outputs}, the outputs of ${before.name}`);
    if (l < layers.length - 1 && (layer.activation === "softmax" || layer.activation === "log-softmax"))
      throw refusal("bad-model", layer.name, `${layer.activation} on a hidden layer`, "it on the last only");
    if (!Number.isFinite(layer.alpha)) throw refusal("bad-model", layer.name, `slope ${layer.alpha}`, "a finite number");
    checkFinite(layer.name, scale ? "scale" : "weight", scale ?? (weight as Float32Array));
    checkFinite(layer.name, "bias", bias);
  });
  return { name, layers, calibration };
}

function checkFinite(layer: string, what: string, values: Float32Array): void {
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i])) throw refusal("bad-model", layer, `${what}[${i}] = ${values[i]}`, "finite numbers");
}

/** A layer's weights as floats [outputs, inputs]: the same array where they are. */
export function floatWeights({ weight, inputs, outputs }: DenseLayer): Float32Array {
  if (weight instanceof Float32Array) return weight;
  const floats = new Float32Array(inputs * outputs);
  for (let o = 0, at = 0; o < outputs; o++) for (let i = 0; i < inputs; i++, at++) floats[at] = weight.scale[o] * weight.values[at];
  return floats;
}

/** Bytes of a layer's weights, scales included. */
export function weightBytes({ weight }: DenseLayer): number {
  return weight instanceof Float32Array ? weight.byteLength : weight.values.byteLength + weight.scale.byteLength;
}

/** Multiply-adds of one dense pass. */
export function denseMacs(model: Model): number {
  return model.layers.reduce((sum, { inputs, outputs }) => sum + inputs * outputs, 0);
}
