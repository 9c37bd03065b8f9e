import { describe, expect, test } from "vitest";
import {
  begin,
  createLoad,
  EXPECTED_MS,
  estimate,
  follow,
  type LoadState,
  OBSERVED_MS,
  observe,
  P99_MS,
  PRESSURE,
  STEP_MS,
} from "../../src/policy/load.ts";
import { normal, seeded } from "../../src/random.ts";

const query = new Float64Array(5);
/** What is predicted where the idle 99th percentile lies two and a half times the median. */
const p99Of = (load: LoadState, level: number, expectedMs = 0.05): number => expectedMs * load.stretch[level] * 2.5 ** load.tail;
function see(load: LoadState, level: number, observedMs: number, expectedMs = 0.05, stepMs = 0, pressure = Number.NaN): void {
  query[EXPECTED_MS] = expectedMs;
  query[OBSERVED_MS] = observedMs;
  query[P99_MS] = p99Of(load, level, expectedMs);
  query[STEP_MS] = stepMs;
  query[PRESSURE] = pressure;
  observe(load, level, query);
}

/** A machine that stretches by `stretch`, with noise as runs have it: many near the median, one in fifty twice that. */
function machine(seed: number, noise = 0.2): (stretch: number, expectedMs?: number) => number {
  const random = seeded(seed);
  return (stretch, expectedMs = 0.05) => expectedMs * stretch * Math.exp(noise * normal(random)) * (random() < 0.02 ? 2 : 1);
}

test.each([
  ["a median past every time", { p50: Number.POSITIVE_INFINITY }],
  ["a median that is hardly above 0", { p50: 1e-310 }],
  ["a sensitivity without end", { p50: 0.05, sensitivity: Number.POSITIVE_INFINITY }],
  ["a first query without end", { p50: 0.05, cold: Number.POSITIVE_INFINITY }],
])("%s in a profile does not spoil the estimate", (_, odd) => {
  const load = createLoad(2);
  const times = { p90: 0.05, p99: 0.06 };
  begin(
    load,
    {
      levels: [
        { ...times, ...odd },
        { ...times, p50: 0.05 },
      ],
    },
    false,
  );
  for (let i = 0; i < 200; i++) see(load, i % 2, 0.05, i % 2 ? 0.05 : odd.p50);
  expect(estimate(load).stretch).toBeGreaterThan(0.5);
  expect(estimate(load).stretch).toBeLessThan(2);
  for (const stretch of load.stretch) expect(Number.isFinite(stretch)).toBe(true);
});

describe("the tail", () => {
  test.each([
    [0.05, 1],
    [0.2, 1],
    [0.5, 1],
    [0.2, 3],
  ])("of noise %f at a stretch of %f: one query in a hundred takes longer than predicted", (noise, stretch) => {
    for (let seed = 1; seed <= 5; seed++) {
      const load = createLoad(1);
      const take = machine(seed, noise);
      let above = 0;
      for (let i = -1000; i < 10_000; i++) {
        const tookMs = take(stretch);
        if (i >= 0 && tookMs > p99Of(load, 0)) above++;
        see(load, 0, tookMs);
      }
      expect(above / 10_000).toBeGreaterThan(0.008);
      expect(above / 10_000).toBeLessThan(0.012);
    }
  });

  test("stays within bounds, and is not told by a clock too coarse for one query", () => {
    const load = createLoad(1);
    for (let i = 0; i < 5000; i++) see(load, 0, 0.05);
    expect(load.tail).toBeGreaterThanOrEqual(0.3);
    expect(load.tail).toBeLessThan(0.5);
    const coarse = createLoad(1);
    for (let i = 0; i < 40_000; i++) see(coarse, 0, i % 20 === 0 ? 1 : 0, 0.05, 1);
    expect(coarse.tail).toBe(1);
  });

  test("has an end, and is not told by queries of which nothing was expected", () => {
    const long = createLoad(1);
    const unasked = createLoad(1);
    query.set([0.05, 0.05, 0.1, 0, Number.NaN]);
    for (let i = 0; i < 3000; i++) {
      query[P99_MS] = 0.1;
      query[OBSERVED_MS] = i % 3 === 0 ? 0.9 : 0.05;
      observe(long, 0, query);
      query[P99_MS] = Number.NaN;
      observe(unasked, 0, query);
    }
    expect(long.tail).toBeGreaterThan(2.8);
    expect(long.tail).toBeLessThanOrEqual(3);
    expect(unasked.tail).toBe(1);
  });

  test("is seen by decisions soon after it grows", () => {
    const load = createLoad(1);
    for (let i = 0; i < 640; i++) see(load, 0, 0.05);
    const { version, tail } = load;
    for (let i = 0; i < 64; i++) see(load, 0, i % 8 === 0 ? 0.15 : 0.05);
    expect(load.tail).toBeGreaterThan(tail);
    expect(load.version).toBeGreaterThan(version);
  });
});

