// Which level to run in the time that is left: latencies as measured idle, times the load, against a deadline. Pure, and cheap enough for
// every query: nothing is allocated, a logarithm or two per level looked at.
//
// Between the measured percentiles the share of queries that take longer than t falls by a power of t: linear in "nines" (−log10 of
// that share) over log t. Of a level that grows two distributions count: the first rung's, behind which an answer stands, and the
// whole query's, which growth would take if nobody stopped it.

import type { LatencyProfile, Quantiles } from "../profile/latency.ts";
import type { LoadState } from "./load.ts";

/** Logarithms of idle latencies: six numbers a level, median and distances to it of p90 and p99, first rung before whole query. */
export type Forecast = Float64Array;

const perLevel = 6;
/** The 90th percentile has one nine, the 99th two, the median this much less than one. */
const belowP90 = 1 - Math.log10(2);
const ninesOf = (share: number): number => (share < 1 ? -Math.log10(1 - share) : Number.POSITIVE_INFINITY);
/** How much less attainment than the best is put up with, as a share of it, for a better answer. */
const tolerance = 0.0025;

/** Where a level's idle median lies: the logarithm of milliseconds of a whole query. */
export function medianAt(level: number): number {
  return perLevel * level + 3;
}

/** What the profile says of `count` levels; NaN where it says nothing. */
export function createForecast({ levels }: LatencyProfile, count: number): Forecast {
  const forecast = new Float64Array(perLevel * count).fill(Number.NaN);
  for (let i = 0; i < count; i++) {
    const level = levels[i];
    [level?.rungs?.[0] ?? level, level].forEach((part: Quantiles | undefined, p) => {
      if (!(part && part.p50 > 0)) return;
      const median = Math.log(part.p50);
      forecast.set([median, Math.log(part.p90) - median, Math.log(part.p99) - median], perLevel * i + 3 * p);
    });
  }
  return forecast;
}

/** Nines of the share of queries done after `logMs`, of the distribution at `at`. */
function nines(forecast: Forecast, at: number, tail: number, logMs: number): number {
  const x = (logMs - forecast[at]) / tail;
  const p90 = forecast[at + 1];
  const p99 = forecast[at + 2];
  if (x < p90) return 1 - ((p90 - x) / p90) * belowP90;
  return x < p99 ? 1 + (x - p90) / (p99 - p90) : 2 + (x - p99) / Math.max(p99 - p90, 0.05);
}

/** Logarithm of how much longer than the median that share of first rungs (`part` 0) or whole queries (1) take when idle. */
export function spreadOf(forecast: Forecast, level: number, part: 0 | 1, share: number): number {
  const at = perLevel * level + 3 * part;
  const n = ninesOf(share) - 1;
  const p90 = forecast[at + 1];
  return p90 + n * (n < 0 ? p90 / belowP90 : forecast[at + 2] - p90);
}

/** How many times its idle median that share of first rungs takes at most under this load, lost time slices left aside. */
export function slackOf(forecast: Forecast, { stretch, tail }: LoadState, level: number, share: number): number {
  return stretch[level] * Math.exp(tail * spreadOf(forecast, level, 0, share));
}

/** Milliseconds within which that share of first rungs (`part` 0) or whole queries (1) is done, lost time slices left aside. */
export function predict(forecast: Forecast, load: LoadState, level: number, part: 0 | 1, share: number): number {
  return load.stretch[level] * Math.exp(forecast[perLevel * level + 3 * part] + load.tail * spreadOf(forecast, level, part, share));
}

/** Share of queries that keep their core while they run. */
function sparedBy(forecast: Forecast, load: LoadState, level: number): number {
  return 1 - load.lostPerMs * load.stretch[level] * Math.exp(forecast[perLevel * level + 3]);
}

/**
 * Whether the level has an answer in time for that share of queries, lost time slices counted, and most of them need not be cut short.
 * @param whole whether growth has to fit as the first rung has: a promise rests on it
 */
export function fits(forecast: Forecast, load: LoadState, level: number, leftMs: number, share: number, whole: boolean): boolean {
  const spared = sparedBy(forecast, load, level);
  const logMs = Math.log(leftMs / load.stretch[level]);
  const asked = ninesOf(share / spared) - 1e-9;
  return (
    nines(forecast, perLevel * level, load.tail, logMs) >= asked &&
    nines(forecast, perLevel * level + 3, load.tail, logMs) >= (whole ? asked : Math.min(asked, 1 - 1e-9))
  );
}

/**
 * How close a level comes to a deadline that none fits: the share of queries that have an answer in time; below 0 where that is none, the
 * milliseconds it takes. NaN where nothing was measured.
 */
export function closeness(forecast: Forecast, load: LoadState, level: number, leftMs: number): number {
  const done = 1 - 10 ** -nines(forecast, perLevel * level, load.tail, Math.log(leftMs / load.stretch[level]));
  return done > 0 ? done * Math.max(0, sparedBy(forecast, load, level)) : -predict(forecast, load, level, 0, 0.5);
}

/** Whether that comes as close as the closest, near enough for a better answer to be worth it. */
export function isClosest(close: number, closest: number): boolean {
  return close >= closest - tolerance * Math.abs(closest);
}

/**
 * The first level of `order` that fits the time left for `share` (0.5 to 0.99) of queries. Where none does, −1 − level: the first of
 * those that come closest.
 */
export function pick(order: readonly number[], forecast: Forecast, load: LoadState, leftMs: number, share: number, whole: boolean): number {
  let closest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < order.length; i++) {
    if (fits(forecast, load, order[i], leftMs, share, whole)) return order[i];
    const close = closeness(forecast, load, order[i], leftMs);
    if (close > closest) closest = close;
  }
  let i = 0;
  while (i < order.length - 1 && !isClosest(closeness(forecast, load, order[i], leftMs), closest)) i++;
  return -1 - order[i];
}
