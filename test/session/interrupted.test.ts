// A session after exceptions in the middle of queries: whatever interrupted the ones before, a query is answered as a new session answers it.

import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import type { Slo } from "../../src/policy/slo.ts";
import type { LatencyProfile } from "../../src/profile/latency.ts";
import type { QueryInput } from "../../src/session/input-parts.ts";
import type { PausableSession } from "../../src/session/pausable-session.ts";
import { createSession, type SessionOptions } from "../../src/session/session.ts";
import { madeUpRows } from "../made-up-models.ts";
import { calibratedWith, latency, rung, widths } from "./calibrated.ts";

/** 20 % of the first layer; 20 %, 50 % and 80 % for the unsure; exact; dense. */
const model = await calibratedWith([rung(0.2, 1), rung(0.5, 2), rung(0.8)]);
const latencyProfile: LatencyProfile = { levels: [latency(1), latency(3, [1, 2, 3]), latency(6), latency(10)] };

/** A clock that moves at every look, and throws at one of the next; a load that does the same. */
function faulty(options: SessionOptions = {}) {
  const state = { nowMs: 0, stepMs: 0, looks: Number.POSITIVE_INFINITY, asks: Number.POSITIVE_INFINITY };
  const clock = {
    now(): number {
      if (state.looks-- <= 0) throw new Error("no time");
      state.nowMs += state.stepMs;
      return state.nowMs;
    },
  };
  const load = {
    get stretch(): number {
      if (state.asks-- <= 0) throw new Error("no load");
      return 1;
    },
  };
  return { state, session: createSession(model, { clock, load, ...options }) };
}

const rows = madeUpRows(20, widths[0], 4);
const inputs = fc.tuple(fc.nat(19), fc.boolean()).map(([r, isSparse]): QueryInput => {
  const dense = rows.data.slice(r * widths[0], (r + 1) * widths[0]);
  if (!isSparse) return dense;
  const indices = Uint32Array.from([...dense.keys()].filter((i) => i % 3 > 0));
  return { indices, values: Float32Array.from(indices, (i) => dense[i]) };
});
const among = <T>(...values: T[]) => fc.constantFrom(...values);
const asked = fc.record<Slo>(
  {
    latencyMs: among(1e-4, 0.5, 2.5, 5, 13, 30, 1e9),
    loss: among(0, 0.01, 0.02, 0.05),
    agreement: among(0.95, 0.98, 1),
    accuracy: among(0.8, 0.99),
    operations: among(1, 1000, 2500, 4000, 1e9),
    nodes: among(0.01, 0.3, 1),
  },
  { requiredKeys: [] },
);
const slos = fc.oneof({ weight: 8, arbitrary: asked }, among<Slo | undefined>(undefined, { dense: true }, { exact: true }));
const query = fc.record({ input: inputs, slo: slos, waitedMs: among(0, 0, 1, 1e9), stepMs: among(0, 1e-4, 0.05, 0.5) });
const step = fc.record({
  query,
  broken: fc.option(fc.record({ query, into: fc.boolean(), looks: among(0, 1, 2, 3, 5, 8, 13, Infinity), asks: among(0, 1, Infinity) })),
});

const made = { a: faulty({ latencyProfile }), b: faulty({ latencyProfile }), c: faulty({ latencyProfile }), measuring: faulty() };
const a = await made.a.session;
const b = await made.b.session;
const c = await made.c.session;
const measuring = await made.measuring.session;
afterAll(() => {
  for (const session of [a, b, c, measuring]) session.dispose();
});
const out = new Float32Array(widths[3]);
const room = new Float32Array(widths[3]);
const layers = [0, 1, 2];

