// Plays recorded service times back on a machine made of numbers: a clock that only work moves, a load that stretches the work and takes
// time slices away, both seeded. The policies that run on it are the session's own (pacing, the run from rung to rung), so that
// what is seen here is what they do, repeatably and out to loads no real machine at hand can make.

import { ROW_WORDS, WORD_UNITS } from "../src/engine/generated/abi.ts";
import type { Slo } from "../src/policy/slo.ts";
import type { Level } from "../src/profile/ladder.ts";
import type { LatencyProfile, Quantiles } from "../src/profile/latency.ts";
import { normal, type Random } from "../src/random.ts";
import { createRan, DEADLINE, LEFT_MS, type LevelRun, type Point, runSegments, type Segment, TOOK_MS } from "../src/session/level-run.ts";
import { createPacing, type Decision, type Pacing } from "../src/session/pacing.ts";

/** What bench/record.ts writes. */
export interface Recorded {
  network: string;
  rows: number;
  levels: readonly RecordedLevel[];
}

export interface RecordedLevel {
  level: Level;
  points: readonly { rung: number; layer: number; answered: boolean }[];
  /** [points][rows] Microseconds from the point before. */
  us: readonly (readonly number[])[];
  /** [rows] The point at which the level's own rule ends. */
  stops: readonly number[];
  /** [rungs] A digit per row: whether the rung's answer is right. */
  right: readonly string[];
}

/** The load at a moment. */
export interface SimulatedLoad {
  /** Factor on the work of a level; the share of the dense level's time it takes is handed in, as what reads more memory suffers more. */
  stretch(share: number): number;
  /** Time slices lost per millisecond of computing, and how long one is. */
  lostPerMs: number;
  sliceMs: number;
}

export const idle: SimulatedLoad = { stretch: () => 1, lostPerMs: 0, sliceMs: 0 };

/** Co-runners as they show on a machine of two cores: docs/latency.md. */
export const busy = (stretch: number, lostPerMs = 0.24, sliceMs = 4): SimulatedLoad => ({ stretch: () => stretch, lostPerMs, sliceMs });

/** Stretches what reads much memory, and leaves what fits the caches alone. */
export const streaming = (stretch: number, lostPerMs = 0.24, sliceMs = 4): SimulatedLoad => ({
  stretch: (share) => 1 + (stretch - 1) * Math.min(1, 2 * share),
  lostPerMs,
  sliceMs,
});

export interface Machine {
  nowMs: number;
  load: SimulatedLoad;
  /** Standard deviation of the logarithm of a step's time. */
  noise: number;
  random: Random;
}

export function createMachine(random: Random, noise = 0.15): Machine {
  return { nowMs: 0, load: idle, noise, random };
}

/** Lets work of `ms` pass at the machine's load. One step in 60 takes twice as long: interrupts and cold caches. */
export function work(machine: Machine, ms: number, share: number): void {
  const { load, random, noise } = machine;
  const rare = random() < 1 / 60 ? 2 : 1;
  const body = ms * load.stretch(share) * rare * Math.exp(noise * normal(random));
  let lost = 0;
  if (load.lostPerMs > 0) {
    const gap = (): number => -Math.log(1 - random()) / load.lostPerMs;
    for (let at = gap(); at < body; at += gap()) lost += load.sliceMs;
  }
  machine.nowMs += body + lost;
}

/** What became of a query. */
export interface Outcome {
  level: number;
  /** Index of the rung whose answer counts. */
  rung: number;
  /** From the call to the answer. */
  tookMs: number;
  right: boolean;
  isCut: boolean;
  /** Milliseconds the plan expected the asked percentile to take. */
  expectedMs: number | null;
}

export interface SimulatedSession {
  pacing: Pacing;
  run(row: number, slo: Slo, waitedMs?: number, reservedMs?: number): Outcome;
  /** One level whatever it takes, grown as its own rule has it. */
  runLevel(level: number, row: number): Outcome;
}

/** The profile a quiet machine with this much noise would give. */
export function profileOf({ levels, rows }: Recorded, random: Random): LatencyProfile {
  const dense = medianUs(levels[levels.length - 1]);
  return {
    levels: levels.map((recorded) => {
      const { points, us, stops } = recorded;
      const share = medianUs(recorded) / dense;
      const passed = points.map(() => [] as number[]);
      const whole: number[] = [];
      for (let r = 0; r < rows; r++) {
        const machine = createMachine(random);
        for (let p = 0; p < points.length; p++) {
          work(machine, us[p][r] / 1000, share);
          passed[p].push(machine.nowMs);
          if (p === stops[r]) whole.push(machine.nowMs);
        }
      }
      const ends = points.flatMap(({ rung }, p) => (points[p + 1]?.rung !== rung ? [p] : []));
      const rungs = ends.map((end, rung) => ({
        ...quantilesOf(passed[end]),
        reached: stops.filter((stop) => stop >= end).length / rows,
        layers: points.flatMap((point, p) => (point.rung === rung ? [quantilesOf(passed[p]).p50] : [])),
      }));
      return { ...quantilesOf(whole), rungs };
    }),
  };
}

