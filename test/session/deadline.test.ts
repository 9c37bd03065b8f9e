// What a session makes of deadlines, driven by clocks and profiles made for the purpose.

import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/clock.ts";
import { denseMacs } from "../../src/model/model.ts";
import type { Slo } from "../../src/policy/slo.ts";
import type { Level } from "../../src/profile/ladder.ts";
import type { LatencyProfile } from "../../src/profile/latency.ts";
import { seeded } from "../../src/random.ts";
import { createRan, LEFT_MS, type LevelRun, TOOK_MS } from "../../src/session/level-run.ts";
import { createPacing } from "../../src/session/pacing.ts";
import type { PausableSession } from "../../src/session/pausable-session.ts";
import { createSession, type Session, type SessionOptions } from "../../src/session/session.ts";
import { madeUpRows } from "../made-up-models.ts";
import { calibratedWith, latency, plain, rung } from "./calibrated.ts";
import { opened } from "./opened.ts";

/** 20 % of the first layer; the same, then 80 % for whoever is unsure, which with this margin is everyone; exact; dense. */
const model = await calibratedWith([rung(0.2, 1e9), rung(0.8)]);
/** Milliseconds: 1, 2 (growing from 1), 6, 10 at the median, twice that at the 99th percentile. */
const profile: LatencyProfile = { levels: [latency(1), latency(2, [1, 2]), latency(6), latency(10)] };

const session = (options?: SessionOptions): Promise<Session> => opened(model, options);

const rows = madeUpRows(40, 30, 4);
const row = (r: number): Float32Array => rows.data.slice(r * 30, (r + 1) * 30);
const out = new Float32Array(10);

/** A clock whose next looks are read off a list; the last time stays, until it is set back to 0. */
function scripted(): { clock: Clock; next: number[]; rewind(): void } {
  const next: number[] = [];
  let now = 0;
  return {
    clock: { now: () => (now = next.shift() ?? now) },
    next,
    rewind() {
      next.length = now = 0;
    },
  };
}

/** Runs without layers to look at. */
const runsOf = (levels: readonly Level[]): LevelRun[] => levels.map(() => ({ points: [] }) as unknown as LevelRun);

