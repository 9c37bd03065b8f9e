// Trains the router of clusters: a linear classifier of low rank that tells which cluster holds the best nodes. Every leading part of its
// components is trained to do without the rest, so that calibration can choose how many are worth their time.

import type { LowRank } from "../activator/activator.ts";
import type { FloatLayer } from "../model/model.ts";
import { transposed } from "../model/transposed.ts";
import { permutation } from "../random.ts";
import { routerRanks } from "./candidates.ts";
import { fitLowRank } from "./fit-low-rank.ts";
import type { Fitting } from "./fitting.ts";

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
  const scores = fitting.kernels.matmulTransposed(h.subarray(0, few * inputs), start.weight, few, count, inputs);
  for (let r = 0; r < few; r++) for (let c = 0; c < count; c++) scores[r * count + c] += start.bias[c];
  const rank = Math.max(1, Math.min(largestRank, few >> 1, inputs >> 1, count >> 1));
  const router = await fitLowRank(scores, few, start, new Float32Array(count).fill(1), rank, fitting);
  return rows < rowsPerCluster * count ? router : train(router, h, rows, start, targets, fitting);
}

/**
 * Multinomial logistic regression against the targets and, for `shareOfGuess`, what `start` says (label smoothing; Szegedy et al., 2016, with
 * a prior that knows the input), scores = up · (down · h + center) + mean, by Adam (Kingma & Ba, 2015) with a rate that falls to nothing.
 * Each step uses a leading part of the rank, drawn anew (nested dropout; Rippel, Gelbart & Adams, 2014).
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
  let square = 0;
  for (let i = 0; i < rows * inputs; i++) square += h[i] * h[i];
  /** Brings inputs to a mean square of 1, whatever the network's scale. */
  const unit = Math.sqrt((rows * inputs) / Math.max(square, 1e-30));
  /** [rank, inputs], [rank], [rank, count], [count]: a leading part of the rank is a leading part of each. */
  const parts = [down.map((w) => w / unit), center.slice(), transposed(up, count, rank), mean.slice()];
  const adam = parts.map((values) => ({ values, m: new Float32Array(values.length), v: new Float32Array(values.length) }));
  const guessing = start.weight.map((w) => w / unit);
  const ranks = [...routerRanks.filter((r) => r < rank), rank];
  const epochs = Math.max(fewestEpochs, Math.min(mostEpochs, Math.ceil((wantedSteps * batch) / rows)));
  const steps = epochs * Math.ceil(rows / batch);
  let step = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = permutation(rows, random);
    for (let from = 0; from < rows; from += batch) {
      await turn();
      const n = Math.min(batch, rows - from);
      const x = new Float32Array(n * inputs);
      for (let r = 0; r < n; r++) {
        const row = x.subarray(r * inputs, (r + 1) * inputs);
        for (let i = 0, at = order[from + r] * inputs; i < inputs; i++, at++) row[i] = h[at] * unit;
      }
      const used = ranks[Math.floor(random() * ranks.length)];
      const [narrow, wide] = [parts[0].subarray(0, used * inputs), parts[2].subarray(0, used * count)];
      const code = kernels.matmulTransposed(x, narrow, n, used, inputs);
      for (let r = 0; r < n; r++) for (let c = 0; c < used; c++) code[r * used + c] += parts[1][c];
      const error = kernels.matmul(code, wide, n, count, used);
      const guesses = kernels.matmulTransposed(x, guessing, n, count, inputs);
      for (let r = 0; r < n; r++) {
        softmax(error.subarray(r * count, (r + 1) * count), parts[3]);
        const guess = guesses.subarray(r * count, (r + 1) * count);
        softmax(guess, start.bias);
        for (let c = 0; c < count; c++) error[r * count + c] -= shareOfGuess * guess[c];
        for (let t = 0; t < depth; t++) error[r * count + clusters[order[from + r] * depth + t]] -= (1 - shareOfGuess) * weights[t];
      }
      for (let i = 0; i < error.length; i++) error[i] /= n;
      const codeError = kernels.matmulTransposed(error, wide, n, used, count);
      const gradients = [
        kernels.matmul(transposed(codeError, n, used), x, used, inputs, n),
        columnSums(codeError, n, used),
        kernels.matmul(transposed(code, n, used), error, used, count, n),
        columnSums(error, n, count),
      ];
      step++;
      const size = rate * (1 - step / (steps + 1));
      const [first, second] = [1 - 0.9 ** step, Math.sqrt(1 - 0.999 ** step)];
      gradients.forEach((gradient, p) => {
        const { values, m, v } = adam[p];
        const given = gradient.length;
        for (let i = 0; i < values.length; i++) {
          const g = i < given ? gradient[i] : 0;
          m[i] += 0.1 * (g - m[i]);
          v[i] += 0.001 * (g * g - v[i]);
          values[i] -= ((size / first) * m[i]) / (Math.sqrt(v[i]) / second + 1e-8);
        }
      });
    }
  }
  const [trained, trainedCenter, trainedUp, trainedMean] = parts;
  return {
    rank,
    down: trained.map((w) => w * unit),
    center: trainedCenter,
    up: transposed(trainedUp, rank, count),
    mean: trainedMean,
  };
}

/** row = softmax(row + bias), in place. */
function softmax(row: Float32Array, bias: Float32Array): void {
  let most = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < row.length; c++) {
    row[c] += bias[c];
    if (row[c] > most) most = row[c];
  }
  let total = 0;
  for (let c = 0; c < row.length; c++) {
    row[c] = Math.exp(row[c] - most);
    total += row[c];
  }
  for (let c = 0; c < row.length; c++) row[c] /= total;
}

function columnSums(a: Float32Array, rows: number, columns: number): Float32Array {
  const sums = new Float32Array(columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) sums[c] += a[r * columns + c];
  return sums;
}
