import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { closeness, createForecast, fits, isNoFaster, pick, predict, predictWithin } from "../../src/policy/deadline.ts";
import { createLoad, follow, type LoadState } from "../../src/policy/load.ts";
import type { Level } from "../../src/profile/ladder.ts";
import type { LevelLatency } from "../../src/profile/latency.ts";

const level = (accuracy: number): Level => ({
  rungs: [{ layers: [{ kind: "exact" }] }],
  cost: { macs: { mean: 1, p99: 1, max: 1 }, bytes: 1, nodes: [1] },
  observed: { agreement: 1, accuracy, loss: 0 },
  certificates: [],
});
const latency = (p50: number, p90 = 2 * p50, p99 = 4 * p50): LevelLatency => ({ p50, p90, p99 });
const levels = [level(0.8), level(0.9), level(0.91)];
const forecastOf = (...all: LevelLatency[]) => createForecast({ levels: all }, levels);
const loadOf = (stretch: number, lostPerMs = 0): LoadState => {
  const load = createLoad(levels.length);
  follow(load, { stretch, lostPerMs });
  return load;
};
const idle = loadOf(1);
const forecast = forecastOf(latency(1), latency(2), latency(10));
const order = [2, 1, 0];

describe("predict", () => {
  test("gives back what was measured, times the stretch", () => {
    for (const [share, ms] of [
      [0.5, 2],
      [0.9, 4],
      [0.99, 8],
    ])
      for (const part of [0, 1] as const) {
        expect(predict(forecast, idle, 1, part, share)).toBeCloseTo(ms, 5);
        expect(predict(forecast, loadOf(3), 1, part, share)).toBeCloseTo(3 * ms, 5);
      }
  });

  test("goes by the stretch of the level itself", () => {
    const uneven = { ...idle, stretch: Float64Array.of(1, 3, 0.5) };
    expect([0, 1, 2].map((i) => Math.round(predict(forecast, uneven, i, 0, 0.99)))).toEqual([4, 24, 20]);
    expect([23.9, 24.1].map((leftMs) => fits(forecast, uneven, 1, leftMs, 0.99, false))).toEqual([false, true]);
  });

  test("lies between its neighbours elsewhere, and widens with the tail", () => {
    expect(predict(forecast, idle, 0, 1, 0.8)).toBeGreaterThan(1);
    expect(predict(forecast, idle, 0, 1, 0.8)).toBeLessThan(2);
    expect(predict(forecast, idle, 0, 1, 0.95)).toBeGreaterThan(2);
    expect(predict(forecast, { ...idle, tail: 1.5 }, 0, 1, 0.99)).toBeCloseTo(8, 5);
  });
});

test("a query that grows is expected to take what the time left allows it to begin", () => {
  const rungs = [1, 20, 50].map((ms) => ({ ...latency(ms), layers: [ms] }));
  // between others that take longer: what is theirs counts for nothing
  const other = { ...latency(50), rungs: [50, 15, 10].map((ms) => ({ ...latency(ms), layers: [ms] })) };
  const growing = forecastOf(other, { p50: 2, p90: 3, p99: 80, rungs }, other);
  const within = (leftMs: number): number => Math.round(predictWithin(growing, idle, 1, 0.99, leftMs));
  // 57: between 40 and 80, which one and ten in a hundred take longer than
  expect([5, 56, 57, 500].map(within)).toEqual([4, 4, 57, 80]);
  expect(predictWithin(growing, loadOf(2), 1, 0.99, 113)).toBeCloseTo(8, 5);
  expect(predictWithin(forecast, idle, 1, 0.99, 3)).toBeCloseTo(8, 5);
  // a second rung that ends sooner than a slow first one makes nothing sooner
  const steady = [latency(1), latency(1.2, 1.3, 1.4)].map((one) => ({ ...one, layers: [1] }));
  expect(predictWithin(forecastOf({ ...latency(1.1), rungs: steady }), idle, 0, 0.99, 10)).toBeCloseTo(4, 5);
});

