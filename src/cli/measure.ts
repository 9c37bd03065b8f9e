// Measures contenders against each other. They take turns of one query each, in a rotating order, so that whatever slows the machine down slows
// all of them and ratios hold; in a round each answers a different row. It knows no engine and no service level objective: a contender is
// anything that answers an input, other libraries included.

import { setImmediate } from "node:timers/promises";
import { type Clock, systemClock } from "../clock.ts";
import { refusal, throwIfAborted } from "../errors.ts";
import { type Input, type Labels, type Rows, rowOf } from "../model/rows.ts";
import { staggered } from "../staggered.ts";
import { type AtRanks, countHits, depth, noAnswer, noHits, sharesOf } from "./metric.ts";

/** Anything that answers inputs. */
export interface Contender {
  name: string;
  /** Answers one input. Only this call is timed, until its promise settles where it returns one. */
  run(input: Input): void | Promise<void>;
  /** Index of the best answer of the last run. Not timed. */
  top(): number;
  /** Indices of the best `k` answers of the last run, best first; fewer where fewer were scored. Not timed. */
  best?(k: number): ArrayLike<number>;
  /** What the last run spent; absent where a contender always does all the work. Not timed. */
  spent?(): Spent;
}

export interface Spent {
  /** Multiply-adds. */
  macs: number;
  /** Weight bytes read. */
  bytes: number;
  /** Active nodes, per layer. */
  nodes: readonly number[];
  /** Whether the SLO was met. */
  met: boolean;
}

/** What one contender did over a whole race. */
export interface Measured {
  name: string;
  /** One per query, in order. */
  timesMs: Float64Array;
  /** Share of right answers; null without labels. */
  right: number | null;
  /** Share of queries with the same best answer as the first contender. */
  agreement: number;
  /** Share of right answers among the best k; null without labels, or where the contender gives its best answer only. */
  precision: AtRanks | null;
  /** Share of queries whose best k answers are the same set as the first contender's; null where one of the two gives its best only. */
  agreementAt: AtRanks | null;
  /** Means over all queries, and the share of queries that met what was asked. */
  spent: { macs: number; bytes: number; nodes: readonly number[]; attained: number } | null;
}

export interface RaceOptions {
  labels?: Labels | null;
  /** How many queries each contender answers; every row once unless given. */
  queries?: number;
  /** Uncounted queries before them; 0 unless given. */
  warmUp?: number;
  clock?: Clock;
  signal?: AbortSignal;
  onProgress?: (share: number) => void;
  /** Called after each counted answer, outside the timing. */
  onAnswer?: (contender: number, query: number) => void;
}

/** The event loop gets a turn after every so many queries, for signals and progress. */
const queriesPerTurn = 16;

/**
 * Runs all contenders over the rows, interleaved: each answers each query once.
 * Fewer queries than rows are spread evenly over them; with more, the rows come around again.
 * @throws SlonnError `aborted` when the signal fires, `bad-option` for an impossible number of queries.
 */
export async function interleave(contenders: readonly Contender[], rows: Rows, options: RaceOptions = {}): Promise<Measured[]> {
  const { labels = null, queries = rows.count, warmUp = 0, clock = systemClock, signal, onProgress, onAnswer } = options;
  if (!Number.isSafeInteger(queries) || queries < 1 || queries > 1e8)
    throw refusal("bad-option", "samples", queries, "a whole number from 1 to 100000000");
  const n = contenders.length;
  const rowAt = (q: number): number => rowOfQuery(q, queries, rows.count);
  const tallies = contenders.map((contender) => createTally(contender, queries));
  for (let q = -warmUp; q < queries; q++) {
    if (q % queriesPerTurn === 0) {
      throwIfAborted(signal);
      onProgress?.((q + warmUp) / (queries + warmUp));
      await setImmediate();
    }
    const turn = q + warmUp;
    for (let place = 0; place < n; place++) {
      const c = contenderAt(turn, place, n);
      const own = staggered(q < 0 ? turn % queries : q, c, n, queries);
      const input = rowOf(rows, rowAt(own));
      const start = clock.now();
      const pending = contenders[c].run(input);
      if (pending !== undefined) await pending;
      const time = clock.now() - start;
      if (q < 0) continue;
      tallies[c].timesMs[own] = time;
      note(tallies[c], own);
      onAnswer?.(c, own);
    }
  }
  onProgress?.(1);
  return measuredOf(tallies, labels, rowAt);
}