describe("the level", () => {
  test("is the most accurate whose percentile fits what is left after waiting and what is reserved", async () => {
    const s = await session({ latencyProfile: profile, clock: scripted().clock, load: { stretch: 1 } });
    const slo: Slo = { latencyMs: 12.5 };
    const chosen = (waited?: number, reserved?: number): number => s.run(row(0), slo, waited, reserved).report.plan.level;
    expect([chosen(), chosen(2), chosen(8), chosen(10), chosen(0, 8), chosen(4, 6.4), chosen(12.5)]).toEqual([2, 1, 1, 0, 1, 0, 1]);
    // too late for anything: of the two that have their first answer soonest, the one that would get the better one
    expect(s.run(row(0), slo, 1e9).report.plan).toMatchObject({ level: 1, gaveUp: ["latency=12.5ms"] });
    expect(s.run(row(0), slo, 2).report.timeMs.waited).toBe(2);
    expect(s.run(row(0), { latencyMs: 1e300 }).report.plan.level).toBe(2);
  });

  test("is chosen anew when the deadline in the object changes, which takes no planning", async () => {
    const s = await session({ latencyProfile: profile, clock: scripted().clock, load: { stretch: 1 } });
    const slo: Slo = { latencyMs: 12.5 };
    const chosen = (latencyMs: number): number => {
      slo.latencyMs = latencyMs;
      return s.run(row(0), slo).report.plan.level;
    };
    expect([12.5, 10.5, 4.5, 2.5, 12.5].map(chosen)).toEqual([2, 1, 1, 0, 2]);
    const pacing = createPacing(s.levels, null, {});
    const runs = runsOf(s.levels);
    pacing.adopt(profile, runs, false);
    const { order } = pacing.decide({ latencyMs: 10 });
    expect(order).toEqual([2, 1, 0]);
    expect(pacing.decide({ latencyMs: 1 }).order).toBe(order);
    expect(pacing.decide({ latencyMs: 1, loss: 0.03 }).order).toEqual([1, 0]);
    pacing.adopt(profile, runs, false);
    expect(pacing.decide({ latencyMs: 1 }).order).not.toBe(order);
    pacing.adopt({ levels: [] }, runs, false);
    expect(pacing.decide({ latencyMs: 1 }).order).toBeUndefined();
  });

  test("is planned once where no deadline is asked, and of what such queries take nothing is learned before a profile is there", async () => {
    const { levels } = await session();
    let looks = 0;
    const pacing = createPacing(levels, null, { pressure: () => ++looks });
    const ran = createRan();
    ran.times[LEFT_MS] = Number.POSITIVE_INFINITY;
    const decision = pacing.decide({ loss: 0.03 });
    const made = pacing.planOf(decision);
    expect(pacing.choose(decision, ran, 0)).toBe(made.level);
    expect(pacing.planOf(decision)).toBe(made);
    pacing.learn(decision, { sinceMs: Float64Array.of(1) } as LevelRun, ran);
    expect(looks).toBe(0);
  });

  test("goes by what first runs take where nothing has run yet, unless the caller says how slow the machine is", async () => {
    const { levels } = await session();
    const cold = { levels: profile.levels.map((one) => ({ ...one, cold: 5 * one.p50 })) };
    const chosen = (isWarm: boolean, load = {}): number => {
      const pacing = createPacing(levels, null, load);
      pacing.adopt(cold, runsOf(levels), isWarm);
      const ran = createRan();
      ran.times[LEFT_MS] = 13;
      return pacing.choose(pacing.decide({ latencyMs: 13 }), ran, 0);
    };
    expect([chosen(true), chosen(false), chosen(false, { stretch: 1 })]).toEqual([2, 0, 2]);
  });

  test("goes by a profile that was measured just now as it is: how slow the machine was beside another says nothing", async () => {
    const { levels } = await session();
    const runs = profile.levels.map(({ p50 }) => ({ points: [], sinceMs: Float64Array.of(p50) })) as unknown as LevelRun[];
    const pacing = createPacing(levels, null, {});
    const ran = createRan();
    const chosen = (stretch?: number): number => {
      ran.times[LEFT_MS] = 50;
      const decision = pacing.decide({ latencyMs: 50 });
      const level = pacing.choose(decision, ran, 0);
      ran.times[TOOK_MS] = profile.levels[level].p50 * (stretch ?? 1);
      if (stretch) pacing.learn(decision, runs[level], ran);
      return level;
    };
    const slower = { levels: profile.levels.map(({ p50 }) => latency(3 * p50)) };
    pacing.adopt({ levels: profile.levels.map((one) => ({ ...one, cold: 50 * one.p50 })) }, runs, false);
    expect(chosen()).toBeLessThan(2);
    pacing.adopt(profile, runs, true);
    expect(chosen()).toBe(2);
    for (let i = 0; i < 40; i++) chosen(3);
    expect(pacing.estimate().stretch).toBeGreaterThan(1.5);
    pacing.adopt(slower, runs, true);
    expect([chosen(), pacing.estimate().stretch]).toEqual([2, 1]);
    const told = createPacing(levels, null, { stretch: 2 });
    told.adopt(profile, runs, true);
    expect(told.estimate()).toMatchObject({ stretch: expect.closeTo(2, 9), deviation: 0 });
  });

  test("without a deadline is expected to take its median as the machine is now, not as it was when that was first asked", async () => {
    const load = { stretch: 1 };
    const s = await session({ latencyProfile: profile, load });
    for (const stretch of [1, 5, 2])
      for (const slo of [undefined, { loss: 0.001 }, { operations: 1e9 }, { exact: true }] satisfies (Slo | undefined)[]) {
        load.stretch = stretch;
        const { level, expected } = s.run(row(0), slo).report.plan;
        expect(expected.latencyMs).toBeCloseTo(stretch * profile.levels[level].p50, 6);
      }
    const cold = { levels: profile.levels.map((one) => ({ ...one, cold: 50 * one.p50 })) };
    let now = 0;
    const file = await session({ latencyProfile: cold, clock: { now: () => (now += 0.1) } });
    const expectedMs = (): number => file.run(row(0), { loss: 0.001 }).report.plan.expected.latencyMs ?? Number.NaN;
    expect(expectedMs()).toBeCloseTo(300, 6);
    expect(expectedMs()).toBeLessThan(7);
  });

  test("is not lowered by steps of a clock too coarse for a query", async () => {
    const { clock, next } = scripted();
    const s = await session({ latencyProfile: { ...profile, stepMs: 20 }, clock });
    // exact takes 6: of ten queries three see a step
    for (let i = 0; i < 200; i++) {
      const now = 1000 * i;
      next.push(now, ...new Array(20).fill(now + (i % 10 < 3 ? 20 : 0)));
      expect(s.run(row(i % 40), { latencyMs: 500 }).report.plan.level).toBe(2);
      next.length = 0;
    }
    expect(s.load().lostPerMs).toBe(0);
  });

  test("follows a load that the caller changes, query by query", async () => {
    const load = { stretch: 1, lostPerMs: 0 };
    const s = await session({ latencyProfile: profile, clock: scripted().clock, load });
    const slo: Slo = { latencyMs: 13 };
    const chosen = (stretch: number, lostPerMs = 0): number => {
      load.stretch = stretch;
      load.lostPerMs = lostPerMs;
      return s.run(row(0), slo).report.plan.level;
    };
    expect([1, 1.5, 1, 7, Number.NaN, 0, Number.POSITIVE_INFINITY, 1].map((stretch) => chosen(stretch))).toEqual([2, 1, 2, 0, 2, 2, 1, 2]);
    expect(chosen(1, 0.1)).toBe(1); // a core lost every 10 ms of computing: queries of 2 ms have time for that, those of 6 have not
    expect(s.load()).toMatchObject({ lostPerMs: 0.1 });
  });

  test("goes by a load that the caller knows at times only, for as long as it is known; else by what queries took", async () => {
    const { clock, next } = scripted();
    const known: { stretch?: number } = {};
    const load = {
      get stretch(): number | undefined {
        return known.stretch;
      },
    };
    const s = await session({ latencyProfile: profile, clock, load });
    let now = 0;
    /** The last levels of a hundred queries, each of which takes ten times its median. */
    const levels = (stretch?: number): number[] => {
      known.stretch = stretch;
      let level = 0;
      const seen = new Set<number>();
      for (let i = 0; i < 100; i++) {
        next.push((now += 100), ...new Array(20).fill(now + 10 * profile.levels[level].p50));
        level = s.run(row(i % 40), { latencyMs: 13 }).report.plan.level;
        next.length = 0;
        if (i >= 50) seen.add(level);
      }
      return [...seen];
    };
    expect(levels(1)).toEqual([2]);
    expect(s.load()).toEqual({ stretch: 1, deviation: 0, lostPerMs: 0 });
    expect(levels()).not.toContain(2);
    expect(s.load().stretch).toBeGreaterThan(3);
    expect(levels(1)).toEqual([2]);
    expect(s.load()).toEqual({ stretch: 1, deviation: 0, lostPerMs: 0 });
  });

  test("follows what queries took: slower ones get less, until they are fast again", async () => {
    const { clock, next } = scripted();
    const s = await session({ latencyProfile: profile, clock });
    const slo: Slo = { latencyMs: 14 };
    let now = 0;
    let level = 2;
    /** Queries of which each takes the median of its level times the stretch. */
    const run = (count: number, stretch: number): number => {
      for (let i = 0; i < count; i++) {
        next.push((now += 100), ...new Array(20).fill(now + profile.levels[level].p50 * stretch));
        level = s.run(row(i % 40), slo).report.plan.level;
        next.length = 0;
      }
      return level;
    };
    expect(run(30, 1)).toBe(2);
    expect(run(12, 2.5)).toBeLessThan(2);
    expect(s.load().stretch).toBeGreaterThan(1.5);
    expect(run(1500, 1)).toBe(2);
  });

  test("is not lowered by what others did while a query paused", async () => {
    let now = 0;
    const s = (await session({ latencyProfile: profile, clock: { now: () => now } })) as PausableSession;
    const before = s.load();
    for (let i = 0; i < 30; i++) {
      const pieces = s.pieces(row(i), { latencyMs: 14 }, () => true);
      while (!pieces.next().done) now += 10;
    }
    expect(s.load()).toEqual(before);
  });

  test("follows what queries took up to the rung they ended with; always the same, it brings the 99th percentile closer", async () => {
    const { clock, next } = scripted();
    // nobody is unsure: every query ends with the first rung, in the millisecond that this takes
    const sure = await opened(await calibratedWith([rung(0.2, 0), rung(0.8)]), { latencyProfile: profile, clock });
    const expected: number[] = [];
    for (let i = 0; i < 1500; i++) {
      next.push(100 * i, ...new Array(20).fill(100 * i + 1));
      const { plan, rungs } = sure.run(row(i % 40), { latencyMs: 5 }).report;
      next.length = 0;
      expect([plan.level, rungs]).toEqual([1, 1]);
      expected.push(plan.expected.latencyMs ?? Number.NaN);
    }
    expect(sure.load().stretch).toBeCloseTo(1, 1);
    expect(expected[1499]).toBeLessThan(0.8 * expected[0]);
  });

  test("both constraints: the deadline wins, and the report says what was given up", async () => {
    const s = await session({ latencyProfile: profile, clock: scripted().clock, load: { stretch: 1 } });
    const slo: Slo = { latencyMs: 2.5, loss: 0.001 };
    const { plan, met } = s.run(row(0), slo).report;
    expect(plan).toMatchObject({ level: 0, gaveUp: ["loss=0.001"], promised: false });
    expect(met).toBe(false);
    expect(s.run(row(0), { latencyMs: 25, loss: 0.001 }).report.plan).toMatchObject({ level: 2, gaveUp: [], promised: true });
    // with a promise asked, growth has to fit as well: 4 ms at the 99th percentile
    expect(s.run(row(0), { latencyMs: 3.5, loss: 0.02 }).report.plan).toMatchObject({ level: 0, gaveUp: ["loss=0.02"] });
    expect(s.run(row(0), { latencyMs: 4.1, loss: 0.02 }).report.plan).toMatchObject({ level: 1, gaveUp: [] });
  });
});

