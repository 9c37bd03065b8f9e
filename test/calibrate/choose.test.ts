import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { binomialLower } from "../../src/calibrate/bounds.ts";
import { type Aim, choose, expectedBound, expectedLoss, growsMore, lossRate, promisedCost } from "../../src/calibrate/choose.ts";
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

const aim = (promise: Aim["promise"], lossRate = 1): Aim => ({ promise, samples: 4000, lossRate });

/** Rows by which the bound of few events lies above a normal one. */
const few = (1.645 ** 2 + 2) / 3;

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
    // deviation 0.1 of each row, 1.645 times that over 100 is 0.0016, and 1.57 rows; one error of what was seen on 10,000 rows 0.001
    expect(bound(10_000, 10_000, 0)).toBeCloseTo(0.0118, 4);
    expect(bound(10_000, 1_000_000, 0)).toBeCloseTo(0.01016, 4);
    expect(bound(10_000, 1_000_000, 1)).toBeCloseTo(0.01116, 4);
  });

  test("of a rule that lost nothing is that of one loss among the rows, of a rule that loses half the widest", () => {
    expect(expectedBound(0, 0, rows, 4000, 0)).toBeCloseTo(1.645 * Math.sqrt(1 / (rows * 4000)) + few / 4000, 9);
    expect(expectedBound(rows / 2, rows / 2, rows, 4000, 0)).toBeCloseTo(0.5 + (1.645 * 0.5) / Math.sqrt(4000) + few / 4000, 4);
  });

  test("is about Clopper and Pearson's where few of few rows are lost", () => {
    // as many rows were seen as certify; the root of `lost + 1` where theirs has that of `lost` weighs less the more were lost
    for (const lost of [2, 5, 10, 20]) {
      const exact = 1 - binomialLower(2500 - lost, 2500, 0.05);
      const probable = expectedBound(lost, lost, 2500, 2500, 0);
      expect(probable / exact).toBeGreaterThan(0.97);
      expect(probable / exact).toBeLessThan(1.06);
    }
  });
});

describe("what a rule will probably lose", () => {
  const promise = { kind: "loss", bound: 0.003 } as const;

  test("is told by what all rules lose of what they answer otherwise, those that answer otherwise much left out", () => {
    expect(lossRate([rule(1, 4, 20), rule(1, 6, 20)])).toBe(0.25);
    expect(lossRate([rule(1, 4, 20), rule(1, 6, 20), rule(1, 41, 41)])).toBe(0.25);
    expect(lossRate([rule(1, 4, 20), rule(1, 4, 40)])).toBeCloseTo(8 / 60, 12);
    // more gained than lost is luck; and where nobody answers otherwise all of it counts as lost
    expect(lossRate([rule(1, -4, 20)])).toBe(0);
    expect(lossRate([rule(1, 0, 0)])).toBe(1);
    expect(lossRate([])).toBe(1);
  });

  test("is between what it lost and its share of that, nearer its own the more rows say so", () => {
    const settled = (lost: number, disagreed: number, changed: number): number =>
      expectedLoss({ ...rule(1, lost, disagreed), changed }, aim(promise, 0.25), 0) * rows -
      1.645 * Math.sqrt((rows * (changed + 1)) / 4000) -
      (few * rows) / 4000;
    // own: (0.1 · 20)² / ((0.1 · 20)² + 15 + 1) = 0.2 of the way from 5 to what it lost
    expect(settled(-5, 20, 15)).toBeCloseTo(3, 1);
    expect(settled(0, 20, 15)).toBeCloseTo(4, 1);
    expect(settled(10, 20, 15)).toBeCloseTo(6, 1);
    // 0.8 of the way
    expect(settled(0, 80, 15)).toBeCloseTo(4, 1);
    // nothing answered otherwise, nothing lost; and where all is lost, as without labels, what was lost
    expect(settled(0, 0, 0)).toBeCloseTo(0, 1);
    expect(expectedLoss(rule(1, 20), aim(promise), 0)).toBe(expectedBound(20, 20, rows, 4000, 0));
  });

  test("keeps a rule that gained by luck from being taken for the safest", () => {
    const [lucky, sure] = [{ ...rule(1, -6, 40), changed: 20 }, rule(2, 1, 4)];
    expect(expectedLoss(lucky, aim(promise, 0.25), 0)).toBeGreaterThan(expectedLoss(sure, aim(promise, 0.25), 0));
    expect(expectedBound(lucky.lost, lucky.changed, rows, 4000, 0)).toBeLessThan(expectedBound(sure.lost, sure.changed, rows, 4000, 0));
  });
});

