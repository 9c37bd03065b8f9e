// An order of output nodes in which those that answer the same inputs stand side by side, so that one order serves clusters of every size.

import { PANEL } from "../engine/generated/abi.ts";
import type { Turn } from "./turn.ts";

/**
 * Puts nodes that are best for the same inputs side by side: points are halved again and again along the line between two centres (2-means),
 * each half a whole number of panels, down to one panel. Nodes that are among the best of some row come first.
 * @param weight [outputs, inputs]
 * @param h [rows, inputs]
 * @param best [rows, weights.length], the best nodes of each row
 * @param weights how much each of them counts
 * @param hits [outputs], how often each node is among them
 * @returns [outputs], the node at each place
 */
export async function clusterOrder(
  weight: Float32Array,
  h: Float32Array,
  rows: number,
  best: Uint32Array,
  weights: readonly number[],
  hits: Float32Array,
  turn: Turn,
): Promise<Uint32Array> {
  const outputs = hits.length;
  const points = pointsOf(weight, h, rows, best, weights, outputs);
  const width = points.length / outputs;
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

/**
 * A point for each node, [outputs, 2 · inputs], of two parts of length 1 (or 0): the mean of the rows it is best for, and its row of W with each
 * input weighted by its size.
 */
function pointsOf(
  weight: Float32Array,
  h: Float32Array,
  rows: number,
  best: Uint32Array,
  weights: readonly number[],
  outputs: number,
): Float32Array {
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
  return points;
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
