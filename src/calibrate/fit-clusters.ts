// Fits clusters of output nodes. Repeated halving puts similar nodes side by side, so that one order serves clusters of every size; each size has
// a router, trained on dense's answers for the fit rows.

import type { Clusters } from "../activator/activator.ts";
import { PANEL } from "../engine/generated/abi.ts";
import { type DenseLayer, type FloatLayer, floatWeights } from "../model/model.ts";
import { fitRouter } from "./fit-router.ts";
import type { Fitting } from "./fitting.ts";
import type { Turn } from "./turn.ts";

/** Numbers of clusters worth having: fewer are too coarse, more cost as much to choose from as their nodes. */
const fewest = 32;
const mostClusters = 4096;
/** Sizes tried, from the finest that is worth having. */
const sizes = 2;
/** Multiply-adds spent at most on dense answers for the fit rows. */
const denseBudget = 1e12;
/** How many of a row's best answers count. Those the promise is about weigh `shareOfPromised` together, the others the rest. */
const bestCounted = 5;
const shareOfPromised = 0.8;
/**
 * Nodes that are among the best of no row are left out of all clusters where at most this share of rows has a best node that no other row has among
 * its best: another row will bring a node never seen about as rarely (Good and Turing's estimate).
 */
const mostUnseen = 0.001;

export interface FittedClusters {
  /** [outputs], the node at each place. */
  order: Uint32Array;
  /** Clusters of several sizes. Where the rows show nearly all nodes that are ever best, the others, which are last in `order`, are in none. */
  clusters: Clusters[];
}

/**
 * @param h [n, inputs] inputs of the layer for the fit rows
 * @param depth how many of the best answers the promise looks at
 * @returns null for a layer too narrow to have clusters.
 */
export async function fitClusters(
  h: Float32Array,
  n: number,
  layer: DenseLayer,
  depth: number,
  fitting: Fitting,
): Promise<FittedClusters | null> {
  const { inputs, outputs } = layer;
  const panelCount = Math.ceil(outputs / PANEL);
  const panels = [1, 2, 4, 8, 16, 32, 64]
    .filter((size) => panelCount / size >= fewest && panelCount / size <= mostClusters)
    .slice(0, sizes);
  if (panels.length === 0) return null;
  const weight = floatWeights(layer);
  const rows = Math.min(n, Math.max(256, Math.floor(denseBudget / (inputs * outputs))));
  const best = await bestNodes(h, rows, weight, layer, fitting);
  const weights = Array.from({ length: bestCounted }, (_, t) =>
    depth >= bestCounted ? 1 / bestCounted : t < depth ? shareOfPromised / depth : (1 - shareOfPromised) / (bestCounted - depth),
  );
  const hits = new Float32Array(outputs);
  for (const node of best) hits[node]++;
  const order = await clusterOrder(weight, h, rows, best, weights, hits, outputs, fitting.turn);
  const placeOf = new Uint32Array(outputs);
  order.forEach((node, place) => void (placeOf[node] = place));
  const seen = hits.reduce((sum, count) => sum + Math.sign(count), 0);
  let alone = 0;
  for (let r = 0; r < rows; r++) if (hits[best[r * bestCounted]] === 1) alone++;
  const routed = alone <= mostUnseen * rows ? seen : outputs;
  const clusters: Clusters[] = [];
  for (const size of panels) {
    const count = Math.ceil(routed / (PANEL * size));
    const start = clusterMeans(weight, layer.bias, order, PANEL * size, inputs, count);
    const targets = { clusters: best.map((node) => Math.floor(placeOf[node] / (PANEL * size))), weights };
    clusters.push({ panels: size, router: await fitRouter(h, rows, start, targets, fitting) });
  }
  return { order, clusters };
}

/**
 * An order in which nodes that are best for the same inputs stand together; nodes that are among the best of some row come first. A node is
 * a point of two parts of equal length: the mean of the rows it is best for, and its row of W with each input weighted by its size. Points
 * are halved again and again along the line between two centres (2-means), each half a whole number of panels, down to one panel.
 * @param best [rows, weights.length]
 */
