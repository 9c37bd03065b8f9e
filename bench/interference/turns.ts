// Contenders under a deadline, taking turns in blocks beside processes that fight for the machine. It decides nothing about them.

import { isRight, type Labels } from "../../src/model/rows.ts";
import type { Slo } from "../../src/policy/slo.ts";
import { coRunnersOf, startCoRunners } from "./co-runners.ts";
import type { DeadlineContender } from "./contenders.ts";
import type { TimedQuery } from "./reactions.ts";
import { type Score, scoreOf } from "./score.ts";

/** The rows that are asked, round and round. */
export interface Asked {
  inputs: readonly Float32Array[];
  labels: Labels;
  /** [outputs] */
  out: Float32Array;
}

export interface Tally {
  contender: DeadlineContender;
  /** Those at the start of each turn that only bring the contender's weights back into the caches; it learns from them all the same. */
  settling: TimedQuery[];
  queries: TimedQuery[];
  busyMs: number;
}

/** Queries of one turn, and those before them that settle. Turns are long, so that few of the queries a session learns from are such. */
export const block = 250;
const settle = 5;
export const percentile = 99;

/** One query of a contender, timed from the call. */
export function ask(contender: DeadlineContender, q: number, slo: Slo, { inputs, labels, out }: Asked): TimedQuery {
  const r = q % inputs.length;
  const start = performance.now();
  contender.run(inputs[r], out, slo, 0, 0);
  const tookMs = performance.now() - start;
  let top = 0;
  for (let i = 1; i < out.length; i++) if (out[i] > out[top]) top = i;
  const met = tookMs <= (slo.latencyMs ?? Number.POSITIVE_INFINITY);
  contender.hear?.(met);
  return { tookMs, met, right: isRight(labels, r, top), expectedMs: contender.expected?.(), atMs: start };
}

/** All contenders in turn, a block each, until `done`. */
export async function takeTurns(
  contenders: readonly DeadlineContender[],
  slo: Slo,
  asked: Asked,
  done: (q: number) => boolean,
): Promise<Tally[]> {
  const { inputs } = asked;
  const tallies = contenders.map((contender): Tally => ({ contender, settling: [], queries: [], busyMs: 0 }));
  for (let from = 0, round = 0; !done(from); from += block, round++)
    for (let place = 0; place < tallies.length; place++) {
      const tally = tallies[(round + place) % tallies.length];
      const { contender } = tally;
      for (let q = from - settle; q < from; q++) tally.settling.push(ask(contender, q + inputs.length, slo, asked));
      const start = performance.now();
      for (let q = from; q < from + block; q++) tally.queries.push(ask(contender, q, slo, asked));
      tally.busyMs += performance.now() - start;
      await new Promise((resolve) => setImmediate(resolve));
    }
  return tallies;
}

export function scores(tallies: readonly Tally[]): Score[] {
  return tallies.map(({ contender, settling, queries, busyMs }) => scoreOf(contender.name, queries, busyMs, percentile / 100, settling));
}

/** Runs `body` beside a load, by its name. */
export async function beside<T>(load: string, body: () => Promise<T>): Promise<T> {
  const coRunners = await startCoRunners(coRunnersOf(load));
  try {
    // the scheduler needs a moment to settle
    await new Promise((resolve) => setTimeout(resolve, 300));
    return await body();
  } finally {
    await coRunners.stop();
  }
}

/** Dense's own times alone, ascending, in milliseconds, once everybody has warmed up. */
export function idleTimes(contenders: readonly DeadlineContender[], asked: Asked): Float64Array {
  for (const contender of contenders) for (let q = 0; q < 300; q++) ask(contender, q, { latencyMs: 1000 }, asked);
  const dense = contenders.find(({ name }) => name === "dense") ?? contenders[0];
  return Float64Array.from({ length: 1000 }, (_, q) => ask(dense, q, {}, asked).tookMs).sort();
}
