// What an evaluation found, as plain data: filled part by part, written as JSON, drawn as pages. It measures and draws nothing.

import type { Latency } from "../../src/cli/measure.ts";
import type { LadderMetric } from "../../src/profile/ladder.ts";
import type { Score } from "../interference/score.ts";
import type { MachineFacts } from "../machine.ts";
import type { RatioInterval } from "../statistics.ts";

export interface Evaluation {
  /** Raised when a field changes its meaning. */
  version: 2;
  command: string;
  /** How much was measured: `full` is what is quoted. */
  size: SizeName;
  machine: MachineFacts;
  /** Name to version: slonn and the peers. */
  versions: Record<string, string>;
  networks: NetworkPart[];
  certificates: CertificatePart[];
  interference: InterferencePart[];
  scaling: ScalingPart | null;
  head: WideHeadPart | null;
  browser: BrowserPart | null;
  /** What did not finish, and why. */
  failed: { what: string; message: string }[];
}

export type SizeName = "full" | "quick" | "tiny";

/** When and beside what a part was measured. */
export interface Circumstances {
  /** ISO 8601. */
  madeAt: string;
  seconds: number;
  /** Runnable processes in the mean of a minute, this one included, before and after: about 1 on a quiet machine. */
  load: [number, number];
  machine: MachineFacts;
}

export interface NetworkPart extends Circumstances {
  name: string;
  /** Where its rows come from. */
  data: string;
  /** Who trained it, where that was not us. */
  trainedBy: string | null;
  widths: number[];
  weights: "float32" | "int8";
  backend: string;
  metric: LadderMetric;
  /** Rows of each kind; those that report were used for nothing else. */
  rows: { fit: number; search: number; certify: number; report: number };
  /** Report rows whose very input is also one of the others', where texts are short; absent where it was measured before that was counted. */
  knownInputs?: number;
  /** Null where it comes calibrated. */
  calibrationSeconds: number | null;
  queries: number;
  /** Queries of a turn that count, and milliseconds of those before them that do not. */
  turns: { queries: number; settlingMs: number };
  sparsity: Sparsity;
  /** Dense first; the same queries, in turns. */
  contenders: ContenderResult[];
  ratios: Ratio[];
  limits: Limits;
  cold: Cold[];
}

export interface ContenderResult {
  name: string;
  kind: "ours" | "baseline" | "peer" | "peer in eight bits";
  /** Which graph or kernels it runs, and which version of it. */
  form: string | null;
  /** Share of right answers; null where there are no labels. */
  right: number | null;
  /** Loss against our dense on the report rows with its 95 % interval (normal approximation); null without labels. */
  loss: { loss: number; low: number; high: number } | null;
  /** Share of queries with our dense's best answer. */
  agreement: number;
  latencyMs: Latency;
  /** Shares of dense's, and mean shares of active nodes per layer; null for peers. */
  macs: number | null;
  bytes: number | null;
  nodes: number[] | null;
  /** What was proved, in words; null where nothing was asked or proved. */
  certified: string | null;
  /** Median of each turn, microseconds, in the order they were taken: first run, second run. */
  blockUs: [number[], number[]];
}

/** The baselines: hash tables as measured time chose them, as multiply-adds did where those leave nothing out, and plain loops. */
export const hashName = "hash tables";
export const hashByWorkName = "hash tables by multiply-adds";
export const plainName = "plain JavaScript";

/** How many times as long `slower` took as `faster`, with the interval that a second run should lie in. */
export interface Ratio extends RatioInterval {
  slower: string;
  faster: string;
  /** The same in a second run. */
  again: number;
  /** Whether that lies within the interval. */
  reproduced: boolean;
}

export interface Sparsity {
  /** Share of inputs that are zero. */
  zeroInputs: number;
  layers: LayerSparsity[];
  /** Shares of dense's multiply-adds that a query needs: zeros skipped; the oracle's nodes alone; ours, predictor included. */
  macs: { exact: number; oracle: number; reached: number };
}

export interface LayerSparsity {
  name: string;
  nodes: number;
  /** Mean share of nodes at work: not zero after the activation; kept by the oracle at the promise, other layers exact; computed by ours. */
  active: number;
  oracle: number;
  reached: number;
}

/** Microseconds of a query, means over inputs, each from the stages of the query timed one by one. */
export interface Limits {
  denseUs: number;
  oursUs: number;
  /** With the nodes named by an oracle that costs nothing. */
  oracleUs: number;
  /** Bytes a query touches over the bandwidth memory of the size of the weights is read with. */
  bandwidthUs: { dense: number; ours: number };
  /** Dense over (dense × share of multiply-adds): the speed-up if time fell with work. */
  ideal: number;
}

/** A fresh process from before the first import to the first answer, milliseconds: median of several. */
export interface Cold {
  name: string;
  firstAnswerMs: number;
}

export interface CertificatePart extends Circumstances {
  network: string;
  /** Rows of the population that calibration rows are drawn from, and how many are drawn. */
  population: number;
  drawn: number;
  resamples: number;
  promised: number;
  confidence: number;
  /** Resamples in which the level chosen for the promise lost more than promised over the whole population. */
  broken: { certified: number; uncertified: number };
  /** One per resample: true loss of the level chosen, and its median time over dense's. */
  trueLoss: { certified: number[]; uncertified: number[] };
  speedUp: { certified: number; uncertified: number };
}

export interface InterferencePart extends Circumstances {
  network: string;
  denseMs: number;
  percentile: number;
  runs: { load: string; multiple: number; scores: Score[] }[];
}

export interface ScalingPart extends Circumstances {
  labels: ScalingPoint[];
  /** The level of `labels`: strongest inputs a screen looks at, labels it keeps. */
  screen: { inputs: number; kept: number };
  widths: ScalingPoint[];
  /** Fastest read of memory larger than the caches, bytes per microsecond. */
  bytesPerUs: number;
}

/** A made-up output layer, raced beside the peers. */
export interface WideHeadPart extends Circumstances {
  labels: number;
  inputs: number;
  queries: number;
  /** Dense first. */
  contenders: {
    name: string;
    form: string | null;
    agreement: number;
    latencyMs: Latency;
    /** Share of dense's; null for peers. */
    macs: number | null;
    certified: string | null;
  }[];
  /** Everybody against the promise. */
  ratios: Ratio[];
}

/** Engines in a page of a browser. */
export interface BrowserPart extends Circumstances {
  network: string;
  browser: string;
  versions: Record<string, string>;
  /** Blocks of each contender, and queries of a block that count and that come before. */
  blocks: { rounds: number; count: number; settle: number };
  /** How far outputs were from dense's at most, as a share of the largest; null and why where an engine did not answer. */
  checked: { name: string; off: number | null; agreement: number | null; failed: string | null }[];
  /** Median of the blocks' mean microseconds of a query. */
  contenders: { name: string; us: number }[];
  /** Everybody against the promise. */
  ratios: Ratio[];
}

/** Median microseconds of a query at one size. */
export interface ScalingPoint {
  size: number;
  /** Of dense, in floats and in eight bits, and of a level that computes `share` of the nodes. */
  denseUs: number;
  dense8Us: number | null;
  levelUs: number;
  /** Share of queries with dense's best answer in eight bits; null where answers mean nothing. */
  agreement: number | null;
  share: number;
  what: string;
}