describe("a ladder", () => {
  const promise = { kind: "loss", bound: 0.003 } as const;
  const asked = aim(promise);

  test("has the cheapest rule for what may be lost, cheapest first, each once", () => {
    const [none, little, much, useless] = [rule(10, 0), rule(5, 20), rule(1, 80), rule(7, 80)];
    const chosen = choose([useless, none, much, little], asked);
    expect(chosen).toEqual([much, little, none]);
  });

  test("has several rules for the promise itself, more and less cautious", () => {
    const rules = Array.from({ length: 40 }, (_, i) => rule(40 - i, i / 4, i));
    const near = choose(rules, aim(promise, 0.25)).filter((one) => expectedBound(one.lost, one.changed, rows, 4000, 0) <= 0.003);
    expect(near.length).toBeGreaterThanOrEqual(3);
  });

  test("has the cheapest rule of one setting for the promise beside cheaper rules that grow", () => {
    const fixed: Composed = { ...rule(5, 0), rungs: [{ layers: [] }] };
    const growing: Composed = { ...rule(3, 0), rungs: [{ layers: [], margin: 1 }, { layers: [] }] };
    expect(choose([fixed, growing], asked)).toEqual([growing, fixed]);
  });

  test("has further rules for the promise where they are asked for, each beginning with another setting", () => {
    const [low, other]: Rung[] = [{ layers: [] }, { layers: [] }];
    const growing = (first: Rung, margin: number, cost: number): Composed => ({
      ...rule(cost, 0),
      rungs: [{ ...first, margin }, { layers: [] }],
    });
    const rules = [growing(low, 1, 1), growing(low, 2, 2), growing(other, 1, 3)];
    expect(choose(rules, asked)).toEqual([rules[0]]);
    expect(choose(rules, asked, 2)).toEqual([rules[0], rules[2]]);
  });

  test("has rules for the promise that grow for more inputs at 1.1 and 1.3 times the cost, though none errs on a row", () => {
    const [low, high]: Rung[] = [{ layers: [] }, { layers: [] }];
    const growing = (margin: number, cost: number): Composed => ({ ...rule(cost, 0), rungs: [{ ...low, margin }, high] });
    const [cheapest, hardly, some, more, much, tooMuch] = [10, 10.5, 11.1, 12, 13, 15].map((cost, i) => growing(1 + i, cost));
    const elsewhere: Composed = { ...rule(11, 0), rungs: [{ layers: [], margin: 2 }, high] };
    const less = growing(0.5, 11);
    const rules = [tooMuch, much, elsewhere, less, more, some, hardly, cheapest];
    expect(choose(rules, asked)).toEqual([cheapest, some, much]);
  });

  test("has such rules beside the most cautious for the promise, not beside bolder ones", () => {
    const [low, high]: Rung[] = [{ layers: [] }, { layers: [] }];
    const growing = (margin: number, cost: number, lost: number): Composed => ({ ...rule(cost, lost), rungs: [{ ...low, margin }, high] });
    const [bold, safe, further] = [growing(1, 1, 3), growing(2, 2, 0), growing(3, 2.2, 0)];
    // 1.3 times what the bold one costs would be the safe one, 1.1 times what that costs is the last
    expect(choose([bold, safe, further], aim({ kind: "loss", bound: 0.0035 }))).toEqual([bold, safe, further]);
    // where nothing fits the most cautious of bounds, beside those that fit the most cautious one that anything fits
    expect(choose([growing(1, 1, 2), growing(2, 1.2, 2)], asked)).toHaveLength(2);
  });

  test("looks at disagreements for a promise of agreement", () => {
    const [sure, sloppy] = [rule(9, 0, 0), rule(1, 0, 100)];
    expect(choose([sure, sloppy], aim({ kind: "agreement", bound: 0.99 }))).toContain(sure);
  });

  test("serves who asks for agreement, whatever it promises itself", () => {
    const [sure, sloppy] = [rule(9, 0, 0), { ...rule(1, 0, 0), disagreed: 100 }];
    expect(choose([sure, sloppy], asked)).toEqual([sloppy, sure]);
  });

  test("is empty where nothing can be promised", () => {
    expect(choose([], asked)).toEqual([]);
    expect(choose([rule(1, rows)], asked)).toEqual([]);
  });
});

test("what a promise will probably cost is the cheapest rule that will probably be certified, and Infinity where none will", () => {
  const rules = [rule(10, 0), rule(5, 20), rule(1, 80)];
  expect(promisedCost(rules, aim({ kind: "loss", bound: 0.003 }))).toBe(10);
  expect(promisedCost(rules, aim({ kind: "loss", bound: 0.02 }))).toBe(5);
  expect(promisedCost(rules, aim({ kind: "agreement", bound: 0.98 }))).toBe(5);
  expect(promisedCost(rules, aim({ kind: "loss", bound: 1e-6 }))).toBe(Number.POSITIVE_INFINITY);
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
