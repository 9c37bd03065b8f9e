// The order of a layer's nodes: nodes that are active together side by side, so that few panels of 16 hold what an input needs.
// The order changes nothing but the sequence in which the next layer adds its inputs up.

import { PANEL } from "../engine/generated/abi.ts";
import type { DenseLayer } from "../model/model.ts";

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

/** Two layers, the nodes of the first put in `order`. */
export function reorder(first: DenseLayer, second: DenseLayer, order: Uint32Array): [DenseLayer, DenseLayer] {
  const weight = new Float32Array(first.weight.length);
  order.forEach((from, to) => {
    weight.set(first.weight.subarray(from * first.inputs, (from + 1) * first.inputs), to * first.inputs);
  });
  const next = new Float32Array(second.weight.length);
  for (let o = 0; o < second.outputs; o++) {
    const row = o * second.inputs;
    order.forEach((from, to) => {
      next[row + to] = second.weight[row + from];
    });
  }
  return [
    { ...first, weight, bias: first.bias.map((_, i) => first.bias[order[i]]) },
    { ...second, weight: next },
  ];
}
