// One dense forward pass in plain loops that read like the maths: the reference other code is compared with. Not fast, knows no engine.

import { refusal } from "../errors.ts";
import { type Activation, type DenseLayer, floatWeights, type Model } from "./model.ts";

/**
 * The outputs of a model for one input. Sums are taken in order in double precision and rounded once per node.
 * @param input [inputs of the first layer]
 * @returns [outputs of the last layer]
 * @throws SlonnError `bad-input` when the input has another length.
 */
export function forward(model: Model, input: Float32Array): Float32Array {
  if (input.length !== model.layers[0].inputs) throw refusal("bad-input", "input", `${input.length} numbers`, model.layers[0].inputs);
  return model.layers.reduce((x, layer) => activate(layer.activation, preActivations(layer, x), layer.alpha), input);
}

/** z = W x + b */
function preActivations(layer: DenseLayer, x: Float32Array): Float32Array {
  const { inputs, outputs, bias } = layer;
  const weight = floatWeights(layer);
  const z = new Float32Array(outputs);
  for (let node = 0; node < outputs; node++) {
    let sum = 0;
    for (let i = 0; i < inputs; i++) sum += weight[node * inputs + i] * x[i];
    z[node] = sum + bias[node];
  }
  return z;
}

/** y = activation(z), a new array. `alpha` is the slope below zero of `leaky-relu`. */
export function activate(activation: Activation, z: Float32Array, alpha: number): Float32Array {
  switch (activation) {
    case "identity":
      return z.slice();
    case "relu":
      return z.map((v) => Math.max(v, 0)); // NaN stays NaN
    case "leaky-relu":
      return z.map((v) => (v < 0 ? alpha * v : v));
    case "sigmoid":
      return z.map((v) => 1 / (1 + Math.exp(-v)));
    case "tanh":
      return z.map(Math.tanh);
    case "gelu":
      return z.map(gelu);
    case "gelu-tanh":
      return z.map(geluTanh);
    case "softmax": {
      const max = z.reduce((a, b) => Math.max(a, b), -Infinity);
      const total = z.reduce((sum, v) => sum + Math.exp(v - max), 0);
      return z.map((v) => Math.exp(v - max) / total);
    }
    case "log-softmax": {
      const max = z.reduce((a, b) => Math.max(a, b), -Infinity);
      const total = z.reduce((sum, v) => sum + Math.exp(v - max), 0);
      return z.map((v) => v - max - Math.log(total));
    }
    default:
      return activation satisfies never;
  }
}

/** x times the standard normal distribution function at x. */
export function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

/** The tanh approximation of gelu (Hendrycks and Gimpel, arXiv:1606.08415). */
function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/**
 * The error function to double precision, by the series 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)) of positive
 * terms (DLMF 7.6.2); past 6 it is ±1 to the last bit.
 */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
