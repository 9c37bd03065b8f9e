// What calibration found about a model, as data: the levels of effort, what each costs, and what was proved about it.
// It knows neither how levels are found nor how they are run.

import type { Rung } from "../activator/setting.ts";

export type { LayerSetting, RankedSetting, Rung } from "../activator/setting.ts";

/** What one query costs at a level, measured on rows the activators were not fitted on. */
export interface Cost {
  /** Multiply-adds, including those that rank nodes. */
  readonly macs: { readonly mean: number; readonly p99: number; readonly max: number };
  /** Bytes read of weights and activators, mean. */
  readonly bytes: number;
  /** Mean share of active nodes, per layer. */
  readonly nodes: readonly number[];
}

/** A promise proved on `samples` rows: it holds with probability `confidence` over the draw of those rows. */
export interface Certificate {
  readonly kind: "loss" | "agreement" | "accuracy";
  /** A fraction. `loss`: at most this is lost against dense. `agreement`, `accuracy`: at least this. */
  readonly bound: number;
  readonly confidence: number;
  readonly samples: number;
}

/** One setting of all knobs of a network, or a rule that starts low and grows for inputs it is unsure of. */
export interface Level {
  /** In the order a query runs them, until one of them ends it. */
  readonly rungs: readonly Rung[];
  readonly cost: Cost;
  /** What was observed on the certification rows: estimates, not promises. `accuracy` and `loss` are null without labels. */
  readonly observed: { readonly agreement: number; readonly accuracy: number | null; readonly loss: number | null };
  /** At most one of each kind, with the tightest bound that could be proved. */
  readonly certificates: readonly Certificate[];
}

/** What certificates are about: right answers where there were labels, else agreement with dense's answers; of the best answer, or of the best k. */
export type LadderMetric = "accuracy" | "precision@1" | "precision@3" | "precision@5" | "agreement" | "agreement@3" | "agreement@5";
export const metrics: readonly LadderMetric[] = [
  "accuracy",
  "precision@1",
  "precision@3",
  "precision@5",
  "agreement",
  "agreement@3",
  "agreement@5",
];

/** The levels of a model from cheapest to dense. */
export interface Ladder {
  version: 1;
  metric: LadderMetric;
  /** Whose answers the levels are judged by: those of the weights before quantisation to 8 bits; where absent, dense's. */
  reference?: "float32";
  /** The promise `calibrate` was asked for; queries without an SLO get it. */
  promise: { kind: "loss" | "agreement"; bound: number; confidence: number };
  /** Ordered by cost; the last is dense. */
  levels: readonly Level[];
}
