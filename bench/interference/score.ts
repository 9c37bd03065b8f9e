// What a contender's queries come to: how many were in time, how many were in time and right, and how long they took.

import { quantile } from "../statistics.ts";

export interface Score {
  contender: string;
  queries: number;
  /** Share of queries in time. */
  attained: number;
  /** Share of queries in time and right: effective accuracy. */
  effective: number;
  /** Milliseconds from the call, or from arrival where queries arrive. */
  latencyMs: { p50: number; p99: number; p999: number };
  /** Right and in time, per second of the time it took to answer all queries. */
  goodputPerSecond: number;
  /** What the asked percentile was expected to take against what was seen; null where nobody expected anything. */
  calibration: Calibration | null;
}

/** Milliseconds. What is expected is a percentile of queries that keep their core; the others, which lose it for a time slice, are left out. */
export interface Calibration {
  /** Median over the run. */
  expectedMs: number;
  /** That percentile of queries that kept their core, and of all. */
  keptMs: number;
  observedMs: number;
  /** That percentile of what a query took over what was expected just before: 1 where expectations are right, however they changed. */
  seenOverExpected: number;
  /** Share of queries that took no longer than expected. */
  within: number;
}

export interface Query {
  tookMs: number;
  met: boolean;
  right: boolean;
  /** What the asked percentile was expected to take before it ran. */
  expectedMs?: number;
}

/**
 * @param share the percentile asked, as a share
 * @param uncounted further queries, which count for nothing but what was expected: an expectation is of all that a contender answers
 */
export function scoreOf(
  contender: string,
  queries: readonly Query[],
  busyMs: number,
  share: number,
  uncounted: readonly Query[] = [],
): Score {
  const times = ascending(queries.map(({ tookMs }) => tookMs));
  const effective = queries.filter(({ met, right }) => met && right).length;
  return {
    contender,
    queries: queries.length,
    attained: queries.filter(({ met }) => met).length / queries.length,
    effective: effective / queries.length,
    latencyMs: { p50: quantile(times, 0.5), p99: quantile(times, 0.99), p999: quantile(times, 0.999) },
    goodputPerSecond: (1000 * effective) / busyMs,
    calibration: calibrationOf([...queries, ...uncounted], times, share),
  };
}

function calibrationOf(queries: readonly Query[], times: Float64Array, share: number): Calibration | null {
  const keptOf = 3 * quantile(times, 0.5) + 1;
  const kept = queries.flatMap(({ tookMs, expectedMs }) => (expectedMs && tookMs <= keptOf ? [{ tookMs, expectedMs }] : []));
  if (kept.length === 0) return null;
  return {
    expectedMs: quantile(ascending(kept.map(({ expectedMs }) => expectedMs)), 0.5),
    keptMs: quantile(ascending(kept.map(({ tookMs }) => tookMs)), share),
    observedMs: quantile(times, share),
    seenOverExpected: quantile(ascending(kept.map(({ tookMs, expectedMs }) => tookMs / expectedMs)), share),
    within: kept.filter(({ tookMs, expectedMs }) => tookMs <= expectedMs).length / kept.length,
  };
}

const ascending = (values: readonly number[]): Float64Array => Float64Array.from(values).sort();
