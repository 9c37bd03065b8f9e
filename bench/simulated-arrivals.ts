// Requests that arrive by a seeded process at a simulated session behind the queue's own line: what is answered, when, and how much of it in
// time, without a machine of one's own.

import type { Slo } from "../src/policy/slo.ts";
import { createLine } from "../src/queue/line.ts";
import { normal, type Random } from "../src/random.ts";
import type { Machine, SimulatedSession } from "./simulator.ts";

export interface Arrival {
  atMs: number;
  row: number;
  slo: Slo;
}

/** Times between arrivals, in units of their mean. */
export type Process = (random: Random) => number;

/** Independent arrivals. */
export const poisson: Process = (random) => -Math.log(1 - random());

/** Gamma with shape 1/4: arrivals in clumps, as far from regular as services see (coefficient of variation 2). */
export const gamma: Process = (random) => {
  // Marsaglia and Tsang's method, with the boost that shapes below 1 need
  const shape = 0.25;
  const d = shape + 1 - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v <= 0 || Math.log(1 - random()) >= x * x * 0.5 + d - d * v + d * Math.log(v)) continue;
    return (d * v * (1 - random()) ** (1 / shape)) / shape;
  }
};

/** Arrivals at `rate` a millisecond until `endMs`; with `burst`, at `burst` times the rate during the second half of every `periodMs`. */
export function arrivalsOf(
  process: Process,
  random: Random,
  { rate, endMs, burst = 1, periodMs = 200 }: { rate: number; endMs: number; burst?: number; periodMs?: number },
  make: (i: number) => Pick<Arrival, "row" | "slo">,
): Arrival[] {
  const all: Arrival[] = [];
  for (let atMs = 0; atMs < endMs; ) {
    const now = rate * (atMs % periodMs >= periodMs / 2 ? burst : 1);
    atMs += process(random) / now;
    all.push({ atMs, ...make(all.length) });
  }
  return all;
}

export interface Served {
  arrival: Arrival;
  /** From arrival to answer; null where it was refused. */
  tookMs: number | null;
  met: boolean;
  right: boolean;
}

export interface ServedRun {
  served: Served[];
  /** The most that waited at once. */
  longestLine: number;
  /** From the first arrival to the last answer. */
  spanMs: number;
}

/** Arrivals in the queue's own line before one session, whichever clock they come by. */
export interface ArrivalLine {
  readonly isEmpty: boolean;
  /** When the next one comes; infinite behind the last. */
  readonly nextAtMs: number;
  /** Lets in what has come by `nowMs`, and takes the one that is to be answered then. */
  turn(nowMs: number): { arrival: Arrival; waitedMs: number; reservedMs: number } | null;
  /** Notes an answer; whether it was in time. */
  answered(arrival: Arrival, startMs: number, endMs: number, right: boolean): boolean;
  /** All of it, once nothing more comes. */
  result(spanMs: number): ServedRun;
}

/** @param most that may wait; beyond that requests are refused, those that are late first */
export function lineUp(arrivals: readonly Arrival[], most: number): ArrivalLine {
  const line = createLine<Arrival>({ lanes: 1, patienceMs: 1000 });
  const served: Served[] = [];
  const refuse = (arrival: Arrival): void => void served.push({ arrival, tookMs: null, met: false, right: false });
  const refuseItem = ({ item }: { item: Arrival }): void => refuse(item);
  let longestLine = 0;
  let next = 0;
  let givenMs = Number.POSITIVE_INFINITY;
  return {
    get isEmpty() {
      return line.size === 0;
    },
    get nextAtMs() {
      return arrivals[next]?.atMs ?? Number.POSITIVE_INFINITY;
    },
    turn(nowMs) {
      for (; next < arrivals.length && arrivals[next].atMs <= nowMs; next++) {
        const arrival = arrivals[next];
        const { latencyMs = Number.POSITIVE_INFINITY, late } = arrival.slo;
        const entry = line.push(arrival, arrival.atMs, { latencyMs, isRefusable: late === "refuse", priority: 0 });
        const dropped = entry && line.size > most ? line.makeRoom(entry, arrival.atMs, refuseItem) : null;
        if (!entry) refuse(arrival);
        else if (dropped) refuseItem(dropped);
      }
      longestLine = Math.max(longestLine, line.size);
      const turn = line.next(nowMs, refuseItem);
      if (turn) givenMs = turn.givenMs;
      return turn && { arrival: turn.entry.item, waitedMs: turn.waitedMs, reservedMs: turn.reservedMs };
    },
    answered(arrival, startMs, endMs, right) {
      line.served(endMs - startMs, givenMs);
      const tookMs = endMs - arrival.atMs;
      const met = tookMs <= (arrival.slo.latencyMs ?? Number.POSITIVE_INFINITY);
      served.push({ arrival, tookMs, met, right });
      return met;
    },
    result: (spanMs) => ({ served, longestLine, spanMs }),
  };
}

/** @param run answers one request; dense or a fixed level leaves the times unused */
export function serve(
  arrivals: readonly Arrival[],
  machine: Machine,
  most: number,
  run: (arrival: Arrival, waitedMs: number, reservedMs: number) => ReturnType<SimulatedSession["run"]>,
): ServedRun {
  const line = lineUp(arrivals, most);
  while (!line.isEmpty || line.nextAtMs < Number.POSITIVE_INFINITY) {
    if (line.isEmpty) machine.nowMs = Math.max(machine.nowMs, line.nextAtMs);
    const start = machine.nowMs;
    const turn = line.turn(start);
    if (turn === null) continue;
    const { right } = run(turn.arrival, turn.waitedMs, turn.reservedMs);
    line.answered(turn.arrival, start, machine.nowMs, right);
  }
  return line.result(machine.nowMs - (arrivals[0]?.atMs ?? 0));
}
