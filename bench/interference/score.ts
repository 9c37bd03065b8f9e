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
  /** Median of what the asked percentile was expected to take, and that percentile as it was; null where nobody expected anything. */
  calibration: { expectedMs: number; observedMs: number } | null;
}

export interface Query {
  tookMs: number;
  met: boolean;
  right: boolean;
}

export function scoreOf(contender: string, queries: readonly Query[], busyMs: number, expected: readonly number[], share: number): Score {
  const times = Float64Array.from(queries, ({ tookMs }) => tookMs).sort();
  const effective = queries.filter(({ met, right }) => met && right).length;
  const expectations = Float64Array.from(expected).sort();
  return {
    contender,
    queries: queries.length,
    attained: queries.filter(({ met }) => met).length / queries.length,
    effective: effective / queries.length,
    latencyMs: { p50: quantile(times, 0.5), p99: quantile(times, 0.99), p999: quantile(times, 0.999) },
    goodputPerSecond: (1000 * effective) / busyMs,
    calibration: expectations.length === 0 ? null : { expectedMs: quantile(expectations, 0.5), observedMs: quantile(times, share) },
  };
}
