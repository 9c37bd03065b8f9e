// A trained network as plain data: a chain of dense layers. It knows no file format, no engine and no service level objective.

import { refusal } from "../errors.ts";
import { isObject, show } from "../quoted.ts";
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
  /** Row-major [outputs, inputs]. */
  values: Int8Array;
  /** [outputs] */
  scale: Float32Array;
}

/** Takes whole rows of a matrix, one after another; the first is row `row`. */
export type WriteRows = (values: Float32Array | Int8Array, row: number) => void;

/** Weights that are still in a stream, for `createSession` to read. */
export interface StreamedWeights {
  /** [outputs] where the weights are in eight bits, else null. */
  readonly scale: Float32Array | null;
  /** Throws `bad-model`: there is no array of them, and there will be none. */
  readonly values: never;
  /** Each row is handed over once, in order, when the stream is delivered. */
  deliverTo(write: WriteRows): void;
}

/** A layer, wherever its weights are. */
export interface AnyLayer {
  name: string;
  inputs: number;
  /** How many nodes it has. */
  outputs: number;
  /** Row-major [outputs, inputs]. */
  weight: Float32Array | ByteWeights | StreamedWeights;
  /** [outputs]; zeros where the source had none. */
  bias: Float32Array;
  activation: Activation;
  /** Slope below zero of `leaky-relu`; 0 elsewhere. */
  alpha: number;
}

/** y = activation(W x + b). A node is one row of W with its bias. */
export interface DenseLayer extends AnyLayer {
  weight: Float32Array | ByteWeights;
}

/** A layer whose weights are floats, as every importer gives it. */
export interface FloatLayer extends DenseLayer {
  weight: Float32Array;
}

/** What calibration adds to a network; opaque to whoever stores it. */
export interface CalibrationSection {
  /** Levels and certificates, a `Ladder` as JSON; checked when a session is created. */
  ladder: unknown;
  /** The tensors of the activators, by name. */
  tensors: ReadonlyMap<string, Tensor>;
}

/** A network, wherever its weights are. */
export interface AnyModel {
  name: string;
  /** In order; the outputs of one are the inputs of the next. */
  layers: readonly AnyLayer[];
  /** Null where the network was not calibrated. */
  calibration: CalibrationSection | null;
}

/** A network whose weights are in memory. */
export interface Model extends AnyModel {
  layers: readonly DenseLayer[];
}

/** A network whose large weights are still in a stream. They can go to one session, straight into its memory. */
export interface StreamedModel extends AnyModel {
  /** What the stream still holds. */
  readonly stream: {
    /** Hands all weights over; can be called once. @throws what reading the source and the file throws */
    deliver(): Promise<void>;
  };
}

/** The most nodes or inputs a layer may have: with one more 8-bit input, a sum of even the smallest codes could overflow (assembly/kernels/bytes.ts). */
export const maxWidth: number = (1 << 24) - 1;

/**
 * Builds a model after checking that it can run. Layers are not copied.
 * @param name what it is called in messages and files
 * @param layers first to last; the outputs of one are the inputs of the next
 * @param calibration of another model of the same layers
 * @throws SlonnError `bad-model` when there is no layer, arrays are of another type or size, sizes do not chain, a weight is not finite, or softmax
 * stands before the end.
 */
export function createModel<Layer extends AnyLayer = DenseLayer>(
  name: string,
  layers: readonly Layer[],
  calibration: CalibrationSection | null = null,
): { name: string; layers: readonly Layer[]; calibration: CalibrationSection | null } {
  const model = { name, layers, calibration };
  checkModel(model, checkFinite);
  return model;
}

/**
 * Checks that layers can run one after another.
 * @param checkNumbers a further check of weights (or their scales) and biases; their counts are checked in any case
 * @throws SlonnError `bad-model`, as `createModel`, and for what is no model
 */
