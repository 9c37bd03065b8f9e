// Trains the router of clusters: a linear classifier of low rank that tells which cluster holds the best nodes. Every leading part of its
// components is trained to do without the rest, so that calibration can choose how many are worth their time.

import type { LowRank } from "../activator/activator.ts";
import type { FloatLayer } from "../model/model.ts";
import { transposed } from "../model/transposed.ts";
import { permutation } from "../random.ts";
import { createAdam } from "./adam.ts";
import { routerRanks } from "./candidates.ts";
import { fitLowRank } from "./fit-low-rank.ts";
import type { Fitting } from "./fitting.ts";
import { type Classifier, gradientOf, softmaxRows } from "./low-rank-classifier.ts";
import { weightedSums } from "./pre-activations.ts";

/** The most rows that principal components are taken from, and the most components. */
const componentRows = 4000;
const largestRank = 96;
/** Rows that a cluster needs on average to learn from; with fewer, training makes the router worse. */
const rowsPerCluster = 8;
/** Passes over the rows: enough for so many steps, within bounds. */
const [wantedSteps, fewestEpochs, mostEpochs] = [4000, 4, 12];
const batch = 128;
/** The share of the untrained router's own scores in what it learns: without it, clusters that hold no row's best node would be unlearned. */
const shareOfGuess = 0.3;
const rate = 0.01;

/** What a router should learn: the clusters of every row's best nodes, and how much each counts. */
export interface Targets {
  /** [rows, weights.length] */
  clusters: Uint32Array;
  /** They sum to 1. */
  weights: readonly number[];
}

/**
 * The principal components of what `start` scores, then, given enough rows, trained.
 * @param h [rows, inputs]
 * @param start a router of full rank: one output a cluster
 */
export async function fitRouter(h: Float32Array, rows: number, start: FloatLayer, targets: Targets, fitting: Fitting): Promise<LowRank> {
  const { inputs, outputs: count } = start;
  const few = Math.min(rows, componentRows);
  const scores = weightedSums(h.subarray(0, few * inputs), start.weight, start.bias, fitting.kernels);
  const rank = Math.max(1, Math.min(largestRank, few >> 1, inputs >> 1, count >> 1));
  const router = await fitLowRank(scores, few, start, new Float32Array(count).fill(1), rank, fitting);
  return rows < rowsPerCluster * count ? router : train(router, h, rows, start, targets, fitting);
}

/**
 * Multinomial logistic regression against the targets and, for `shareOfGuess`, what `start` says (label smoothing; Szegedy et al., 2016, with
 * a prior that knows the input), by Adam. Each step uses a leading part of the rank, drawn anew (nested dropout; Rippel, Gelbart & Adams, 2014).
 */
async function train(
  { rank, down, center, up, mean }: LowRank,
  h: Float32Array,
  rows: number,
  start: FloatLayer,
  { clusters, weights }: Targets,
  { kernels, random, turn }: Fitting,
): Promise<LowRank> {
  const [inputs, count, depth] = [down.length / rank, mean.length, weights.length];
  const unit = toUnitSize(h, rows * inputs);
  const classifier: Classifier = [down.map((w) => w / unit), center.slice(), transposed(up, count, rank), mean.slice()];
  const guessing = start.weight.map((w) => w / unit);
  const ranks = [...routerRanks.filter((r) => r < rank), rank];
  const epochs = Math.max(fewestEpochs, Math.min(mostEpochs, Math.ceil((wantedSteps * batch) / rows)));
  const step = createAdam(classifier, rate, epochs * Math.ceil(rows / batch));
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = permutation(rows, random);
    for (let from = 0; from < rows; from += batch) {
      await turn();
      const drawn = order.subarray(from, from + batch);
      const x = new Float32Array(drawn.length * inputs);
      drawn.forEach((row, r) => {
        for (let i = 0; i < inputs; i++) x[r * inputs + i] = h[row * inputs + i] * unit;
      });
      const expected = kernels.matmulTransposed(x, guessing, drawn.length, count, inputs);
      softmaxRows(expected, start.bias);
      for (let i = 0; i < expected.length; i++) expected[i] *= shareOfGuess;
      drawn.forEach((row, r) => {
        for (let t = 0; t < depth; t++) expected[r * count + clusters[row * depth + t]] += (1 - shareOfGuess) * weights[t];
      });
      step(gradientOf(classifier, ranks[Math.floor(random() * ranks.length)], x, expected, kernels));
    }
  }
  const [trained, trainedCenter, trainedUp, trainedMean] = classifier;
  return {
    rank,
    down: trained.map((w) => w * unit),
    center: trainedCenter,
    up: transposed(trainedUp, rank, count),
    mean: trainedMean,
  };
}

/** What the first `count` of these numbers are to be multiplied by for a mean square of 1: training does not depend on a network's scale. */
function toUnitSize(h: Float32Array, count: number): number {
  let square = 0;
  for (let i = 0; i < count; i++) square += h[i] * h[i];
  return Math.sqrt(count / Math.max(square, 1e-30));
}