describe("a stretch", () => {
  test.each([0.5, 1, 1.3, 2, 5])("of %f is found and kept, with its uncertainty", (stretch) => {
    const load = createLoad(1);
    const take = machine(3);
    for (let i = 0; i < 300; i++) see(load, 0, take(stretch));
    expect(load.stretch[0] / stretch).toBeGreaterThan(0.85);
    expect(load.stretch[0] / stretch).toBeLessThan(1.2);
    const { deviation } = estimate(load);
    expect(deviation).toBeGreaterThan(0.01);
    expect(deviation).toBeLessThan(0.15);
  });

  test("stays a little unsure, however long it was seen: the machine may change", () => {
    const load = createLoad(1);
    const take = machine(3);
    for (let i = 0; i < 3000; i++) see(load, 0, take(1));
    expect(estimate(load).deviation).toBeGreaterThan(0.015);
  });

  test("of a level that was not run for long is that level's own", () => {
    const load = createLoad(2);
    const take = machine(4);
    for (let i = 0; i < 400; i++) see(load, i % 2, take(1));
    for (let i = 0; i < 5000; i++) see(load, 0, take(1));
    for (let i = 0; i < 20; i++) see(load, 1, take(2));
    expect(load.stretch[1]).toBeGreaterThan(1.6);
    expect(load.stretch[0]).toBeLessThan(1.25);
  });

  test.each([2, 3, 5])("that steps up to %f is noticed within ten queries nine times of ten, and so is the step down", (stretch) => {
    const needed: number[] = [];
    for (let seed = 1; seed <= 20; seed++) {
      const load = createLoad(1);
      const take = machine(seed);
      const until = (now: number, reached: () => boolean): number => {
        for (let i = 1; i <= 100; i++) {
          see(load, 0, take(now));
          if (reached()) return i;
        }
        return 101;
      };
      until(1, () => false);
      needed.push(until(stretch, () => load.stretch[0] > 1 + 0.5 * (stretch - 1)));
      until(stretch, () => false);
      needed.push(until(1, () => load.stretch[0] < 1 + 0.5 * (stretch - 1)));
    }
    expect(needed.filter((count) => count <= 10).length).toBeGreaterThanOrEqual(36);
    expect(Math.max(...needed)).toBeLessThanOrEqual(20);
  });

  test("that does not change hardly ever changes what decisions see by much: not twice in four hundred queries, and never far", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const load = createLoad(1);
      const take = machine(seed);
      for (let i = 0; i < 500; i++) see(load, 0, take(1.4));
      const seen: number[] = [];
      for (let i = 0; i < 10_000; i++) {
        see(load, 0, take(1.4));
        if (!(Math.abs(Math.log(load.stretch[0] / seen[seen.length - 1])) < 0.1)) seen.push(load.stretch[0]);
      }
      expect(seen.length).toBeLessThanOrEqual(50);
      for (const stretch of seen) expect(Math.abs(Math.log(stretch / 1.4))).toBeLessThan(0.5);
    }
  });

  test("is the surer the less times scatter, and is not led astray where they scatter much", () => {
    const seen = (noise: number): { deviation: number; moves: number } => {
      const load = createLoad(1);
      const take = machine(1, noise);
      let [moves, was] = [0, 1];
      for (let i = 0; i < 5000; i++) {
        see(load, 0, take(1));
        if (Math.abs(Math.log(load.stretch[0] / was)) < 0.15) continue;
        moves++;
        was = load.stretch[0];
      }
      return { deviation: estimate(load).deviation, moves };
    };
    const [calm, usual, wild] = [0.05, 0.2, 0.6].map(seen);
    expect(calm.deviation).toBeLessThan(0.7 * usual.deviation);
    expect(usual.deviation).toBeLessThan(0.7 * wild.deviation);
    expect(wild.moves).toBeLessThan(120);
  });

  test.each([6, 4])("is that of the usual query, however slow one in %d is", (few) => {
    for (let seed = 1; seed <= 5; seed++) {
      const load = createLoad(1);
      const take = machine(seed);
      const random = seeded(100 + seed);
      const seen: number[] = [];
      for (let i = 0; i < 3000; i++) {
        see(load, 0, take(1.5) * (random() < 1 / few ? 2 + 8 * random() : 1));
        if (i >= 500) seen.push(load.stretch[0]);
      }
      seen.sort((a, b) => a - b);
      expect(seen[seen.length >> 1] / 1.5).toBeGreaterThan(0.85);
      expect(seen[seen.length >> 1] / 1.5).toBeLessThan(1.3);
    }
  });

  test("is as quick to be noticed after a far steeper one has passed", () => {
    const needed: number[] = [];
    for (let seed = 1; seed <= 20; seed++) {
      const load = createLoad(1);
      const take = machine(seed);
      for (const [count, stretch] of [
        [200, 1],
        [100, 50],
        [20, 1],
      ])
        for (let i = 0; i < count; i++) see(load, 0, take(stretch));
      let i = 0;
      while (load.stretch[0] < 1.3 && i < 100) {
        see(load, 0, take(1.6));
        i++;
      }
      needed.push(i);
    }
    expect(needed.sort((a, b) => a - b)[10]).toBeLessThanOrEqual(9);
  });

  test("that goes no further than errors are cut at is found out as well, in any noise", () => {
    for (const [noise, stretch, within] of [
      [0.05, 1.5, 8],
      [0.2, 1.5, 20],
      [0.2, 1.3, 25],
      [0.5, 2, 30],
    ]) {
      const needed: number[] = [];
      for (let seed = 1; seed <= 20; seed++) {
        const load = createLoad(1);
        const take = machine(seed, noise);
        for (let i = 0; i < 300; i++) see(load, 0, take(1));
        let i = 0;
        while (load.stretch[0] < 1 + 0.6 * (stretch - 1) && i < 300) {
          see(load, 0, take(stretch));
          i++;
        }
        needed.push(i);
      }
      expect(needed.sort((a, b) => a - b)[17]).toBeLessThanOrEqual(within);
    }
  });

  test.each([200, 1000, 5000])("that grows fourfold within %d queries and falls again is followed", (ramp) => {
    let off = 0;
    for (let seed = 1; seed <= 5; seed++) {
      const load = createLoad(1);
      const take = machine(seed);
      for (let i = 0; i < 200; i++) see(load, 0, take(1));
      for (let i = 0; i < 2 * ramp; i++) {
        const now = 4 ** (Math.min(i, 2 * ramp - i) / ramp);
        see(load, 0, take(now));
        off += Math.abs(Math.log(load.stretch[0] / now)) / (10 * ramp);
      }
    }
    expect(off).toBeLessThan(0.2);
  });

  test("is not moved by one slow query, however slow", () => {
    const load = createLoad(1);
    const take = machine(1);
    for (let i = 0; i < 200; i++) see(load, 0, take(1));
    const before = load.stretch[0];
    for (const times of [3, 10, 15]) {
      see(load, 0, 0.05 * times);
      expect(Math.abs(Math.log(load.stretch[0] / before))).toBeLessThan(0.2);
      for (let i = 0; i < 20; i++) see(load, 0, take(1));
    }
  });

  test("is moved by five slow queries in a row as far as the least slow of them goes", () => {
    const load = createLoad(1);
    const take = machine(1);
    for (let i = 0; i < 200; i++) see(load, 0, take(1));
    for (const times of [20, 3, 2.5, 3, 20]) see(load, 0, 0.05 * times);
    expect(load.stretch[0]).toBeGreaterThan(1.5);
    expect(load.stretch[0]).toBeLessThan(4);
  });

  test("seen at one level holds for the others; what only one suffers stays its own", () => {
    const common = createLoad(3);
    const take = machine(5);
    for (let i = 0; i < 100; i++) see(common, 1, take(1));
    for (let i = 0; i < 40; i++) see(common, 1, take(2.5));
    for (const stretch of common.stretch) expect(stretch).toBeGreaterThan(1.5);

    const own = createLoad(2);
    for (let i = 0; i < 200; i++) see(own, i % 2, take(i % 2 === 0 ? 1 : 2));
    expect(own.stretch[0]).toBeLessThan(1.25);
    expect(own.stretch[1]).toBeGreaterThan(1.6);
  });

  test("a level left for being slow is thought better of in time, and later each time it fails", () => {
    // level 1 takes three times as long while level 0 notices nothing; level 1 is run whenever it seems no slower than 1.5
    const load = createLoad(2);
    const take = machine(2);
    const tries: number[] = [];
    let last = -100;
    for (let i = 0; i < 20_000; i++) {
      const level = load.stretch[1] <= 1.5 ? 1 : 0;
      if (level === 1) {
        if (i - last > 20) tries.push(i);
        last = i;
      }
      see(load, level, take(level === 1 ? 3 : 1));
    }
    expect(tries.length).toBeLessThan(30);
    // the first failures may be chance
    expect(tries[5]).toBeLessThan(5000);
    const gaps = tries.slice(1).map((at, i) => at - tries[i]);
    expect(gaps[gaps.length - 1]).toBeGreaterThan(2 * gaps[0]);
  });

  test("of a level that always fails its tries is tried at least once in fifteen thousand queries, and not every few thousand", () => {
    const waits: number[] = [];
    for (let seed = 1; seed <= 12; seed++) {
      const load = createLoad(2);
      const take = machine(seed);
      let longest = 0;
      let last = 0;
      for (let i = 0; i < 60_000; i++) {
        const level = load.stretch[1] <= 1.5 ? 1 : 0;
        if (level === 1) {
          longest = Math.max(longest, i - last);
          last = i;
        }
        see(load, level, take(level === 1 ? 3 : 1));
      }
      waits.push(longest);
    }
    waits.sort((a, b) => a - b);
    expect(waits[11]).toBeLessThan(15_000);
    expect(waits[11]).toBeGreaterThan(9000);
  });

  test("shows in each level as much as its sensitivity says", () => {
    const idle = { p50: 0.05, p90: 0.06, p99: 0.07 };
    const toldBy = (level: number, stretch: number): Float64Array => {
      const load = createLoad(2);
      begin(load, { levels: [idle, { ...idle, sensitivity: 0.5 }] }, true);
      const take = machine(3);
      for (let i = 0; i < 300; i++) see(load, level, take(stretch));
      return load.stretch;
    };
    const [all, half] = toldBy(0, 4);
    expect([all > 3.2, all < 5, half > 1.4, half < 2.4]).toEqual([true, true, true, true]);
    const own = toldBy(1, 2)[1];
    expect([own > 1.7, own < 2.4]).toEqual([true, true]);
  });

  test("of one level has faded by the time it is come back to, and is not remembered then", () => {
    const load = createLoad(2);
    const take = machine(2);
    for (let i = 0; i < 200; i++) see(load, i % 2, take(i % 2 === 0 ? 1 : 3));
    expect(load.stretch[1]).toBeGreaterThan(2.5);
    for (let i = 0; i < 20_000; i++) see(load, 0, take(1));
    expect(load.stretch[1]).toBeLessThan(1.2);
    for (let i = 0; i < 3; i++) {
      see(load, 1, 0.05);
      expect(load.stretch[1]).toBeLessThan(1.2);
    }
  });
});

