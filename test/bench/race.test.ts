import { describe, expect, test } from "vitest";
import { peerContender } from "../../bench/peers/peer-contender.ts";
import type { Peer } from "../../bench/peers/peers.ts";
import { type RaceResult, race, speedUp } from "../../bench/race.ts";
import { ratioOfMedians } from "../../bench/statistics.ts";
import type { Contender } from "../../src/cli/measure.ts";
import type { Clock } from "../../src/clock.ts";
import type { Input, Rows } from "../../src/model/rows.ts";
import { normal, seeded } from "../../src/random.ts";

/** Rows [0], [1], … so that an input says which it is. */
const rowsOf = (count: number): Rows => ({ kind: "dense", count, width: 1, data: Float32Array.from({ length: count }, (_, i) => i) });

/** A clock the contenders move themselves. */
function handClock(): Clock & { pass(ms: number): void } {
  let now = 0;
  return {
    now: () => now,
    pass(ms) {
      now += ms;
    },
  };
}

/** Answers with the row's number modulo 3; takes `ms` for row r. */
function contender(
  name: string,
  clock: ReturnType<typeof handClock>,
  ms: (r: number) => number,
  log: string[] = [],
  isAsync = false,
): Contender {
  let last = 0;
  return {
    name,
    run(input: Input) {
      last = (input as Float32Array)[0];
      log.push(`${name}${last}`);
      if (!isAsync) return clock.pass(ms(last));
      return Promise.resolve().then(() => clock.pass(ms(last)));
    },
    top: () => last % 3,
    spent: () => ({ macs: 10, bytes: 40, nodes: [last, 2], met: last % 2 === 0 }),
  };
}