test("a level is no faster than another where neither its median nor its 99th percentile is less, in the first rung and in all", () => {
  const noFaster = (one: LevelLatency, other: LevelLatency): boolean => isNoFaster(forecastOf(one, other, latency(1)), 0, 1);
  const growing = (ms: number): LevelLatency => ({ ...latency(ms), rungs: [1, ms].map((end) => ({ ...latency(end), layers: [end] })) });
  expect([noFaster(latency(1), latency(1)), noFaster(latency(1), latency(1.1)), noFaster(latency(2), latency(1))]).toEqual([
    true,
    true,
    true,
  ]);
  expect([noFaster(latency(1), latency(1.5)), noFaster(latency(1), latency(1, 2, 8))]).toEqual([false, false]);
  expect([noFaster(growing(5), growing(3)), noFaster(growing(3), growing(5))]).toEqual([true, false]);
  // nor does it take as long where only its slowest queries do
  expect(noFaster(latency(1, 2, 4), latency(1.5, 2, 4))).toBe(false);
  // within a fifth is no faster
  expect([1.2, 1.25].map((ms) => noFaster(latency(1), latency(ms)))).toEqual([true, false]);
  // whose first answer comes sooner is faster, though all of it takes as long
  const from = (first: number): LevelLatency => ({ ...latency(5), rungs: [first, 5].map((ms) => ({ ...latency(ms), layers: [ms] })) });
  expect([noFaster(from(1), from(3)), noFaster(from(3), from(1))]).toEqual([false, true]);
  const others = forecastOf(latency(1), latency(4), latency(3));
  expect([isNoFaster(others, 1, 2), isNoFaster(others, 2, 1)]).toEqual([true, false]);
});

test("however many rungs a level has, what is known of the next one stays", () => {
  const rungs = Array.from({ length: 16 }, (_, r) => ({ ...latency(r + 1), layers: [r + 1], reached: 0.5 }));
  const many = forecastOf({ ...latency(16), rungs }, { ...latency(16), rungs }, { ...latency(16), rungs });
  for (const i of [0, 1, 2]) {
    expect(predict(many, idle, i, 0, 0.99)).toBeCloseTo(4, 5);
    expect(predict(many, idle, i, 1, 0.99)).toBeCloseTo(64, 5);
  }
  expect(closeness(many, idle, 1, 1e6)).toBeCloseTo(0.9, 5);
});

