// Measuring how long each level takes on this machine: short blocks of runs, level after level and round after round, so that whatever disturbs
// the machine meanwhile affects all of them, while each finds its weights in the caches as it does in service.

import type { Clock } from "../clock.ts";
import { ROW_WORDS, WORD_MACS, WORD_UNITS } from "../engine/generated/abi.ts";
import { mostKeptMs } from "../policy/load.ts";
import type { LatencyProfile, LevelLatency, Quantiles, RungLatency } from "../profile/latency.ts";
import { writeInput } from "./input.ts";
import type { QueryInput } from "./input-parts.ts";
import { type LevelRun, type Live, limit } from "./level-run.ts";

const mostRounds = 24;
/**
 * Runs in a block. The last of them is taken through all rungs: by then nothing of the later ones is left in a cache, as in service, where
 * few queries get that far.
 */
const blockRuns = 10;
/** Runs at the start of a block that only warm the caches. */
const warmUps = 2;
/** A run that takes fewer steps of the clock than this is timed together with others. */
const leastSteps = 10;
const mostRepeats = 1024;
/** Multiply-adds of runs timed together, at most: a clock that hardly moves, as one made for a test, is not waited for. */
const mostMacs = 4e8;
/** The most looks at a clock that moves, to find its step. */
const mostLooks = 100_000;
/** Looks after which a clock that has not moved counts as standing still: more than fit into a step of 16 ms on the fastest machine. */
const mostStill = 1_000_000;

/** Measures the levels of a session, all at once or a part at a time. */
export interface Profiler {
  /**
   * Goes on measuring for about `forMs` milliseconds, to the end unless given, on `queries` in turn (a single one of zeros is replaced by
   * ones). Returns what is known by then: NaN for a level that was not run yet, and for all where the clock stands still.
   * @throws SlonnError `bad-input`
   */
  measure(queries: readonly QueryInput[], forMs?: number): LatencyProfile;
  isDone(): boolean;
}

/** @param budgetMs roughly how long all of it may take, once every level has run */
export function createProfiler(live: Live, clock: Clock, budgetMs = 400): Profiler {
  const { input } = live;
  const runs = live.runs();
  const samples = runs.map(
    ({ points }): Samples => ({ cold: Number.NaN, repeats: 0, whole: [], points: points.map(() => []), stops: points.map(() => 0) }),
  );
  let stepMs = Number.NaN;
  let spentMs = 0;
  /** Blocks done: round after round, in each one a level. */
  let blocks = 0;
  const isDone = (): boolean => stepMs === 0 || blocks >= mostRounds * runs.length || (blocks >= runs.length && spentMs >= budgetMs);

  const measureBlock = (inputs: readonly QueryInput[], until: number): void => {
    const level = blocks % runs.length;
    const round = (blocks - level) / runs.length;
    const run = runs[level];
    const into = samples[level];
    if (round === 0) {
      const begin = writeInput(inputs[0], input, run.plan);
      const ms = timeWhole(run, clock, 1, begin);
      if (ms >= leastSteps * stepMs) into.cold = ms; // a single step may come at any time
      const most = Math.min(mostRepeats, mostMacs / macsOf(run));
      // the shorter of two: a lost time slice makes few runs look long
      const took = (): number => timeWhole(run, clock, into.repeats, begin);
      for (into.repeats = 1; into.repeats < most && Math.min(took(), took()) * into.repeats < leastSteps * stepMs; ) into.repeats *= 2;
    } else if (into.repeats > 1) return;
    const together = into.repeats > 1;
    const start = clock.now();
    const end = Math.min(until, start + budgetMs / runs.length);
    // in round 0 the level has just run and is warm; and all rungs have to be known even if this block is cut short
    const [warmUpRuns, whole] = round === 0 ? [0, 0] : [warmUps, blockRuns - 1];
    for (let n = 0; n < (together ? 3 : blockRuns) && (n <= Math.max(1, warmUpRuns) || clock.now() < end); n++) {
      const begin = writeInput(inputs[(round * blockRuns + n) % inputs.length], input, run.plan);
      // runs that all fell within one step of the clock are taken to have filled it
      if (together) into.whole.push(Math.max(timeWhole(run, clock, into.repeats, begin), stepMs / into.repeats));
      else timePoints(run, clock, n < warmUpRuns ? null : into, n === whole, begin);
    }
  };

  const known = (): LatencyProfile => {
    const levels = runs.map(({ points }, i): LevelLatency => {
      const { cold, repeats, whole, points: passed } = samples[i];
      const all = quantilesOf(whole);
      // single runs cannot be told apart by a clock that has to time them together
      if (!(repeats === 1)) return { ...all, p90: 1.5 * all.p50, p99: 2.5 * all.p50, cold };
      const rungs: RungLatency[] = [];
      points.forEach(({ rung, layer }, p) => {
        const at = quantilesOf(passed[p]);
        const layers = Object.assign(new Array<number>(layer).fill(Number.NaN), rungs[rung]?.layers);
        layers[layer] = at.p50;
        rungs[rung] = { ...at, layers, reached: reached(samples[i], p) };
      });
      return { ...all, cold, rungs };
    });
    const firsts = runs.map(({ points }, i) => samples[i].points[points.findLastIndex(({ rung }) => rung === 0)]);
    return { stepMs: stepMs || undefined, levels: steadied(levels, firsts) };
  };

  return {
    measure(queries, forMs = Number.POSITIVE_INFINITY) {
      const began = clock.now();
      // checks all, as measuring may be over before it comes to the last; where there is none, `undefined` is refused. What the first
      // holds is looked at below, so it is written last
      for (let i = queries.length || 1; i--; ) writeInput(queries[i], input, { readsNonZerosOnly: false });
      if (Number.isNaN(stepMs)) stepMs = stepOf(clock);
      if (!(stepMs > 0)) return known();
      // the last query's budget is no limit here
      for (const run of runs) limit(run);
      const inputs = queries.length > 1 || input.dense.some((v) => v !== 0) ? queries : [input.dense.slice().fill(1)];
      const before = spentMs;
      do {
        measureBlock(inputs, began + forMs);
        blocks++;
        spentMs = before + clock.now() - began;
      } while (!isDone() && spentMs - before < forMs);
      return known();
    },
    isDone,
  };
}