describe("growth", () => {
  /** Looks of a run: start, begin of rows, and then every segment; `late` from the nth segment on. */
  async function run(late: number, into: boolean) {
    const { clock, next } = scripted();
    const s = await session({ latencyProfile: profile, clock, load: { stretch: 1 } });
    const slo: Slo = { latencyMs: 5 };
    s.run(row(0), slo);
    const first = s.run(row(3), { loss: 0.05 }).output.data;
    const second = s.run(row(3), { loss: 0.02 }).output.data;
    next.push(0, ...(into ? [] : [0]), 0, ...new Array(late).fill(0), ...new Array(30).fill(4.5));
    if (into) {
      s.runInto(row(3), out, slo);
      return { answer: out.slice(), first, second, report: null };
    }
    const { output, report } = s.run(row(3), slo);
    return { answer: output.data, first, second, report };
  }

  test("is offered while there is time", async () => {
    const { answer, second, report } = await run(100, false);
    expect(answer).toEqual(second);
    expect(report).toMatchObject({ rungs: 2, stopped: "last rung", met: true, plan: { level: 1 } });
  });

  test("ends where the next rung would be late: the answer that stands is given", async () => {
    const { answer, first, report } = await run(0, false);
    expect(answer).toEqual(first);
    expect(report).toMatchObject({ rungs: 1, stopped: "deadline", met: true });
    // nothing of the next rung was begun
    const s = await session();
    expect(report?.macs).toBe(s.run(row(3), { loss: 0.05 }).report.macs);
  });

  test("is given up between layers, too, and leaves the answer before it whole", async () => {
    const seen = new Set<string>();
    for (let late = 0; late < 12; late++) {
      const { answer, first, second, report } = await run(late, false);
      const cut = report?.stopped === "deadline";
      expect(answer).toEqual(cut ? first : second);
      expect(report?.rungs).toBe(cut ? 1 : 2);
      if (cut) seen.add(String(report?.macs));
    }
    // what was computed and thrown away differs with where it was given up
    expect(seen.size).toBeGreaterThan(1);
  });

  test("of three rungs is given up to the last one that was done", async () => {
    const answers: Float32Array[] = [];
    for (const growing of [[rung(0.2)], [rung(0.2, 1e9), rung(0.4)], [rung(0.2, 1e9), rung(0.4, 1e9), rung(0.6)]])
      answers.push((await opened(await calibratedWith(growing))).run(row(3), { loss: 0.02 }).output.data);
    const { clock, next, rewind } = scripted();
    const three = await calibratedWith([rung(0.2, 1e9), rung(0.4, 1e9), rung(0.6)]);
    const measured = { levels: [latency(1), latency(2, [1, 1.5, 2]), latency(6), latency(10)] };
    const s = await opened(three, { latencyProfile: measured, clock, load: { stretch: 1 } });
    const seen = new Set<number>();
    for (let late = 0; late < 25; late++) {
      next.push(0, 0, 0, ...new Array(late).fill(0), ...new Array(40).fill(4.5));
      const { output, report } = s.run(row(3), { latencyMs: 5 });
      rewind();
      expect(report.plan.level).toBe(1);
      expect(output.data).toEqual(answers[report.rungs - 1]);
      seen.add(report.rungs);
    }
    expect([...seen]).toEqual([1, 2, 3]);
  });

  test("is no different in runInto", async () => {
    const { answer, first } = await run(0, true);
    expect(answer).toEqual(first);
    const between = await run(1, true);
    expect(between.answer).toEqual(between.first);
    const whole = await run(100, true);
    expect(whole.answer).toEqual(whole.second);
  });

  test("is begun where what the next rung takes from here on, times the load, is left", async () => {
    const { clock, next, rewind } = scripted();
    const load = { stretch: 1 };
    const s = await session({ latencyProfile: profile, clock, load });
    const stopped = (latencyMs: number, stretch: number, nowMs: number): string => {
      load.stretch = stretch;
      next.push(0, 0, 0, ...new Array(30).fill(nowMs));
      const { report } = s.run(row(3), { latencyMs });
      rewind();
      expect(report.plan.level).toBe(1);
      return report.stopped;
    };
    // √(3 · 4) − 1 = 2.46 from the end of the first rung
    expect([stopped(5, 1, 2.5), stopped(5, 1, 2.6)]).toEqual(["last rung", "deadline"]);
    expect([stopped(10, 2, 5), stopped(10, 2, 5.2)]).toEqual(["last rung", "deadline"]);
  });

  test("ends at the multiply-adds asked, for that query alone, and then keeps no promise", async () => {
    const s = await session();
    const operations = 0.5 * denseMacs(plain);
    const { report } = s.run(row(3), { operations });
    expect(report).toMatchObject({ rungs: 1, stopped: "budget", met: true, plan: { level: 1 } });
    expect(report.macs).toBeLessThanOrEqual(operations);
    expect(s.run(row(3), { loss: 0.02 }).report).toMatchObject({ rungs: 2, stopped: "last rung", met: true });
    const both = s.run(row(3), { operations, loss: 0.02 }).report;
    expect(both).toMatchObject({ stopped: "budget", met: false, plan: { level: 1, promised: true } });
  });

  test("cut short breaks a promise", async () => {
    const { clock, next, rewind } = scripted();
    const s = await session({ latencyProfile: profile, clock, load: { stretch: 1 } });
    const slo: Slo = { latencyMs: 5, loss: 0.02 };
    expect(s.run(row(3), slo).report).toMatchObject({ met: true, plan: { level: 1, promised: true } });
    next.push(0, 0, 0, ...new Array(30).fill(4.5));
    expect(s.run(row(3), slo).report).toMatchObject({ stopped: "deadline", met: false });
    rewind();
    expect(s.run(row(3), slo).report).toMatchObject({ stopped: "last rung", met: true });
  });
});

