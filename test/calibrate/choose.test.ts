import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { choose, expectedBound, growsMore, promisedCost } from "../../src/calibrate/choose.ts";
import type { Composed } from "../../src/calibrate/compose.ts";
import type { Rung } from "../../src/profile/ladder.ts";

const rows = 2000;
const rule = (cost: number, lost: number, disagreed = lost): Composed => ({
  rungs: [{ layers: [] }],
  cost,
  rows,
  lost,
  changed: disagreed,
  disagreed,
});

describe("the bound a rule will probably get", () => {
  test("is above what was lost, closer the more rows certify and the less caution is asked for", () => {
    const numbers = fc.tuple(
      fc.integer({ min: 0, max: rows }),
      fc.integer({ min: 1, max: 50_000 }),
      fc.double({ min: 0, max: 3, noNaN: true }),
    );
    fc.assert(
      fc.property(numbers, ([lost, samples, cautious]) => {
        const bound = expectedBound(lost, lost, rows, samples, cautious);
        // deviation can round to 0 where everything was lost
        expect(bound).toBeGreaterThanOrEqual(lost / rows);
        expect(bound).toBeGreaterThanOrEqual(expectedBound(lost, lost, rows, 2 * samples, cautious));
        expect(bound).toBeLessThanOrEqual(expectedBound(lost, lost, rows, samples, cautious + 1));
      }),
    );
  });

  test("leaves room for how few rows will certify it, and caution for how few it was seen on", () => {
    const bound = (seenOn: number, samples: number, cautious: number): number =>
      expectedBound(seenOn / 100, seenOn / 100, seenOn, samples, cautious);
    // deviation 0.1 of each row, 1.645 times that over 100 is 0.0016; one error of what was seen on 10,000 rows 0.001
    expect(bound(10_000, 10_000, 0)).toBeCloseTo(0.01164, 4);
    expect(bound(10_000, 1_000_000, 0)).toBeCloseTo(0.01016, 4);
    expect(bound(10_000, 1_000_000, 1)).toBeCloseTo(0.01116, 4);
  });

  test("of a rule that lost nothing is that of one loss among the rows, of a rule that loses half the widest", () => {
    expect(expectedBound(0, 0, rows, 4000, 0)).toBeCloseTo(1.645 * Math.sqrt(1 / (rows * 4000)), 9);
    expect(expectedBound(rows / 2, rows / 2, rows, 4000, 0)).toBeCloseTo(0.5 + (1.645 * 0.5) / Math.sqrt(4000), 4);
  });
});