describe("lost time slices", () => {
  test("are counted as a rate of computing time, and stretch nothing", () => {
    const load = createLoad(1);
    const take = machine(1);
    const random = seeded(9);
    for (let i = 0; i < 20_000; i++) {
      const body = take(1);
      see(load, 0, random() < 0.25 * body ? body + 4 : body);
    }
    expect(load.lostPerMs).toBeGreaterThan(0.1);
    expect(load.lostPerMs).toBeLessThan(0.5);
    expect(load.sliceMs).toBeCloseTo(4, 1);
    expect(load.stretch[0]).toBeLessThan(1.25);
    for (let i = 0; i < 8000; i++) see(load, 0, take(1));
    expect(load.lostPerMs).toBeLessThan(0.05);
  });

  test("are seen at once, one by one, and leave the estimate as it was", () => {
    const load = createLoad(1);
    const take = machine(1);
    for (let i = 0; i < 200; i++) see(load, 0, take(1));
    const { stretch } = estimate(load);
    const { version } = load;
    see(load, 0, 5);
    expect(load.lostPerMs).toBeGreaterThan(0.05);
    expect(load.version).toBeGreaterThan(version);
    expect(estimate(load).stretch).toBe(stretch);
  });

  test("are not what a long query takes on a slow machine", () => {
    const load = createLoad(1);
    const take = machine(1);
    for (let i = 0; i < 300; i++) see(load, 0, take(5, 1), 1);
    expect(load.stretch[0]).toBeGreaterThan(4);
    expect(load.lostPerMs).toBeLessThan(0.01);
  });

  test("that hit a long query in five stretch nothing either", () => {
    let off = 0;
    for (let seed = 1; seed <= 5; seed++) {
      const load = createLoad(1);
      const take = machine(seed);
      const random = seeded(20 + seed);
      for (let i = 0; i < 2000; i++) {
        see(load, 0, take(1, 1) + (random() < 0.2 ? 8 : 0), 1);
        off += Math.abs(Math.log(load.stretch[0])) / 10_000;
      }
    }
    expect(off).toBeLessThan(0.1);
  });

  test("in a row are the machine however far it goes: it is found out by the eighth", () => {
    for (let seed = 1; seed <= 20; seed++)
      for (const stretch of [50, 1000]) {
        const load = createLoad(1);
        const take = machine(seed, 0.05);
        for (let i = 0; i < 200; i++) see(load, 0, take(1));
        for (let i = 0; i < 8; i++) see(load, 0, take(stretch));
        expect(Math.abs(Math.log(load.stretch[0] / stretch))).toBeLessThan(0.35);
      }
  });

  test.each([1, 3])(
    "of a query that takes a millisecond on a machine %f times as slow are what takes more than three times as long, and one more",
    (stretch) => {
      for (const [beyondMs, isLost] of [
        [0.8, false],
        [1.3, true],
      ] as const) {
        const load = createLoad(1);
        for (let i = 0; i < 40; i++) see(load, 0, stretch, 1);
        see(load, 0, 3 * stretch + beyondMs, 1);
        expect([beyondMs, load.lostPerMs > 0]).toEqual([beyondMs, isLost]);
      }
    },
  );

  test("count half after forty milliseconds of computing", () => {
    const load = createLoad(1);
    for (let i = 0; i < 4000; i++) see(load, 0, i % 40 === 0 ? 6 : 0.05);
    const before = load.lostPerMs;
    for (let i = 0; i < 2400; i++) see(load, 0, 0.05);
    // an eighth after 120 of them; decisions may see half as much again
    expect(load.lostPerMs / before).toBeGreaterThan(0.1);
    expect(load.lostPerMs / before).toBeLessThan(0.25);
  });

  test.each([
    ["few", 0.05, 0.02],
    ["many", 1, 0.1],
  ])("that were %s are forgotten once there are none: no rest of them is left that decisions go on seeing", (_, ms, share) => {
    for (let seed = 1; seed <= 40; seed++) {
      const load = createLoad(1);
      const random = seeded(seed);
      for (let i = 0; i < 2000; i++) see(load, 0, random() < share ? ms + 4 : ms, ms);
      expect(load.lostPerMs).toBeGreaterThan(0.01);
      for (let i = 0; i < 800 / ms; i++) see(load, 0, ms, ms);
      expect(load.lostPerMs).toBeLessThan(0.0001);
    }
  });

  test.each([1, 2, 3])("are forgotten by a clock of coarse steps too, whichever query they hit: %d of them", (slices) => {
    const load = createLoad(1);
    // four queries have to be summed up before a clock of steps as long as one of them has anything to tell
    for (let i = 0; i < 4000; i++) see(load, 0, i < slices ? 51 : 1, 1, 1);
    expect([load.lostPerMs < 0.0001, load.sliceMs < 6]).toEqual([true, true]);
  });

  test("are as long as they were, up to a hundred milliseconds: what takes longer was something else", () => {
    const sliceMs = (lostMs: number): number => {
      const load = createLoad(1);
      for (let i = 0; i < 4000; i++) see(load, 0, i % 50 === 0 ? lostMs + 0.05 : 0.05);
      return load.sliceMs;
    };
    expect([sliceMs(80) > 60, sliceMs(80) < 85, sliceMs(5000) < 101]).toEqual([true, true, true]);
  });

  test("are seen by decisions where their rate is off by half, or their length, and else let be", () => {
    const load = createLoad(1);
    const seen = (every: number, lostMs: number): [number, number] => {
      for (let i = 0; i < 8000; i++) see(load, 0, i % every === 0 ? lostMs + 0.05 : 0.05);
      return [load.lostPerMs, load.sliceMs];
    };
    const usual = seen(80, 4);
    expect(seen(80, 4)).toEqual(usual);
    expect(seen(80, 5.3)).toEqual(usual);
    expect(seen(80, 8)[1]).toBeGreaterThan(6);
    const [often] = seen(40, 5.3);
    expect(often).toBeGreaterThan(1.5 * usual[0]);
    expect(seen(160, 5.3)[0]).toBeLessThan(0.5 * often);
  });

  test("in a row are a machine no slower than the least of them", () => {
    const load = createLoad(1);
    for (let i = 0; i < 200; i++) see(load, 0, 0.05);
    for (const times of [400, 400, 30, 400, 400, 400]) see(load, 0, 0.05 * times);
    expect(load.stretch[0]).toBeGreaterThan(10);
    expect(load.stretch[0]).toBeLessThan(40);
  });

  test("are as long as those seen were", () => {
    const load = createLoad(1);
    const take = machine(1);
    for (let i = 0; i < 2000; i++) see(load, 0, i % 50 === 0 ? take(1) + 12 : take(1));
    expect(load.sliceMs).toBeGreaterThan(8);
    expect(load.sliceMs).toBeLessThan(13);
  });

  test.each([0, 4])("in a row are no lost slices, behind %d that were quick: the machine has become that slow", (quick) => {
    const load = createLoad(1);
    const take = machine(1);
    for (let i = 0; i < 100; i++) see(load, 0, take(1));
    for (let i = 0; i < quick; i++) see(load, 0, take(0.2));
    for (let i = 0; i < 7; i++) see(load, 0, take(50));
    expect(load.stretch[0]).toBeGreaterThan(5);
    for (let i = 0; i < 13; i++) see(load, 0, take(50));
    expect(load.stretch[0]).toBeGreaterThan(15);
  });

  test("a word of pressure counts until runs say better", () => {
    const load = createLoad(1);
    const take = machine(1);
    for (let i = 0; i < 64; i++) see(load, 0, 0.05, 0.05, 0, 0.8);
    // a slice of 4 ms for four fifths of 5 ms, beside 3.2 ms without one
    expect(load.lostPerMs).toBeCloseTo(1 / (3.2 + 5), 2);
    for (let i = 0; i < 10_000; i++) see(load, 0, take(1), 0.05, 0, 0.8);
    expect(load.lostPerMs).toBeLessThan(0.05);
    expect(load.version).toBeGreaterThan(0);
  });
});

