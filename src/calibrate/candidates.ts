// Which settings calibration tries: a grid per layer around what usually pays, every other layer computed exactly.

import type { LayerActivators } from "../activator/activator.ts";
import { PANEL } from "../engine/generated/abi.ts";
import { paddedTo } from "../engine/memory-plan.ts";
import type { DenseLayer } from "../model/model.ts";
import type { LayerSetting, RankedSetting, Rung } from "../profile/ladder.ts";

/** Shares of nodes tried. */
const nodeShares = [0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.16, 0.24, 0.35];
/** Shares of panels tried: coarser units need a larger part of the layer. */
const panelShares = [0.06, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5];
/** Shares of a layer's panels that are computed for every input. */
const staticShares = [0.06, 0.12, 0.2, 0.3, 0.4, 0.5, 0.62, 0.75, 0.88];
export const hashShares: readonly number[] = [0.02, 0.04, 0.08, 0.12, 0.2, 0.3, 0.5];
/** Components of low-rank activators; and of those of later hidden layers. */
const ranks = [8, 16, 24, 32, 48, 64, 96];
const laterRanks = [8, 16, 32, 64];
/** Shares of all hidden layers alike, for callers who ask for a share of nodes. */
export const uniformShares: readonly number[] = [0.01, 0.02, 0.05, 0.1, 0.2];

export const exact: LayerSetting = { kind: "exact" };
export const dense: LayerSetting = { kind: "dense" };

/** One rung that treats every layer alike. */
export function everyLayer(layers: number, setting: LayerSetting): Rung {
  return { layers: new Array<LayerSetting>(layers).fill(setting) };
}

/** `rung` with the low-rank activator on every layer that has one, at one share of nodes. */
export function withShare(rung: Rung, fitted: readonly LayerActivators[], amount: number): Rung {
  return {
    layers: rung.layers.map((setting, l) => {
      const { lowRank } = fitted[l];
      return lowRank && l < rung.layers.length - 1
        ? { kind: "ranked", activator: "low-rank", variant: Math.min(32, lowRank.rank), unit: "node", by: "top-k", amount }
        : setting;
    }),
  };
}

/** Numbers of clusters computed. */
const clusterCounts = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];
/** How far a cluster's score may lie below the best: a router's scores are logarithms of probabilities. */
const clusterWidths = [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 8, 10, 12, 15];
/** Components of a router. */
export const routerRanks: readonly number[] = [8, 16, 24, 32, 48, 64, 96];
/** Numbers of inputs a screen looks at. */
const screenInputs = [4, 8, 13, 20, 32];
/** Numbers of nodes kept of a wide output layer. */
const keptNodes = [16, 32, 64, 128, 256];

/** Settings of a wide output layer worth trying. Nodes that are left out cannot be answers. */
export function outputSettingsOf(layer: DenseLayer, fitted: LayerActivators, kinds: readonly string[]): RankedSetting[] {
  const { inputs, outputs } = layer;
  const base = { kind: "ranked", by: "top-k" } as const;
  const kept = keptNodes.filter((nodes) => nodes < outputs / 4);
  const nodes = (activator: RankedSetting["activator"], variant: number): RankedSetting[] =>
    kept.map((n) => ({ ...base, activator, variant, unit: "node", amount: n / outputs }));
  const settings: RankedSetting[] = [];
  if (outputs < wideOutputs) return settings;
  for (const { panels, router } of fitted.clusters)
    for (const rank of routerRanks.filter((r) => r <= router.rank)) {
      const clusters = { ...base, activator: "clusters", variant: panels, rank, unit: "cluster" } as const;
      for (const count of clusterCounts.filter((c) => c <= router.mean.length / 3))
        settings.push({ ...clusters, amount: count / router.mean.length });
      for (const amount of clusterWidths) settings.push({ ...clusters, by: "within", amount });
    }
  if (kinds.includes("screen"))
    for (const strongest of screenInputs.filter((i) => i <= inputs / 2)) settings.push(...nodes("screen", strongest));
  const { lowRank, hash } = fitted;
  if (lowRank) for (const rank of ranks.filter((r) => r >= 16 && r <= lowRank.rank)) settings.push(...nodes("low-rank", rank));
  if (hash) settings.push(...nodes("hash", hash.tables));
  return settings;
}

/** Outputs from which on an output layer is wide enough to be ranked. */
export const wideOutputs = 256;

/**
 * Settings of a hidden layer worth trying; `isFirst` where it reads the network's input. `thresholds(by, shares)` gives the score that each of the
 * shares of nodes exceeds on average, of low-rank activators of a rank or of the layer's own pre-activations. Low-rank activators rank only the
 * first nodes, as many as each of `amongs` says.
 */
export function settingsOf(
  { activation, outputs }: DenseLayer,
  isFirst: boolean,
  fitted: LayerActivators,
  kinds: readonly string[],
  thresholds: (by: number | "all", shares: readonly number[]) => readonly number[],
  amongs: readonly number[],
): RankedSetting[] {
  const settings: RankedSetting[] = [];
  const { lowRank, hash } = fitted;
  // relu keeps the largest of the layer's own numbers; below 0 there is nothing left to leave out
  if (kinds.includes("all") && activation === "relu")
    for (const amount of thresholds("all", nodeShares).filter((score) => score > 0 && score < Number.POSITIVE_INFINITY))
      settings.push({ kind: "ranked", activator: "all", variant: 0, unit: "node", by: "threshold", amount });
  if (kinds.includes("static")) {
    const panelCount = Math.ceil(outputs / PANEL);
    settings.push(...staticOf(outputs, new Set(staticShares.map((share) => Math.round(share * panelCount) * PANEL))));
  }
  if (lowRank)
    for (const variant of (isFirst ? ranks : laterRanks).filter((r) => r <= lowRank.rank)) {
      const scores = thresholds(variant, nodeShares);
      for (const nodes of amongs) {
        const base = { kind: "ranked", activator: "low-rank", variant, ...(nodes < outputs ? { among: nodes } : {}) } as const;
        const topK = (unit: "node" | "panel", shares: readonly number[]): void => {
          const units = unit === "node" ? nodes : Math.ceil(nodes / PANEL);
          // several shares of few nodes are the same number
          for (const count of new Set(shares.map((share) => Math.max(1, Math.round((share * outputs * units) / nodes)))))
            if (count < units) settings.push({ ...base, unit, by: "top-k", amount: count / units });
        };
        topK("node", nodeShares);
        for (const amount of scores) settings.push({ ...base, unit: "node", by: "threshold", amount });
        // with many inputs, reading a row per node takes less
        if (!isFirst) topK("panel", panelShares);
      }
    }
  if (hash)
    for (const amount of hashShares)
      settings.push({ kind: "ranked", activator: "hash", variant: hash.tables, unit: "node", by: "top-k", amount });
  return settings;
}

/** Settings that compute a fixed number of first nodes for every input: multiples of a panel, but neither none nor all. */
export function staticOf(outputs: number, numbers: Iterable<number>): RankedSetting[] {
  const padded = paddedTo(outputs, PANEL);
  return [...numbers]
    .filter((nodes) => nodes > 0 && nodes < padded)
    .map((nodes) => ({ kind: "ranked", activator: "static", variant: 0, unit: "panel", by: "top-k", amount: nodes / padded }));
}

/** `rung` with another setting of layer `l`. */
export function withLayer(rung: Rung, l: number, setting: LayerSetting): Rung {
  return { layers: rung.layers.map((old, i) => (i === l ? setting : old)) };
}
