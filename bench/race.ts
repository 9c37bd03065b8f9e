// The race every quoted ratio comes from: contenders answer the same queries in one process, taking turns so that whatever else the
// machine does falls on all of them alike. It knows nothing of models, engines or service level objectives.
//
// Turns come in blocks: one contender answers 100 queries in a row, then the next answers 100. Turns of one query each, as
// src/cli/measure.ts takes them, follow a drifting machine more closely, but then every contender finds its weights pushed out of the
// caches by those before it (784-1024-1024-10 is 7 MB a copy, and there are as many copies as contenders), which a service that runs
// one engine does not. Those who read the fewest bytes suffer least from that, and they are ours: the ratios would flatter us. So
// blocks are the default here, ten milliseconds of queries before each are not counted, and who starts and who follows whom changes. In a
// round everyone answers other queries, since contenders that share a session would find the very nodes they need fresh in the caches.
// Over the race all answer the same ones. `order: "queries"` shows the difference.

import { setImmediate } from "node:timers/promises";
import {
  type Contender,
  contenderAt,
  createTally,
  interleave,
  type Measured,
  measuredOf,
  note,
  type RaceOptions,
  rowOfQuery,
  type Tally,
} from "../src/cli/measure.ts";
import { type Clock, systemClock } from "../src/clock.ts";
import { SlonnError, throwIfAborted } from "../src/errors.ts";
import { type Input, type Rows, rowOf } from "../src/model/rows.ts";
import type { Random } from "../src/random.ts";
import { staggered } from "../src/staggered.ts";
import { type RatioInterval, ratioOfMedians } from "./statistics.ts";

export interface TurnOptions extends RaceOptions {
  order?: "blocks" | "queries";
  /** Counted queries of one turn. Default `usualTurn`. */
  blockSize?: number;
  /** Uncounted queries at the start of each turn, so that the caches hold what this contender needs again: unless given, as many as take `settlingMs`, 5 at least. */
  settle?: number;
}

export interface RaceResult {
  order: "blocks" | "queries";
  blockSize: number;
  /** In the order of the contenders; times in the order they were taken, so that those of one round stand side by side. */
  measured: readonly Measured[];
}

/** Counted queries of a turn. */
export const usualTurn = 100;

/** Runs of queries that count as one draw of the bootstrap where turns are single queries. */
const groupOfSingles = 20;

/**
 * Runs the race. Queries are as many as there are rows unless `options.queries` says otherwise, and `warmUp` is 200 each, for the
 * runtime's compilers.
 * @throws SlonnError `bad-option` without contenders or rows, for an impossible number, or for two contenders of one name; `aborted`.
 */
export async function race(contenders: readonly Contender[], rows: Rows, options: TurnOptions = {}): Promise<RaceResult> {
  const { order = "blocks", blockSize = usualTurn, settle, queries = rows.count, warmUp = 200 } = options;
  if (contenders.length === 0 || rows.count === 0)
    throw new SlonnError("bad-option", `race: got ${contenders.length} contenders and ${rows.count} rows, expected at least one of each`);
  for (const [what, n, least] of [
    ["queries", queries, 1],
    ["blockSize", blockSize, 1],
    ["settle", settle ?? 0, 0],
    ["warmUp", warmUp, 0],
  ] as const)
    if (!Number.isInteger(n) || n < least || n > 1e8)
      throw new SlonnError("bad-option", `${what}: got ${n}, expected a whole number from ${least} to 1e8`);
  const names = contenders.map(({ name }) => name);
  if (new Set(names).size !== names.length)
    throw new SlonnError("bad-option", `race: got contenders ${names.join(", ")}, expected every name once`);
  if (order === "queries") return { order, blockSize: 1, measured: await interleave(contenders, rows, { ...options, queries, warmUp }) };
  return { order, blockSize, measured: await takeTurns(contenders, rows, { ...options, queries, warmUp, blockSize }) };
}

/**
 * Uncounted milliseconds at the start of a turn: dense has all its weights back after one query, who reads others for every input needs
 * hundreds. Behind 2 ms it still showed who came before.
 */
export const settlingMs = 10;
const [leastSettling, mostSettling] = [5, 20_000];

/** A mood of the machine may outlast a turn: so many turns are drawn together, as long as that leaves `leastGroups` to draw from. */
const turnsTogether = [1, 2, 4];
const leastGroups = 10;
const resamples = 500;

/**
 * How many times as long `slower` took as `faster`: the ratio of their medians over the same queries, with the widest of the intervals
 * that draw one, two and four turns together.
 */
