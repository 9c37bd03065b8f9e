// How a contender took it when co-runners were started or stopped: how many queries were late at first, and how long it was until queries took
// what they took from then on.

import { median } from "../statistics.ts";
import type { Query } from "./score.ts";

export interface TimedQuery extends Query {
  /** When it was asked. */
  atMs: number;
}

/** Queries after a step that count as its beginning. */
export const beginning = 60;
/** Queries whose median shows that a contender has settled, and how near it has to be to what it is in the end: a factor. */
const window = 25;
const near = 1.25;

export interface Reaction {
  /** Whether co-runners were started. */
  on: boolean;
  /** Late queries among the first, those that lost their core for a time slice left aside: no reaction saves them. */
  late: number;
  /** Queries until it had settled, and milliseconds it spent on them; null where it never did. */
  settledAfter: number | null;
  settledMs: number | null;
}

/**
 * @param queries in order, each with when it was asked
 * @param edges in order, with when it was on the same clock
 */
export function reactionsOf(queries: readonly TimedQuery[], edges: readonly { on: boolean; atMs: number }[]): Reaction[] {
  return edges.flatMap(({ on, atMs }, e): Reaction[] => {
    const until = edges[e + 1]?.atMs ?? Number.POSITIVE_INFINITY;
    const phase = queries.filter((query) => query.atMs >= atMs && query.atMs < until);
    if (phase.length < 2 * beginning) return [];
    const medianOf = (some: readonly TimedQuery[]): number => median(Float64Array.from(some, ({ tookMs }) => tookMs));
    const end = medianOf(phase.slice(phase.length >> 1));
    const keptCore = ({ tookMs }: TimedQuery): boolean => tookMs <= 3 * end + 1;
    const late = phase.slice(0, beginning).filter((query) => !query.met && keptCore(query)).length;
    let settled: number | null = null;
    for (let at = 0; settled === null && at + window <= phase.length; at++) {
      const now = medianOf(phase.slice(at, at + window));
      if (now <= near * end && now >= end / near) settled = at;
    }
    const spent = phase.slice(0, settled ?? 0).reduce((sum, { tookMs }) => sum + tookMs, 0);
    return [{ on, late, settledAfter: settled, settledMs: settled === null ? null : spent }];
  });
}

/** Late queries and how long it took, of both kinds of steps, the worst of each. */
export function reactionText(steps: readonly Reaction[]): string {
  return [true, false]
    .map((on) => {
      const taken = steps.filter((step) => step.on === on);
      if (taken.length === 0) return `${on ? "on" : "off"}: none`;
      const late = Math.max(...taken.map((step) => step.late));
      const never = taken.some(({ settledAfter }) => settledAfter === null);
      const after = Math.max(...taken.map(({ settledAfter }) => settledAfter ?? 0));
      const ms = Math.max(...taken.map(({ settledMs }) => settledMs ?? 0));
      return `${on ? "on" : "off"}: ${late} late, ${never ? "not settled" : `settled after ${after} queries, ${ms.toFixed(1)} ms`}`;
    })
    .join("; ");
}
