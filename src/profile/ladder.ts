// What calibration found out about a model, as data: the levels of effort, what each costs, and what was proved of it.
// It knows neither how levels are found nor how they are run.

import type { Rung } from "../activator/setting.ts";

export type { LayerSetting, RankedSetting, Rung } from "../activator/setting.ts";

/** What one query costs at a level, measured on rows the activators were not fitted on. */
export interface Cost {
  /** Multiply-adds, the activator's own included. */
  macs: { mean: number; p99: number; max: number };
  /** Weight and activator bytes read, mean. */
  bytes: number;
  /** Mean share of active nodes, per layer. */
  nodes: readonly number[];
}

/** A promise proved on `samples` rows: it holds with probability `confidence` over the draw of those rows. */
export interface Certificate {
  /** `loss`: at most `bound` lost against dense (a fraction). `agreement`, `accuracy`: at least `bound`. */
  kind: "loss" | "agreement" | "accuracy";
  bound: number;
  confidence: number;
  samples: number;
}

/** One setting of all knobs of a network, or a rule that starts low and grows for inputs it is unsure of. */
export interface Level {
  rungs: readonly Rung[];
  cost: Cost;
  /** What was observed on the certification rows: estimates, not promises. `accuracy` and `loss` are null without labels. */
  observed: { agreement: number; accuracy: number | null; loss: number | null };
  /** At most one of each kind; the tightest bound that fixed-sequence testing from dense downward reached. */
  certificates: readonly Certificate[];
}

/** What certificates are about: right answers where there were labels, dense's answers where there were none; the best one, or of the best k. */
export type LadderMetric = (typeof metrics)[number];
export const metrics = ["accuracy", "precision@1", "precision@3", "precision@5", "agreement", "agreement@3", "agreement@5"] as const;

/** The levels of a model from cheapest to dense. */
export interface Ladder {
  version: 1;
  metric: LadderMetric;
  /** Whose answers levels are judged by: those of the weights before they were brought to eight bits; without it, dense's. */
  reference?: "float32";
  /** The promise `calibrate` was asked for; what a query without an SLO gets. */
  promise: { kind: "loss" | "agreement"; bound: number; confidence: number };
  /** Ordered by cost; the last is dense. */
  levels: readonly Level[];
}
