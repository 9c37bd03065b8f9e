// Measuring what each level takes on this machine: short blocks of runs, level after level and round after round, so that what disturbs
// the machine meanwhile falls on all of them, while each finds its weights in the caches as it does in service.

import type { Clock } from "../clock.ts";
import { ROW_WORDS, WORD_MACS, WORD_UNITS } from "../engine/generated/abi.ts";
import type { LatencyProfile, LevelLatency, Quantiles, RungLatency } from "../profile/latency.ts";
import { type QueryInput, writeInput } from "./input.ts";
import type { LevelRun, Live } from "./level-run.ts";

/** What all of it may take, roughly. */
const budgetMs = 400;
const mostRounds = 24;
/** The last run of a block is taken through all its rungs: what they need lies in no cache then, as in service, where few queries get there. */
const blockRuns = 10;
/** Runs of a block that only warm the caches. */
const warmUps = 2;
/** A run that takes fewer steps of the clock is timed together with others. */
const leastSteps = 10;
const mostRepeats = 1024;
/** Multiply-adds of runs timed together: a clock that hardly moves, as one made for a test, is not waited for. */
const mostMacs = 4e8;
/** Looks at a clock after which it counts as standing still. */
const mostLooks = 100_000;

/**
 * Latency of every level on `queries` in turn; a single blank one is replaced by ones. NaN throughout where the clock stands still.
 * @throws SlonnError `bad-input`
 */
export function measureProfile(live: Live, clock: Clock, queries: readonly QueryInput[]): LatencyProfile {
  const { input } = live;
  const runs = live.runs();
  const unknown = { p50: Number.NaN, p90: Number.NaN, p99: Number.NaN };
  const stepMs = stepOf(clock);
  if (!(stepMs > 0)) return { levels: runs.map(() => unknown) };
  writeInput(queries[0], input, { compactsInput: false, readsDenseInput: true });
  const inputs = queries.length > 1 || input.dense.some((v) => v !== 0) ? queries : [input.dense.slice().fill(1)];
  const began = clock.now();
  const samples = runs.map(({ points }): Samples => ({ whole: [], points: points.map(() => []), stops: points.map(() => 0) }));
  const cold = runs.map((run) => {
    const ms = timeWhole(run, clock, 1, 0);
    return ms >= leastSteps * stepMs ? ms : Number.NaN; // a single step may come at any time
  });
  const repeats = runs.map((run) => {
    let n = 1;
    const most = Math.min(mostRepeats, mostMacs / macsOf(run));
    while (n < most && timeWhole(run, clock, n, 0) * n < leastSteps * stepMs) n *= 2;
    return n;
  });
  for (let round = 0; round < mostRounds && (round === 0 || clock.now() - began < budgetMs); round++)
    runs.forEach((run, i) => {
      if (round > 0 && repeats[i] > 1) return;
      const start = clock.now();
      for (let n = 0; n < (repeats[i] > 1 ? 3 : blockRuns) && (n <= warmUps || clock.now() - start < budgetMs / runs.length); n++) {
        const begin = writeInput(inputs[(round * blockRuns + n) % inputs.length], input, run.plan);
        const into = n < warmUps && repeats[i] === 1 ? null : samples[i];
        if (repeats[i] > 1) into?.whole.push(timeWhole(run, clock, repeats[i], begin));
        else timePoints(run, clock, into, n === blockRuns - 1, begin);
      }
    });
  const levels = runs.map(({ points }, i): LevelLatency => {
    if (repeats[i] > 1) {
      const { p50 } = quantilesOf(samples[i].whole);
      // single runs cannot be told apart by such a clock
      return { p50, p90: 1.5 * p50, p99: 2.5 * p50, cold: cold[i] };
    }
    const rungs: RungLatency[] = [];
    points.forEach(({ rung, layer }, p) => {
      const passed = quantilesOf(samples[i].points[p]);
      const layers = [...(rungs[rung]?.layers ?? [])];
      while (layers.length < layer) layers.push(Number.NaN);
      layers[layer] = passed.p50;
      rungs[rung] = { ...passed, layers, reached: reached(samples[i], p) };
    });
    return { ...quantilesOf(samples[i].whole), cold: cold[i], rungs };
  });
  const firsts = runs.map(({ points }, i) => samples[i].points[points.findLastIndex(({ rung }) => rung === 0)]);
  return { stepMs, levels: steadied(levels, firsts) };
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
      if (isKept(time, p50)) {
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

/** Milliseconds of runs: whole ones, and when they passed each point; and how many whole ones ended at each. */
interface Samples {
  whole: number[];
  points: number[][];
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

/** Takes down when one run passed its points, as far as its rule takes it, or all of them. */
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

/** Whether a run that took `time` kept its core all along. */
const isKept = (time: number, median: number): boolean => time <= 3 * median + 1;

/** Percentiles of times; those that lost their core for a time slice are left out, as the load counts them apart. */
function quantilesOf(times: number[]): Quantiles {
  times.sort((a, b) => a - b);
  const median = times[(times.length - 1) >> 1];
  const kept = times.filter((time) => isKept(time, median));
  const at = (share: number): number => kept[Math.ceil(share * kept.length) - 1] || Number.NaN;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}

/** The smallest step a clock is seen to make; 0 when it stands still. */
function stepOf(clock: Clock): number {
  let step = 0;
  let last = clock.now();
  for (let looks = 0, steps = 0; looks < mostLooks && steps < 200; looks++) {
    const now = clock.now();
    if (now > last) {
      steps++;
      step = step > 0 ? Math.min(step, now - last) : now - last;
    }
    last = now;
  }
  return step;
}