describe("a deadline that cannot be met", () => {
  test("is run and reported as missed, or refused at once where that is asked", async () => {
    const { clock } = scripted();
    const s = await session({ latencyProfile: profile, clock, load: { stretch: 1 } });
    for (const latencyMs of [1e-9, 0.5]) {
      expect(s.run(row(0), { latencyMs, late: "run" }).report.plan).toMatchObject({ level: 1, gaveUp: [`latency=${latencyMs}ms`] });
      for (const call of [s.run, (x: Float32Array, slo: Slo) => s.runInto(x, out, slo)])
        expect(() => call(row(0), { latencyMs, late: "refuse" })).toThrow(
          expect.objectContaining({
            code: "deadline",
            message: `deadline: got ${latencyMs.toPrecision(3)} ms left, expected at least 2.00`,
          }),
        );
    }
    const patient: Slo = { latencyMs: 50, late: "refuse" };
    expect(s.run(row(0), patient).report.plan.level).toBe(2);
    expect(() => s.run(row(0), patient, 50)).toThrow(expect.objectContaining({ code: "deadline" }));
    expect(() => s.run(row(0), patient, 1e6)).toThrow(expect.objectContaining({ code: "deadline" }));
    expect(s.run(row(0), patient, 47).report.plan.level).toBe(0);
  });

  test("is one that all the time left is too short for: what is to be left to others is no reason to refuse", async () => {
    const s = await session({ latencyProfile: profile, clock: scripted().clock, load: { stretch: 1 } });
    const slo: Slo = { latencyMs: 50, late: "refuse" };
    for (const reserved of [49.5, 50, 1e6]) {
      expect(s.run(row(0), slo, 0, reserved).report).toMatchObject({ met: true, plan: { level: 1, gaveUp: ["latency=50ms"] } });
      expect(s.runInto(row(0), out, slo, 0, reserved)).toBe(out.length);
    }
    expect(s.run(row(0), slo, 48, 1.5).report.met).toBe(true);
    expect(() => s.run(row(0), slo, 48.5, 1)).toThrow(
      expect.objectContaining({ code: "deadline", message: "deadline: got 1.50 ms left, expected at least 2.00" }),
    );
  });

  test("is unknown where a profile tells medians alone: such a query runs as without one", async () => {
    const medians = { levels: profile.levels.map(({ p50 }) => ({ p50, p90: Number.NaN, p99: Number.NaN })) };
    const s = await session({ latencyProfile: medians, load: { stretch: 1 } });
    for (const percentile of [50, 99]) {
      const { plan } = s.run(row(0), { latencyMs: 50, percentile, late: "refuse" }).report;
      expect(plan).toMatchObject({ level: 0, gaveUp: [expect.stringContaining("latency=50ms")], expected: { latencyMs: null } });
    }
  });

  test.each([0.005, 1, 16])(
    "on a machine that was slow is tried again, though nobody but who would be refused asks: steps of %f ms",
    async (stepMs) => {
      const s = await session({ latencyProfile: { stepMs, levels: profile.levels.map((level) => ({ ...level, cold: 1000 })) } });
      const refused = (): number => {
        for (let times = 0; ; times++)
          try {
            s.run(row(0), { latencyMs: 50, late: "refuse" });
            return times;
          } catch (error) {
            expect(error).toMatchObject({ code: "deadline" });
            if (times > 1000) return times;
          }
      };
      const first = refused();
      expect(first).toBeGreaterThan(1);
      expect(first).toBeLessThan(100);
    },
  );

  test("and had passed before is refused whatever the load, of which that tells nothing", async () => {
    const s = await session({ latencyProfile: profile, clock: scripted().clock });
    const before = s.load();
    for (let i = 0; i < 200; i++)
      expect(() => s.run(row(0), { latencyMs: 50, late: "refuse" }, 50)).toThrow(expect.objectContaining({ code: "deadline" }));
    expect(s.load()).toEqual(before);
  });

  test("for a machine as slow as the caller says is refused for as long as that holds", async () => {
    const load = { stretch: 100 };
    const s = await session({ latencyProfile: profile, load });
    const slo: Slo = { latencyMs: 50, late: "refuse" };
    for (let i = 0; i < 200; i++) expect(() => s.run(row(0), slo)).toThrow(expect.objectContaining({ code: "deadline" }));
    load.stretch = 1;
    expect(s.run(row(0), slo).report.plan.level).toBe(2);
  });

  test("because cores get lost is no reason to refuse: most queries keep theirs", async () => {
    const s = await session({ latencyProfile: profile, clock: scripted().clock, load: { stretch: 1, lostPerMs: 0.1 } });
    expect(s.run(row(0), { latencyMs: 2.5, late: "refuse" }).report.plan.gaveUp).toEqual(["latency=2.5ms"]);
  });

  test("counts as met or not by all the time that passed", async () => {
    const { clock, next, rewind } = scripted();
    const s = await session({ latencyProfile: profile, clock, load: { stretch: 1 } });
    const slo: Slo = { latencyMs: 5 };
    s.run(row(0), slo);
    const met = (waited: number): boolean => {
      next.push(0, ...new Array(30).fill(1));
      const { report } = s.run(row(0), slo, waited);
      rewind();
      return report.met;
    };
    expect([met(0), met(4), met(4.1)]).toEqual([true, true, false]);
  });
});

