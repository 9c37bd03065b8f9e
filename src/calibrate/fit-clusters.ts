// Fitting clusters of output nodes and the routers that choose among them. Nodes are laid side by side by repeated halving, so that the
// same order serves clusters of every size; a router is a linear classifier of which cluster holds the best nodes, trained on what dense
// answers for the fit rows.

import type { Clusters } from "../activator/activator.ts";
import type { ArrayKernels } from "../engine/array-kernels.ts";
import { PANEL } from "../engine/generated/abi.ts";
import { throwIfAborted } from "../errors.ts";
import { type DenseLayer, type FloatLayer, floatWeights } from "../model/model.ts";
import { permutation, type Random } from "../random.ts";
import { fitLowRank } from "./fit-low-rank.ts";

/** Numbers of clusters worth having: fewer are too coarse, more cost as much to choose from as their nodes. */
const fewest = 32;
const mostClusters = 4096;
/** Sizes tried, from the finest that is worth having. */
const sizes = 2;
/** Multiply-adds spent at most on dense answers for the fit rows. */
const denseBudget = 3e11;
/** Rows that a router's principal components are taken from, and how many of these there are at most. */
const componentRows = 4000;
const largestRank = 96;
/** How much each of the best answers of a row counts: finding the first matters most. */
const targetWeights = [0.6, 0.1, 0.1, 0.1, 0.1];

export interface FittedClusters {
  /** [outputs], the node at each place. */
  order: Uint32Array;
  clusters: Clusters[];
}

/**
 * @param h [n, inputs] inputs of the layer for the fit rows
 * @returns null for a layer too narrow to have clusters.
 */
export async function fitClusters(
  h: Float32Array,
  n: number,
  layer: DenseLayer,
  kernels: ArrayKernels,
  random: Random,
  signal?: AbortSignal,
): Promise<FittedClusters | null> {
  const { inputs, outputs } = layer;
  const panelCount = Math.ceil(outputs / PANEL);
  const panels = [1, 2, 4, 8, 16, 32, 64]
    .filter((size) => panelCount / size >= fewest && panelCount / size <= mostClusters)
    .slice(0, sizes);
  if (panels.length === 0) return null;
  const weight = floatWeights(layer);
  const rows = Math.min(n, Math.max(256, Math.floor(denseBudget / (inputs * outputs))));
  const best = await bestNodes(h, rows, weight, layer, kernels, signal);
  const order = clusterOrder(weight, h, n, best, inputs, outputs);
  const placeOf = new Uint32Array(outputs);
  order.forEach((node, place) => void (placeOf[node] = place));
  const clusters: Clusters[] = [];
  for (const size of panels) {
    const count = Math.ceil(panelCount / size);
    const targets = best.map((node) => Math.floor(placeOf[node] / (PANEL * size)));
    const start = clusterMeans(weight, layer.bias, placeOf, PANEL * size, inputs, count);
    const router = rows < rowsPerCluster * count ? start : await trainRouter(h, rows, start, targets, kernels, random, signal);
    const few = Math.min(rows, componentRows);
    const scores = kernels.matmulTransposed(h.subarray(0, few * inputs), router.weight, few, count, inputs);
    for (let r = 0; r < few; r++) for (let c = 0; c < count; c++) scores[r * count + c] += router.bias[c];
    const rank = Math.min(largestRank, few >> 1, inputs >> 1, count >> 1);
    const even = new Float32Array(count).fill(1);
    clusters.push({ kind: "clusters", panels: size, router: fitLowRank(scores, few, router, even, rank, kernels, random) });
  }
  return { order, clusters };
}

/**
 * An order in which nodes that are best for the same inputs stand together. Nodes that are among the best of some fit row come first, as
 * the mean of those rows; the others follow, as rows of W with each input weighted by its size. Both are halved again and again along
 * the line between two centres (2-means), each half a whole number of panels, down to one panel.
 */
