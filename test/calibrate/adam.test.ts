import { expect, test } from "vitest";
import { createAdam } from "../../src/calibrate/adam.ts";

test("the first step is the rate against the gradient's sign, whatever its size; each number has its own", () => {
  const parts = [Float32Array.of(1, 1, 1), Float32Array.of(5)];
  createAdam(parts, 0.5, 4)([Float32Array.of(1e-3, -1e3), Float32Array.of(2)]);
  const size = 0.5 * (1 - 1 / 5);
  const expected = [[1 - size, 1 + size, 1], [5 - size]].map((part) => part.map((v) => expect.closeTo(v, 3)));
  expect(parts.map((part) => [...part])).toEqual(expected);
});

test("the rate falls evenly, and by the moments a gradient that turns around moves less than one that stays", () => {
  const parts = [Float32Array.of(0), Float32Array.of(0)];
  const step = createAdam(parts, 0.1, 9);
  for (let i = 0; i < 9; i++) step([Float32Array.of(1), Float32Array.of((-1) ** i)]);
  expect(parts[0][0]).toBeCloseTo(-0.1 * [1, 2, 3, 4, 5, 6, 7, 8, 9].reduce((sum, s) => sum + (1 - s / 10), 0), 4);
  expect(Math.abs(parts[1][0])).toBeLessThan(0.2);
});

test("finds the least of a bowl that is steep in one direction", () => {
  const parts = [Float32Array.of(4), Float32Array.of(-3)];
  const step = createAdam(parts, 0.2, 300);
  for (let i = 0; i < 300; i++) step([Float32Array.of(2 * (parts[0][0] - 1)), Float32Array.of(200 * (parts[1][0] - 2))]);
  expect(parts[0][0]).toBeCloseTo(1, 2);
  expect(parts[1][0]).toBeCloseTo(2, 2);
});
