import { describe, expect, test } from "vitest";
import { type Contender, interleave, latencyOf, rowOfQuery, type Spent } from "../../src/cli/measure.ts";
import type { Input, Labels, Rows } from "../../src/model/rows.ts";

/** A clock that moves only when a contender works. */
function fakeClock() {
  let now = 0;
  return { now: () => now, pass: (ms: number) => void (now += ms) };
}

/** Answers with the number in the row, plus `off` where it is at least `from`; takes `ms`. */
function fake(
  name: string,
  clock: ReturnType<typeof fakeClock>,
  ms: number,
  log: string[] = [],
  { off = 0, from = 0, spent }: { off?: number; from?: number; spent?: Spent } = {},
): Contender {
  let answer = -1;
  return {
    name,
    run(input: Input) {
      const [value] = input as Float32Array;
      answer = value >= from ? value + off : value;
      log.push(`${name}${value}`);
      clock.pass(ms);
    },
    top() {
      clock.pass(1000); // never counted
      return answer;
    },
    ...(spent ? { spent: () => spent } : {}),
  };
}

const rows: Rows = { kind: "dense", count: 4, width: 1, data: Float32Array.of(0, 1, 2, 3) };
const labels: Labels = { kind: "class", count: 4, classes: Uint32Array.of(0, 1, 2, 9) };

