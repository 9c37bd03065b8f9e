// What a race of wide networks came to, as plain data and as text. It measures nothing.

import Table from "cli-table3";
import type { Latency } from "../src/cli/measure.ts";
import type { AtRanks } from "../src/cli/metric.ts";
import { boundText, percent } from "../src/cli/results.ts";
import type { Certificate, LadderMetric } from "../src/profile/ladder.ts";
import type { RatioInterval } from "./statistics.ts";

export interface WideResult {
  network: string;
  /** Where rows and labels come from, in words. */
  data: string;
  /** Made by a generator: speed and memory are real, answers mean nothing. */
  synthetic: boolean;
  widths: readonly number[];
  queries: number;
  backend: string;
  /** What the levels are certified for; null without calibration. */
  certifiedMetric: LadderMetric | null;
  /** Engine memory of our session. */
  memoryBytes: number;
  /** Ours first, dense before all. */
  contenders: readonly WideContender[];
  /** Quoted ratios of medians. */
  ratios: readonly WideRatio[];
}

export interface WideContender {
  /** An SLO, or a peer's name. */
  name: string;
  kind: "ours" | "peer" | "peer in eight bits";
  /** Which graph a peer runs. */
  form: string | null;
  version: string | null;
  /** Right ones among the best k; null where labels mean nothing. */
  precision: AtRanks | null;
  /** Share of queries with the best k of our dense. */
  agreement: AtRanks;
  latencyMs: Latency;
  /** Null for peers, which do everything. */
  spent: {
    macs: number;
    bytes: number;
    /** Shares of what our dense did on the same queries. */
    macsShare: number;
    bytesShare: number;
    /** Mean active nodes, per layer. */
    nodes: readonly number[];
    certificate: Certificate | null;
    reason: string;
  } | null;
}

export interface WideRatio extends RatioInterval {
  slower: string;
  faster: string;
}

/** How much less often right than our dense a peer may be and still be quoted against: what is asked of ours under `loss=0.003`. */
const mostLost = 0.003;
/** The same where labels mean nothing: agreement with our dense. */
const leastAgreement = 0.99;

/**
 * The fastest peers in the median: `usual` of those in floats by their public API, `hardest` of all that still answer well enough to be
 * quoted against, entered below its public API and with weights in eight bits included. Null where there is none.
 */
export function bestPeers({ contenders }: Pick<WideResult, "contenders">): { usual: WideContender | null; hardest: WideContender | null } {
  const [dense] = contenders;
  const isRightEnough = ({ precision, agreement }: WideContender): boolean =>
    precision && dense.precision ? dense.precision[1] - precision[1] <= mostLost : agreement[1] >= leastAgreement;
  const fastest = (peers: readonly WideContender[]): WideContender | null =>
    peers.reduce<WideContender | null>((best, peer) => (best && best.latencyMs.p50 <= peer.latencyMs.p50 ? best : peer), null);
  return {
    usual: fastest(contenders.filter(({ kind, name }) => kind === "peer" && !name.includes("native"))),
    hardest: fastest(contenders.filter((one) => one.kind !== "ours" && isRightEnough(one))),
  };
}

/** For people. */
export function wideText(result: WideResult): string {
  const { network, data, synthetic, widths, queries, backend, certifiedMetric, memoryBytes, contenders, ratios } = result;
  const [dense] = contenders;
  const best = bestPeers(result);
  const over = [
    { head: "× own dense", slower: dense },
    ...(best.usual ? [{ head: `× ${best.usual.name}`, slower: best.usual }] : []),
    ...(best.hardest && best.hardest !== best.usual ? [{ head: `× ${best.hardest.name}`, slower: best.hardest }] : []),
  ];
  const labelled = dense.precision !== null;
  const table = new Table({
    head: [
      "",
      ...(labelled ? ["precision@1", "@3", "@5"] : []),
      ...["agreement", "@5", "p50 ms", "p99 ms", "MACs", "bytes"],
      ...over.map(({ head }) => head),
      certifiedMetric ? `certified (${certifiedMetric})` : "certified",
    ],
    style: { head: [], border: [], compact: true },
    colAligns: ["left", ...new Array<"right">((labelled ? 9 : 6) + over.length).fill("right"), "left"],
  });
  for (const { name, precision, agreement, latencyMs, spent } of contenders)
    table.push([
      name,
      ...(labelled ? ([1, 3, 5] as const).map((k) => (precision ? percent(precision[k]) : "")) : []),
      percent(agreement[1]),
      percent(agreement[5]),
      latencyMs.p50.toFixed(4),
      latencyMs.p99.toFixed(4),
      spent ? percent(spent.macsShare) : "",
      spent ? percent(spent.bytesShare) : "",
      ...over.map(({ slower }) => (slower.latencyMs.p50 / latencyMs.p50).toFixed(2)),
      spent?.certificate ? `${spent.certificate.kind} ${boundText(spent.certificate.kind, spent.certificate.bound)}` : "",
    ]);
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  const lines = [
    `${network}: ${widths.join("-")}, ${data}; ${queries} queries one by one, ${backend} kernels, ${megabytes(memoryBytes)} of engine memory`,
    ...(synthetic ? ["SYNTHETIC weights and queries: only speed, memory and agreement with dense mean anything"] : []),
    table.toString(),
    ...contenders.flatMap(({ name, form, version, spent }) => [
      ...(spent ? [`${name}: ${spent.nodes.map((n) => Math.round(n)).join(" + ")} nodes; ${spent.reason}`] : []),
      ...(form ? [`${name} ${version}: ${form}`] : []),
    ]),
    ...contenders
      .filter(({ kind }) => kind === "ours")
      .flatMap(({ name }) => {
        const of = ratios.filter(({ faster }) => faster === name);
        const one = ({ slower, ratio, low, high }: WideRatio): string =>
          `${ratio.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)}) × ${slower}`;
        return of.length > 0 ? [`${name} is as fast as ${of.map(one).join(", ")}`] : [];
      }),
    ...(ratios.length > 0 ? [`intervals hold at ${percent(ratios[0].confidence)}`] : []),
  ];
  return `\n${lines.join("\n")}\n`;
}
