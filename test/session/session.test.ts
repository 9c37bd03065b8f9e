import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/clock.ts";
import type { ErrorCode, SlonnError } from "../../src/errors.ts";
import { forward } from "../../src/model/forward.ts";
import { createModel, type Model } from "../../src/model/model.ts";
import { quantizeModel } from "../../src/model/quantize.ts";
import type { LoadOptions } from "../../src/policy/load.ts";
import type { Slo } from "../../src/policy/slo.ts";
import type { Level } from "../../src/profile/ladder.ts";
import { createSession, type Session, type SessionOptions } from "../../src/session/session.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";
import { calibratedWith, plain, rung, widths } from "./calibrated.ts";
import { fineThen } from "./fine-then.ts";
import { opened } from "./opened.ts";

/** Levels: 20 % of the first layer; 20 % and 80 % for the unsure; exact; dense. */
const calibrated = (promise?: number): Promise<Model> => calibratedWith([rung(0.2, 1), rung(0.8)], promise);

const rows = madeUpRows(40, widths[0], 4);
const row = (r: number): Float32Array => rows.data.slice(r * rows.width, (r + 1) * rows.width);
/** Moves by `step` at every look. */
const ticking = (step: number): Clock => {
  let now = 1000;
  return { now: () => (now += step) };
};
const slos: (Slo | undefined)[] = [
  undefined,
  {},
  { dense: true },
  { exact: true },
  { loss: 0.05 },
  { loss: 0.02 },
  { agreement: 0.98 },
  { accuracy: 0.99 },
  { operations: 1000 },
  { operations: 4000 },
  { nodes: 0.5 },
  { latencyMs: 5 },
  { latencyMs: 5, loss: 0.01 },
];

describe.each(["simd", "js"] as const)("a session on %s", (backend) => {
  test("answers as the reference does without calibration", async () => {
    const s = await opened(plain, { backend });
    expect(s.backend).toBe(backend);
    for (let r = 0; r < 5; r++)
      for (const slo of [undefined, { exact: true }, { dense: true }] as const) {
        const { output } = s.run(row(r), slo);
        const expected = forward(plain, row(r));
        output.data.forEach((v, i) => {
          expect(v).toBeCloseTo(expected[i], 4);
        });
      }
  });

  test("run and runInto give the same numbers under every SLO", async () => {
    const s = await opened(await calibrated(), { backend, load: { stretch: 1 }, clock: ticking(0.001) });
    const out = new Float32Array(10);
    for (const slo of slos)
      for (let r = 0; r < 10; r++) {
        const { output, report } = s.run(row(r), slo);
        s.runInto(row(r), out, slo);
        expect(out).toEqual(output.data);
        expect(report.plan.level).toBeLessThan(4);
      }
  });
});

test("the output is the caller's own", async () => {
  const s = await opened(plain);
  const first = s.run(row(0)).output;
  const kept = first.data.slice();
  s.run(row(1));
  expect(first.data).toEqual(kept);
  const [best] = first.top(1);
  expect(best).toEqual({ index: kept.indexOf(Math.max(...kept)), score: Math.max(...kept) });
});

test("all forms of an input give the same answer, also after a different one", async () => {
  const s = await opened(await calibrated());
  const x = row(3);
  const indices = Uint32Array.from([...x.keys()].filter((i) => x[i] !== 0));
  const expected = s.run(x).output.data;
  for (const input of [
    [...x],
    { indices, values: Float32Array.from(indices, (i) => x[i]) },
    { dtype: "float32" as const, shape: [1, 30], data: x },
  ]) {
    s.run(new Float32Array(30).fill(5));
    expect(s.run(input).output.data).toEqual(expected);
  }
});