describe("interleave", () => {
  test("times each contender alone and judges its answers", async () => {
    const clock = fakeClock();
    const spent = { macs: 10, bytes: 20, nodes: [3, 1], met: true };
    const [dense, half] = await interleave([fake("dense", clock, 4), fake("half", clock, 2, [], { off: 1, from: 2, spent })], rows, {
      labels,
      clock,
    });
    expect(dense).toEqual({
      name: "dense",
      timesMs: Float64Array.of(4, 4, 4, 4),
      right: 0.75,
      agreement: 1,
      precision: null,
      agreementAt: null,
      spent: null,
    });
    expect(half).toEqual({
      name: "half",
      timesMs: Float64Array.of(2, 2, 2, 2),
      right: 0.5,
      agreement: 0.5,
      precision: null,
      agreementAt: null,
      spent: { macs: 10, bytes: 20, nodes: [3, 1], attained: 1 },
    });
  });

  test("sends every row to everyone, another one to each in a round, starting with another each time", async () => {
    const clock = fakeClock();
    const log: string[] = [];
    await interleave(
      ["a", "b", "c"].map((name) => fake(name, clock, 1, log)),
      rows,
      { clock },
    );
    expect(log.join(" ")).toBe("a0 b1 c2 b2 c3 a1 c0 a2 b3 c1 b0 a3");
  });

  test("gives every contender every place equally often", async () => {
    const clock = fakeClock();
    const log: string[] = [];
    await interleave(
      ["a", "b", "c"].map((name) => fake(name, clock, 1, log)),
      rows,
      { clock, queries: 600 },
    );
    for (const name of ["a", "b", "c"])
      for (const place of [0, 1, 2]) expect(log.filter((entry, i) => i % 3 === place && entry.startsWith(name)).length).toBe(200);
    // Nobody always runs behind the same other one.
    const behind = new Set(log.map((entry, i) => (i > 0 ? log[i - 1][0] + entry[0] : "")).filter((pair) => pair !== ""));
    for (const pair of ["ab", "ba", "bc", "cb", "ca", "ac"]) expect(behind).toContain(pair);
  });

  test("waits for promises and counts the waiting", async () => {
    const clock = fakeClock();
    const slow: Contender = {
      name: "slow",
      async run() {
        clock.pass(1);
        await Promise.resolve();
        clock.pass(2);
      },
      top: () => 0,
    };
    const [measured] = await interleave([slow], rows, { clock });
    expect(measured.timesMs).toEqual(Float64Array.of(3, 3, 3, 3));
    expect(measured.right).toBeNull();
  });

  test("counts nothing of the warm-up", async () => {
    const clock = fakeClock();
    const log: string[] = [];
    const counted: number[] = [];
    const [measured] = await interleave([fake("a", clock, 1, log)], rows, {
      clock,
      warmUp: 5,
      queries: 6,
      onAnswer: (_, q) => counted.push(q),
    });
    expect(log.length).toBe(11);
    expect(counted).toEqual([0, 1, 2, 3, 4, 5]);
    expect(measured.timesMs.length).toBe(6);
    expect(log.slice(5).join(" ")).toBe("a0 a1 a2 a3 a0 a1");
  });

  test("judges fewer queries than rows by the labels of the rows they took", async () => {
    const clock = fakeClock();
    const others: Labels = { kind: "class", count: 4, classes: Uint32Array.of(0, 9, 2, 9) };
    const [one] = await interleave([fake("one", clock, 1)], rows, { labels: others, clock, queries: 2 });
    expect(one.right).toBe(1);
  });

  test("judges several labels per row", async () => {
    const clock = fakeClock();
    const multi: Labels = { kind: "multi", count: 4, indptr: Uint32Array.of(0, 2, 2, 3, 4), indices: Uint32Array.of(7, 0, 2, 8) };
    const [measured] = await interleave([fake("a", clock, 1)], rows, { clock, labels: multi });
    expect(measured.right).toBe(0.5);
  });

  test("judges the best few where contenders tell them, the best alone where they do not", async () => {
    const clock = fakeClock();
    /** Answers r, r + 1, … of row r, `found` of them, from the second on moved by `off`. */
    const ranked = (name: string, found: number, off = 0): Contender => {
      let first = 0;
      return {
        ...fake(name, clock, 1),
        run: (input) => void ([first] = input as Float32Array),
        top: () => Number.NaN, // never asked
        best: (k) => Array.from({ length: Math.min(k, found) }, (_, i) => first + i + (i > 0 ? off : 0)),
      };
    };
    const multi: Labels = { kind: "multi", count: 4, indptr: Uint32Array.of(0, 2, 3, 5, 6), indices: Uint32Array.of(0, 4, 3, 2, 3, 9) };
    const contenders = [ranked("all", 9), ranked("two", 2), ranked("moved", 9, 1), fake("top", clock, 1)];
    const [all, two, moved, top] = await interleave(contenders, rows, { clock, labels: multi });
    // right among the best 1, 3, 5 of rows 0 to 3: 1 1 2, 0 1 1, 1 2 2, 0 0 0
    expect(all).toMatchObject({ right: 0.5, precision: { 1: 2 / 4, 3: 4 / 12, 5: 5 / 20 }, agreementAt: { 1: 1, 3: 1, 5: 1 } });
    expect(two).toMatchObject({ precision: { 1: 2 / 4, 3: 3 / 12, 5: 3 / 20 }, agreementAt: { 1: 1, 3: 0, 5: 0 } });
    expect(moved).toMatchObject({ agreement: 1, agreementAt: { 1: 1, 3: 0, 5: 0 } });
    expect(top).toMatchObject({ right: 0.5, agreement: 1, precision: null, agreementAt: null });
    const [, beside] = await interleave([fake("top", clock, 1), ranked("all", 9)], rows, { clock, labels: multi });
    expect([beside.agreementAt, beside.precision?.[3]]).toEqual([null, 4 / 12]);
    const unlabelled = await interleave(contenders, rows, { clock });
    expect(unlabelled[0]).toMatchObject({ right: null, precision: null, agreementAt: { 5: 1 } });
  });

  test("stops when the signal fires and refuses impossible numbers of queries", async () => {
    const clock = fakeClock();
    await expect(interleave([fake("a", clock, 1)], rows, { clock, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "aborted",
    });
    const later = new AbortController();
    const stopping = interleave([fake("a", clock, 1)], rows, { clock, queries: 1e8, signal: later.signal, onAnswer: () => later.abort() });
    await expect(stopping).rejects.toMatchObject({ code: "aborted" });
    for (const queries of [0, -1, 1.5, Number.NaN, 1e12])
      await expect(interleave([fake("a", clock, 1)], rows, { clock, queries })).rejects.toMatchObject({ code: "bad-option" });
  });
});

describe("rowOfQuery", () => {
  test("spreads few queries evenly and brings few rows around again", () => {
    expect([0, 1, 2, 3].map((q) => rowOfQuery(q, 4, 10))).toEqual([0, 2, 5, 7]);
    expect([0, 1, 2, 3, 4].map((q) => rowOfQuery(q, 5, 3))).toEqual([0, 1, 2, 0, 1]);
  });
});

describe("latencyOf", () => {
  test("takes percentiles by nearest rank", () => {
    expect(latencyOf(Float64Array.from({ length: 100 }, (_, i) => 100 - i))).toEqual({ mean: 50.5, p50: 50, p90: 90, p99: 99 });
    expect(latencyOf(Float64Array.of(3, 1, 2))).toEqual({ mean: 2, p50: 2, p90: 3, p99: 3 });
    expect(latencyOf(Float64Array.of(7))).toEqual({ mean: 7, p50: 7, p90: 7, p99: 7 });
  });
});
