// What a report shows, as data: filled by whoever ran the races, written as report.json, drawn as the page. It measures and draws nothing.

import type { Latency } from "../../src/cli/measure.ts";
import type { AtRanks } from "../../src/cli/metric.ts";
import type { Run } from "../../src/cli/results.ts";
import type { Certificate, LadderMetric } from "../../src/profile/ladder.ts";
import type { RatioInterval } from "../statistics.ts";

export interface ReportData {
  /** Raised when a field changes its meaning. */
  version: 1;
  title: string;
  /** When the races were run, ISO 8601. */
  madeAt: string;
  /** The command that makes this report again. */
  command: string;
  machine: { cpu: string; cores: number; memoryBytes: number; os: string; runtime: string };
  /** Name to version: slonn, the peers, whatever else a reader needs to repeat it. */
  versions: Readonly<Record<string, string>>;
  /** How the contenders took turns. */
  race: { order: "blocks" | "queries"; blockSize: number };
  networks: readonly NetworkReport[];
}

export interface NetworkReport {
  name: string;
  /** Where the test rows come from, in words. */
  data: string;
  /** Test rows the metric was taken on. */
  samples: number;
  /** Counted queries of every contender. */
  queries: number;
  /** Inputs, then the outputs of every layer: [784, 1024, 1024, 10]. */
  widths: readonly number[];
  metric: LadderMetric;
  /** Which of our kernels ran. */
  backend: string;
  /** Our own dense run. `macs` are those it did: where inputs are sparse, those of the inputs present. */
  dense: { metric: number; precision?: AtRanks; latencyMs: Latency; macs: number };
  /** The promise the network was calibrated for, and the metric it is about; its line is drawn where it is a loss of the metric shown. */
  promise: { kind: Certificate["kind"]; bound: number; confidence: number; metric: LadderMetric } | null;
  levels: readonly LevelMark[];
  /** The hash activator's own ladder, the baseline. */
  hash: readonly LevelMark[];
  peers: readonly PeerMark[];
  /** One per SLO, as `slonn run --json` has them. */
  runs: readonly Run[];
  /** Quoted ratios of medians, from the same race. */
  ratios: readonly QuotedRatio[];
}

/** One level of effort, on the test rows. */
export interface LevelMark {
  name: string;
  metric: number;
  latencyMs: Latency;
  /** Share of dense multiply-adds, the activator's own included. */
  macs: number;
  /** Empty where nothing was certified. */
  certificates: readonly Certificate[];
}

/** Another engine, which runs every node for every query. */
export interface PeerMark {
  name: string;
  version: string;
  metric: number;
  /** Share of right answers among the best 1, 3 and 5; only where rows have several labels. */
  precision?: AtRanks;
  latencyMs: Latency;
}

export interface QuotedRatio extends RatioInterval {
  slower: string;
  faster: string;
}