test("the version is raised when what decisions see changes, and only then", () => {
  const load = createLoad(2);
  const take = machine(6);
  const random = seeded(7);
  const seen = (): number[] => [...load.stretch, load.lostPerMs, load.sliceMs, load.tail];
  const changes = [0, 0, 0, 0, 0];
  for (let i = 0; i < 6000; i++) {
    const before = seen();
    const { version } = load;
    const body = take(i % 2000 < 1000 ? 1 : 2.5);
    see(load, i % 3 === 0 ? 1 : 0, random() < 0.01 ? body + (i < 3000 ? 4 : 20) : body);
    const isOther = seen().map((value, k) => value !== before[k]);
    isOther.forEach((is, k) => {
      changes[k] += Number(is);
    });
    if (load.version > version !== isOther.includes(true)) throw new Error(`query ${i}: from ${before} to ${seen()}`);
  }
  expect(Math.min(...changes)).toBeGreaterThan(0);
  expect(Math.max(...changes)).toBeLessThan(300);
});

describe("what comes from a clock", () => {
  test.each([Number.NaN, -1, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 1e12])("a time of %f is passed over", (bad) => {
    const load = createLoad(1);
    const before = structuredClone(load);
    for (let i = 0; i < 50; i++) see(load, 0, bad);
    expect(load).toEqual(before);
    see(load, 0, 0.05, Number.NaN);
    see(load, 0, 0.05, 0);
    expect(load).toEqual(before);
  });

  test("standing still tells nothing", () => {
    const load = createLoad(1);
    for (let i = 0; i < 500; i++) see(load, 0, 0);
    expect([load.stretch[0], load.lostPerMs]).toEqual([1, 0]);
  });

  test.each([0.5, 16])("of steps of %f ms tells as much in the sum", (stepMs) => {
    const load = createLoad(1);
    const take = machine(4);
    let at = 0;
    for (let i = 0; i < 40_000 * stepMs; i++) {
      const begin = at;
      at += take(1.6);
      see(load, 0, (Math.floor(at / stepMs) - Math.floor(begin / stepMs)) * stepMs, 0.05, stepMs);
    }
    expect(load.stretch[0]).toBeGreaterThan(1.35);
    expect(load.stretch[0]).toBeLessThan(1.9);
    expect(load.lostPerMs).toBe(0);
  });

  test("that jumps an hour once is one lost slice", () => {
    const load = createLoad(1);
    const take = machine(4);
    for (let i = 0; i < 1000; i++) see(load, 0, i === 500 ? 3.6e6 : take(1));
    expect(load.stretch[0]).toBeLessThan(1.2);
    expect(load.lostPerMs).toBeLessThan(0.06);
    expect(load.sliceMs).toBeLessThan(100);
  });
});