/** What one contender did so far. */
export interface Tally {
  contender: Contender;
  /** [queries] */
  timesMs: Float64Array;
  /** [queries, depth] The best answers, best first. */
  bests: Int32Array;
  totals: Totals;
}

export function createTally(contender: Contender, queries: number): Tally {
  return { contender, timesMs: new Float64Array(queries), bests: new Int32Array(queries * depth), totals: noTotals() };
}

/** Records what the last run answered to query `q`, and what it spent. */
export function note({ contender, bests, totals }: Tally, q: number): void {
  const into = bestAt(bests, q).fill(noAnswer);
  if (contender.best) into.set(contender.best(depth));
  else into[0] = contender.top();
  addSpent(totals, contender);
}

function bestAt(bests: Int32Array, q: number): Int32Array {
  return bests.subarray(q * depth, (q + 1) * depth);
}

/** What each did; agreement is with the first. */
export function measuredOf(tallies: readonly Tally[], labels: Labels | null, rowAt: (q: number) => number): Measured[] {
  const [first] = tallies;
  return tallies.map(({ contender, timesMs, bests, totals }) => {
    const hits = noHits();
    for (let q = 0; q < timesMs.length; q++) countHits(hits, bestAt(bests, q), bestAt(first.bests, q), labels, rowAt(q));
    return {
      name: contender.name,
      timesMs,
      ...judged(contender, first.contender, sharesOf(hits), labels),
      spent: meanOf(totals),
    };
  });
}

/** The figures of a contender's answers; null where they cannot be known. */
function judged(
  contender: Contender,
  first: Contender,
  { precision, agreement }: ReturnType<typeof sharesOf>,
  labels: Labels | null,
): Pick<Measured, "right" | "agreement" | "precision" | "agreementAt"> {
  return {
    right: labels && precision[1],
    agreement: agreement[1],
    precision: labels && contender.best ? precision : null,
    agreementAt: contender.best && first.best ? agreement : null,
  };
}

/** What a contender spent so far. */
interface Totals {
  runs: number;
  macs: number;
  bytes: number;
  nodes: number[];
  met: number;
}

function noTotals(): Totals {
  return { runs: 0, macs: 0, bytes: 0, nodes: [], met: 0 };
}

/** Adds what the last run spent, where that is known. */
function addSpent(totals: Totals, contender: Contender): void {
  const spent = contender.spent?.();
  if (!spent) return;
  totals.runs++;
  totals.macs += spent.macs;
  totals.bytes += spent.bytes;
  for (let l = 0; l < spent.nodes.length; l++) totals.nodes[l] = (totals.nodes[l] ?? 0) + spent.nodes[l];
  if (spent.met) totals.met++;
}

function meanOf({ runs, macs, bytes, nodes, met }: Totals): Measured["spent"] {
  return runs === 0 ? null : { macs: macs / runs, bytes: bytes / runs, nodes: nodes.map((sum) => sum / runs), attained: met / runs };
}

/** Which contender runs at a place of a turn: the start moves on by one each turn, and the direction flips after each full round. */
export function contenderAt(turn: number, place: number, n: number): number {
  const shifted = (turn + place) % n;
  return Math.floor(turn / n) % 2 === 0 ? shifted : n - 1 - shifted;
}

/** The row of a query: spread evenly where there are fewer queries than rows, else over and over. */
export function rowOfQuery(query: number, queries: number, rows: number): number {
  return queries < rows ? Math.floor((Math.min(query, queries - 1) * rows) / queries) : query % rows;
}

/** Milliseconds. */
export interface Latency {
  mean: number;
  p50: number;
  p90: number;
  p99: number;
}

/** Mean and percentiles (nearest rank) of at least one time. */
export function latencyOf(timesMs: Float64Array): Latency {
  const sorted = timesMs.slice().sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  return { mean: timesMs.reduce((sum, time) => sum + time, 0) / timesMs.length, p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}
