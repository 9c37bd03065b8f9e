// What an evaluation comes to: the figures that stand for a whole claim, and whether what was set out to be reached was. Pure functions
// of the data; a verdict without data is null, not a pass.

import { bestFixed } from "../interference/page.ts";
import {
  type ContenderResult,
  type Evaluation,
  hashByWorkName,
  hashName,
  type InterferencePart,
  type NetworkPart,
  type Ratio,
} from "./evaluation.ts";
import { promised, sloOf } from "./network.ts";

/** The objective every headline is about. */
export function promiseOf({ metric }: NetworkPart): string {
  return sloOf(promised, !metric.startsWith("agreement"));
}

export function contender({ contenders }: NetworkPart, name: string): ContenderResult | null {
  return contenders.find((one) => one.name === name) ?? null;
}

export function ratio({ ratios }: NetworkPart, slower: string, faster: string): Ratio | null {
  return ratios.find((one) => one.slower === slower && one.faster === faster) ?? null;
}

/** Many outputs that are ranked themselves. */
export function isWide({ widths }: NetworkPart): boolean {
  return widths[widths.length - 1] >= 256;
}

/** Reads images of 28 x 28 pixels. */
function isImage({ widths }: NetworkPart): boolean {
  return widths[0] === 28 * 28;
}

/** Whether not all of a layer's nodes were computed; `share` is a mean over queries. */
const leavesOut = (share: number): boolean => share < 0.999;

/** Whether the promise is kept by a level that leaves anything out. */
export function drops(network: NetworkPart): boolean {
  return network.sparsity.layers.some(({ reached }) => leavesOut(reached));
}

/** The name of the hash tables that leave nodes out under the promise: those by time, else those by multiply-adds; null where neither does. */
export function hashLeavingOut(network: NetworkPart): string | null {
  if (contender(network, hashByWorkName)) return hashByWorkName;
  return contender(network, hashName)?.nodes?.some(leavesOut) ? hashName : null;
}

/** Share of the time a free oracle would save that ours saves; null where it would save next to nothing: less than a tenth. */
export function oracleKept({ limits: { denseUs, oursUs, oracleUs } }: NetworkPart): number | null {
  return denseUs > 1.1 * oracleUs ? (denseUs - oursUs) / (denseUs - oracleUs) : null;
}

/** How much less often right than our dense a peer may be and still be quoted against. */
const mostLost = 0.003;

/**
 * The fastest peers in the median of those that answer well enough: `usual` by their public API, in eight bits only where ours are too;
 * `inFloats` of those in floats; `hardest` of all, entered below their public API and in eight bits included.
 */
export function bestPeers({ contenders, weights }: NetworkPart): Record<"usual" | "inFloats" | "hardest", ContenderResult | null> {
  const fastest = (peers: readonly ContenderResult[]): ContenderResult | null =>
    peers.reduce<ContenderResult | null>((best, peer) => (best && best.latencyMs.p50 <= peer.latencyMs.p50 ? best : peer), null);
  const good = contenders.filter(
    ({ kind, loss, agreement }) => kind.startsWith("peer") && (loss ? loss.loss <= mostLost : agreement >= 1 - mostLost),
  );
  const open = good.filter(({ name }) => !name.includes("native"));
  return {
    usual: fastest(open.filter(({ kind }) => kind === "peer" || weights === "int8")),
    inFloats: fastest(open.filter(({ kind }) => kind === "peer")),
    hardest: fastest(good),
  };
}

/** What dense, the best fixed level in hindsight and ours made of a deadline. */
export function deadlineScores({ scores }: InterferencePart["runs"][number]) {
  const named = (name: string) => scores.find((one) => one.contender === name) ?? null;
  return { dense: named("dense"), ours: named("ours"), best: scores.length > 0 ? bestFixed(scores) : null };
}

export interface Verdict {
  what: string;
  found: string;
  /** Null where there is nothing to judge by. */
  reached: boolean | null;
}

const times = (value: number): string => `${value.toPrecision(3)}×`;
const percent = (value: number): string => `${(100 * value).toFixed(0)} %`;

