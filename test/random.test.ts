// The same seed, the same numbers, in every runtime; and numbers as they are said to be distributed.
import fc from "fast-check";
import { expect, test } from "vitest";
import { normal, permutation, seeded } from "../src/random.ts";

const draws = (n: number, draw: () => number): Float64Array => Float64Array.from({ length: n }, draw);
const mean = (values: Float64Array): number => values.reduce((sum, v) => sum + v, 0) / values.length;

test("a seed gives the same stream, another seed another", () => {
  // the first numbers of mulberry32 for the seeds 1 and 2
  expect([...draws(3, seeded(1))]).toEqual([0.6270739405881613, 0.002735721180215478, 0.5274470399599522]);
  expect(seeded(2)()).toBe(0.7342509443406016);
});

test("uniform numbers lie in [0, 1), with the mean and spread of such", () => {
  const values = draws(100_000, seeded(3));
  expect(values.every((v) => v >= 0 && v < 1)).toBe(true);
  expect(mean(values)).toBeCloseTo(1 / 2, 2);
  expect(mean(values.map((v) => (v - 0.5) ** 2))).toBeCloseTo(1 / 12, 3);
});

test("normal numbers are finite, with mean 0, variance 1 and the tails of such", () => {
  const random = seeded(4);
  const values = draws(100_000, () => normal(random));
  expect(values.every(Number.isFinite)).toBe(true);
  expect(mean(values)).toBeCloseTo(0, 1);
  expect(mean(values.map((v) => v * v))).toBeCloseTo(1, 1);
  expect(mean(values.map((v) => Number(Math.abs(v) > 1.96)))).toBeCloseTo(0.05, 2);
  // the logarithm's argument is never 0
  expect(Number.isFinite(normal(() => 0))).toBe(true);
});

test("a permutation holds every number once", () => {
  fc.assert(
    fc.property(fc.nat(200), fc.integer(), (n, seed) => {
      expect([...permutation(n, seeded(seed))].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
    }),
  );
});

test("permutations of three are equally likely", () => {
  const random = seeded(5);
  const seen = new Map<string, number>();
  for (let i = 0; i < 60_000; i++) {
    const one = permutation(3, random).join("");
    seen.set(one, (seen.get(one) ?? 0) + 1);
  }
  expect(seen.size).toBe(6);
  for (const times of seen.values()) expect(times / 60_000).toBeCloseTo(1 / 6, 2);
});
