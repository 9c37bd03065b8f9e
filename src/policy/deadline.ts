// Which level to run in the time that is left: latencies measured on an idle machine, times the load, against a deadline. Pure, and cheap
// enough for every query: nothing is allocated, and each level looked at costs a logarithm or two.
//
// Between the measured percentiles the share of queries that take longer than t falls by a power of t: linear in "nines" (−log10 of
// that share) over log t. Of a level that grows two distributions count: the first rung's, behind which an answer stands, and the
// whole query's, which growth would take if nobody stopped it.

import type { Level } from "../profile/ladder.ts";
import { type LatencyProfile, p97Of, type Quantiles } from "../profile/latency.ts";
import type { LoadState } from "./load.ts";

/**
 * Thirteen numbers a level, times as logarithms of milliseconds when idle:
 *
 *   0 … 2    to the end of the first rung: the median, and how far beyond it p90 and p99 lie
 *   3 … 5    the whole query: likewise
 *   6        the metric observed
 *   7 … 12   of each of up to three later rungs: p97 at its end, and the share of queries that get there
 */
export type Forecast = Float64Array;

const perLevel = 13;
const metricAt = 6;
const laterAt = 7;
const perLater = 2;
/** The 90th percentile has one nine, the 99th has two, and the median this much less than one. */
const belowP90 = 1 - Math.log10(2);
/** The nines of a share; NaN, which no level reaches, for a share above 1. */
const ninesOf = (share: number): number => -Math.log10(1 - share);
/** A growing level is chosen where at least this share of queries need not be cut short. */
const uncut = 0.95;
/** What an answer that was cut short is worth where a whole one is worth 1: queries that grow are the close calls. */
const worthCut = 0.6;
/** How much longer, as a logarithm, a level has to take to count as slower than another: smaller differences may be chance. */
const unlike = 0.2;
/** An allowance for rounding, as a logarithm. */
const rounding = 1e-9;

/** Where a level's idle median lies: the logarithm of milliseconds of a whole query. */
export function medianAt(level: number): number {
  return perLevel * level + 3;
}

/** What the profile says of the levels; NaN where it says nothing. */
export function createForecast(profile: LatencyProfile, levels: readonly Level[]): Forecast {
  const forecast = new Float64Array(perLevel * levels.length).fill(Number.NaN);
  levels.forEach(({ observed }, i) => {
    const latency = profile.levels[i];
    [latency?.rungs?.[0] ?? latency, latency].forEach((part: Quantiles | undefined, p) => {
      if (!(part && part.p50 > 0)) return;
      const median = Math.log(part.p50);
      const beyond = (ms: number): number => Math.max(Math.log(ms) - median, rounding);
      forecast.set([median, beyond(part.p90), beyond(part.p99)], perLevel * i + 3 * p);
    });
    forecast[perLevel * i + metricAt] = observed.accuracy ?? observed.agreement;
    latency?.rungs?.slice(1, 4).forEach((rung, r) => {
      forecast.set([Math.log(p97Of(rung)), rung.reached || 0], perLevel * i + laterAt + perLater * r);
    });
  });
  return forecast;
}

/** Nines of the share of queries done after `logMs`, of the distribution at `at`. */
function nines(forecast: Forecast, { tail }: LoadState, at: number, logMs: number): number {
  const p90 = forecast[at + 1];
  const p99 = forecast[at + 2];
  const x = (logMs - forecast[at]) / tail + 2 * rounding;
  if (x < p90) return 1 - (1 - x / p90) * belowP90;
  return x < p99 ? 1 + (x - p90) / (p99 - p90) : 2 + (x - p99) / Math.max(p99 - p90, 0.05);
}

/** Milliseconds within which a `share` of first rungs (`part` 0) or of whole queries (1) is done, leaving lost time slices aside. */
export function predict(forecast: Forecast, { stretch, tail }: LoadState, level: number, part: 0 | 1, share: number): number {
  const at = perLevel * level + 3 * part;
  const n = ninesOf(share) - 1;
  const p90 = forecast[at + 1];
  return stretch[level] * Math.exp(forecast[at] + tail * (p90 + n * (n < 0 ? p90 / belowP90 : forecast[at + 2] - p90)));
}

