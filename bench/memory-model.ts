// The synthetic head in the form a calibrated model of its width has, for counting memory only: sizes are real, numbers mean nothing.

import { syntheticHead } from "../examples/synthetic-head.ts";
import { encodeActivators, type LayerActivators, noActivators } from "../src/activator/activator.ts";
import { createModel, type Model } from "../src/model/model.ts";
import { byteWeights } from "../src/model/quantize.ts";
import type { Ladder, LayerSetting, Rung } from "../src/profile/ladder.ts";
import { seeded } from "../src/random.ts";

/** Panels a cluster and rank of the router, as calibration chooses them for heads of this width. */
const [panels, rank] = [4, 32];

/**
 * The head in eight bits with everything a calibrated one carries: labels in the order of their clusters, a router, levels that compute few
 * clusters, levels that grow, dense. Sizes are what they would be; the router's numbers mean nothing.
 */
export function footprintModel(labels: number): Model {
  const { model, clusterOf } = syntheticHead({ labels, clusters: Math.ceil(labels / 100) });
  const [layer] = model.layers;
  const random = seeded(1);
  const numbers = (n: number): Float32Array => Float32Array.from({ length: n }, () => random() - 0.5);
  const clusters = Math.ceil(labels / (16 * panels));
  const router = {
    rank,
    down: numbers(rank * layer.inputs),
    center: numbers(rank),
    up: numbers(clusters * rank),
    mean: numbers(clusters),
  } as const;
  const order = Uint32Array.from({ length: labels }, (_, label) => label).sort((a, b) => clusterOf[a] - clusterOf[b]);
  const fitted: LayerActivators = { ...noActivators, clusters: [{ panels, router }], order };
  const few = (count: number): LayerSetting => ({
    kind: "ranked",
    activator: "clusters",
    variant: panels,
    rank,
    unit: "cluster",
    by: "top-k",
    amount: count / clusters,
  });
  const rung = (setting: LayerSetting): Rung => ({ layers: [setting] });
  const rungs: Rung[][] = [
    [rung(few(4))],
    [{ ...rung(few(2)), margin: 1 }, { ...rung(few(16)), margin: 1 }, rung({ kind: "exact" })],
    [rung({ kind: "exact" })],
    [rung({ kind: "dense" })],
  ];
  const ladder: Ladder = {
    version: 1,
    metric: "precision@1",
    promise: { kind: "loss", bound: 0.003, confidence: 0.95 },
    // ordered by work, so that a budget of operations picks a level
    levels: rungs.map((one, i) => ({
      rungs: one,
      cost: { macs: { mean: i + 1, p99: i + 1, max: i + 1 }, bytes: 1, nodes: [1] },
      observed: { agreement: 1, accuracy: null, loss: null },
      certificates: [],
    })),
  };
  return createModel(model.name, [{ ...layer, weight: byteWeights(layer) }], { ladder, tensors: encodeActivators([fitted]) });
}
