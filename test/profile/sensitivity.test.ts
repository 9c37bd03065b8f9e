import { expect, test } from "vitest";
import type { LatencyProfile } from "../../src/profile/latency.ts";
import { withSensitivity } from "../../src/profile/sensitivity.ts";

const profile = (...medians: number[]): LatencyProfile => ({
  levels: medians.map((p50) => ({ p50, p90: 2 * p50, p99: 3 * p50, cold: 9 })),
});
const idle = profile(1, 2, 10);
const of = (...loaded: LatencyProfile[]): (number | undefined)[] =>
  withSensitivity(idle, loaded).levels.map(({ sensitivity }) => sensitivity);

test("is the power of the common stretch that shows in a level, and leaves the rest of the profile alone", () => {
  // stretches of 2^0.5, 2 and 2^1.5
  const found = withSensitivity(idle, [profile(2 ** 0.5, 4, 10 * 2 ** 1.5)]);
  expect(found.levels.map(({ sensitivity }) => sensitivity)).toEqual([0.5, 1, 1.5].map((c) => expect.closeTo(c, 10)));
  expect(found.levels.map(({ p50, cold }) => [p50, cold])).toEqual(idle.levels.map(({ p50, cold }) => [p50, cold]));
});

test("counts loads by how much they stretch, and those that do not stretch not at all", () => {
  const [even, strong] = [profile(1.1, 2.2, 11), profile(2, 8, 80)];
  const [first, , last] = of(even, strong) as number[];
  expect(first).toBeGreaterThan(0.5);
  expect(first).toBeLessThan(0.52);
  expect(last).toBeGreaterThan(1.48);
  expect(of(strong, profile(0.9, 2, 10), profile(1.04, 2, 10))).toEqual(of(strong));
});

test("leaves out a load under which a level was not measured", () => {
  const strong = profile(2, 8, 80);
  expect(of(strong, profile(Number.NaN, 4, 20))).toEqual(of(strong));
});

test("stays within reason", () => {
  expect(of(profile(0.5, 2, 1e6))).toEqual([0.1, 0.1, expect.any(Number)]);
  // only one of six is stretched, by six times what all are on average
  const six = withSensitivity(profile(1, 1, 1, 1, 1, 1), [profile(1, 1, 1, 1, 1, 10)]);
  expect(six.levels.map(({ sensitivity }) => sensitivity)).toEqual([0.1, 0.1, 0.1, 0.1, 0.1, 4]);
});

test.each([
  ["no load was tried", []],
  ["no load stretched anything", [profile(1, 2, 10)]],
  ["nothing was measured", [profile(Number.NaN, 2, 10)]],
])("%s: the profile as it was", (_, loaded) => {
  expect(withSensitivity(idle, loaded)).toBe(idle);
});
