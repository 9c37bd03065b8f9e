// Fits clusters of output nodes. Repeated halving puts similar nodes side by side, so that one order serves clusters of every size; each size has
// a router, trained on dense's answers for the fit rows.

import type { Clusters } from "../activator/activator.ts";
import { PANEL } from "../engine/generated/abi.ts";
import { type DenseLayer, type FloatLayer, floatWeights } from "../model/model.ts";
import { bestNodes } from "./best-nodes.ts";
import { clusterOrder } from "./cluster-order.ts";
import { fitRouter } from "./fit-router.ts";
import type { Fitting } from "./fitting.ts";

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
  const best = await bestNodes(h, rows, { ...layer, weight }, bestCounted, fitting);
  const weights = Array.from({ length: bestCounted }, (_, t) =>
    depth >= bestCounted ? 1 / bestCounted : t < depth ? shareOfPromised / depth : (1 - shareOfPromised) / (bestCounted - depth),
  );
  const hits = new Float32Array(outputs);
  for (const node of best) hits[node]++;
  const order = await clusterOrder(weight, h, rows, best, weights, hits, fitting.turn);
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
