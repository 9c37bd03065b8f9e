// Fits the activators of every hidden layer, and of a wide output layer, on rows of their own or on those of the search.

import { type Hash, type LayerActivators, type LowRank, noActivators } from "../activator/activator.ts";
import { isSparse } from "../activator/network.ts";
import type { ArrayKernels } from "../engine/array-kernels.ts";
import { activate } from "../model/forward.ts";
import { type DenseLayer, floatWeights, type Model, notFinite } from "../model/model.ts";
import { type Rows, takeRows } from "../model/rows.ts";
import { permutation, type Random } from "../random.ts";
import { wideOutputs } from "./candidates.ts";
import { fitClusters } from "./fit-clusters.ts";
import { fitHash, type HashShape } from "./fit-hash.ts";
import { fitLowRank } from "./fit-low-rank.ts";
import type { Fitting } from "./fitting.ts";
import { holding, reorder, strengthOrder, strengthsOf } from "./order.ts";
import { denseRows, preActivations, sparsePreActivations, weightedSums } from "./pre-activations.ts";
import { takeTurns } from "./turn.ts";

export interface FitOptions {
  kinds: readonly string[];
  /** The most rows used. */
  rows: number;
  /** How many of the best answers the promise looks at; 1 unless given. */
  depth?: number;
  random: Random;
  /** The tables of hash activators. */
  hashShape?: HashShape;
  signal?: AbortSignal;
}

/** The scores of layer `l` that each share of its nodes exceeds on average, for low-rank activators of a rank or `all`. */
export type Thresholds = (l: number, by: number | "all", shares: readonly number[]) => readonly number[];

/** What the search needs. */
export interface Fitted {
  /** The network's, the nodes of hidden ones in order. */
  layers: readonly DenseLayer[];
  /** One per layer. */
  fitted: readonly LayerActivators[];
  thresholds: Thresholds;
  /** Per hidden layer: of how many nodes, the first, ranking may be worth while. */
  amongs: readonly (readonly number[])[];
}

const largestRank = 96;
/** Shares of all strength that the nodes to rank among hold: few are seldom among the best of any input. */
const strengthShares = [0.9, 0.98, 0.999];
/** Rows that thresholds are read from. */
const thresholdRows = 256;
const usualHashShape: HashShape = { tables: 8, bits: 8, votes: 256 };

/** Rows the activators of a wide output layer are fitted on at most; more than `FitOptions.rows`, because there are more nodes to tell apart. */
const outputRows = 120_000;
/** Numbers that the rows of one layer hold at most. */
const rowNumbers = 4e7;
/** Numbers a batch of pre-activations of a wide output layer holds at most. */
const outputNumbers = 8e6;

/**
 * Puts the nodes of every hidden layer in an order (order.ts) and fits what `kinds` names to it and to a wide output layer.
 * Comes back with the network in that order, which answers alike. A first layer that reads sparse rows has no activator: it costs little.
 */
export async function fitActivators(model: Model, all: Rows, options: FitOptions, kernels: ArrayKernels): Promise<Fitted> {
  const { kinds, random, signal, hashShape = usualHashShape } = options;
  const turn = takeTurns(signal);
  const fitting: Fitting = { kernels, random, turn };
  const layers = [...model.layers];
  const last = layers.length - 1;
  const wide = layers[last].outputs >= wideOutputs;
  const readsLists = all.kind === "csr" && isSparse(model);
  const widest = Math.max(...layers.slice(readsLists ? 1 : 0).map(({ inputs }) => inputs));
  const n = Math.min(all.count, wide ? Math.max(options.rows, Math.min(outputRows, Math.floor(rowNumbers / widest))) : options.rows);
  const few = Math.min(n, options.rows);
  // a training set may come sorted
  const rows = takeRows(all, permutation(all.count, random).subarray(0, n));
  const sparse = readsLists && rows.kind === "csr" ? rows : null;
  let x = sparse ? new Float32Array(0) : denseRows(rows, n);
  /** Copies, as these outlive all that is fitted on. */
  const inputs: Float32Array[] = [];
  const own: Float32Array[] = [];
  const fitted: LayerActivators[] = [];
  const amongs: number[][] = [];
  const pre = (l: number, count: number): Promise<Float32Array> =>
    l === 0 && sparse
      ? sparsePreActivations(sparse, count, layers[0], turn)
      : preActivations(x.subarray(0, count * layers[l].inputs), count, layers[l], fitting);
  for (let l = 0; l < layers.length; l++) {
    await turn();
    if (l === last) {
      fitted.push(wide && !(l === 0 && sparse) ? await fitOutput(x, n, layers[l], { ...options, hashShape }, fitting) : noActivators);
      break;
    }
    const active = activate(layers[l].activation, await pre(l, few), layers[l].alpha);
    const strengths = strengthsOf(active, lookedAt(layers[l + 1]));
    amongs.push([...new Set(strengthShares.map((share) => holding(strengths, share)))]);
    [layers[l], layers[l + 1]] = reorder(layers[l], layers[l + 1], strengthOrder(strengths));
    const layer = layers[l];
    inputs.push(x.slice(0, thresholdRows * layer.inputs));
    const z = await pre(l, n);
    own.push(z.slice(0, thresholdRows * layer.outputs));
    const h = activate(layer.activation, z, layer.alpha);
    if (l === 0 && sparse) fitted.push(noActivators);
    else {
      const rank = Math.min(largestRank, Math.floor(Math.min(layer.inputs, layer.outputs) / 2));
      const wanted = kinds.includes("low-rank") && rank >= 1;
      const fewZ = z.subarray(0, few * layer.outputs);
      const lowRank: LowRank | null = wanted ? await fitLowRank(fewZ, few, layer, lookedAt(layers[l + 1]), rank, fitting) : null;
      const hash: Hash | null = kinds.includes("hash") ? await fitHash(x, h, few, layer.inputs, layer.outputs, hashShape, fitting) : null;
      fitted.push({ ...noActivators, lowRank, hash });
    }
    x = h;
  }

  const finite = fitted.map(finiteOnly);
  return { layers, fitted: finite, thresholds: thresholdsOn(inputs, own, finite, kernels), amongs };
}