describe("a caller's word", () => {
  test("is taken, and changes nothing while it stays the same", () => {
    const load = createLoad(2);
    follow(load, { stretch: 3, lostPerMs: 0.1 });
    expect([[...load.stretch], load.lostPerMs, load.version]).toEqual([[3, 3], 0.1, 1]);
    follow(load, { stretch: 3, lostPerMs: 0.1 });
    expect(load.version).toBe(1);
    follow(load, { stretch: 3, lostPerMs: 0.2 });
    expect([load.lostPerMs, load.version]).toEqual([0.2, 2]);
    follow(load, { stretch: 4, lostPerMs: 0.2 });
    expect([[...load.stretch], load.version]).toEqual([[4, 4], 3]);
    const { stretch, ...rest } = estimate(load);
    expect(stretch).toBeCloseTo(4, 9);
    expect(rest).toEqual({ deviation: 0, lostPerMs: 0.2 });
    follow(load, { stretch: 2 });
    expect([[...load.stretch], load.lostPerMs]).toEqual([[2, 2], 0]);
    expect(follow(load, {})).toBe(false);
    expect([...load.stretch]).toEqual([2, 2]);
    expect(follow(load, { lostPerMs: 0.3 })).toBe(true);
    expect([[...load.stretch], load.lostPerMs]).toEqual([[1, 1], 0.3]);
    follow(load, { stretch: Number.POSITIVE_INFINITY });
    expect(Number.isFinite(estimate(load).stretch)).toBe(true);
  });

  test("is taken for all levels and all there is to load, whatever was told from runs before", () => {
    const load = createLoad(2);
    for (let i = 0; i < 4000; i++) see(load, 1, i % 40 === 0 ? 20 : i % 4 === 0 ? 0.12 : 0.05);
    load.stretch[0] = 2; // as its own part may make it
    expect([load.sliceMs === 4, load.tail === 1, load.stretch[1] === 2]).toEqual([false, false, false]);
    follow(load, { stretch: 2, lostPerMs: load.lostPerMs });
    expect(load).toMatchObject({ stretch: Float64Array.of(2, 2), sliceMs: 4, tail: 1 });
    expect(estimate(load)).toMatchObject({ stretch: expect.closeTo(2, 9), deviation: 0 });
  });

  test.each<unknown>([0, -1, Number.NaN, "5", "a", 5n, Symbol("5"), [5], true, { valueOf: () => 5 }])(
    "a stretch of %s is idle",
    (value) => {
      const load = createLoad(1);
      const stretch = value as number;
      follow(load, { stretch, lostPerMs: stretch });
      expect([load.stretch[0], load.lostPerMs]).toEqual([1, 0]);
    },
  );
});

test("a session that has run nothing is as slow as the first run was, until it has", () => {
  const load = createLoad(3);
  const profile = {
    levels: [
      { p50: 0.05, p90: 0.06, p99: 0.07, cold: 1 },
      { p50: 0.1, p90: 0.2, p99: 0.3, cold: 0.3, sensitivity: 0.5 },
      { p50: 0.1, p90: 0.2, p99: 0.3, sensitivity: null as unknown as number },
    ],
  };
  begin(load, profile, false);
  expect([...load.stretch]).toEqual([20, expect.closeTo(3, 9), 1]);
  expect([...load.sensitivity]).toEqual([1, 0.5, 1]);
  see(load, 0, 0.05);
  expect(load.stretch[0]).toBeLessThan(1.2);
  expect(load.stretch[1]).toBeLessThan(1.2);
  const warm = createLoad(3);
  begin(warm, profile, true);
  expect([[...warm.stretch], [...warm.sensitivity]]).toEqual([
    [1, 1, 1],
    [1, 0.5, 1],
  ]);
});