function clusterOrder(weight: Float32Array, h: Float32Array, n: number, best: Uint32Array, inputs: number, outputs: number): Uint32Array {
  const size = new Float32Array(inputs);
  for (let r = 0; r < n; r++) for (let i = 0; i < inputs; i++) size[i] += h[r * inputs + i] ** 2 / n;
  for (let i = 0; i < inputs; i++) size[i] = Math.sqrt(size[i]);
  const points = weight.map((w, at) => w * size[at % inputs]);
  const hits = new Float32Array(outputs);
  const means = new Float32Array(outputs * inputs);
  best.forEach((node, at) => {
    const r = Math.floor(at / targetWeights.length);
    const share = targetWeights[at % targetWeights.length];
    hits[node] += share;
    for (let i = 0; i < inputs; i++) means[node * inputs + i] += share * h[r * inputs + i];
  });
  for (let node = 0; node < outputs; node++)
    if (hits[node] > 0) for (let i = 0; i < inputs; i++) points[node * inputs + i] = means[node * inputs + i] / hits[node];
  const all = Array.from({ length: outputs }, (_, node) => node);
  const seen = all.filter((node) => hits[node] > 0);
  const order = Uint32Array.from([...seen, ...all.filter((node) => hits[node] === 0)]);
  const boundary = Math.min(outputs, Math.ceil(seen.length / PANEL) * PANEL);
  const halve = (from: number, to: number): void => {
    const panels = Math.ceil((to - from) / PANEL);
    if (panels < 2) return;
    const middle = from + Math.ceil(panels / 2) * PANEL;
    order.set(sortedAlong(order.subarray(from, to), points, inputs, middle - from), from);
    halve(from, middle);
    halve(middle, to);
  };
  halve(0, boundary);
  halve(boundary, outputs);
  return order;
}

const twoMeans = 6;

/** The nodes sorted along the line between the centres of their two halves; the first `half` are the nearer to one. */
function sortedAlong(nodes: Uint32Array, points: Float32Array, width: number, half: number): Uint32Array {
  let sorted = nodes.slice();
  const centre = (from: number, to: number): Float64Array => {
    const sum = new Float64Array(width);
    for (let p = from; p < to; p++) for (let i = 0, at = sorted[p] * width; i < width; i++, at++) sum[i] += points[at];
    return sum.map((v) => v / Math.max(1, to - from));
  };
  // starts from the line along which the nodes spread: from their mean to the farthest of them
  let direction = farthestFrom(centre(0, sorted.length), sorted, points, width);
  for (let round = 0; round < twoMeans; round++) {
    const along = new Map<number, number>();
    for (const node of sorted) {
      let dot = 0;
      for (let i = 0, at = node * width; i < width; i++, at++) dot += points[at] * direction[i];
      along.set(node, dot);
    }
    sorted = sorted.sort((a, b) => (along.get(a) as number) - (along.get(b) as number) || a - b);
    const [low, high] = [centre(0, half), centre(half, sorted.length)];
    direction = high.map((v, i) => v - low[i]);
  }
  return sorted;
}

function farthestFrom(mean: Float64Array, nodes: Uint32Array, points: Float32Array, width: number): Float64Array {
  let far: Float64Array = mean;
  let most = -1;
  for (const node of nodes) {
    let distance = 0;
    for (let i = 0, at = node * width; i < width; i++, at++) distance += (points[at] - mean[i]) ** 2;
    if (distance <= most) continue;
    most = distance;
    far = Float64Array.from(points.subarray(node * width, (node + 1) * width), (v, i) => v - mean[i]);
  }
  return far;
}

const blockRows = 256;

/** The best nodes of every row, [rows · targetWeights.length], by dense pre-activations. */
async function bestNodes(
  h: Float32Array,
  rows: number,
  weight: Float32Array,
  { inputs, outputs, bias }: DenseLayer,
  kernels: ArrayKernels,
  signal?: AbortSignal,
): Promise<Uint32Array> {
  const depth = targetWeights.length;
  const best = new Uint32Array(rows * depth);
  const kept = new Float32Array(depth);
  // nodes in slices, so that a slice of scores stays small whatever the width
  const slice = Math.max(PANEL, Math.floor(4e6 / blockRows));
  for (let from = 0; from < rows; from += blockRows) {
    throwIfAborted(signal);
    await new Promise((resolve) => setTimeout(resolve));
    const count = Math.min(blockRows, rows - from);
    const x = h.subarray(from * inputs, (from + count) * inputs);
    const scores = new Float32Array(count * depth).fill(Number.NEGATIVE_INFINITY);
    for (let first = 0; first < outputs; first += slice) {
      const nodes = Math.min(slice, outputs - first);
      const z = kernels.matmulTransposed(x, weight.subarray(first * inputs, (first + nodes) * inputs), count, nodes, inputs);
      for (let r = 0; r < count; r++) {
        kept.set(scores.subarray(r * depth, (r + 1) * depth));
        const names = best.subarray((from + r) * depth, (from + r + 1) * depth);
        for (let o = 0; o < nodes; o++) {
          const score = z[r * nodes + o] + bias[first + o];
          if (!(score > kept[depth - 1])) continue;
          let place = depth - 1;
          for (; place > 0 && kept[place - 1] < score; place--) {
            kept[place] = kept[place - 1];
            names[place] = names[place - 1];
          }
          kept[place] = score;
          names[place] = first + o;
        }
        scores.set(kept, r * depth);
      }
    }
  }
  return best;
}