test("chooses the level the SLO asks for and says what it promises", async () => {
  const s = await opened(await calibrated());
  const chosen = (slo?: Slo) => s.run(row(0), slo).report.plan;
  expect(chosen()).toMatchObject({ level: 1, certificate: { kind: "loss", bound: 0.02 } });
  expect(chosen({ loss: 0.05 }).level).toBe(0);
  expect(chosen({ loss: 0.01 }).level).toBe(2);
  expect(chosen({ exact: true }).level).toBe(2);
  expect(chosen({ dense: true }).level).toBe(3);
  expect(chosen({ accuracy: 0.99 })).toMatchObject({ level: 3, promised: false, gaveUp: ["accuracy=0.99"] });
  expect((await opened(await calibrated(0.001))).run(row(0)).report.plan.level).toBe(2);
});

describe("a report", () => {
  test("counts what happened, within what there is", async () => {
    const s = await opened(await calibrated());
    const exact = s.run(row(0), { exact: true }).report;
    for (const slo of slos)
      for (let r = 0; r < 40; r++) {
        const { report } = s.run(row(r), slo);
        const { rungs } = s.levels[report.plan.level];
        report.nodes.forEach((n, l) => {
          expect(n).toBeLessThanOrEqual(widths[l + 1]);
        });
        expect(report.nodes).toHaveLength(3);
        expect(report.macs).toBeGreaterThan(0);
        expect(report.bytes).toBeGreaterThan(0);
        expect(report.bytes).toBeLessThanOrEqual(4 * report.macs);
        expect(report.rungs).toBeLessThanOrEqual(rungs.length);
        expect(report.stopped).toBe(rungs.length === 1 ? "only rung" : report.rungs < rungs.length ? "margin" : "last rung");
      }
    expect(exact.nodes).toEqual([64, 40, 10]);
    expect(exact.stopped).toBe("only rung");
  });

  test("says where a growing level stopped, as the margin of the first answer has it", async () => {
    const s = await opened(await calibrated());
    const seen = new Set<string>();
    for (let r = 0; r < 40; r++) {
      const [a, b] = s.run(row(r), { loss: 0.05 }).output.top(2);
      const { report } = s.run(row(r), { loss: 0.02 });
      expect(report.plan.level).toBe(1);
      const stops = Math.fround(a.score - b.score) >= 1;
      expect([report.rungs, report.stopped]).toEqual(stops ? [1, "margin"] : [2, "last rung"]);
      expect(report.nodes[0]).toBe(stops ? 13 : 51);
      seen.add(report.stopped);
    }
    expect(seen.size).toBe(2);
  });

  test("splits the time by the session's clock", async () => {
    for (const slo of slos) {
      const s = await opened(await calibrated(), { clock: ticking(1) });
      s.measureLatency();
      s.run(row(0), slo);
      for (let r = 0; r < 5; r++) {
        const { decide, rank, compute, total } = s.run(row(r), slo).report.timeMs;
        expect(decide).toBe(1);
        expect(decide + rank + compute).toBe(total - 1);
        if (slo?.dense || slo?.exact) expect(rank).toBe(0);
        else if (slo?.loss === 0.05) expect(rank).toBeGreaterThan(0);
      }
    }
  });

  test("counts its own query alone, and stays as it is whatever is asked next", async () => {
    let looks = 0;
    const s = await opened(await calibrated(), { clock: { now: () => looks++ } });
    const reportOf = () => s.run(row(0), { loss: 0.05 }).report;
    const first = reportOf();
    expect(first.timeMs.rank).toBeGreaterThan(0);
    const kept = structuredClone(first);
    s.run(row(1), { dense: true });
    expect(first).toEqual(kept);
    expect(reportOf()).toEqual(kept);
  });

  test("of an uncalibrated network's dense pass counts what its level says, padding included", async () => {
    for (const model of [madeUpModel([6, 8, 3], 1), madeUpModel([4, 1], 2), madeUpModel([17, 33, 5], 3)])
      for (const one of [model, quantizeModel(model)]) {
        const s = await opened(one);
        const input = new Float32Array(one.layers[0].inputs).fill(0.5);
        expect(s.run(input, { dense: true }).report.macs).toBe(s.levels[1].cost.macs.max);
      }
  });

  test("operations and deadlines are judged by what happened", async () => {
    const s = await opened(await calibrated(), { clock: ticking(1) });
    const { report } = s.run(row(0), { operations: 10 });
    expect(report.met).toBe(false);
    expect(s.run(row(0), { operations: 1e6 }).report.met).toBe(true);
    expect(s.run(row(0), { latencyMs: 1e6 }).report.met).toBe(true);
    expect(s.run(row(0), { latencyMs: 0.5 }).report.met).toBe(false);
    expect(s.run(row(0), { loss: 0.05 }).report.met).toBe(true);
    expect(s.run(row(0), { accuracy: 0.99 }).report.met).toBe(false);
  });
});

