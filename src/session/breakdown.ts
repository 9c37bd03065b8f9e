// Where the time of a query goes: a level's plan run stage by stage, each timed by itself. It measures and counts; what the
// numbers are held against, and how they are shown, is decided elsewhere.
//
// Timing costs time: a look at the clock and a call into the engine stand between any two stages. What both cost is measured on
// stretches of no rows and taken off. A query that nobody watches is measured beside it, so that what is left over shows.

import type { Stage } from "../activator/level-plan.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { EngineOptions } from "../engine/engine.ts";
import { ROW_WORDS, WORD_BYTES_READ, WORD_MACS, WORD_UNITS } from "../engine/generated/abi.ts";
import { refusal, throwIfAborted } from "../errors.ts";
import type { Model } from "../model/model.ts";
import type { Level } from "../profile/ladder.ts";
import { writeAll } from "./answers.ts";
import { writeInput } from "./input.ts";
import type { QueryInput } from "./input-parts.ts";
import { type LevelRun, layOut, limit } from "./level-run.ts";

/** In the order of a query. `input` includes taking the input in, `output` handing the output over. */
export const stages: readonly Stage[] = ["input", "rank", "select", "rows", "columns", "output", "compare"];

/** Means over the queries. */
export interface StageCost {
  stage: Stage;
  /** Microseconds. */
  us: number;
  /** Weight and activator bytes read. */
  bytes: number;
  /** Multiply-adds. */
  macs: number;
}

export interface Breakdown {
  queries: number;
  /** Every stage once, in order; their times add up to a query with nothing between its stages. */
  stages: readonly StageCost[];
  /** Microseconds of a query in one call, as a session runs it: mean over the queries. */
  queryUs: number;
  /** Microseconds that a look at the clock and an empty call take; already taken off every other time. */
  clockUs: number;
}

