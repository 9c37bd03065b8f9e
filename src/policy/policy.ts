// Chooses one level of effort from what is asked, what was certified, what was measured and how loaded the machine is. Pure: no clock, no
// engine, no state. Unknown numbers are NaN and never fit anything.

import type { Certificate, Ladder, Level } from "../profile/ladder.ts";
import { closeness, type Forecast, fits, isNoFaster, medianAt, predict, predictWithin } from "./deadline.ts";
import { certificateOf, isDense, isLossless, keeps } from "./levels.ts";
import { createLoad, type LoadState } from "./load.ts";
import type { Plan } from "./plan.ts";
import { describeKey, describeSlo, type Slo } from "./slo.ts";

/** What really happened to a query. */
export interface Outcome {
  /** Milliseconds of the deadline that had passed before the call. */
  waitedMs: number;
  /** Milliseconds of the call itself. */
  totalMs: number;
  /** Multiply-adds done. */
  macs: number;
  /** Mean share of active nodes, as `nodeShare` counts it. */
  nodeShare: number;
}

type PromiseKind = Certificate["kind"];
const promiseKinds: readonly PromiseKind[] = ["loss", "agreement", "accuracy"];

/**
 * Chooses a level. `levels` run from cheapest to dense, which is last; `forecast` has the same order.
 *
 * - Nothing asked: the calibrated promise; without one, dense.
 * - Promises (`loss`, `agreement`, `accuracy`): the least latency among the levels certified for them (where nothing was measured, the first in the
 *   ladder's order of cost); none: dense.
 * - `latencyMs`: the most accurate level, as observed, that fits what is left of it (`fits`); none: what comes closest;
 *   where nothing was measured, the cheapest, unless something else is asked too.
 * - `operations`: the most accurate level, as observed, whose largest observed count of multiply-adds fits (the largest, since a
 *   budget that is kept on average only is no budget; levels that grow stop at it); none: the one with the smallest.
 * - `nodes`: the most accurate level, as observed, whose mean share of active nodes (`nodeShare`) fits; none: the one with the smallest.
 * - Several: one after another in the order deadline, operations, promises, nodes, each among the levels that the ones before
 *   left. A requirement that would leave none is given up, so the deadline wins.
 *
 * Levels lossless by construction give the same answers and count as the highest; among them the fastest is taken.
 * A tighter target of one kind, all else equal, never gets a level that is worse in what it constrains.
 *
 * @param slo stays in the plan, and is frozen with it
 */
