import { expect, test } from "vitest";
import { decimal } from "../src/decimal.ts";

test.each([
  [0.7 / 100, 0.007],
  [1 - 0.07, 0.93],
  [1 - 0.93, 0.07],
  [0.999999 * 100, 99.9999],
  [1.001 * 1000, 1001],
  [1e-9 * 1000, 1e-6],
  [0, 0],
  [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
])("%d is %d", (result, meant) => {
  expect(decimal(result)).toBe(meant);
});