describe("clocks that do not do their job", () => {
  test.each<[string, Clock]>([
    ["frozen", { now: () => 5 }],
    ["running backwards", ticking(-3)],
    ["broken", { now: () => Number.NaN }],
  ])("%s", async (_, clock) => {
    const s = await opened(await calibrated(), { clock });
    const honest = await opened(await calibrated());
    for (const slo of slos)
      for (let r = 0; r < 3; r++) {
        const { output, report } = s.run(row(r), slo);
        if (slo?.latencyMs === undefined) expect(output.data).toEqual(honest.run(row(r), slo).output.data);
        expect(report.plan.level).toBeLessThan(4);
        for (const ms of [report.plan.expected.latencyMs ?? 0]) expect(ms).toBeGreaterThanOrEqual(0);
      }
    // no time was measured: the deadline is given up and the cheapest level answers
    expect(s.run(row(0), { latencyMs: 5 }).report.plan).toMatchObject({ gaveUp: ["latency=5ms"], expected: { latencyMs: null } });
  });
});

describe("a deadline", () => {
  const profile = (...p99: number[]) => ({ levels: p99.map((ms) => ({ p50: ms / 2, p90: ms * 0.9, p99: ms })) });

  test("takes the profile handed in, times the load", async () => {
    const latencyProfile = profile(1, 2, 3, 4);
    const idle = await opened(await calibrated(), { latencyProfile });
    const busy = await opened(await calibrated(), { latencyProfile, load: { stretch: 2 } });
    expect(idle.run(row(0), { latencyMs: 2.5 }).report.plan.level).toBe(1);
    expect(busy.run(row(0), { latencyMs: 2.5 }).report.plan.level).toBe(0);
    expect(idle.run(row(0), { latencyMs: 9 }).report.plan.level).toBe(2);
  });

  test("measures a profile once, when it is first asked for", async () => {
    let looks = 0;
    const s = await opened(await calibrated(), { clock: { now: () => ++looks } });
    s.run(row(0), { loss: 0.02 });
    expect(looks).toBeLessThan(20);
    s.run(row(0), { latencyMs: 3 });
    const first = looks;
    expect(first).toBeGreaterThan(100);
    s.run(row(0), { latencyMs: 4 });
    expect(looks - first).toBeLessThan(20);
  });

  test("what measuring took is gone of the first one, and is no sign of load", async () => {
    let now = 0;
    const clock = { now: () => (now += 0.01) };
    const late = await opened(await calibrated(), { clock });
    expect(() => late.run(row(0), { latencyMs: 0.5, late: "refuse" })).toThrow(expect.objectContaining({ code: "deadline" }));
    const s = await opened(await calibrated(), { clock });
    expect(s.run(row(0), { latencyMs: 0.5 }).report).toMatchObject({
      met: false,
      plan: {
        gaveUp: ["latency=0.5ms"],
        reason: expect.stringMatching(/^latency=0\.5ms with 0 ms left fits no level: closest takes/),
      },
    });
    expect(s.load().lostPerMs).toBe(0);
    // of those that come later it takes nothing
    expect(s.run(row(0), { latencyMs: 0.5 }).report).toMatchObject({ met: true, plan: { gaveUp: [] } });
    expect(s.run(row(0), { latencyMs: 50 }).report).toMatchObject({ met: true, plan: { gaveUp: [] } });
    const into = await opened(await calibrated(), { clock });
    const before = into.load().deviation;
    into.runInto(row(0), new Float32Array(10), { latencyMs: 50 });
    expect(into.load()).toEqual({ stretch: 1, deviation: before, lostPerMs: 0 });
  });

  test("measures bit by bit, each query with a deadline giving half of what it has", async () => {
    const s = await opened(await calibrated(), { clock: fineThen(0.1) });
    const slo: Slo = { latencyMs: 110, loss: 0.05 };
    const took: number[] = [];
    for (let r = 0; r < 40; r++) {
      const { met, plan, timeMs } = s.run(row(r % 20), slo, 30, 30).report;
      expect([met, plan.gaveUp]).toEqual([true, []]);
      took.push(timeMs.total);
    }
    const measuring = took.filter((ms) => ms > 1);
    expect(measuring.length).toBeGreaterThan(5);
    // 25 of 50 that are left, and the block at hand
    for (const ms of measuring.slice(0, -1)) expect(Math.abs(ms - 25)).toBeLessThan(10);
    expect(took.slice(measuring.length).every((ms) => ms < 1)).toBe(true);
    expect(measuring.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(500);
  });

  test("of less than 20 ms measures for 0.1 s, also after longer ones that gave some of theirs", async () => {
    const s = await opened(await calibrated(), { clock: fineThen(0.1) });
    s.run(row(0), { latencyMs: 60 });
    const took = [5, 5, 60].map((latencyMs) => s.run(row(0), { latencyMs }).report.timeMs.total);
    expect(took[0]).toBeLessThan(130);
    expect(took.slice(1)).toEqual([expect.closeTo(0.3), expect.closeTo(0.3)]);
  });

  test("is no longer measured for bit by bit once all was measured in one go", async () => {
    const s = await opened(await calibrated(), { clock: fineThen(0.1) });
    const slo: Slo = { latencyMs: 50 };
    expect(s.run(row(0), slo).report.timeMs.total).toBeGreaterThan(10);
    s.measureLatency();
    expect(s.run(row(0), slo).report.timeMs.total).toBeLessThan(5);
  });

  test("goes on being measured for bit by bit after measuring all in one go was refused", async () => {
    const s = await opened(await calibrated(), { clock: fineThen(0.1) });
    const slo: Slo = { latencyMs: 21 };
    s.run(row(0), slo);
    expect(() => s.measureLatency([new Float32Array(29)])).toThrow("input: got 29 numbers, expected 30");
    for (let r = 0; r < 80; r++) s.run(row(r % 20), slo);
    expect(s.run(row(0), { dense: true }).report.plan.expected.latencyMs).toBeGreaterThan(0);
  });

  test("once measured, plans that were kept are made again and say what to expect", async () => {
    const s = await opened(await calibrated());
    expect(s.run(row(0), { loss: 0.05 }).report.plan.expected.latencyMs).toBeNull();
    s.measureLatency();
    expect(s.run(row(0), { loss: 0.05 }).report.plan.expected.latencyMs).toBeGreaterThan(0);
  });

  test("measures on the last input where none is given", async () => {
    const s = await opened(await calibrated());
    let reads = 0;
    const input = new Proxy([...row(0)], {
      get(target, key) {
        if (key === "length") reads++;
        return Reflect.get(target, key);
      },
    });
    s.run(input, { dense: true });
    const before = reads;
    s.measureLatency();
    expect(reads - before).toBeGreaterThan(20);
  });

  test("shows the load the caller gave", async () => {
    const load = { stretch: 3, lostPerMs: 0.2 };
    const s = await opened(await calibrated(), { latencyProfile: profile(1, 2, 3, 4), load });
    expect(s.load()).toEqual({ stretch: expect.closeTo(3, 9), deviation: 0, lostPerMs: 0.2 });
    s.run(row(0), { latencyMs: 9 });
    load.stretch = 4;
    expect(s.load()).toEqual({ stretch: expect.closeTo(4, 9), deviation: 0, lostPerMs: 0.2 });
    const lost = await opened(await calibrated(), { latencyProfile: profile(1, 2, 3, 4), load: { lostPerMs: 0.2 } });
    lost.run(row(0), { latencyMs: 9 });
    expect(lost.load()).toEqual({ stretch: 1, deviation: 0, lostPerMs: 0.2 });
  });

  test("measuring leaves no trace in the answer", async () => {
    const s = await opened(await calibrated());
    const other = await opened(await calibrated());
    const blank = new Float32Array(30);
    const { report, output } = s.run(blank, { latencyMs: 1000 });
    expect(output.data).toEqual(other.run(blank, report.plan.level === 3 ? { dense: true } : { exact: true }).output.data);
  });
});

test("plans are kept for what was asked before, by whichever object", async () => {
  const s = await opened(await calibrated());
  const slo: Slo = { loss: 0.05 };
  const { plan } = s.run(row(0), slo).report;
  expect(s.run(row(1), slo).report.plan).toBe(plan);
  expect(s.run(row(1), { loss: 0.05 }).report.plan).toBe(plan);
  expect(s.run(row(0), { loss: 0.01 }).report.plan.level).toBe(2);
  expect(s.run(row(0), { dense: true }).report.plan.level).toBe(3);
  for (let i = 0; i < 1000; i++) s.runInto(row(0), new Float32Array(10), { loss: 0.05 + i / 1e6 });
  expect(s.run(row(0), slo).report.plan).toEqual(plan);
  const { signal } = new AbortController();
  expect(s.run(row(0), { loss: 0.02, signal }).report.plan.slo).toEqual({ loss: 0.02 });
});

test("a plan cannot be changed by who reads it: others share it", async () => {
  const s = await opened(await calibrated());
  const { plan } = s.run(row(0), { loss: 0.05 }).report;
  for (const part of [plan, plan.slo, plan.expected, plan.certificate, plan.gaveUp]) expect(Object.isFrozen(part)).toBe(true);
});

test("an SLO object that was changed is looked at again", async () => {
  const s = await opened(await calibrated());
  const slo: Slo = { loss: 0.05 };
  const before = s.run(row(0), slo).report.plan;
  slo.loss = 0.01;
  expect(s.run(row(0), slo).report.plan).toEqual(s.run(row(0), { loss: 0.01 }).report.plan);
  slo.loss = 0.05;
  expect(s.run(row(0), slo).report.plan).toBe(before);
  slo.loss = -1;
  expect(() => s.runInto(row(0), new Float32Array(10), slo)).toThrow("loss: got -1");
  expect(() => s.run(row(0), { loss: 0.05, los: 1 } as Slo)).toThrow('the key "los"');
  for (const odd of [null, "loss=0.05", 0.05, true, []] as unknown as Slo[]) expect(() => s.run(row(0), odd)).toThrow("expected an object");
});

/** A model that did not come from createModel, which would have refused it. */
const withFirst = (odd: Partial<Model["layers"][number]>): Model => ({
  ...plain,
  layers: [{ ...plain.layers[0], ...odd }, ...plain.layers.slice(1)],
});

describe("refuses", () => {
  test.each<[string, SlonnError["code"], () => Promise<Session>]>([
    ["a model that was not awaited", "bad-model", () => createSession(Promise.resolve(plain) as unknown as Model)],
    ["no model", "bad-model", () => createSession(undefined as unknown as Model)],
    ["layers that are no list", "bad-model", () => createSession({ ...plain, layers: { length: 1 } } as unknown as Model)],
    ["no layers", "bad-model", () => createSession({ ...plain, layers: [] })],
    ["weights that are too few", "bad-model", () => createSession(withFirst({ weight: new Float32Array(99) }))],
    ["weights of another type", "bad-model", () => createSession(withFirst({ weight: new Float64Array(30 * 64) as never }))],
    [
      "scales that are too few",
      "bad-model",
      () => createSession(withFirst({ weight: { values: new Int8Array(30 * 64), scale: new Float32Array(2) } })),
    ],
    ["biases that are too few", "bad-model", () => createSession(withFirst({ bias: new Float32Array(3) }))],
    ["no biases", "bad-model", () => createSession(withFirst({ bias: undefined as never }))],
    ["widths that are none", "bad-model", () => createSession(withFirst({ outputs: -64 }))],
    ["layers that do not fit together", "bad-model", () => createSession({ ...plain, layers: plain.layers.toReversed() })],
    ["an activation nobody knows", "bad-model", () => createSession(withFirst({ activation: "swish" as "relu" }))],
    ["a clock without now", "bad-option", () => createSession(plain, { clock: {} as Clock })],
    ["an option nobody knows", "bad-option", () => createSession(plain, { latencyprofile: null } as SessionOptions)],
    ["a load nobody knows", "bad-option", () => createSession(plain, { load: { streched: 2 } as LoadOptions })],
    ["a load that is none", "bad-option", () => createSession(plain, { load: 5 as LoadOptions })],
    ["options that are none", "bad-option", () => createSession(plain, null as unknown as SessionOptions)],
    ...[5, "much", {}].map((pressure): [string, ErrorCode, () => Promise<Session>] => [
      `a pressure of ${JSON.stringify(pressure)}`,
      "bad-option",
      () => createSession(plain, { load: { pressure: pressure as never } }),
    ]),
    ["a layer that is null", "bad-model", () => createSession({ ...plain, layers: [null as never, ...plain.layers.slice(1)] })],
    ["layers that are not there", "bad-model", () => createSession({ ...plain, layers: new Array(3) })],
    ["a weight that is a number", "bad-model", () => createSession(withFirst({ weight: 5 as never }))],
    ["a weight without values", "bad-model", () => createSession(withFirst({ weight: {} as never }))],
    ["a width without a text", "bad-model", () => createSession(withFirst({ inputs: Object.create(null) }))],
    ["a slope without a text", "bad-model", () => createSession(withFirst({ alpha: Object.create(null) }))],
    ["a backend without a text", "bad-option", () => createSession(plain, { backend: Object.create(null) })],
    ["an unknown backend", "bad-option", () => createSession(plain, { backend: "gpu" as "js" })],
    ["a profile of nothing", "bad-option", () => createSession(plain, { latencyProfile: { levels: [null, null] as never } })],
  ])("%s", async (_, code, create) => {
    await expect(create()).rejects.toMatchObject({ code, message: expect.stringMatching(/: got .*, expected /) });
  });

  test("an object that gives a pressure may have other members", async () => {
    const watch = { source: "timers", pressure: () => 0.5, stop: () => {} };
    const s = await createSession(plain, { load: watch });
    expect(s.run(new Float32Array(30)).report.met).toBe(true);
    s.dispose();
  });

  test.each<[string, unknown]>([
    ["an unknown key", { los: 0.1 }],
    ["an impossible value", { loss: -1 }],
    ["a contradiction", { dense: true, loss: 0.1 }],
    ["text", "loss=0.1"],
    ["null", null],
    ["a signal that is none", { signal: 5 }],
  ])("an SLO: %s", async (_, slo) => {
    const s = await opened(plain);
    const out = new Float32Array(10);
    expect(() => s.run(row(0), slo as Slo)).toThrow(expect.objectContaining({ code: "bad-slo" }));
    expect(() => s.runInto(row(0), out, slo as Slo)).toThrow(expect.objectContaining({ code: "bad-slo" }));
  });

  test.each([Number.NaN, -1, "1", null, 1n, Symbol("1")])("a time waited: %s", async (ms) => {
    const s = await opened(plain);
    const out = new Float32Array(10);
    const refused = expect.objectContaining({ code: "bad-slo", message: expect.stringContaining("expected milliseconds from 0") });
    expect(() => s.run(row(0), undefined, ms as number)).toThrow(refused);
    expect(() => s.runInto(row(0), out, undefined, 0, ms as number)).toThrow(refused);
  });

  test("an input that does not fit, and answers the next one as if nothing had been", async () => {
    const s = await opened(plain);
    const expected = s.run(row(0)).output.data;
    expect(() => s.run(new Float32Array(29))).toThrow("input: got 29 numbers, expected 30");
    expect(() => s.run({ indices: Uint32Array.of(0, 30), values: Float32Array.of(1, 1) })).toThrow(
      expect.objectContaining({ code: "bad-input" }),
    );
    expect(s.run(row(0)).output.data).toEqual(expected);
  });

  test.each<[string, unknown]>([
    ["too short", new Float32Array(9)],
    ["too long", new Float32Array(11)],
    ["a plain list", new Array(10).fill(0)],
    ["another type", new Float64Array(10)],
    ["nothing", undefined],
  ])("room for the output: %s", async (_, out) => {
    const s = await opened(plain);
    expect(() => s.runInto(row(0), out as Float32Array)).toThrow(expect.objectContaining({ code: "bad-input" }));
  });

  test("a fired signal", async () => {
    const s = await opened(plain);
    const controller = new AbortController();
    const slo: Slo = { dense: true, signal: controller.signal };
    s.run(row(0), slo);
    controller.abort();
    expect(() => s.run(row(0), slo)).toThrow(expect.objectContaining({ code: "aborted" }));
    expect(() => s.runInto(row(0), new Float32Array(10), slo)).toThrow(expect.objectContaining({ code: "aborted" }));
  });

  test("everything once disposed; disposing twice is no error", async () => {
    const s = await createSession(plain);
    s.run(row(0));
    s.dispose();
    s[Symbol.dispose]();
    const uses = [() => s.run(row(0)), () => s.runInto(row(0), new Float32Array(10)), s.load, s.measureLatency, () => s.activeNodes(0)];
    for (const use of uses) expect(() => use()).toThrow(expect.objectContaining({ code: "disposed" }));
  });

  test("a ladder that asks for activators the model has not", async () => {
    const { layers, calibration } = await calibrated();
    const bare = createModel("bare", layers, { ladder: calibration?.ladder, tensors: new Map() });
    await expect(createSession(bare)).rejects.toMatchObject({ code: "bad-file" });
  });
});

test("the tiniest of sparse inputs come to the bias in every backend", async () => {
  const tiny = quantizeModel(madeUpModel([8192, 5, 3], 7));
  for (const backend of ["js", "simd"] as const) {
    const s = await opened(tiny, { backend });
    const answer = (v: number): number[] => Array.from(s.run({ indices: Uint32Array.of(5), values: Float32Array.of(v) }).output.data);
    expect(answer(1e-36)).toEqual(answer(0));
  }
});

test("levels whose rungs add nothing run like one", async () => {
  const { layers, calibration } = await calibrated();
  const ladder = structuredClone(calibration?.ladder) as { levels: Level[] };
  const [last] = ladder.levels[2].rungs;
  const openedWith = (...margins: number[]): Promise<Session> => {
    ladder.levels[1] = { ...ladder.levels[1], rungs: [...margins.map((margin) => ({ ...rung(0.2), margin })), rung(0.8)] };
    ladder.levels[2] = { ...ladder.levels[2], rungs: [{ ...last, margin: 1 }, { ...last, margin: 2 }, last] };
    return opened(createModel("odd", layers, { ladder, tensors: calibration?.tensors ?? new Map() }));
  };
  const s = await openedWith(1e9, 1e9, 1e9);
  const other = await opened(await calibrated());
  for (let r = 0; r < 10; r++) {
    expect(s.run(row(r), { loss: 0.01 }).output.data).toEqual(other.run(row(r), { loss: 0.01 }).output.data);
    expect(s.run(row(r), { loss: 0.02 }).report).toMatchObject({ rungs: 4, stopped: "last rung" });
  }
  const stopping = await openedWith(1e9, 0, 1e9);
  for (let r = 0; r < 10; r++) expect(stopping.run(row(r), { loss: 0.02 }).report).toMatchObject({ rungs: 2, stopped: "margin" });
});

test("an input of which nothing is known grows to the end and answers as dense does", async () => {
  const s = await opened(await calibrated());
  for (const strange of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const input = row(0).slice();
    input[3] = strange;
    const dense = s.run(input, { dense: true }).output.data;
    for (const slo of [{ loss: 0.05 }, { loss: 0.01 }] as Slo[]) {
      const { output, report } = s.run(input, slo);
      expect(report.stopped).not.toBe("margin");
      expect(output.top(10).length).toBe([...dense].filter((v) => !Number.isNaN(v)).length);
    }
  }
});