async function clusterOrder(
  weight: Float32Array,
  h: Float32Array,
  rows: number,
  best: Uint32Array,
  weights: readonly number[],
  hits: Float32Array,
  outputs: number,
  turn: Turn,
): Promise<Uint32Array> {
  const inputs = weight.length / outputs;
  const depth = weights.length;
  const [mean, size] = [new Float64Array(inputs), new Float64Array(inputs)];
  for (let r = 0; r < rows; r++)
    for (let i = 0; i < inputs; i++) {
      const v = h[r * inputs + i];
      mean[i] += v / rows;
      size[i] += (v * v) / rows;
    }
  const width = 2 * inputs;
  const points = new Float32Array(outputs * width);
  best.forEach((node, at) => {
    const row = Math.floor(at / depth) * inputs;
    for (let i = 0; i < inputs; i++) points[node * width + i] += weights[at % depth] * (h[row + i] - mean[i]);
  });
  for (let node = 0; node < outputs; node++) {
    for (let i = 0; i < inputs; i++) points[node * width + inputs + i] = weight[node * inputs + i] * Math.sqrt(size[i]);
    for (const from of [node * width, node * width + inputs]) toUnitLength(points.subarray(from, from + inputs));
  }
  const all = Array.from({ length: outputs }, (_, node) => node);
  const seen = all.filter((node) => hits[node] > 0);
  const order = Uint32Array.from([...seen, ...all.filter((node) => hits[node] === 0)]);
  const boundary = Math.min(outputs, Math.ceil(seen.length / PANEL) * PANEL);
  const along = new Float64Array(outputs);
  const halve = async (from: number, to: number): Promise<void> => {
    const panels = Math.ceil((to - from) / PANEL);
    if (panels < 2) return;
    const middle = from + Math.ceil(panels / 2) * PANEL;
    await sortAlong(order.subarray(from, to), points, width, middle - from, along, turn);
    await halve(from, middle);
    await halve(middle, to);
  };
  await halve(0, boundary);
  await halve(boundary, outputs);
  return order;
}

function toUnitLength(part: Float32Array): void {
  let square = 0;
  for (const v of part) square += v * v;
  const by = square > 0 ? 1 / Math.sqrt(square) : 0;
  for (let i = 0; i < part.length; i++) part[i] *= by;
}

const twoMeans = 6;

/**
 * Sorts nodes along the line between the centres of their two halves; the first `half` are the nearer to one.
 * @param along [outputs], where each node lies on the line
 */
async function sortAlong(
  nodes: Uint32Array,
  points: Float32Array,
  width: number,
  half: number,
  along: Float64Array,
  turn: Turn,
): Promise<void> {
  const centre = (from: number, to: number): Float64Array => {
    const sum = new Float64Array(width);
    for (let p = from; p < to; p++) for (let i = 0, at = nodes[p] * width; i < width; i++, at++) sum[i] += points[at];
    return sum.map((v) => v / Math.max(1, to - from));
  };
  // starts from the line along which the nodes spread: from their mean to the farthest of them
  let direction = farthestFrom(centre(0, nodes.length), nodes, points, width);
  for (let round = 0; round < twoMeans; round++) {
    await turn();
    for (const node of nodes) {
      let dot = 0;
      for (let i = 0, at = node * width; i < width; i++, at++) dot += points[at] * direction[i];
      along[node] = dot;
    }
    nodes.sort((a, b) => along[a] - along[b] || a - b);
    const [low, high] = [centre(0, half), centre(half, nodes.length)];
    direction = high.map((v, i) => v - low[i]);
  }
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

/** Rows and nodes of a product: what it reads and writes stays in the cache. */
const [blockRows, slice] = [256, 1024];

/** The best nodes of every row, [rows · bestCounted], by dense pre-activations. */
async function bestNodes(
  h: Float32Array,
  rows: number,
  weight: Float32Array,
  { inputs, outputs, bias }: DenseLayer,
  { kernels, turn }: Fitting,
): Promise<Uint32Array> {
  const depth = bestCounted;
  const best = new Uint32Array(rows * depth);
  const kept = new Float32Array(depth);
  for (let from = 0; from < rows; from += blockRows) {
    await turn();
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

/** A router that scores each cluster by the mean of its nodes' scores. */
function clusterMeans(
  weight: Float32Array,
  bias: Float32Array,
  order: Uint32Array,
  size: number,
  inputs: number,
  count: number,
): FloatLayer {
  const means = new Float32Array(count * inputs);
  const biases = new Float32Array(count);
  order.subarray(0, count * size).forEach((node, place) => {
    const c = Math.floor(place / size);
    const share = 1 / Math.min(size, order.length - c * size);
    biases[c] += bias[node] * share;
    for (let i = 0; i < inputs; i++) means[c * inputs + i] += weight[node * inputs + i] * share;
  });
  return { name: "router", inputs, outputs: count, weight: means, bias: biases, activation: "identity", alpha: 0 };
}