export interface BreakdownOptions extends EngineOptions {
  clock?: Clock;
  /** Multiply-adds at which growth stops. */
  operations?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Times every query is run and the median taken, so that a lost time slice does not count. Odd. */
const rounds = 7;
const emptyStretches = 501;

/**
 * Runs `inputs` through one level in an engine of its own, all of them round after round, so that no query finds its own weights
 * freshly read.
 * @throws SlonnError `bad-input` for no inputs or ones that do not fit, `bad-file` and `no-engine` as a session, `aborted`.
 */
export async function breakdown(
  model: Model,
  level: Level,
  inputs: readonly QueryInput[],
  options: BreakdownOptions = {},
): Promise<Breakdown> {
  const { clock = systemClock, operations, signal, ...engineOptions } = options;
  if (inputs.length === 0) throw refusal("bad-input", "breakdown", "0 inputs", "at least 1");
  const { input, runOf } = await layOut(model, [level], engineOptions);
  const run = runOf(0);
  limit(run, operations);
  const stretches = stretchesOf(run);
  const out = new Float32Array(model.layers[model.layers.length - 1].outputs);
  const clockMs = emptyStretch(run, clock);

  const queries = inputs.length;
  /** The stage of each place that is timed: the stretches, and behind them taking the input in and handing the output over. */
  const stageOf: Stage[] = [...stretches.map(({ stage }) => stage), "input", "output"];
  /** [place, query, round] */
  const timesMs = new Float64Array(stageOf.length * queries * rounds);
  /** [query, round] */
  const wholeMs = new Float64Array(queries * rounds);
  const work = new Map(stages.map((stage) => [stage, { bytes: 0, macs: 0 }]));

  /** Milliseconds of a query in one call. */
  const timeWhole = (query: QueryInput): number => {
    const start = clock.now();
    const begin = writeInput(query, input, run.plan);
    writeAll(run, run.engine.execute(run.plan.address, begin, run.rows), out, 0);
    return clock.now() - start;
  };
  /** Runs a query stage by stage. @param note takes the milliseconds of each place it comes by @param ranStretch takes each stretch it has run */
  const timeStages = (query: QueryInput, note: (place: number, ms: number) => void, ranStretch: (stretch: Stretch) => void): void => {
    let start = clock.now();
    const first = writeInput(query, input, run.plan);
    note(stretches.length, clock.now() - start - clockMs);
    let ran = first;
    for (const [place, stretch] of stretches.entries()) {
      const { begin, end, stage } = stretch;
      start = clock.now();
      if (end > first) ran = run.engine.execute(run.plan.address, Math.max(begin, first), end);
      note(place, clock.now() - start - clockMs);
      ranStretch(stretch);
      if (stage === "compare" && run.words[begin * ROW_WORDS + WORD_UNITS] !== 0) break;
    }
    start = clock.now();
    writeAll(run, ran, out, 0);
    note(stretches.length + 1, clock.now() - start - clockMs);
  };

  // round −1 only warms up
  for (let round = -1; round < rounds; round++) {
    throwIfAborted(signal);
    await new Promise((resolve) => setTimeout(resolve));
    inputs.forEach((query, q) => {
      const ms = timeWhole(query);
      if (round >= 0) wholeMs[q * rounds + round] = ms;
    });
    inputs.forEach((query, q) => {
      const note = (place: number, ms: number): void => {
        if (round >= 0) timesMs[(place * queries + q) * rounds + round] = ms;
      };
      timeStages(query, note, ({ begin, end, stage }) => {
        if (round === 0) count(run.words, begin, end, work.get(stage));
      });
    });
  }

  const us = stageOf.map((_, place) => meanUs(timesMs.subarray(place * queries * rounds, (place + 1) * queries * rounds)));
  return {
    queries,
    stages: stages.map((stage) => {
      const { bytes, macs } = work.get(stage) ?? { bytes: 0, macs: 0 };
      const spent = us.reduce((sum, time, place) => (stageOf[place] === stage ? sum + time : sum), 0);
      return { stage, us: Math.max(0, spent), bytes: bytes / queries, macs: macs / queries };
    }),
    queryUs: Math.max(0, meanUs(wholeMs) - 1000 * clockMs),
    clockUs: 1000 * clockMs,
  };
}

/** Mean over the queries of the median over the rounds, in microseconds. @param timesMs [query, round]; sorted by this, query by query */
function meanUs(timesMs: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < timesMs.length; at += rounds) sum += timesMs.subarray(at, at + rounds).sort()[rounds >> 1];
  return (1000 * sum * rounds) / timesMs.length;
}

/** Rows that are timed together: `begin` … `end` − 1 of the plan. */
interface Stretch {
  begin: number;
  end: number;
  stage: Stage;
}

/** Consecutive rows of one stage; a row that may end the run stands alone. */
function stretchesOf({ plan: { tags }, rows }: LevelRun): Stretch[] {
  const found: Stretch[] = [];
  tags.slice(0, rows).forEach(({ stage }, row) => {
    const last = found[found.length - 1];
    if (last?.stage === stage && stage !== "compare") last.end = row + 1;
    else found.push({ begin: row, end: row + 1, stage });
  });
  return found;
}

/** Milliseconds of a stretch without rows: the median. */
function emptyStretch({ engine, plan: { address } }: LevelRun, clock: Clock): number {
  const times = Float64Array.from({ length: emptyStretches }, () => {
    const start = clock.now();
    engine.execute(address, 0, 0);
    return clock.now() - start;
  });
  return times.sort()[emptyStretches >> 1];
}

/** Adds up what rows `begin` … `end` − 1 did when they ran last. */
function count(words: Uint32Array, begin: number, end: number, into: { bytes: number; macs: number } | undefined): void {
  if (!into) return;
  for (let row = begin; row < end; row++) {
    into.bytes += words[row * ROW_WORDS + WORD_BYTES_READ];
    into.macs += words[row * ROW_WORDS + WORD_MACS];
  }
}
