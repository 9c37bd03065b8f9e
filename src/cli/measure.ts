// Contenders measured against each other: every row goes to each of them before the next row comes, in an order that
// rotates, so that whatever slows the machine down slows all of them and their ratios hold. It knows no engine and no
// service level objective: a contender is anything that answers an input, another library included.

import { setImmediate } from "node:timers/promises";
import { type Clock, systemClock } from "../clock.ts";
import { SlonnError, throwIfAborted } from "../errors.ts";
import { type Input, isRight, type Labels, type Rows, rowOf } from "../model/rows.ts";

/** Anything that answers inputs. */
export interface Contender {
  name: string;
  /** Answers one input. This call alone is timed, up to the end of its promise where it gives one. */
  run(input: Input): void | Promise<void>;
  /** Index of the best answer of the last run. Not timed. */
  top(): number;
  /** What the last run spent. Absent where a contender always does the whole work. Not timed. */
  spent?(): Spent;
}

export interface Spent {
  /** Multiply-adds. */
  macs: number;
  /** Weight bytes read. */
  bytes: number;
  /** Active nodes, per layer. */
  nodes: readonly number[];
  /** Whether what was asked was kept. */
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
  /** Means over all queries, and the share of queries that met what was asked. */
  spent: { macs: number; bytes: number; nodes: readonly number[]; attained: number } | null;
}

export interface RaceOptions {
  labels?: Labels | null;
  /** How many queries each contender answers; every row once unless given. */
  queries?: number;
  /** Queries before them that are not counted; 0 unless given. */
  warmUp?: number;
  clock?: Clock;
  signal?: AbortSignal;
  onProgress?: (share: number) => void;
  /** Called after each counted answer, outside the timing. */
  onAnswer?: (contender: number, query: number) => void;
}

/** Between how many queries the event loop gets a turn: for signals and progress. */
const queriesPerTurn = 16;

/**
 * Runs all contenders over the rows, interleaved.
 * Fewer queries than rows are spread evenly over them; with more, the rows come around again.
 * @throws SlonnError `aborted` when the signal fires, `bad-option` for an impossible number of queries.
 */
export async function interleave(contenders: readonly Contender[], rows: Rows, options: RaceOptions = {}): Promise<Measured[]> {
  const { labels = null, queries = rows.count, warmUp = 0, clock = systemClock, signal, onProgress, onAnswer } = options;
  if (!Number.isSafeInteger(queries) || queries < 1 || queries > 1e8)
    throw new SlonnError("bad-option", `samples: got ${queries}, expected a whole number from 1 to 100000000`);
  const n = contenders.length;
  const tallies = contenders.map(() => ({
    times: new Float64Array(queries),
    right: 0,
    agreed: 0,
    macs: 0,
    bytes: 0,
    nodes: [] as number[],
    met: 0,
    spends: 0,
  }));
  const tops = new Array<number>(n);
  for (let q = -warmUp; q < queries; q++) {
    if (q % queriesPerTurn === 0) {
      throwIfAborted(signal);
      onProgress?.((q + warmUp) / (queries + warmUp));
      await setImmediate();
    }
    const r = rowOfQuery(q < 0 ? q + warmUp : q, queries, rows.count);
    const input = rowOf(rows, r);
    const turn = q + warmUp;
    for (let place = 0; place < n; place++) {
      const c = contenderAt(turn, place, n);
      const contender = contenders[c];
      const start = clock.now();
      const pending = contender.run(input);
      if (pending !== undefined) await pending;
      const time = clock.now() - start;
      if (q < 0) continue;
      const tally = tallies[c];
      tally.times[q] = time;
      const top = (tops[c] = contender.top());
      if (labels && isRight(labels, r, top)) tally.right++;
      const spent = contender.spent?.();
      if (spent) {
        tally.macs += spent.macs;
        tally.bytes += spent.bytes;
        for (let l = 0; l < spent.nodes.length; l++) tally.nodes[l] = (tally.nodes[l] ?? 0) + spent.nodes[l];
        if (spent.met) tally.met++;
        tally.spends++;
      }
      onAnswer?.(c, q);
    }
    if (q >= 0) for (let c = 0; c < n; c++) if (tops[c] === tops[0]) tallies[c].agreed++;
  }
  onProgress?.(1);
  return tallies.map(({ times, right, agreed, macs, bytes, nodes, met, spends }, c) => ({
    name: contenders[c].name,
    timesMs: times,
    right: labels ? right / queries : null,
    agreement: agreed / queries,
    spent:
      spends === 0 ? null : { macs: macs / spends, bytes: bytes / spends, nodes: nodes.map((sum) => sum / spends), attained: met / spends },
  }));
}

/** Who runs at a place of a turn: the start moves on by one each turn, and the direction flips after each full round. */
function contenderAt(turn: number, place: number, n: number): number {
  const shifted = (turn + place) % n;
  return Math.floor(turn / n) % 2 === 0 ? shifted : n - 1 - shifted;
}

/** The row a query takes: spread evenly where there are fewer queries than rows, else round and round. */
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