describe.each(["blocks", "queries"] as const)("turns in %s", (order) => {
  test("every contender answers every row and is timed for its own work alone", async () => {
    const clock = handClock();
    const contenders = [
      contender("a", clock, (r) => 2 + r),
      contender("b", clock, (r) => 4 + 2 * r, [], true),
      contender("c", clock, () => 1),
    ];
    const { measured } = await race(contenders, rowsOf(23), { order, clock, blockSize: 5, warmUp: 3 });
    expect(measured.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    expect([...measured[0].timesMs]).toEqual(Array.from({ length: 23 }, (_, r) => 2 + r));
    expect([...measured[1].timesMs].sort((x, y) => x - y)).toEqual(Array.from({ length: 23 }, (_, r) => 4 + 2 * r));
    expect([...measured[2].timesMs]).toEqual(Array(23).fill(1));
  });

  test("answers, agreement and what was spent are taken over the counted queries", async () => {
    const clock = handClock();
    const always: Contender = { name: "always", run: () => clock.pass(1), top: () => 1 };
    const labels = { kind: "class", count: 9, classes: Uint32Array.from({ length: 9 }, (_, r) => r % 3) } as const;
    const { measured } = await race([contender("a", clock, () => 1), always], rowsOf(9), { order, clock, labels, blockSize: 4, warmUp: 2 });
    expect(measured[0]).toMatchObject({ right: 1, agreement: 1, spent: { macs: 10, bytes: 40, nodes: [4, 2], attained: 5 / 9 } });
    expect(measured[1].right).toBeCloseTo(1 / 3);
    expect(measured[1].agreement).toBeCloseTo(1 / 3);
    expect(measured[1].spent).toBeNull();
  });

  test("a speed-up is the ratio of medians", async () => {
    const clock = handClock();
    const result = await race([contender("slow", clock, (r) => 6 + 6 * r), contender("fast", clock, (r) => 2 + 2 * r)], rowsOf(40), {
      order,
      clock,
      warmUp: 0,
      blockSize: 10,
    });
    const { ratio, low, high } = speedUp(result, "slow", "fast", seeded(1));
    expect(ratio).toBeCloseTo(3, 10);
    expect(low).toBeLessThanOrEqual(ratio);
    expect(high).toBeGreaterThanOrEqual(ratio);
    expect(() => speedUp(result, "slow", "nobody", seeded(1))).toThrow(/got contender nobody, expected one of slow, fast/);
  });
});

test("in blocks the start rotates and each turn settles on the rows before its own", async () => {
  const clock = handClock();
  const log: string[] = [];
  const contenders = [contender("a", clock, () => 1, log), contender("b", clock, () => 1, log, true)];
  await race(contenders, rowsOf(6), { clock, blockSize: 3, settle: 1, warmUp: 1 });
  expect(log).toEqual(["a0", "b0", "a5", "a0", "a1", "a2", "b2", "b3", "b4", "b5", "b5", "b0", "b1", "b2", "a2", "a3", "a4", "a5"]);
});

test("in one round everyone answers other queries, and all the same ones over the race", async () => {
  const clock = handClock();
  const log: string[] = [];
  const contenders = ["a", "b", "c"].map((name) => contender(name, clock, (r) => r, log));
  const { measured } = await race(contenders, rowsOf(6), { clock, blockSize: 1, settle: 0, warmUp: 1 });
  const counted = log.slice(3);
  for (let round = 0; round < 6; round++) {
    const asked = counted.slice(3 * round, 3 * round + 3).map((entry) => entry.slice(1));
    expect(new Set(asked).size).toBe(3);
  }
  expect([...measured[1].timesMs]).toEqual([2, 3, 4, 5, 0, 1]);
  for (const { timesMs } of measured) expect([...timesMs].sort()).toEqual([0, 1, 2, 3, 4, 5]);
});

test("a mood that outlasts a turn makes the interval wider than single turns show", () => {
  const random = seeded(3);
  const moods = Float64Array.from({ length: 40 }, () => Math.exp(0.2 * normal(random)));
  const timesMs = Float64Array.from({ length: 1600 }, (_, i) => moods[Math.floor(i / 40)] * (1 + 0.01 * random()));
  const steady = new Float64Array(1600).fill(1);
  const measured = [
    { name: "slow", timesMs },
    { name: "fast", timesMs: steady },
  ] as unknown as RaceResult["measured"];
  const all = speedUp({ order: "blocks", blockSize: 10, measured }, "slow", "fast", seeded(1));
  const single = ratioOfMedians(timesMs, steady, seeded(1), { groupSize: 10 });
  expect(all.ratio).toBe(single.ratio);
  expect(all.high - all.low).toBeGreaterThan(1.3 * (single.high - single.low));
});

test("a turn settles for ten milliseconds, for five queries where those take longer, and never on what it counts", async () => {
  const settled = async (ms: number, count: number): Promise<string[]> => {
    const clock = handClock();
    const log: string[] = [];
    await race([contender("a", clock, () => ms, log)], rowsOf(count), { clock, blockSize: 10, warmUp: 1 });
    return log.slice(1, log.indexOf("a0", 1));
  };
  expect(await settled(1.25, 40)).toEqual(["a32", "a33", "a34", "a35", "a36", "a37", "a38", "a39"]);
  expect(await settled(5, 40)).toEqual(["a35", "a36", "a37", "a38", "a39"]);
  // the 30 others, round and round
  expect(await settled(0.25, 40)).toEqual(Array.from({ length: 40 }, (_, i) => `a${10 + ((20 + i) % 30)}`));
});

test("more queries than rows go round, fewer are spread", async () => {
  const clock = handClock();
  const { measured } = await race([contender("a", clock, (r) => r)], rowsOf(4), { clock, queries: 6, blockSize: 4, warmUp: 0 });
  expect([...measured[0].timesMs]).toEqual([0, 1, 2, 3, 0, 1]);
  const fewer = await race([contender("a", clock, (r) => r)], rowsOf(8), { clock, queries: 2, warmUp: 0 });
  expect([...fewer.measured[0].timesMs]).toEqual([0, 4]);
});

test("impossible races are refused", async () => {
  const a = contender("a", handClock(), () => 1);
  await expect(race([], rowsOf(1))).rejects.toMatchObject({ code: "bad-option" });
  await expect(race([a], rowsOf(0))).rejects.toMatchObject({ code: "bad-option" });
  await expect(race([a, a], rowsOf(1))).rejects.toThrow(/got contenders a, a, expected every name once/);
  for (const options of [{ queries: 0 }, { blockSize: 1.5 }, { settle: -1 }, { warmUp: Number.NaN }, { queries: Number.POSITIVE_INFINITY }])
    await expect(race([a], rowsOf(3), options)).rejects.toMatchObject({ code: "bad-option" });
  await expect(race([a], rowsOf(3), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
});

test("a peer answers sparse inputs written out in full where it takes no others, with promises or without", async () => {
  const seen: number[][] = [];
  const peer = (isAsync: boolean): Peer => ({
    name: "onnxruntime-node",
    version: "0",
    form: "gemm",
    sparse: false,
    run(input) {
      const numbers = input as Float32Array;
      seen.push([...numbers]);
      return isAsync ? Promise.resolve(numbers.slice()) : numbers.slice();
    },
    dispose() {},
  });
  for (const isAsync of [false, true]) {
    const one = peerContender(peer(isAsync), 4);
    await one.run({ indices: Uint32Array.of(1, 3), values: Float32Array.of(2, 5) });
    expect(one.top()).toBe(3);
    await one.run({ indices: Uint32Array.of(2), values: Float32Array.of(1) });
    expect(one.top()).toBe(2);
    await one.run(Float32Array.of(9, 0, 0, 0));
    expect(one.top()).toBe(0);
  }
  expect(seen.slice(0, 3)).toEqual([
    [0, 2, 0, 5],
    [0, 0, 1, 0],
    [9, 0, 0, 0],
  ]);
});

test("a peer that takes sparse inputs gets them as they are, and tells its best few", async () => {
  const seen: Input[] = [];
  const outputs = Float32Array.of(1, 5, Number.NaN, 5, -2);
  const peer: Peer = {
    name: "onnxruntime-node-int8",
    version: "0",
    form: "gather-gemm, int8",
    sparse: true,
    run(input) {
      seen.push(input);
      return outputs;
    },
    dispose() {},
  };
  const one = peerContender(peer, 1e9);
  const input = { indices: Uint32Array.of(7), values: Float32Array.of(1) };
  expect([one.top(), one.best?.(3)]).toEqual([-1, []]);
  await one.run(input);
  expect(seen[0]).toBe(input);
  expect([one.top(), one.best?.(3), one.best?.(9)]).toEqual([1, [1, 3, 0], [1, 3, 0, 4]]);
});

test("the best few are judged like the best one", async () => {
  const clock = handClock();
  const ranked: Contender = { ...contender("ranked", clock, () => 1), best: (k) => Array.from({ length: k }, (_, i) => i) };
  const fewer: Contender = { ...contender("fewer", clock, () => 1), best: () => [0, 1, 2] };
  const labels = { kind: "multi", count: 4, indptr: Uint32Array.of(0, 1, 2, 3, 4), indices: Uint32Array.of(0, 2, 4, 7) } as const;
  for (const order of ["blocks", "queries"] as const) {
    const { measured } = await race([ranked, fewer], rowsOf(4), { order, clock, labels, blockSize: 3, warmUp: 1 });
    expect(measured[0]).toMatchObject({ right: 1 / 4, precision: { 1: 1 / 4, 3: 2 / 12, 5: 3 / 20 }, agreementAt: { 5: 1 } });
    expect(measured[1]).toMatchObject({ precision: { 1: 1 / 4, 3: 2 / 12, 5: 2 / 20 }, agreementAt: { 1: 1, 3: 1, 5: 0 } });
  }
});