export function plan(
  slo: Slo | undefined = {},
  levels: readonly Level[],
  promise: Ladder["promise"] | null,
  forecast: Forecast,
  load: LoadState,
  leftMs: number = slo.latencyMs ?? Number.POSITIVE_INFINITY,
  among: readonly number[] = levels.map((_, i) => i),
): Plan {
  const dense = levels.length - 1;
  const share = shareOf(slo);
  const finish = (level: number, reason: string, promised = true, certificate: Plan["certificate"] = null, gaveUp: string[] = []): Plan => {
    const { observed, cost } = levels[level];
    const ms = predictWithin(forecast, load, level, share, leftMs);
    const expected = { metric: observed.accuracy ?? observed.agreement, latencyMs: Number.isNaN(ms) ? null : ms, macs: cost.macs.mean };
    [slo, expected, certificate, gaveUp].forEach(Object.freeze);
    return Object.freeze({ level, slo, expected, reason, certificate, promised, gaveUp });
  };

  if (slo.dense) return finish(dense, "dense was asked");
  if (slo.exact) {
    const exact = levels.findLastIndex((level) => isLossless(level) && !isDense(level));
    return finish(exact < 0 ? dense : exact, "exact was asked");
  }
  const isNothing = !describeSlo(slo);
  if (isNothing && !promise) return finish(dense, "nothing asked: dense");
  const targets: Slo = isNothing ? { [promise!.kind]: promise!.bound } : slo;

  const promises = promiseKinds.filter((kind) => targets[kind] !== undefined);
  let left = among;
  const gaveUp: string[] = [];
  const reasons: string[] = [];
  /** Keeps the levels that fit; where none does, those closest by `distance`. `within` says, for people, under what circumstances. */
  const narrow = (
    key: "latencyMs" | "operations" | "nodes",
    size: (i: number) => number,
    holds: (i: number) => boolean = (i) => size(i) <= targets[key]!,
    distance: (i: number) => number = size,
    within = "",
  ): void => {
    const text = describeKey(targets, key);
    const fitting = left.filter(holds);
    if (fitting.length > 0) {
      // levels that no deadline prefers were left out before
      reasons.push(`${text} leaves ${fitting.length} of ${left.length} levels${key === "latencyMs" ? " that pay" : ""}`);
      left = fitting;
      return;
    }
    gaveUp.push(text);
    const away = left.map(distance);
    const [least] = [...away].sort(ascending);
    left = left.filter((_, i) => !ascending(away[i], least));
    const nearest = size(left[0]);
    const closest = nearest >= 0 ? `closest takes ${describeKey({ [key]: rounded(nearest) }, key)}` : "nothing was measured";
    reasons.push(`${text + within} fits no level: ${closest}`);
  };

  if (targets.latencyMs !== undefined) {
    const away = (i: number): number => -closeness(forecast, load, i, leftMs);
    const asksElse = promises.length > 0 || targets.operations !== undefined || targets.nodes !== undefined;
    narrow(
      "latencyMs",
      (i) => predict(forecast, load, i, 1, share),
      (i) => fits(forecast, load, i, leftMs, share, promises.length > 0),
      // where nothing was measured, the choice is left to what else was asked
      left.some((i) => !Number.isNaN(away(i))) ? away : (i) => (asksElse ? 0 : levels[i].cost.macs.mean),
      (leftMs < targets.latencyMs ? ` with ${rounded(Math.max(0, leftMs))} ms left` : "") + (load.lostPerMs ? " beside lost slices" : ""),
    );
  }
  if (targets.operations !== undefined) narrow("operations", (i) => mostMacs(levels[i]));

  for (const kind of promises) {
    const text = describeKey(targets, kind);
    const keeping = left.filter((i) => keeps(certificateOf(levels, i, kind), targets[kind]!));
    if (keeping.length > 0) {
      reasons.push(`${text} is certified for ${keeping.length} of ${left.length} levels`);
      left = keeping;
    } else {
      gaveUp.push(text);
      reasons.push(`${text} is certified for no level${left.length < levels.length ? " left" : ""}: ${bestCertified(levels, left, kind)}`);
    }
  }
  if (targets.nodes !== undefined) {
    const layers = thinnedLayers(levels);
    narrow("nodes", (i) => nodeShare(levels[i].cost.nodes, layers));
  }

  // of each kind, all that are left keep it or none does
  const isKept = (kind: PromiseKind): boolean => keeps(certificateOf(levels, left[0], kind), targets[kind]!);
  const promised = promises.every(isKept);
  const faster = byLatency(forecast);
  const order = promises.length > 0 && promised ? faster : byAccuracy(levels, faster);
  const level = !promised && left.includes(dense) ? dense : left.reduce((a, b) => (order(b, a) < 0 ? b : a));
  const kept = promises.find(isKept);
  const choice = level === dense ? "dense" : `level ${level + 1} of ${levels.length}`;
  const why = order === faster ? "least latency" : "most accurate";
  reasons.push(left.length > 1 && (promised || level !== dense) ? `${choice}, the ${why} of them` : choice);
  const head = isNothing ? "the calibrated promise: " : "";
  return finish(level, head + reasons.join("; "), promised, kept && certificateOf(levels, level, kept), gaveUp);
}

type Order = (a: number, b: number) => number;

/** The least median latency first. */
function byLatency(forecast: Forecast): Order {
  return (a, b) => ascending(forecast[medianAt(a)], forecast[medianAt(b)]) || a - b;
}

/** The most accurate first, as observed; of lossless ones, which give the same answers, the fastest. */
function byAccuracy(levels: readonly Level[], faster: Order): Order {
  const labelled = levels.every(({ observed }) => observed.accuracy !== null);
  const metric = (i: number): number => levels[i].observed[labelled ? "accuracy" : "agreement"] ?? 0;
  const lossless = (i: number): number => Number(isLossless(levels[i]));
  return (a, b) => metric(b) - metric(a) || lossless(b) - lossless(a) || (lossless(a) ? faster(a, b) : b - a);
}