/**
 * Puts p99 where all levels together say. A level's own runs are too few to tell, but what makes runs late rarely is the machine (here a timer
 * that takes 45 µs every millisecond or so): it comes at a rate per time and adds a time of its own, whichever level runs.
 * @param firsts [levels] Times to the end of the first rung; they are sorted.
 */
export function steadied(levels: readonly LevelLatency[], firsts: readonly number[][]): LevelLatency[] {
  const late: number[] = [];
  let busyMs = 0;
  for (const times of firsts) {
    const { p50 } = quantilesOf(times);
    for (const time of times)
      if (time <= mostKeptMs(p50)) {
        late.push(time - p50);
        busyMs += time;
      }
  }
  late.sort((a, b) => b - a);
  // the lateness that comes once in as much time as 100 runs take; where runs are so short that it is none, noise as of a normal distribution
  const steady = <T extends Quantiles>(one: T): T => ({
    ...one,
    p99: Math.max(one.p50 + (late[(busyMs / one.p50 / 100) | 0] ?? 0), one.p90 ** 2 / one.p50),
  });
  return levels.map((level) => {
    const { rungs } = level;
    return rungs ? { ...(rungs[1] ? level : steady(level)), rungs: rungs.map(steady) } : level;
  });
}

/** What was measured of one level, in milliseconds. */
interface Samples {
  /** The first run. */
  cold: number;
  /** How many runs are timed together. */
  repeats: number;
  /** Runs that ended where the level's own rule ends them. */
  whole: number[];
  /** [points] When runs passed each point. */
  points: number[][];
  /** [points] How many of `whole` ended at each point. */
  stops: number[];
}

/** Share of whole runs that went at least as far as a point. */
const reached = ({ whole, stops }: Samples, point: number): number => stops.slice(point).reduce((sum, n) => sum + n, 0) / whole.length;

/** Multiply-adds of the last run. */
const macsOf = ({ words, rows }: LevelRun): number => {
  let macs = 1;
  for (let row = 0; row < rows; row++) macs += words[row * ROW_WORDS + WORD_MACS];
  return macs;
};

/** Milliseconds of one run, the mean of `n` together. */
function timeWhole({ engine, plan, rows }: LevelRun, clock: Clock, n: number, begin: number): number {
  const start = clock.now();
  for (let i = 0; i < n; i++) engine.execute(plan.address, begin, rows);
  return (clock.now() - start) / n;
}

/** Notes when one run passed its points: as far as its own rule takes it, or, with `all`, to the last. */
function timePoints(
  { engine, plan: { address }, points, words }: LevelRun,
  clock: Clock,
  into: Samples | null,
  all: boolean,
  begin: number,
): void {
  const start = clock.now();
  let row = begin;
  for (let p = 0; p < points.length; p++) {
    if (points[p].row > row) row = engine.execute(address, row, points[p].row);
    const time = clock.now() - start;
    const ends = p === points.length - 1 || (points[p + 1].rung > points[p].rung && words[(row - 1) * ROW_WORDS + WORD_UNITS] !== 0);
    if (!all || points[p].rung > 0) into?.points[p].push(time);
    if (!all && ends) {
      into?.whole.push(time);
      if (into) into.stops[p]++;
      return;
    }
  }
}

/** Percentiles of times; those that lost their core for a time slice are left out, as the load counts them apart. */
function quantilesOf(times: number[]): Quantiles {
  times.sort((a, b) => a - b);
  const median = times[(times.length - 1) >> 1];
  const kept = times.filter((time) => time <= mostKeptMs(median));
  const at = (share: number): number => kept[Math.ceil(share * kept.length) - 1] || Number.NaN;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}

/** The smallest step a clock is seen to make; 0 when it stands still. */
function stepOf(clock: Clock): number {
  let step = 0;
  let last = clock.now();
  for (let looks = 0, steps = 0; looks < (step > 0 ? mostLooks : mostStill) && steps < 200; looks++) {
    const now = clock.now();
    if (now > last) {
      steps++;
      step = Math.min(step || Number.POSITIVE_INFINITY, now - last);
    }
    last = now;
  }
  return step;
}