describe("clocks that do not do their job, once there is a profile", () => {
  const wild = seeded(5);
  test.each<[string, Clock]>([
    ["standing still", { now: () => 5 }],
    ["not a number", { now: () => Number.NaN }],
    ["infinite", { now: () => Number.POSITIVE_INFINITY }],
    ["running backwards", ((now) => ({ now: () => (now -= 3) }))(1e6)],
    ["jumping both ways", { now: () => 1e9 * (wild() - 0.5) }],
  ])("%s", async (_, clock) => {
    const s = await session({ latencyProfile: profile, clock });
    const honest = await session({ latencyProfile: profile });
    const answers = [{ loss: 0.05 }, { loss: 0.02 }, { exact: true }].map((slo) => honest.run(row(1), slo as Slo).output.data.join());
    for (let i = 0; i < 300; i++) {
      const { output, report } = s.run(row(1), { latencyMs: 14 });
      expect(answers).toContain(output.data.join());
      expect(report.plan.level).toBeLessThan(4);
      s.runInto(row(1), out, { latencyMs: 14, loss: 0.05 });
      expect(answers).toContain(out.join());
    }
    const { stretch, deviation, lostPerMs } = s.load();
    for (const number of [stretch, deviation, lostPerMs]) expect(Number.isFinite(number)).toBe(true);
  });

  test("moving only between turns of the event loop, as edge runtimes do", async () => {
    let now = 1000;
    const s = await session({ latencyProfile: profile, clock: { now: () => now } });
    for (let i = 0; i < 50; i++) {
      const { report } = s.run(row(i % 40), { latencyMs: 14 });
      expect(report).toMatchObject({ met: true, plan: { level: 2 }, timeMs: { total: 0 } });
      now += 7;
    }
    const unmeasured = await session({ clock: { now: () => now } });
    const { report } = unmeasured.run(row(0), { latencyMs: 14 });
    expect(report.plan).toMatchObject({ level: 0, gaveUp: ["latency=14ms"], expected: { latencyMs: null } });
    expect(report.met || unmeasured.run(row(0), { latencyMs: 14 }, 3).report.met).toBe(false);
    expect(unmeasured.run(row(0), { latencyMs: 14, late: "refuse" }).report.plan.level).toBe(0);
    expect(unmeasured.run(row(0), { operations: 4000 }).report.met).toBe(true);
  });
});