describe("a ladder", () => {
  const promise = { kind: "loss", bound: 0.003 } as const;

  test("has the cheapest rule for what may be lost, cheapest first, each once", () => {
    const [none, little, much, useless] = [rule(10, 0), rule(5, 20), rule(1, 80), rule(7, 80)];
    const chosen = choose([useless, none, much, little], 4000, promise);
    expect(chosen).toEqual([much, little, none]);
  });

  test("has several rules for the promise itself, more and less cautious", () => {
    const rules = Array.from({ length: 40 }, (_, i) => rule(40 - i, i / 4, i));
    const near = choose(rules, 4000, promise).filter((one) => expectedBound(one.lost, one.changed, rows, 4000, 0) <= 0.003);
    expect(near.length).toBeGreaterThanOrEqual(3);
  });

  test("has the cheapest rule of one setting for the promise beside cheaper rules that grow", () => {
    const fixed: Composed = { ...rule(5, 0), rungs: [{ layers: [] }] };
    const growing: Composed = { ...rule(3, 0), rungs: [{ layers: [], margin: 1 }, { layers: [] }] };
    expect(choose([fixed, growing], 4000, promise)).toEqual([growing, fixed]);
  });

  test("has further rules for the promise where they are asked for, each beginning with another setting", () => {
    const [low, other]: Rung[] = [{ layers: [] }, { layers: [] }];
    const growing = (first: Rung, margin: number, cost: number): Composed => ({
      ...rule(cost, 0),
      rungs: [{ ...first, margin }, { layers: [] }],
    });
    const rules = [growing(low, 1, 1), growing(low, 2, 2), growing(other, 1, 3)];
    expect(choose(rules, 4000, promise)).toEqual([rules[0]]);
    expect(choose(rules, 4000, promise, 2)).toEqual([rules[0], rules[2]]);
  });

  test("has rules for the promise that grow for more inputs at 1.1 and 1.3 times the cost, though none errs on a row", () => {
    const [low, high]: Rung[] = [{ layers: [] }, { layers: [] }];
    const growing = (margin: number, cost: number): Composed => ({ ...rule(cost, 0), rungs: [{ ...low, margin }, high] });
    const [cheapest, hardly, some, more, much, tooMuch] = [10, 10.5, 11.1, 12, 13, 15].map((cost, i) => growing(1 + i, cost));
    const elsewhere: Composed = { ...rule(11, 0), rungs: [{ layers: [], margin: 2 }, high] };
    const less = growing(0.5, 11);
    const rules = [tooMuch, much, elsewhere, less, more, some, hardly, cheapest];
    expect(choose(rules, 4000, promise)).toEqual([cheapest, some, much]);
  });

  test("has such rules beside the most cautious for the promise, not beside bolder ones", () => {
    const [low, high]: Rung[] = [{ layers: [] }, { layers: [] }];
    const growing = (margin: number, cost: number, lost: number): Composed => ({ ...rule(cost, lost), rungs: [{ ...low, margin }, high] });
    const [bold, safe, further] = [growing(1, 1, 3), growing(2, 2, 0), growing(3, 2.2, 0)];
    // 1.3 times what the bold one costs would be the safe one, 1.1 times what that costs is the last
    expect(choose([bold, safe, further], 4000, { kind: "loss", bound: 0.0035 })).toEqual([bold, safe, further]);
    // where nothing fits the most cautious of bounds, beside those that fit the most cautious one that anything fits
    expect(choose([growing(1, 1, 2), growing(2, 1.2, 2)], 4000, promise)).toHaveLength(2);
  });

  test("looks at disagreements for a promise of agreement", () => {
    const [sure, sloppy] = [rule(9, 0, 0), rule(1, 0, 100)];
    expect(choose([sure, sloppy], 4000, { kind: "agreement", bound: 0.99 })).toContain(sure);
  });

  test("serves who asks for agreement, whatever it promises itself", () => {
    const [sure, sloppy] = [rule(9, 0, 0), { ...rule(1, 0, 0), disagreed: 100 }];
    expect(choose([sure, sloppy], 4000, promise)).toEqual([sloppy, sure]);
  });

  test("is empty where nothing can be promised", () => {
    expect(choose([], 4000, promise)).toEqual([]);
    expect(choose([rule(1, rows)], 4000, promise)).toEqual([]);
  });
});

test("what a promise will probably cost is the cheapest rule that will probably be certified, and Infinity where none will", () => {
  const rules = [rule(10, 0), rule(5, 20, 0), rule(1, 80)];
  expect(promisedCost(rules, 4000, { kind: "loss", bound: 0.003 })).toBe(10);
  expect(promisedCost(rules, 4000, { kind: "loss", bound: 0.02 })).toBe(5);
  expect(promisedCost(rules, 4000, { kind: "agreement", bound: 0.997 })).toBe(5);
  expect(promisedCost(rules, 4000, { kind: "loss", bound: 1e-6 })).toBe(Number.POSITIVE_INFINITY);
});

describe("a rule grows for more inputs than another", () => {
  const [low, mid, high]: Rung[] = [{ layers: [] }, { layers: [] }, { layers: [] }];
  const grows = (rungs: readonly Rung[], margins: readonly number[]): Composed => ({
    ...rule(1, 0),
    rungs: rungs.map((rung, r) => (r < margins.length ? { ...rung, margin: margins[r] } : rung)),
  });
  const than = grows([low, mid, high], [1, 0.5]);

  test.each([
    ["where one margin is larger and none smaller", grows([low, mid, high], [1, 0.6]), true],
    ["not where it is the same", grows([low, mid, high], [1, 0.5]), false],
    ["not where one margin is smaller", grows([low, mid, high], [2, 0.4]), false],
    ["not through other settings", grows([low, { layers: [] }, high], [2, 0.5]), false],
    ["not through fewer", grows([low, mid], [2]), false],
  ])("%s", (_, one, expected) => {
    expect(growsMore(one, than)).toBe(expected);
  });
});