describe("whatever interrupted the queries before,", () => {
  test("a query is answered as by a session that nothing happened to, and reports what is so", () => {
    const property = fc.property(fc.array(step, { minLength: 1, maxLength: 4 }), (steps) => {
      for (const { query, broken } of steps) {
        if (broken) {
          const { input, slo, waitedMs, stepMs } = broken.query;
          Object.assign(made.a.state, { stepMs, looks: broken.looks, asks: broken.asks });
          try {
            if (broken.into) a.runInto(input, room, slo, waitedMs);
            else a.run(input, slo, waitedMs);
          } catch (error) {
            expect((error as Error).message).toMatch(/^no (time|load)$/);
          }
        }
        const { input, slo, waitedMs, stepMs } = query;
        for (const { state } of [made.a, made.b]) Object.assign(state, { nowMs: 0, stepMs, looks: Infinity, asks: Infinity });
        const got = a.run(input, slo, waitedMs);
        const { report } = got;
        expect(got.output.data).toEqual(b.run(input, slo, waitedMs).output.data);
        const nodes = layers.map((l) => a.activeNodes(l));
        expect(nodes).toEqual(layers.map((l) => b.activeNodes(l)));
        expect(nodes.map((list, l) => list?.length ?? widths[l + 1])).toEqual(report.nodes);
        const { decide, rank, compute, total } = report.timeMs;
        expect(decide + rank + compute).toBeLessThanOrEqual(total + 1e-9);
        expect(total).toBeLessThanOrEqual(made.a.state.nowMs);
        if (report.met && slo?.latencyMs !== undefined) expect(waitedMs + made.a.state.nowMs - stepMs).toBeLessThanOrEqual(slo.latencyMs);
      }
    });
    fc.assert(property, { numRuns: 400 });
  });

  test("runInto writes what run answers, where time stands still", () => {
    const property = fc.property(query, ({ input, slo, waitedMs }) => {
      const { output, report } = b.run(input, slo, waitedMs);
      c.runInto(input, out, slo, waitedMs);
      expect(out).toEqual(output.data);
      const best = { indices: new Uint32Array(4), scores: new Float32Array(4) };
      expect(c.runInto(input, best, slo, waitedMs)).toBe(4);
      expect([...best.indices].map((index, i) => ({ index, score: best.scores[i] }))).toEqual(output.top(4));
      expect(layers.map((l) => c.activeNodes(l)?.length ?? widths[l + 1])).toEqual(report.nodes);
    });
    made.b.state.stepMs = 0;
    fc.assert(property, { numRuns: 400 });
  });

  test("one that was paused and never gone on with leaves nothing behind", () => {
    Object.assign(made.a.state, { nowMs: 0, stepMs: 0, looks: Infinity, asks: Infinity });
    const [input, other] = [0, 1].map((r) => rows.data.slice(r * widths[0], (r + 1) * widths[0]));
    for (const slo of [{ loss: 0.02 }, { dense: true } as const, { latencyMs: 30 }]) {
      expect((a as PausableSession).pieces(other, slo, () => true).next().done).toBe(false);
      expect(a.run(input, slo).output.data).toEqual(b.run(input, slo).output.data);
    }
  });

  test("the nodes of a query that was not run to its end are not told, nor those of runs that only measured", async () => {
    const { state, session } = faulty({ load: {} });
    using s = await session;
    Object.assign(state, { stepMs: 0.01 });
    const [input, other] = [0, 1].map((r) => rows.data.slice(r * widths[0], (r + 1) * widths[0]));
    const interruptions: [string, () => unknown][] = [
      ["no time", () => Object.assign(state, { looks: 3 }) && s.run(other, { loss: 0.05 })],
      ["ms left", () => s.run(other, { latencyMs: 0.5, late: "refuse" })],
      ["got 29 numbers", () => s.measureLatency([other, new Float32Array(29)])],
    ];
    for (const [message, interrupted] of interruptions) {
      s.run(input, { loss: 0.05 });
      expect(s.activeNodes(0)).toHaveLength(13);
      expect(interrupted).toThrow(message);
      state.looks = Infinity;
      expect(() => s.activeNodes(0)).toThrow("layer: got no query, expected 0 to 2 after a query");
    }
    s.runInto(input, room, { loss: 0.05 });
    expect(s.activeNodes(0)).toHaveLength(13);
  });

  test("a query during which its session was disposed is answered, also where it measures", async () => {
    const slos: Slo[] = [{ latencyMs: 1e9 }, { latencyMs: 5 }, { dense: true }];
    for (const slo of slos)
      for (const looks of [1, 2, 3, 8, 50]) {
        let left = Number.POSITIVE_INFINITY;
        let nowMs = 0;
        const now = (): number => {
          if (left-- === 0) session.dispose();
          return (nowMs += 0.1);
        };
        const session = await createSession(model, { clock: { now } });
        left = looks;
        const input = rows.data.slice(0, widths[0]);
        expect(session.run(input, slo).output.data).toHaveLength(widths[3]);
        session.dispose();
        expect(() => session.run(input, slo)).toThrow(expect.objectContaining({ code: "disposed" }));
      }
  });

  test("a query from within another is refused, and the other answered as if nobody had asked it", async () => {
    const refused = expect.objectContaining({ code: "bad-input", message: "session: got a query within another, expected one at a time" });
    const [input, other] = [0, 1].map((r) => rows.data.slice(r * widths[0], (r + 1) * widths[0]));
    let within = (): void => {};
    let asked = 0;
    /** Asks once, from wherever the caller's own code is called. */
    const ask = <T>(value: T): T => {
      const asks = within;
      within = () => {};
      asks();
      return value;
    };
    const clock = { now: () => ask(1) };
    const load = {
      get stretch(): number {
        return ask(1);
      },
    };
    using s = await createSession(model, { latencyProfile, clock, load });
    const inner: (() => unknown)[] = [
      () => s.run(other, { dense: true }),
      () => s.runInto(other, room, { loss: 0.02 }),
      () => s.measureLatency([other]),
    ];
    const asksInInput = {
      get indices(): Uint32Array {
        return Uint32Array.from(input.keys());
      },
      get values(): Float32Array {
        return ask(input);
      },
    };
    const asksInSlo = {
      get loss(): number {
        return ask(0.02);
      },
    };
    const outer: [QueryInput, Slo | undefined][] = [
      [asksInInput, { loss: 0.02 }],
      [input, asksInSlo],
      [input, { latencyMs: 30 }],
      [input, { dense: true }],
    ];
    for (const again of inner)
      for (const [query, slo] of outer) {
        const answer = b.run(input, slo && { ...slo }).output.data;
        const asking = (): void => {
          asked++;
          expect(again).toThrow(refused);
        };
        within = asking;
        expect(s.run(query, slo).output.data).toEqual(answer);
        within = asking;
        s.runInto(query, out, slo);
        expect(out).toEqual(answer);
        // what is not caught ends both
        within = again as () => void;
        expect(() => s.run(query, slo)).toThrow(refused);
        within = () => {};
        expect(s.run(input, { dense: true }).output.data).toEqual(b.run(input, { dense: true }).output.data);
      }
    expect(asked).toBe(2 * inner.length * outer.length);
  });

  test("measuring latencies goes on", () => {
    const property = fc.property(inputs, fc.nat(500), (input, looks) => {
      Object.assign(made.measuring.state, { stepMs: 0.01, looks });
      try {
        measuring.run(input, { latencyMs: 10 });
      } catch (error) {
        expect((error as Error).message).toBe("no time");
      }
      made.measuring.state.looks = Infinity;
      expect(measuring.run(input, { dense: true }).output.data).toEqual(b.run(input, { dense: true }).output.data);
    });
    fc.assert(property, { numRuns: 100 });
    expect(measuring.run(rows.data.slice(0, 30), { latencyMs: 1e9 }).report.plan.expected.latencyMs).toBeGreaterThan(0);
  });
});
