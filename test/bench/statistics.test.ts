import fc from "fast-check";
import { expect, test } from "vitest";
import { median, quantile, ratioOfMeans, ratioOfMedians } from "../../bench/statistics.ts";
import { normal, seeded } from "../../src/random.ts";

test("quantiles lie between neighbours", () => {
  expect(quantile([1, 2, 3, 4], 0)).toBe(1);
  expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
  expect(quantile([1, 2, 3, 4], 1)).toBe(4);
  expect(quantile([7], 0.99)).toBe(7);
  expect(quantile([], 0.5)).toBeNaN();
  const unordered = Float64Array.of(9, 1, 5);
  expect([median(unordered), ...unordered]).toEqual([5, 9, 1, 5]);
});

test("a quantile is never outside the numbers and grows with q", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (values, p, q) => {
        const sorted = Float64Array.from(values).sort();
        const [low, high] = [quantile(sorted, Math.min(p, q)), quantile(sorted, Math.max(p, q))];
        expect(low).toBeGreaterThanOrEqual(sorted[0]);
        expect(high).toBeLessThanOrEqual(sorted[sorted.length - 1] * (1 + 1e-12));
        expect(low).toBeLessThanOrEqual(high * (1 + 1e-12));
      },
    ),
  );
});

test("a constant ratio has no spread, whatever the times", () => {
  const below = Float64Array.from({ length: 200 }, (_, i) => 1 + (i % 17));
  const { ratio, low, high } = ratioOfMedians(
    below.map((v) => 3 * v),
    below,
    seeded(1),
    { groupSize: 10, resamples: 200 },
  );
  for (const value of [ratio, low, high]) expect(value).toBeCloseTo(3, 12);
});

test("means are taken without the slowest hundredth", () => {
  const steady = new Float64Array(200).fill(2);
  const lost = steady.map((time, i) => (i % 100 === 7 ? 1000 : time));
  const { ratio, low, high } = ratioOfMeans(lost, steady, seeded(1), { groupSize: 100, resamples: 200 });
  for (const value of [ratio, low, high]) expect(value).toBe(1);
  const skewed = steady.map((time, i) => (i % 4 === 0 ? 2 * time : time));
  expect(ratioOfMeans(skewed, steady, seeded(1)).ratio).toBeCloseTo(1.24, 2);
  expect(ratioOfMedians(skewed, steady, seeded(1))).toMatchObject({ ratio: 1, confidence: 0.95 });
  const few = [8, 5].map((time) => Float64Array.of(time));
  expect(ratioOfMeans(few[0], few[1], seeded(1)).ratio).toBe(1.6);
  const middle = [steady, steady.map(() => 3)].map((times) => times.map((time, i) => (i < 95 ? time / 2 : i > 104 ? 9 * time : time)));
  expect(ratioOfMedians(middle[1], middle[0], seeded(1)).ratio).toBe(1.5);
});

test("the interval holds the true ratio about as often as it says", () => {
  const random = seeded(11);
  let held = 0;
  for (let trial = 0; trial < 200; trial++) {
    const above = Float64Array.from({ length: 200 }, () => Math.exp(0.3 * normal(random)) * 2);
    const below = Float64Array.from({ length: 200 }, () => Math.exp(0.3 * normal(random)));
    const { low, high } = ratioOfMedians(above, below, random, { resamples: 200, confidence: 0.9 });
    if (low <= 2 && 2 <= high) held++;
  }
  expect(held / 200).toBeGreaterThan(0.83);
  expect(held / 200).toBeLessThan(0.97);
});

test("times that move in blocks give a wider interval when blocks are drawn whole", () => {
  const random = seeded(5);
  const moods = Float64Array.from({ length: 20 }, () => Math.exp(0.3 * normal(random)));
  const times = (scale: number): Float64Array =>
    Float64Array.from({ length: 1000 }, (_, i) => scale * moods[Math.floor(i / 50)] * (1 + 0.01 * random()));
  const [above, below] = [times(2), Float64Array.from({ length: 1000 }, () => 1 + 0.01 * random())];
  const widthOf = (groupSize: number): number => {
    const { low, high } = ratioOfMedians(above, below, seeded(1), { groupSize });
    return high - low;
  };
  expect(widthOf(50)).toBeGreaterThan(2 * widthOf(1));
});
