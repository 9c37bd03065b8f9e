// The order of a layer's nodes. In the first, nodes that are active together stand side by side, so that few panels of 16 hold what an input needs; in
// later ones, where `static` is tried, those that give most stand first, so that the first panels hold what most inputs need.
// The order changes nothing but the sequence in which the next layer adds its inputs up.

import { PANEL } from "../engine/generated/abi.ts";
import type { ByteWeights, DenseLayer } from "../model/model.ts";

/**
 * Fills panel after panel: the most active node left, then the 15 that are most active together with those already in it (cosine of
 * their activations). @param gram HᵀH of activations [nodes, nodes]
 */
export function coactivationOrder(gram: Float32Array, nodes: number): Uint32Array {
  const norm = Float32Array.from({ length: nodes }, (_, i) => Math.sqrt(gram[i * nodes + i]) || 1);
  const left = new Uint8Array(nodes).fill(1);
  const together = new Float32Array(nodes);
  const order = new Uint32Array(nodes);
  for (let place = 0; place < nodes; place++) {
    const first = place % PANEL === 0;
    if (first) together.fill(0);
    let best = -1;
    for (let i = 0; i < nodes; i++) {
      if (!left[i]) continue;
      if (best < 0 || (first ? norm[i] > norm[best] : together[i] > together[best])) best = i;
    }
    order[place] = best;
    left[best] = 0;
    for (let i = 0; i < nodes; i++) together[i] += gram[best * nodes + i] / (norm[best] * norm[i]);
  }
  return order;
}

/** The nodes that give most first: by the mean square of their activations, h [rows, nodes], and how much the next layer looks at them. */
export function strengthOrder(h: Float32Array, lookedAt: Float32Array): Uint32Array {
  const nodes = lookedAt.length;
  const strength = new Float64Array(nodes);
  for (let i = 0; i < h.length; i++) strength[i % nodes] += (h[i] * lookedAt[i % nodes]) ** 2;
  return Uint32Array.from(strength.keys()).sort((a, b) => strength[b] - strength[a] || a - b);
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
