// Fitting the activators of every hidden layer on the same rows.

import { type Hash, type LayerActivators, type LowRank, noActivators } from "../activator/activator.ts";
import type { ArrayKernels } from "../engine/array-kernels.ts";
import { throwIfAborted } from "../errors.ts";
import { activate } from "../model/forward.ts";
import { type DenseLayer, floatWeights, type Model } from "../model/model.ts";
import { type Rows, rowOf } from "../model/rows.ts";
import type { Random } from "../random.ts";
import { fitHash } from "./fit-hash.ts";
import { fitLowRank } from "./fit-low-rank.ts";
import { coactivationOrder, reorder } from "./order.ts";
import type { Thresholds } from "./search.ts";

export interface FitOptions {
  kinds: readonly string[];
  /** Rows used at most. */
  rows: number;
  random: Random;
  signal?: AbortSignal;
}

const largestRank = 96;
/** Rows that thresholds are read from. */
const thresholdRows = 256;
const hashShape = { tables: 8, bits: 8, votes: 256 };

/**
 * Puts the nodes of every hidden layer in co-activation order and fits what `kinds` names to it; the output layer has no activator.
 * Comes back with the network in that order, which answers alike.
 */
export async function fitActivators(
  model: Model,
  rows: Rows,
  options: FitOptions,
  kernels: ArrayKernels,
): Promise<{ layers: DenseLayer[]; fitted: LayerActivators[]; thresholds: Thresholds }> {
  const { kinds, random, signal } = options;
  const n = Math.min(rows.count, options.rows);
  let x = denseRows(rows, n);
  const inputs: Float32Array[] = [];
  const fitted: LayerActivators[] = [];
  const layers = [...model.layers];
  for (let l = 0; l < layers.length; l++) {
    throwIfAborted(signal);
    await new Promise((resolve) => setTimeout(resolve));
    if (l === layers.length - 1) {
      fitted.push(noActivators);
      break;
    }
    const active = activate(layers[l].activation, preActivations(x, n, layers[l], kernels), layers[l].alpha);
    const order = coactivationOrder(kernels.gram(active, n, layers[l].outputs), layers[l].outputs);
    [layers[l], layers[l + 1]] = reorder(layers[l], layers[l + 1], order);
    const layer = layers[l];
    inputs.push(x.subarray(0, Math.min(n, thresholdRows) * layer.inputs));
    const z = preActivations(x, n, layer, kernels);
    const importance = lookedAt(layers[l + 1]);
    const rank = Math.min(largestRank, Math.floor(Math.min(layer.inputs, layer.outputs) / 2));
    const lowRank: LowRank | null =
      kinds.includes("low-rank") && rank >= 1 ? fitLowRank(z, n, layer, importance, rank, kernels, random) : null;
    const h = activate(layer.activation, z, layer.alpha);
    const hash: Hash | null = kinds.includes("hash") ? fitHash(x, h, n, layer.inputs, layer.outputs, hashShape, random) : null;
    fitted.push({ ...noActivators, lowRank, hash });
    x = h;
  }

  const thresholds: Thresholds = (l, rank, shares) => {
    const { lowRank } = fitted[l];
    if (!lowRank) return [];
    const scores = predict(lowRank, rank, inputs[l], layers[l].inputs, kernels).sort();
    return shares.map((share) => scores[Math.min(scores.length - 1, Math.round((1 - share) * scores.length))]);
  };
  return { layers, fitted, thresholds };
}

function denseRows(rows: Rows, n: number): Float32Array {
  if (rows.kind === "dense") return rows.data.subarray(0, n * rows.width);
  const x = new Float32Array(n * rows.width);
  for (let r = 0; r < n; r++) {
    const row = rowOf(rows, r);
    if (row instanceof Float32Array) continue;
    for (let j = 0; j < row.indices.length; j++) x[r * rows.width + row.indices[j]] += row.values[j];
  }
  return x;
}

/** x Wᵀ + b for a batch: [n, outputs]. */
function preActivations(x: Float32Array, n: number, layer: DenseLayer, kernels: ArrayKernels): Float32Array {
  const { bias, inputs, outputs } = layer;
  const z = kernels.matmulTransposed(x, floatWeights(layer), n, outputs, inputs);
  for (let r = 0; r < n; r++) for (let o = 0; o < outputs; o++) z[r * outputs + o] += bias[o];
  return z;
}

/** How much the next layer looks at each node: the norm of its column, never 0. */
function lookedAt(layer: DenseLayer): Float32Array {
  const { inputs, outputs } = layer;
  const weight = floatWeights(layer);
  const squares = new Float64Array(inputs);
  for (let o = 0; o < outputs; o++) for (let i = 0; i < inputs; i++) squares[i] += weight[o * inputs + i] ** 2;
  const largest = Math.sqrt(squares.reduce((a, b) => Math.max(a, b), 0)) || 1;
  return Float32Array.from(squares, (square) => Math.max(Math.sqrt(square) / largest, 1e-3));
}

/** The predicted pre-activations of `x` [n, inputs] by the first `rank` components: [n · outputs]. */
function predict(
  { rank: stride, down, center, up, mean }: LowRank,
  rank: number,
  x: Float32Array,
  inputs: number,
  kernels: ArrayKernels,
): Float32Array {
  const n = x.length / inputs;
  const outputs = mean.length;
  const code = kernels.matmulTransposed(x, down.subarray(0, rank * inputs), n, rank, inputs);
  for (let r = 0; r < n; r++) for (let c = 0; c < rank; c++) code[r * rank + c] += center[c];
  const narrow = new Float32Array(outputs * rank);
  for (let o = 0; o < outputs; o++) narrow.set(up.subarray(o * stride, o * stride + rank), o * rank);
  const scores = kernels.matmulTransposed(code, narrow, n, outputs, rank);
  for (let r = 0; r < n; r++) for (let o = 0; o < outputs; o++) scores[r * outputs + o] += mean[o];
  return scores;
}