/** One text per plan: equal for SLOs that get the same plan from the same levels, profile and load. */
export function planKey(slo: Slo = {}): string {
  return `${describeSlo(slo)},late=${slo.late}`;
}

/**
 * Whether a finished query met its SLO: time, operations and nodes by what really happened, promises by the certificate the plan had.
 * No deadline is met by no time at all where nothing was ever measured: the clock stands still.
 */
export function met({ slo, promised, expected }: Plan, { waitedMs, totalMs, macs, nodeShare }: Outcome): boolean {
  return (
    promised &&
    (slo.latencyMs === undefined || (waitedMs + totalMs <= slo.latencyMs && (totalMs > 0 || expected.latencyMs !== null))) &&
    macs <= (slo.operations ?? macs) &&
    nodeShare <= (slo.nodes ?? 1)
  );
}

/** The layers that `nodes` is about: those that some level leaves nodes out of; where there are none, all. */
export function thinnedLayers(levels: readonly Level[]): number[] {
  const all = levels[0].cost.nodes.map((_, l) => l);
  const thinned = all.filter((l) => levels.some(({ cost }) => cost.nodes[l] < 1));
  return thinned.length > 0 ? thinned : all;
}

/**
 * Mean of these layers' shares of active nodes, or that mean rounded to nine decimals, whichever is smaller: a sum of decimals may come out
 * slightly above its true value. `nodes` has one entry per layer: a count where `widths` are given, else a share.
 */
export function nodeShare(nodes: ArrayLike<number>, layers: readonly number[], widths?: ArrayLike<number>): number {
  const mean = layers.reduce((sum, l) => sum + (widths ? nodes[l] / widths[l] : nodes[l]), 0) / layers.length;
  return Math.min(mean, Math.round(mean * 1e9) / 1e9);
}

/** Share of queries whose time counts: the percentile asked with a deadline, half of them without. */
export function shareOf({ latencyMs, percentile = 99 }: Slo): number {
  return latencyMs === undefined ? 0.5 : percentile / 100;
}

/** Whether something was asked that only a certificate can promise. */
export function asksPromise(slo: Slo): boolean {
  return promiseKinds.some((kind) => slo[kind] !== undefined);
}

/**
 * Levels in the order in which a deadline that fits several of them prefers them: what `plan` chooses among a level and all after it is that
 * level. One that takes no less time than one before it is left out: where it fits, so does the better one.
 */
export function preference(slo: Slo, levels: readonly Level[], forecast: Forecast): number[] {
  const idle = createLoad(levels.length);
  const order: number[] = [];
  for (let left = levels.map((_, i) => i); left.length > 0; ) {
    const { level } = plan(slo, levels, null, forecast, idle, Number.POSITIVE_INFINITY, left);
    order.push(level);
    left = left.filter((i) => i !== level && !isNoFaster(forecast, i, level));
  }
  return order;
}

function bestCertified(levels: readonly Level[], among: readonly number[], kind: PromiseKind): string {
  const sign = kind === "loss" ? 1 : -1;
  const bounds = among.flatMap((i) => certificateOf(levels, i, kind)?.bound ?? []);
  return bounds.length === 0
    ? `none has a certificate of ${kind}`
    : `the best of them is for ${kind}=${sign * rounded(Math.min(...bounds.map((bound) => sign * bound)))}`;
}

/**
 * The multiply-adds that a budget has to allow: the largest count observed. For a level that grows, the largest of its first rung, since growth
 * stops at the budget, but at least the 99th percentile, so that it rarely has to.
 */
function mostMacs({ rungs, cost }: Level): number {
  return rungs.length > 1 && rungs[0].macs !== undefined ? Math.max(rungs[0].macs, cost.macs.p99) : cost.macs.max;
}

/** Orders numbers upwards, NaN last and equal to NaN. */
function ascending(a: number, b: number): number {
  const known = (value: number): number => (Number.isNaN(value) ? Number.MAX_VALUE : value);
  return known(a) - known(b);
}

/** Rounded up to four decimals, so that whoever asks for exactly what a reason names gets it. */
function rounded(value: number): number {
  return Math.ceil(value * 1e4) / 1e4;
}
