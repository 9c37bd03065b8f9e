import { expect, test } from "vitest";
import type { Clock } from "../../src/clock.ts";
import { uncalibratedLevels } from "../../src/policy/levels.ts";
import type { Level } from "../../src/profile/ladder.ts";
import type { LatencyProfile } from "../../src/profile/latency.ts";
import { normal, seeded } from "../../src/random.ts";
import type { QueryInput } from "../../src/session/input-parts.ts";
import { type Live, layOut, limit } from "../../src/session/level-run.ts";
import { createProfiler, steadied } from "../../src/session/profile.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";
import { fineThen } from "./fine-then.ts";

// large enough for a run to be long beside a look at the clock
const model = madeUpModel([300, 640, 400, 10], 1);
const rows = madeUpRows(20, 300, 4);
const inputs = Array.from({ length: rows.count }, (_, r) => rows.data.slice(r * 300, (r + 1) * 300));
const [exact, dense] = uncalibratedLevels(model);
/** Exact twice, for those less than a margin apart. */
const growing = (margin: number): Level => ({ ...exact, rungs: [{ ...exact.rungs[0], margin }, dense.rungs[0]] });
const levels = [growing(1), exact, dense];
const live = await layOut(model, levels, {});

const measureProfile = (of: Live, clock: Clock, queries: readonly QueryInput[]): LatencyProfile =>
  createProfiler(of, clock).measure(queries);

/** Time passes with every row that an engine runs, so that what is measured is known. */
const counted = await layOut(model, [growing(1e9), growing(-1), dense], { backend: "js" });
let now = 0;
for (const { engine } of counted.runs()) {
  const { execute } = engine;
  engine.execute = (plan, begin, end) => {
    const row = execute(plan, begin, end);
    now += row - begin;
    return row;
  };
  break; // they share one engine
}

/** The sum of the input at each execution while a profile is measured by a clock of such steps. */
function sumsOfInputs(queries: readonly QueryInput[], stepMs: number): number[] {
  const seen: number[] = [];
  const { engine } = counted.runs()[0];
  const { execute } = engine;
  engine.execute = (plan, begin, end) => {
    seen.push(counted.input.dense.reduce((sum, v) => sum + v, 0));
    return execute(plan, begin, end);
  };
  measureProfile(counted, { now: () => (now += stepMs) }, queries);
  engine.execute = execute;
  return seen;
}

test("every level has its percentiles, its first run, its rungs and their layers, in under a second", () => {
  const before = performance.now();
  const { levels: measured, stepMs } = measureProfile(live, { now: () => performance.now() }, inputs);
  expect(performance.now() - before).toBeLessThan(10_000); // a second where nobody else runs
  expect(stepMs).toBeGreaterThan(0);
  expect(measured).toHaveLength(3);
  for (const { p50, p90, p99, cold } of measured) {
    expect(p50).toBeGreaterThan(0);
    expect(p90).toBeGreaterThanOrEqual(p50);
    expect(p99).toBeGreaterThanOrEqual(p90);
    expect(cold).toBeGreaterThan(0);
  }
  expect(measured.map(({ rungs }) => rungs?.map(({ layers }) => layers.length))).toEqual([[3, 3], [3], [3]]);
});

test("times belong to the rung and layer that took them, whole queries to where their rule ends them", () => {
  now = 0;
  let looks = 0;
  const clock: Clock = { now: () => now + 1e-6 * looks++ };
  const [goesOn, stops, plain] = measureProfile(counted, clock, inputs).levels;
  const rowsOf = (i: number): number[] => counted.runs()[i].plan.rungEnds.slice();
  const [first, second] = rowsOf(0);
  expect(goesOn.rungs?.map(({ p50 }) => Math.round(p50))).toEqual([first, second]);
  expect(Math.round(goesOn.p50)).toBe(second);
  expect(stops.rungs?.map(({ p50 }) => Math.round(p50))).toEqual(rowsOf(1));
  expect(Math.round(stops.p50)).toBe(rowsOf(1)[0]);
  expect(Math.round(plain.p50)).toBe(rowsOf(2)[0]);
  expect([goesOn, stops, plain].map(({ rungs }) => rungs?.map(({ reached }) => reached))).toEqual([[1, 1], [1, 0], [1]]);
  const layers = plain.rungs?.[0].layers ?? [];
  expect(layers.map((ms, l) => ms > (layers[l - 1] ?? 0))).toEqual([true, true, true]);
});

test("a budget of the last query ends no run that is measured", () => {
  for (const run of counted.runs()) limit(run, 1);
  const [goesOn] = measureProfile(counted, { now: () => (now += 1e-6) }, inputs).levels;
  expect(goesOn.rungs?.map(({ reached }) => reached)).toEqual([1, 1]);
});