describe("fits", () => {
  test("where the predicted percentile does, to the very end of the deadline", () => {
    expect(fits(forecast, idle, 1, 8, 0.99, false)).toBe(true);
    expect(fits(forecast, idle, 1, 7.99, 0.99, false)).toBe(false);
    expect(fits(forecast, idle, 1, 4, 0.9, false)).toBe(true);
    expect(fits(forecast, loadOf(2), 1, 15.9, 0.99, false)).toBe(false);
    // twice as far beyond the median as when idle: 2 · 4²
    expect([31.9, 32.1].map((leftMs) => fits(forecast, { ...idle, tail: 2 }, 1, leftMs, 0.99, false))).toEqual([false, true]);
  });

  test("agrees with predict", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.double({ min: 0.5, max: 0.99, noNaN: true }),
        fc.double({ min: 0.2, max: 9, noNaN: true }),
        fc.nat(2),
        (leftMs, share, stretch, i) => {
          const load = loadOf(stretch);
          const needed = predict(forecast, load, i, 0, share);
          if (Math.abs(needed / leftMs - 1) > 1e-6) expect(fits(forecast, load, i, leftMs, share, false)).toBe(needed < leftMs);
        },
      ),
      { numRuns: 1000 },
    );
    const narrow = forecastOf(latency(2, 2.1, 2.11));
    const needed = predict(narrow, idle, 0, 0, 0.95);
    expect([0.9999, 1.0001].map((times) => fits(narrow, idle, 0, times * needed, 0.95, false))).toEqual([false, true]);
  });

  test("a lost time slice counts against longer queries", () => {
    const even = forecastOf(...[1, 2, 10].map((ms) => latency(ms, 1.05 * ms, 1.1 * ms)));
    const fitting = (lostPerMs: number, leftMs: number, share: number): boolean[] =>
      [0, 1, 2].map((i) => fits(even, loadOf(1, lostPerMs), i, leftMs, share, false));
    // 0.004 slices a millisecond: level 2 loses its core in 4 % of its queries, level 0 in 0.4 %
    expect(fitting(0.004, 11.5, 0.99)).toEqual([true, true, false]);
    expect(fitting(0.004, 11.5, 0.9)).toEqual([true, true, true]);
    expect(fitting(10, 11.5, 0.5)).toEqual([false, false, false]);
    // and level 1 takes 8 ms on a machine four times as slow: 0.004 slices a millisecond hit 3 % of its queries, 0.02 15 %
    expect([0.004, 0.02].map((lostPerMs) => fits(even, loadOf(4, lostPerMs), 1, 9.2, 0.95, false))).toEqual([true, false]);
    // who has time for several slices need not mind them, nor who has time for hundreds when there are as many
    expect(fitting(0.004, 25, 0.99)).toEqual([true, true, true]);
    expect(fitting(1, 1000, 0.99)).toEqual([true, true, true]);
    expect(fits(even, { ...loadOf(1, 0.004), sliceMs: 40 }, 2, 25, 0.99, false)).toBe(false);
  });

  test("what some lose to others asks more of the rest: beyond p99 time rises by as much a nine as between p90 and p99", () => {
    // 0.5 % lose their core and have no time for it: 0.99 of all are 0.995 of the rest, 2.3 nines
    const lossy = { ...idle, lostPerMs: 0.0025, sliceMs: 1e9 };
    const beyond = 8 * 2 ** -Math.log10((1 - 0.99 / 0.995) / 0.01);
    for (const [leftMs, is] of [
      [8, false],
      [beyond - 0.05, false],
      [beyond + 0.05, true],
    ] as const)
      expect([leftMs, fits(forecast, lossy, 1, leftMs, 0.99, false)]).toEqual([leftMs, is]);
    // and where p90 and p99 are the same, a little longer is enough, but not the same
    const sharp = forecastOf(latency(2, 2.2, 2.2), latency(2, 2.2, 2.2), latency(2));
    expect([2.2, 2.22, 2.3].map((leftMs) => fits(sharp, lossy, 1, leftMs, 0.99, false))).toEqual([false, false, true]);
  });

  test("a slice makes late by how it compares with the time to spare, and several count as a longer one", () => {
    const certain = forecastOf(latency(1), latency(2, 2.001, 2.002), latency(10));
    // half of the queries lose one of 4 ms: 1.5 times as long, as some lose two
    const spared = (leftMs: number): number => closeness(certain, { ...idle, lostPerMs: 0.25, sliceMs: 4 }, 1, leftMs) / 0.9;
    // nobody is spared for having less than no time
    const wide = (load: LoadState): number => closeness(forecast, load, 1, 1.5);
    expect(wide({ ...idle, lostPerMs: 0.25, sliceMs: 4 }) / wide(idle)).toBeCloseTo(0.5, 5);
    for (const leftMs of [2.5, 5, 8, 14]) expect(spared(leftMs)).toBeCloseTo(1 - 0.5 * Math.exp(-(((leftMs - 2) / 6) ** 2)), 4);
  });

  test("a level that grows fits by its first rung, if most queries are through with growing", () => {
    const rungs = [
      { ...latency(1), layers: [1] },
      { ...latency(20), layers: [20] },
    ];
    const growing = forecastOf({ p50: 1, p90: 3, p99: 80, rungs }, latency(1), latency(1));
    expect(fits(growing, idle, 0, 60, 0.99, false)).toBe(true);
    expect(fits(growing, idle, 0, 60, 0.99, true)).toBe(false);
    expect(fits(growing, idle, 0, 80, 0.99, true)).toBe(true);
    expect(fits(growing, idle, 0, 5, 0.99, false)).toBe(false); // one in ten would be cut short
  });

  test("a rung that does not fit is left out for all that would go there, not only for those it would make late", () => {
    const growing = (reached?: number) =>
      forecastOf(
        {
          p50: 1,
          p90: 3,
          p99: 80,
          rungs: [
            { ...latency(1), layers: [1] },
            { ...latency(20), layers: [20], reached },
          ],
        },
        latency(1),
        latency(1),
      );
    // fewer than one in fifty take longer than 50, but the second rung is begun only where 57 are left
    for (const reached of [undefined, Number.NaN, -1, 0.04]) expect(fits(growing(reached), idle, 0, 50, 0.99, false)).toBe(true);
    expect(fits(growing(0.06), idle, 0, 50, 0.99, false)).toBe(false);
    expect(fits(growing(0.3), idle, 0, 57, 0.99, false)).toBe(true);
    expect(fits(growing(0.3), loadOf(2), 0, 100, 0.99, false)).toBe(false);
    const rungs = [0.1, 0.2, 0.3, 20].map((ms) => ({ ...latency(ms), layers: [ms], reached: 0.3 }));
    expect([50, 57].map((leftMs) => fits(forecastOf({ p50: 1, p90: 3, p99: 80, rungs }), idle, 0, leftMs, 0.99, false))).toEqual([
      false,
      true,
    ]);
    // two rungs do not fit: as many are cut as want the first of them
    const late = [1, 20, 30].map((ms, r) => ({ ...latency(ms), layers: [ms], reached: [1, 0.04, 0.01][r] }));
    expect(fits(forecastOf({ p50: 1, p90: 3, p99: 80, rungs: late }), idle, 0, 50, 0.99, false)).toBe(true);
    // of two that do not fit, the one that is cut less comes closer
    expect(closeness(growing(0.06), idle, 0, 50)).toBeGreaterThan(closeness(growing(0.3), idle, 0, 50));
    // an answer that was cut short counts for more than half of one
    expect(closeness(growing(0.3), idle, 0, 50) / 0.8).toBeCloseTo(0.7 + 0.3 * 0.6, 2);
    // where no query has time to grow, all that are in time are cut short
    const long = { p50: 50, p90: 60, p99: 80, rungs: [1, 50].map((ms) => ({ ...latency(ms), layers: [ms], reached: 1 })) };
    expect(closeness(forecastOf(long), idle, 0, 4) / 0.8).toBeCloseTo(0.99 * 0.6, 5);
  });

  test("nothing that was not measured", () => {
    const unknown = forecastOf(latency(Number.NaN), latency(0), latency(-1));
    for (const i of [0, 1, 2]) expect(fits(unknown, idle, i, 1e9, 0.5, false)).toBe(false);
  });
});