/** The same for a query with `leftMs` left: a rung that could not end by then is not begun. */
export function predictWithin(forecast: Forecast, load: LoadState, level: number, share: number, leftMs: number): number {
  let ms = predict(forecast, load, level, 0, share);
  for (let at = perLevel * level + laterAt; at < perLevel * (level + 1); at += perLater) {
    const end = load.stretch[level] * Math.exp(forecast[at]);
    if (end <= leftMs && end > ms) ms = end;
  }
  return Math.min(ms, predict(forecast, load, level, 1, share));
}

/** Whether, as far as was measured, a level is no faster than another on an idle machine, in the median and in the 99th percentile. */
export function isNoFaster(forecast: Forecast, level: number, other: number): boolean {
  const slower = (at: number): number => forecast[perLevel * other + at] - forecast[perLevel * level + at];
  return [0, 3].every((at) => slower(at) + Math.max(0, slower(at + 2)) <= unlike);
}

/**
 * Share of queries that are not cut short: all their growth fits, and no rung they ask for is skipped because few queries that begin it would
 * end it in time.
 */
function uncutBy(forecast: Forecast, load: LoadState, at: number, logMs: number): number {
  let share = 1 - 10 ** -nines(forecast, load, at + 3, logMs);
  for (let later = at + laterAt; later < at + perLevel; later += perLater)
    if (forecast[later] > logMs) share = Math.min(share, 1 - forecast[later + 1]);
  return share;
}

/**
 * Share of queries that lost time slices do not make late: those that lose none, and those that have time for what they lose. Slices are
 * taken to be about equally long, and several in one query for one that is longer.
 */
function sparedBy(forecast: Forecast, { lostPerMs, sliceMs, stretch }: LoadState, level: number, leftMs: number): number {
  const ms = stretch[level] * Math.exp(forecast[medianAt(level)]);
  const slices = lostPerMs * ms;
  const spare = Math.max(0, leftMs - ms) / (sliceMs * (1 + slices));
  return Math.max(0, 1 - slices * Math.exp(-spare * spare));
}

/**
 * Whether the level has an answer in time for that share of queries, lost time slices counted, and few of them have to be cut short.
 * @param whole whether growth has to fit as the first rung has: a promise rests on it
 */
export function fits(forecast: Forecast, load: LoadState, level: number, leftMs: number, share: number, whole: boolean): boolean {
  const logMs = Math.log(leftMs / load.stretch[level]);
  const asked = ninesOf(share / sparedBy(forecast, load, level, leftMs));
  const at = perLevel * level;
  if (!(nines(forecast, load, at, logMs) >= asked)) return false;
  return whole ? nines(forecast, load, at + 3, logMs) >= asked : uncutBy(forecast, load, at, logMs) >= Math.min(1 - 10 ** -asked, uncut);
}

/**
 * How close a level comes to a deadline that no level fits: the share of its queries that will be right and in time. Where none will be in
 * time, the median milliseconds of a query, negated. NaN where nothing was measured.
 */
export function closeness(forecast: Forecast, load: LoadState, level: number, leftMs: number): number {
  const at = perLevel * level;
  const logMs = Math.log(leftMs / load.stretch[level]);
  const first = 1 - 10 ** -nines(forecast, load, at, logMs);
  const whole = Math.max(0, uncutBy(forecast, load, at, logMs));
  return first > 0
    ? sparedBy(forecast, load, level, leftMs) * forecast[at + metricAt] * (whole + (first - whole) * worthCut)
    : -predict(forecast, load, level, 0, 0.5);
}

/**
 * The first level of `order` that fits the time left for `share` (0.5 to 0.99) of queries. Where none does, the complement (`~`) of the one
 * that comes closest.
 */
export function pick(order: readonly number[], forecast: Forecast, load: LoadState, leftMs: number, share: number, whole: boolean): number {
  let best = order[0];
  let closest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < order.length; i++) {
    if (fits(forecast, load, order[i], leftMs, share, whole)) return order[i];
    const close = closeness(forecast, load, order[i], leftMs);
    if (!(close > closest)) continue;
    closest = close;
    best = order[i];
  }
  return ~best;
}