export function checkModel(model: Pick<AnyModel, "name" | "layers">, checkNumbers?: typeof checkFinite): void {
  if (!(Array.isArray(model?.layers) && [...model.layers].every(isObject)))
    throw refusal("bad-model", "model", show(model), "what loadModel or createModel gives");
  const { name, layers } = model;
  if (layers.length === 0) throw refusal("bad-model", show(name), "no dense layer", "at least one");
  layers.forEach((layer, l) => {
    const { inputs, outputs, weight, bias } = layer;
    const subject = `${show(name)}: layer ${show(layer.name)}`;
    const bad = (got: string, expected: string | number) => refusal("bad-model", subject, got, expected);
    for (const what of ["inputs", "outputs"] as const) {
      const n = layer[what];
      if (!Number.isInteger(n) || n < 1 || n > maxWidth) throw bad(`${show(n)} ${what}`, `1 to ${maxWidth}`);
    }
    if (!activations.includes(layer.activation)) throw bad(`activation ${show(layer.activation)}`, `one of ${activations.join(", ")}`);
    const floats = weight instanceof Float32Array;
    const scale = floats ? null : weight?.scale;
    const streamed = (weight as Partial<StreamedWeights> | undefined)?.deliverTo;
    const held = floats || streamed || (scale instanceof Float32Array && weight.values instanceof Int8Array);
    if (!(held && bias instanceof Float32Array)) throw bad(`weight ${show(weight)}, bias ${show(bias)}`, "Float32Arrays");
    const count = streamed ? inputs * outputs : (floats ? weight : weight.values).length;
    if (count !== inputs * outputs) throw bad(`${count} weights`, `${outputs} x ${inputs}`);
    if (scale && scale.length !== outputs) throw bad(`${scale.length} scales`, outputs);
    if (bias.length !== outputs) throw bad(`${bias.length} biases`, outputs);
    const before = layers[l - 1];
    if (before && before.outputs !== inputs) throw bad(`${inputs} inputs`, `${before.outputs}, the outputs of ${show(before.name)}`);
    if (l < layers.length - 1 && /softmax/.test(layer.activation)) throw bad(`${layer.activation} on a hidden layer`, "it on the last");
    if (!Number.isFinite(layer.alpha)) throw bad(`alpha ${show(layer.alpha)}`, "a finite number");
    if (floats) checkNumbers?.(subject, "weight", weight);
    else if (scale) checkNumbers?.(subject, "scale", scale);
    checkNumbers?.(subject, "bias", bias);
  });
}

/** @param from the index of the first of `values` in the whole tensor */
export function checkFinite(subject: string, what: string, values: Float32Array, from = 0): void {
  const i = notFinite(values);
  if (i >= 0) throw refusal("bad-model", subject, `${what}[${from + i}] = ${values[i]}`, "finite numbers");
}

/** The index of the first number that is not finite, else −1. */
export function notFinite(values: Float32Array): number {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length);
  /** Negative once there is an exponent of all ones. */
  let any = 0;
  let i = 0;
  for (const whole = words.length & -4; i < whole; i += 4)
    any |= ((~words[i] & ones) - 1) | ((~words[i + 1] & ones) - 1) | ((~words[i + 2] & ones) - 1) | ((~words[i + 3] & ones) - 1);
  for (; i < words.length; i++) any |= (~words[i] & ones) - 1;
  return any < 0 ? values.findIndex((value) => !Number.isFinite(value)) : -1;
}

/** The exponent of a float that is not finite. */
const ones = 0x7f800000;

/** The scale of each row [outputs] where weights are in eight bits, else null. */
export function scaleOf(weight: AnyLayer["weight"]): Float32Array | null {
  return weight instanceof Float32Array ? null : weight.scale;
}

/** A layer's weights as floats [outputs, inputs]: the same array where they are. */
export function floatWeights({ weight, inputs, outputs }: DenseLayer): Float32Array {
  if (weight instanceof Float32Array) return weight;
  const floats = new Float32Array(inputs * outputs);
  for (let o = 0, at = 0; o < outputs; o++) for (let i = 0; i < inputs; i++, at++) floats[at] = weight.values[at] * weight.scale[o];
  return floats;
}

/** Bytes of a layer's weights, scales included. */
export function weightBytes({ weight, inputs, outputs }: AnyLayer): number {
  const scale = scaleOf(weight);
  return scale ? inputs * outputs + scale.byteLength : 4 * inputs * outputs;
}

/** Multiply-adds of one dense pass. */
export function denseMacs(model: AnyModel): number {
  return model.layers.reduce((sum, { inputs, outputs }) => sum + inputs * outputs, 0);
}