/** A router that scores each cluster by the mean of its nodes' scores: what training starts from, and what rare clusters keep. */
function clusterMeans(
  weight: Float32Array,
  bias: Float32Array,
  placeOf: Uint32Array,
  size: number,
  inputs: number,
  count: number,
): FloatLayer {
  const means = new Float32Array(count * inputs);
  const biases = new Float32Array(count);
  placeOf.forEach((place, node) => {
    const c = Math.floor(place / size);
    const share = 1 / Math.min(size, placeOf.length - c * size);
    biases[c] += bias[node] * share;
    for (let i = 0; i < inputs; i++) means[c * inputs + i] += weight[node * inputs + i] * share;
  });
  return { name: "router", inputs, outputs: count, weight: means, bias: biases, activation: "identity", alpha: 0 };
}

/** Rows a cluster should have on average to learn from; with fewer, training would only teach a router what it has not seen. */
const rowsPerCluster = 8;
const epochs = 12;
const batch = 128;
const rate = 0.02;

/**
 * Multinomial logistic regression by Adam (Kingma & Ba, 2015) with a rate that falls to nothing: scores[c] = router[c] · h + bias[c].
 * @param targets [rows · targetWeights.length] clusters that should score high
 */
async function trainRouter(
  h: Float32Array,
  rows: number,
  start: FloatLayer,
  targets: Uint32Array,
  kernels: ArrayKernels,
  random: Random,
  signal?: AbortSignal,
): Promise<FloatLayer> {
  const { inputs, outputs: count } = start;
  const depth = targetWeights.length;
  let square = 0;
  for (let i = 0; i < rows * inputs; i++) square += h[i] * h[i];
  const unit = Math.sqrt((rows * inputs) / Math.max(square, 1e-30));
  const router = start.weight.map((w) => w / unit);
  const bias = start.bias.slice();
  const adam = [router, bias].map((weights) => ({ weights, m: new Float32Array(weights.length), v: new Float32Array(weights.length) }));
  const steps = epochs * Math.ceil(rows / batch);
  let step = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = permutation(rows, random);
    for (let from = 0; from < rows; from += batch) {
      if (step % 16 === 0) {
        throwIfAborted(signal);
        await new Promise((resolve) => setTimeout(resolve));
      }
      const n = Math.min(batch, rows - from);
      const x = new Float32Array(n * inputs);
      for (let r = 0; r < n; r++) {
        const row = x.subarray(r * inputs, (r + 1) * inputs);
        for (let i = 0, at = order[from + r] * inputs; i < inputs; i++, at++) row[i] = h[at] * unit;
      }
      const error = kernels.matmulTransposed(x, router, n, count, inputs);
      const biasGradient = new Float32Array(count);
      for (let r = 0; r < n; r++) {
        softmax(error.subarray(r * count, (r + 1) * count), bias);
        for (let t = 0; t < depth; t++) error[r * count + targets[order[from + r] * depth + t]] -= targetWeights[t];
        for (let c = 0; c < count; c++) biasGradient[c] += error[r * count + c] / n;
      }
      const gradient = kernels.matmul(transposed(error, n, count), x, count, inputs, n);
      for (let i = 0; i < gradient.length; i++) gradient[i] /= n;
      step++;
      const size = rate * (1 - step / (steps + 1));
      [gradient, biasGradient].forEach((g, p) => {
        const { weights, m, v } = adam[p];
        const [first, second] = [1 - 0.9 ** step, 1 - 0.999 ** step];
        for (let i = 0; i < weights.length; i++) {
          m[i] += 0.1 * (g[i] - m[i]);
          v[i] += 0.001 * (g[i] * g[i] - v[i]);
          weights[i] -= (size * (m[i] / first)) / (Math.sqrt(v[i] / second) + 1e-8);
        }
      });
    }
  }
  return { ...start, weight: router.map((w) => w * unit), bias };
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

function transposed(a: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(a.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = a[r * columns + c];
  return out;
}