export function speedUp(result: RaceResult, slower: string, faster: string, random: Random): RatioInterval {
  const [numerator, denominator] = [slower, faster].map((name) => {
    const found = result.measured.find((one) => one.name === name);
    if (!found)
      throw new SlonnError(
        "bad-option",
        `race: got contender ${name}, expected one of ${result.measured.map((one) => one.name).join(", ")}`,
      );
    return found.timesMs;
  });
  const turn = result.order === "blocks" ? result.blockSize : groupOfSingles;
  const intervals = turnsTogether
    .map((turns) => turns * turn)
    .filter((groupSize) => groupSize === turn || numerator.length / groupSize >= leastGroups)
    .map((groupSize) => ratioOfMedians(numerator, denominator, random, { groupSize, resamples }));
  return {
    ratio: intervals[0].ratio,
    low: Math.min(...intervals.map(({ low }) => low)),
    high: Math.max(...intervals.map(({ high }) => high)),
    confidence: intervals[0].confidence,
  };
}

/** One contender of the race; its times stand in the order they were taken. */
interface Racer extends Tally {
  isAsync: boolean;
  settle: number;
  /** Queries that were timed. */
  answered: number;
}

type Settled = TurnOptions & { queries: number; warmUp: number; blockSize: number };

async function takeTurns(contenders: readonly Contender[], rows: Rows, options: Settled): Promise<Measured[]> {
  const { queries, warmUp, blockSize, labels = null, clock = systemClock, signal, onProgress, onAnswer } = options;
  const rowAt = (q: number): number => rowOfQuery(q, queries, rows.count);
  const inputAt = (q: number): Input => rowOf(rows, rowAt(((q % queries) + queries) % queries));
  const racers: Racer[] = [];
  for (const contender of contenders) {
    const { isAsync, queryMs } = await warm(contender, inputAt, Math.max(1, warmUp), clock);
    const { settle = Math.max(leastSettling, Math.min(mostSettling, Math.ceil(settlingMs / queryMs))) } = options;
    racers.push({ ...createTally(contender, queries), isAsync, settle, answered: 0 });
  }

  // Settling on inputs that are then counted would warm the very nodes they need: the ones before them are taken, round and round.
  const others = queries > blockSize ? queries - blockSize : queries;
  const settlingOn = (from: number, left: number): Input => inputAt(from - 1 - ((left - 1) % others));
  const takeTurn = (racer: Racer, c: number, from: number, end: number): void => {
    const { contender, settle, timesMs } = racer;
    for (let left = settle; left > 0; left--) contender.run(settlingOn(from, left));
    for (let q = from; q < end; q++) {
      const input = inputAt(q);
      const start = clock.now();
      contender.run(input);
      timesMs[racer.answered++] = clock.now() - start;
      note(racer, q);
      onAnswer?.(c, q);
    }
  };
  const takeAsyncTurn = async (racer: Racer, c: number, from: number, end: number): Promise<void> => {
    const { contender, settle, timesMs } = racer;
    for (let left = settle; left > 0; left--) await contender.run(settlingOn(from, left));
    for (let q = from; q < end; q++) {
      const input = inputAt(q);
      const start = clock.now();
      await contender.run(input);
      timesMs[racer.answered++] = clock.now() - start;
      note(racer, q);
      onAnswer?.(c, q);
    }
  };

  const rounds = Math.ceil(queries / blockSize);
  for (let round = 0; round < rounds; round++) {
    throwIfAborted(signal);
    onProgress?.(round / rounds);
    await setImmediate();
    for (let place = 0; place < racers.length; place++) {
      const c = contenderAt(round, place, racers.length);
      const from = blockSize * staggered(round, c, racers.length, rounds);
      const end = Math.min(from + blockSize, queries);
      if (racers[c].isAsync) await takeAsyncTurn(racers[c], c, from, end);
      else takeTurn(racers[c], c, from, end);
    }
  }
  onProgress?.(1);

  return measuredOf(racers, labels, rowAt);
}

/** Answers queries until compilers have had their chance; says whether this contender answers with promises, and how long a query takes in the end. */
async function warm(
  contender: Contender,
  inputAt: (q: number) => Input,
  queries: number,
  clock: Clock,
): Promise<{ isAsync: boolean; queryMs: number }> {
  const compiled = Math.floor(queries / 2);
  let isAsync = false;
  let start = 0;
  for (let q = 0; q < queries; q++) {
    if (q === compiled) start = clock.now();
    const pending = contender.run(inputAt(q));
    if (pending === undefined) continue;
    isAsync = true;
    await pending;
  }
  return { isAsync, queryMs: (clock.now() - start) / (queries - compiled) };
}