export function verdictsOf(evaluation: Evaluation): Verdict[] {
  const { networks, certificates } = evaluation;
  const dropping = networks.filter(drops);
  const overDense = dropping.flatMap((network) => {
    const found = ratio(network, "dense", promiseOf(network));
    const { denseUs, oracleUs } = network.limits;
    return found ? [{ ...found, name: `${network.name}; with an oracle's nodes ${times(denseUs / oracleUs)}` }] : [];
  });
  const whole = networks
    .filter((network) => !drops(network))
    .flatMap((network) => {
      const found = ratio(network, "dense", promiseOf(network));
      return found ? [{ ...found, name: network.name }] : [];
    });
  const overPeers = (sort: "usual" | "inFloats") =>
    dropping.flatMap((network) => {
      const peer = bestPeers(network)[sort];
      const found = peer && ratio(network, peer.name, promiseOf(network));
      return found ? [{ ...found, name: `${network.name}, ${found.slower}` }] : [];
    });
  const overHash = networks.flatMap((network) => {
    const name = hashLeavingOut(network);
    const found = name && ratio(network, name, promiseOf(network));
    return found ? [{ ...found, name: network.name }] : [];
  });
  const least = <T extends { ratio: number }>(of: readonly T[]): T => of.reduce((a, b) => (b.ratio < a.ratio ? b : a));
  const most = <T extends { ratio: number }>(of: readonly T[]): T => of.reduce((a, b) => (b.ratio > a.ratio ? b : a));
  const ofKept = (sort: string, isOne: (network: NetworkPart) => boolean, atLeast: number): Verdict => {
    const all = dropping.filter(isOne).flatMap((network) => {
      const kept = oracleKept(network);
      return kept === null ? [] : [{ name: network.name, ratio: kept }];
    });
    const what = `${sort} networks keep at least ${percent(atLeast)} of the time an oracle would save`;
    if (all.length === 0) return { what, found: "not measured", reached: null };
    const worst = least(all);
    return { what, found: all.map(({ name, ratio: share }) => `${name} ${percent(share)}`).join(", "), reached: worst.ratio >= atLeast };
  };
  const verdict = <T extends Ratio & { name: string }>(
    what: string,
    of: readonly T[],
    pick: (of: readonly T[]) => T,
    holds: (one: T) => boolean,
  ): Verdict => {
    if (of.length === 0) return { what, found: "not measured", reached: null };
    const one = pick(of);
    return { what, found: `${times(one.ratio)}${one.reproduced ? "" : " †"} (${one.name})`, reached: holds(one) };
  };
  return [
    verdict("at least 3× our own dense on the network that drops worst, where anything drops", overDense, least, (one) => one.ratio >= 3),
    verdict("not slower than dense where nothing drops", whole, least, (one) => one.high >= 1),
    verdict("at least 56.7× the best peer on the network that drops best", overPeers("usual"), most, (one) => one.ratio >= 56.7),
    verdict("the same over peers in floats alone", overPeers("inFloats"), most, (one) => one.ratio >= 56.7),
    verdict(
      "faster than hash tables at the same promise on every network where they can leave anything out",
      overHash,
      least,
      (one) => one.low > 1,
    ),
    ofKept("image", isImage, 0.6),
    ofKept("wide", isWide, 0.8),
    ...certificates.map((part): Verdict => {
      const allowed = brokenAllowed(part.confidence, part.resamples);
      return {
        what: `${part.network}: certified promises broken in at most ${allowed} of ${part.resamples} draws (${percent(1 - part.confidence)} and sampling error)`,
        found: `${part.broken.certified}; without certificates ${part.broken.uncertified}`,
        reached: part.broken.certified <= allowed,
      };
    }),
  ];
}

/** As often as a share of 1 − confidence is seen in `resamples` draws with 95 % probability at most. */
export function brokenAllowed(confidence: number, resamples: number): number {
  const delta = 1 - confidence;
  return Math.floor(resamples * delta + 1.645 * Math.sqrt(resamples * delta * confidence));
}