describe("pick", () => {
  test.each<[number, number]>([
    [40, 2],
    [39, 1],
    [8, 1],
    [7, 0],
    [4, 0],
  ])("with %f ms left level %i", (leftMs, expected) => {
    expect(pick(order, forecast, idle, leftMs, 0.99, false)).toBe(expected);
  });

  test("where none fits, the one most likely to be right and in time", () => {
    // level 0 has two thirds in time, level 1 a few: accuracy does not make up for that
    expect(pick(order, forecast, idle, 1.4, 0.99, false)).toBe(-1);
    // right is what dense says where nobody knows better
    const unlabelled = [0.5, 0.9, 0.95].map((agreement) => ({ ...level(1), observed: { agreement, accuracy: null, loss: null } }));
    const even = createForecast({ levels: [latency(1), latency(1.05), latency(10)] }, unlabelled);
    expect(pick([2, 0, 1], even, idle, 3.9, 0.99, false)).toBe(-2);
    // both have nearly all in time, and one gives better answers
    expect(pick(order, forecastOf(latency(1), latency(1.05), latency(10)), idle, 3.9, 0.99, false)).toBe(-2);
    // lost slices: nobody reaches 99 of 100
    expect(pick(order, forecastOf(latency(1, 1.02, 1.05), latency(1.1, 1.12, 1.15), latency(10)), loadOf(1, 0.02), 1.3, 0.99, false)).toBe(
      -2,
    );
  });

  test.each([0, -5, Number.NEGATIVE_INFINITY, 1e-9])("with nothing left (%f) the fastest", (leftMs) => {
    expect(pick(order, forecast, idle, leftMs, 0.99, false)).toBe(-1);
    expect(closeness(forecast, idle, 0, leftMs)).toBeLessThan(0);
  });

  test("a huge deadline gets the most accurate, an infinite load the one that comes closest", () => {
    expect(pick(order, forecast, idle, Number.MAX_VALUE, 0.99, false)).toBe(2);
    expect(pick(order, forecast, loadOf(Number.POSITIVE_INFINITY), 10, 0.99, false)).toBeLessThan(0);
  });

  test("levels not measured are passed over", () => {
    expect(pick(order, forecastOf(latency(1), latency(2), latency(Number.NaN)), idle, 1000, 0.99, false)).toBe(1);
    expect(pick(order, forecastOf(latency(Number.NaN), latency(2), latency(9)), idle, 0.1, 0.99, false)).toBe(-2);
  });

  test("less time or a heavier load never picks a level that is slower", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.double({ min: 1, max: 5, noNaN: true }),
        (a, b, stretch) => {
          const at = (leftMs: number, load: LoadState): number => {
            const picked = pick(order, forecast, load, leftMs, 0.99, false);
            return picked < 0 ? -1 : picked;
          };
          expect(at(Math.min(a, b), idle)).toBeLessThanOrEqual(at(Math.max(a, b), idle));
          expect(at(a, loadOf(stretch))).toBeLessThanOrEqual(at(a, idle));
        },
      ),
    );
  });
});