test("rare lateness is told by all levels together, though each has run too little to tell", () => {
  // a timer takes 45 µs once a millisecond, so that a run of 5 µs is hit once in 200 times and one of 100 µs once in ten
  const run = (random: () => number, ms: number): number => ms * Math.exp(0.1 * normal(random)) + (random() < ms ? 0.045 : 0);
  const at = (times: number[], share: number): number => times.sort((a, b) => a - b)[Math.ceil(share * times.length) - 1];
  const lengths = [0.004, 0.005, 0.005, 0.02, 0.02, 0.025, 0.04, 0.06, 0.1];
  for (let seed = 1; seed <= 20; seed++) {
    const random = seeded(seed);
    const firsts = lengths.map((ms) => Array.from({ length: 170 }, () => run(random, ms)));
    const levels = steadied(
      firsts.map((times) => {
        const few = { p50: at(times, 0.5), p90: at(times, 0.9), p99: at(times, 0.99) };
        return { ...few, rungs: [{ ...few, layers: [few.p50] }] };
      }),
      firsts,
    );
    levels.forEach(({ p99, rungs }, i) => {
      expect(rungs?.[0].p99).toBe(p99);
      const long = Array.from({ length: 20_000 }, () => run(random, lengths[i]));
      // of runs too short to be hit, what is noise in the longer ones is too much
      expect(p99 / at(long, 0.99)).toBeGreaterThan(0.75);
      expect(p99 / at(long, 0.99)).toBeLessThan(lengths[i] < 0.01 ? 2.5 : 1.5);
    });
  }
});

test("a level of coarse times, and the whole of one that grows, stay as measured", () => {
  const quantiles = (ms: number) => ({ p50: ms, p90: 1.1 * ms, p99: 9 * ms });
  const coarse = quantiles(1);
  const rungs = [quantiles(1), quantiles(2)].map((one) => ({ ...one, layers: [one.p50] }));
  const [first, second] = steadied([coarse, { ...quantiles(1.5), rungs }], [[], [0.9, 1, 1.1]]);
  expect(first).toEqual(coarse);
  expect(second.p99).toBe(13.5);
  expect(second.rungs?.map(({ p99 }) => p99)).toEqual([expect.closeTo(1.21), expect.closeTo(2.42)]);
});

test("a blank input is not measured: its zeros would be skipped", () => {
  const seen = sumsOfInputs([new Float32Array(300)], 0.1);
  expect(seen.length).toBeGreaterThan(10);
  expect(new Set(seen)).toEqual(new Set([300]));
});

test("a clock that stands still measures nothing, and does not hang", () => {
  for (const clock of [{ now: () => 5 }, { now: () => Number.NaN }, { now: () => (now -= 1) }]) {
    const { levels: measured, stepMs } = measureProfile(live, clock, inputs);
    expect(stepMs).toBeUndefined();
    expect(measured).toEqual(levels.map(() => ({ p50: Number.NaN, p90: Number.NaN, p99: Number.NaN, cold: Number.NaN })));
  }
  const malformed = [...inputs, new Float32Array(1)];
  expect(() => measureProfile(live, { now: () => 5 }, malformed)).toThrow("input: got 1 numbers, expected 300");
});

test("a clock of coarse steps is told from one that stands still, wherever in a step it is looked at", () => {
  // a step of 16 ms, looked at every 25 ns
  for (const startMs of [0.1, 5, 12.9]) {
    now = 0;
    let looks = 0;
    const clock: Clock = { now: () => Math.floor((startMs + now + 2.5e-5 * looks++) / 16) * 16 };
    const { stepMs, levels: measured } = measureProfile(counted, clock, inputs);
    expect(stepMs).toBe(16);
    for (const { p50 } of measured) expect(p50).toBeGreaterThan(0);
  }
});

test("a clock of coarse steps still tells what a run takes", () => {
  now = 0;
  let looks = 0;
  const clock: Clock = { now: () => Math.floor((now + 1e-3 * looks++) / 20) * 20 };
  const { stepMs, levels: measured } = measureProfile(counted, clock, inputs);
  expect(stepMs).toBe(20);
  const rowsRun = counted.runs().map(({ plan: { rungEnds } }, i) => rungEnds[i === 0 ? 1 : 0]);
  measured.forEach(({ p50, p90, p99, rungs }, i) => {
    expect([rungs, p90 / p50, p99 / p50]).toEqual([undefined, expect.closeTo(1.5), expect.closeTo(2.5)]);
    // ten steps or more are timed together, and one of them may be missed
    expect(p50 / rowsRun[i]).toBeGreaterThan(0.9);
    expect(p50 / rowsRun[i]).toBeLessThan(1.1);
  });
});