describe("a profile handed in", () => {
  test("goes with the machine, build, backend and model it was measured on", async () => {
    const s = await session({ machine: "this one", backend: "js" });
    const measured = s.measureLatency([row(0), row(1)]);
    expect(measured.origin).toMatchObject({ machine: "this one", backend: "js" });
    const stored = JSON.parse(JSON.stringify(measured)) as LatencyProfile;
    const again = await session({ machine: "this one", backend: "js", latencyProfile: stored });
    expect(again.run(row(0), { latencyMs: 1e6 }).report.plan.expected.latencyMs).toBeGreaterThan(0);
    await expect(session({ machine: "that one", backend: "js", latencyProfile: stored })).rejects.toThrow(
      'latency profile: machine: got "this one", expected "that one"',
    );
    await expect(session({ machine: "this one", backend: "simd", latencyProfile: stored })).rejects.toMatchObject({ code: "bad-option" });
    await expect(createSession(plain, { machine: "this one", backend: "js", latencyProfile: stored })).rejects.toMatchObject({
      code: "bad-option",
    });
    const stale = { ...stored, origin: { ...measured.origin, build: "0.0.1" } } as LatencyProfile;
    await expect(session({ machine: "this one", backend: "js", latencyProfile: stale })).rejects.toThrow(
      'latency profile: build: got "0.0.1"',
    );
  });

  test("is refused when levels are missing; what is no time in it counts as unknown", async () => {
    await expect(session({ latencyProfile: { levels: profile.levels.slice(1) } })).rejects.toThrow(
      "latency profile: levels: got 3, expected 4",
    );
    const below = { levels: [...profile.levels.slice(1), { p50: -1, p90: 0, p99: 1 }] };
    await expect(session({ latencyProfile: below })).rejects.toThrow("latency profile: levels[3]: got ");
    const holes = { levels: [profile.levels[0], { p50: null, p90: null, p99: null }, { p50: 0, p90: 0, p99: 1 }, profile.levels[3]] };
    const s = await session({ latencyProfile: holes as unknown as LatencyProfile, load: { stretch: 1 } });
    expect(s.run(row(0), { latencyMs: 14 }).report.plan.level).toBe(0);
    expect(s.run(row(0), { latencyMs: 21 }).report.plan.level).toBe(3);
  });

  test("that is wrong about this machine is corrected by the queries", async () => {
    const { clock, next } = scripted();
    const s = await session({ latencyProfile: profile, clock });
    let now = 0;
    // every level takes a fifth of what the profile says
    let level = 0;
    for (let i = 0; i < 40; i++) {
      next.push(now, ...new Array(20).fill(now + profile.levels[level].p50 / 5));
      level = s.run(row(i), { latencyMs: 6 }).report.plan.level;
      next.length = 0;
      now += 100;
    }
    expect(level).toBe(2);
  });
});

test.each([-1, Number.NaN])("waiting or reserving %f ms is refused", async (ms) => {
  const s = await session({ latencyProfile: profile });
  expect(() => s.run(row(0), { latencyMs: 5 }, ms)).toThrow(expect.objectContaining({ code: "bad-slo" }));
  expect(() => s.runInto(row(0), out, { latencyMs: 5 }, 0, ms)).toThrow(expect.objectContaining({ code: "bad-slo" }));
});