/**
 * @param inputs of each hidden layer, none of a first one that reads sparse rows, and `own`, its pre-activations: all that is kept of what
 * was fitted on
 */
function thresholdsOn(
  inputs: readonly Float32Array[],
  own: readonly Float32Array[],
  fitted: readonly LayerActivators[],
  kernels: ArrayKernels,
): Thresholds {
  return (l, by, shares) => {
    const { lowRank } = fitted[l];
    const scores = (by === "all" ? own[l].slice() : lowRank ? predict(lowRank, by, inputs[l], kernels) : new Float32Array(0)).sort();
    if (scores.length === 0) return [];
    return shares.map((share) => scores[Math.min(scores.length - 1, Math.round((1 - share) * scores.length))]);
  };
}

/** Without activators that activations past float32 made infinite or NaN: they rank nothing, and no file may hold them. */
function finiteOnly(activators: LayerActivators): LayerActivators {
  const finite = (...parts: Float32Array[]): boolean => parts.every((numbers) => notFinite(numbers) < 0);
  const holds = ({ down, center, up, mean }: LowRank): boolean => finite(down, center, up, mean);
  const { lowRank, hash, clusters } = activators;
  return {
    ...activators,
    lowRank: lowRank && holds(lowRank) ? lowRank : null,
    hash: hash && finite(hash.planes, hash.votes) ? hash : null,
    clusters: clusters.filter(({ router }) => holds(router)),
  };
}

/** The activators of a wide output layer. @param x [n, inputs] */
async function fitOutput(
  x: Float32Array,
  n: number,
  layer: DenseLayer,
  { kinds, depth = 1, hashShape }: FitOptions & { hashShape: HashShape },
  fitting: Fitting,
): Promise<LayerActivators> {
  const { inputs, outputs } = layer;
  const few = Math.min(n, Math.max(64, Math.floor(outputNumbers / outputs)));
  const clusters = kinds.includes("clusters") ? await fitClusters(x, n, layer, depth, fitting) : null;
  let lowRank: LowRank | null = null;
  let hash: Hash | null = null;
  if (kinds.includes("low-rank") || kinds.includes("hash")) {
    const z = await preActivations(x.subarray(0, few * inputs), few, layer, fitting);
    const rank = Math.min(largestRank, few >> 1, inputs >> 1);
    if (kinds.includes("low-rank") && rank >= 1)
      lowRank = await fitLowRank(z, few, layer, new Float32Array(outputs).fill(1), rank, fitting);
    if (kinds.includes("hash")) hash = await fitHash(x, bestOnly(z, outputs), few, inputs, outputs, hashShape, fitting);
  }
  return { lowRank, hash, clusters: clusters?.clusters ?? [], order: clusters?.order ?? null };
}

/** 1 for the best outputs of each row, 0 for the others, in place: what a bucket of hash tables should vote for. */
function bestOnly(z: Float32Array, outputs: number): Float32Array {
  for (let from = 0; from < z.length; from += outputs) {
    const row = z.subarray(from, from + outputs);
    const bar = row.slice().sort()[Math.max(0, outputs - 5)];
    for (let o = 0; o < outputs; o++) row[o] = row[o] >= bar ? 1 : 0;
  }
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
function predict({ rank: stride, down, center, up, mean }: LowRank, rank: number, x: Float32Array, kernels: ArrayKernels): Float32Array {
  const inputs = down.length / stride;
  const outputs = mean.length;
  const code = weightedSums(x, down.subarray(0, rank * inputs), center.subarray(0, rank), kernels);
  const narrow = new Float32Array(outputs * rank);
  for (let o = 0; o < outputs; o++) narrow.set(up.subarray(o * stride, o * stride + rank), o * rank);
  return weightedSums(code, narrow, mean, kernels);
}