test("a level too fast for a clock of coarse steps is known to take no longer than a step, not unknown beside slower ones", async () => {
  const live = await layOut(madeUpModel([4, 3], 1), uncalibratedLevels(madeUpModel([4, 3], 1)), {});
  const [quick] = live.runs();
  let time = 0;
  quick.engine.execute = (plan, _, end) => {
    time += plan === quick.plan.address ? 5 : 50;
    return end;
  };
  const clock: Clock = { now: () => Math.floor((time += 1) / 16_000) * 16_000 };
  const { levels: measured } = measureProfile(live, clock, [new Float32Array(4).fill(1)]);
  expect(measured.map(({ p50 }) => p50)).toEqual([16_000 / 1024, 48_000 / 1024]);
});

test("a clock that moves by one at every look does not make it run on and on", async () => {
  const ticking = await layOut(model, levels, {});
  const [{ engine }] = ticking.runs();
  const { execute } = engine;
  let executed = 0;
  engine.execute = (plan, begin, end) => {
    executed++;
    return execute(plan, begin, end);
  };
  let time = 0;
  measureProfile(ticking, { now: () => ++time }, inputs);
  // doubling up, and three blocks, of each of three levels; of the dense ones 4e8 multiply-adds at most
  expect(executed).toBeLessThan(3 * 5 * 1024);
});

test("goes on where it was left, level by level, and knows what it has measured so far", async () => {
  const profiler = createProfiler(await layOut(model, levels, {}), fineThen(0.3));
  const known = (): number[] => profiler.measure(inputs, 0).levels.flatMap(({ p50 }, i) => (p50 > 0 ? [i] : []));
  expect([known(), known(), known()]).toEqual([[0], [0, 1], [0, 1, 2]]);
  expect(profiler.isDone()).toBe(false);
  let parts = 0;
  for (; !profiler.isDone(); parts++) profiler.measure(inputs, 30);
  expect(parts).toBeGreaterThan(5);
  expect(parts).toBeLessThan(20);
});

test("of a level that grows all rungs are known, however soon its first block ends", () => {
  let looks = 0;
  const profiler = createProfiler(counted, { now: () => now + 1e-6 * looks++ });
  for (let i = 0; i < 3; i++) for (const { p50 } of profiler.measure(inputs, 0).levels[i].rungs ?? []) expect(p50).toBeGreaterThan(0);
  expect(profiler.measure(inputs, 0).levels.map(({ rungs }) => rungs?.length)).toEqual([2, 2, 1]);
});

test("runs that lost their core for a time slice are left out", () => {
  let looks = 0;
  const { levels: measured } = measureProfile(counted, { now: () => (looks++ % 97 === 0 ? (now += 1000) : now) + 1e-6 * looks }, inputs);
  for (const { p50, p99 } of measured) {
    expect(p50).toBeGreaterThan(0);
    expect(p99).toBeLessThan(500);
  }
  const one = { p50: 1, p90: 1.1, p99: 1.2 };
  const [level] = steadied([{ ...one, rungs: [{ ...one, layers: [1] }] }], [[...new Array(150).fill(1), 20, 30]]);
  expect(level.p99).toBeCloseTo(1.21);
});

test("a slow machine is measured at every level all the same", async () => {
  const profiler = createProfiler(await layOut(model, levels, {}), fineThen(5), 200);
  expect(profiler.measure(inputs).levels.every(({ p50 }) => p50 > 0)).toBe(true);
  expect(profiler.isDone()).toBe(true);
});

test("a part takes hardly longer than was given, on a slow machine too", async () => {
  const clock = fineThen(5);
  const profiler = createProfiler(await layOut(model, levels, {}), clock, 2000);
  for (let i = 0; i < 3; i++) profiler.measure(inputs, 0);
  const before = clock.now();
  profiler.measure(inputs, 30);
  expect(clock.now() - before).toBeLessThan(130);
});

test("inputs are taken in turn", () => {
  expect(new Set(sumsOfInputs(inputs, 0.001)).size).toBe(inputs.length);
});

test("a first run of a step or two of the clock is not known: a step may come at any time", () => {
  let looks = 0;
  const { levels: measured } = measureProfile(counted, { now: () => Math.floor((now + 0.01 * looks++) / 50) * 50 }, inputs);
  for (const { cold, p50 } of measured) {
    expect(cold).toBeNaN();
    expect(p50).toBeGreaterThan(0);
  }
});

test("bad inputs are refused", () => {
  // by a coarse clock, measuring is over before it comes to the tenth
  let looks = 0;
  const coarse = { now: () => Math.floor((now + 0.01 * looks++) / 50) * 50 };
  const many = [...Array.from({ length: 9 }, () => inputs[0]), new Float32Array(29)];
  expect(() => measureProfile(counted, coarse, many)).toThrow(expect.objectContaining({ code: "bad-input" }));
  expect(() => measureProfile(live, { now: () => performance.now() }, [])).toThrow(expect.objectContaining({ code: "bad-input" }));
  expect(() => measureProfile(live, { now: () => performance.now() }, [new Float32Array(29)])).toThrow(
    expect.objectContaining({ code: "bad-input" }),
  );
});