/** A session on the machine: levels, latencies and answers as recorded, decisions as the session makes them. */
export function simulateSession({ levels }: Recorded, machine: Machine, profile: LatencyProfile): SimulatedSession {
  const dense = medianUs(levels[levels.length - 1]);
  let row = 0;
  const runs = levels.map((recorded) => createRun(recorded, medianUs(recorded) / dense, machine, () => row));
  const pacing = createPacing(
    levels.map(({ level }) => level),
    null,
    {},
  );
  pacing.adopt(profile, runs, false);
  const clock = { now: (): number => machine.nowMs };
  const ran = createRan();
  const decisions = new WeakMap<Slo, Decision>();
  const outcome = (level: number, asked: number, start: number, expectedMs: number | null): Outcome => {
    const rung = runs[level].plan.rungEnds.indexOf(ran.answer);
    const right = levels[level].right[rung][asked] === "1";
    return { level, rung, tookMs: clock.now() - start, right, isCut: ran.isCut, expectedMs };
  };
  const begin = (asked: number, leftMs: number): number => {
    row = asked;
    const start = clock.now();
    ran.times[LEFT_MS] = leftMs;
    ran.times[DEADLINE] = start + leftMs;
    ran.row = 0;
    ran.segment = 0;
    ran.isCut = false;
    return start;
  };
  return {
    pacing,
    run(asked, slo, waitedMs = 0, reservedMs = 0) {
      const decision = decisions.get(slo) ?? pacing.decide(slo);
      decisions.set(slo, decision);
      const start = begin(asked, decision.latencyMs - waitedMs - reservedMs);
      const level = pacing.choose(decision, ran, reservedMs);
      const { expected } = pacing.planOf(decision);
      runSegments(runs[level], runs[level].stops, clock, ran);
      const made = outcome(level, asked, start, expected.latencyMs);
      ran.times[TOOK_MS] = made.tookMs;
      pacing.learn(decision, runs[level], ran);
      return made;
    },
    runLevel(level, asked) {
      const start = begin(asked, Number.POSITIVE_INFINITY);
      runSegments(runs[level], runs[level].stops, clock, ran);
      return outcome(level, asked, start, null);
    },
  };
}

/** A level run whose engine lets time pass instead of computing; a point is one row of its plan. */
function createRun({ points: cuts, us, stops }: RecordedLevel, share: number, machine: Machine, row: () => number): LevelRun {
  const points: Point[] = cuts.map((cut, p) => ({ ...cut, row: p + 1 }));
  const words = new Uint32Array(points.length * ROW_WORDS);
  const isEnd = (p: number): boolean => points[p + 1]?.rung !== points[p].rung;
  const segments: Segment[] = points.map(({ row: end }, p) => ({
    end,
    ranks: false,
    compares: isEnd(p) && p < points.length - 1,
    point: p,
  }));
  return {
    order: null,
    best: { count: new Uint32Array(1), indices: new Uint32Array(), values: new Float32Array() },
    engine: {
      backend: "js",
      reason: null,
      buffer: new ArrayBuffer(0),
      execute(_, begin, end) {
        for (let p = begin; p < end; p++) {
          work(machine, us[p][row()] / 1000, share);
          words[p * ROW_WORDS + WORD_UNITS] = p === stops[row()] ? 1 : 0;
        }
        return end;
      },
    },
    plan: {
      address: 0,
      rungEnds: points.flatMap((_, p) => (isEnd(p) ? [p + 1] : [])),
      tags: [],
      answers: [],
      readsNonZerosOnly: false,
    },
    rows: points.length,
    words,
    answers: [],
    points,
    segments,
    spans: segments,
    stops: segments,
    sinceMs: new Float64Array(points.length).fill(Number.NaN),
    restMs: new Float64Array(points.length).fill(Number.NaN),
  };
}

/** Median of whole queries, as recorded. */
export function medianUs({ us, stops }: RecordedLevel): number {
  return quantilesOf(stops.map((stop, r) => us.slice(0, stop + 1).reduce((sum, point) => sum + point[r], 0))).p50;
}

function quantilesOf(times: readonly number[]): Quantiles {
  const sorted = times.slice().sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}
