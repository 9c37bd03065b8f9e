// The order of a layer's nodes: those that give most stand first, so that the first panels hold what most inputs need.
// The order changes nothing but the sequence in which the next layer adds its inputs up.

import { PANEL } from "../engine/generated/abi.ts";
import type { ByteWeights, DenseLayer } from "../model/model.ts";

/** What each node gives: the sum of the squares of its activations, h [rows, nodes], by how much the next layer looks at it [nodes], squared. */
export function strengthsOf(h: Float32Array, lookedAt: Float32Array): Float64Array {
  const nodes = lookedAt.length;
  const strengths = new Float64Array(nodes);
  for (let i = 0; i < h.length; i++) strengths[i % nodes] += (h[i] * lookedAt[i % nodes]) ** 2;
  return strengths;
}

/** The strongest nodes first. */
export function strengthOrder(strengths: Float64Array): Uint32Array {
  return Uint32Array.from(strengths.keys()).sort((a, b) => strengths[b] - strengths[a] || a - b);
}

/** How many of the strongest nodes hold this share of all strength, in whole panels; all where some are NaN. */
export function holding(strengths: Float64Array, share: number): number {
  const descending = strengths.slice().sort().reverse();
  const wanted = share * descending.reduce((sum, one) => sum + one, 0);
  let held = 0;
  let nodes = 0;
  while (nodes < descending.length && !(held >= wanted)) held += descending[nodes++];
  return Math.min(descending.length, Math.max(1, Math.ceil(nodes / PANEL)) * PANEL);
}

/** Two layers, the nodes of the first put in `order`. */
export function reorder(first: DenseLayer, second: DenseLayer, order: Uint32Array): [DenseLayer, DenseLayer] {
  return [
    { ...first, weight: withNodes(first, order), bias: first.bias.map((_, i) => first.bias[order[i]]) },
    { ...second, weight: withInputs(second, order) },
  ];
}

function withNodes({ weight, inputs }: DenseLayer, order: Uint32Array): DenseLayer["weight"] {
  if (weight instanceof Float32Array) return rows(weight, inputs, order);
  return { values: rows(weight.values, inputs, order), scale: weight.scale.map((_, i) => weight.scale[order[i]]) };
}

function withInputs({ weight, inputs }: DenseLayer, order: Uint32Array): DenseLayer["weight"] {
  if (weight instanceof Float32Array) return columns(weight, inputs, order);
  return { values: columns(weight.values, inputs, order), scale: weight.scale };
}

function rows<T extends Float32Array | ByteWeights["values"]>(matrix: T, width: number, order: Uint32Array): T {
  return matrix.map((_, i) => matrix[order[Math.floor(i / width)] * width + (i % width)]) as T;
}

function columns<T extends Float32Array | ByteWeights["values"]>(matrix: T, width: number, order: Uint32Array): T {
  return matrix.map((_, i) => matrix[i - (i % width) + order[i % width]]) as T;
}
