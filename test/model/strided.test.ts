import { expect, test } from "vitest";
import { gatherStrided } from "../../src/model/strided.ts";

test("numbers are read by the strides of their axes, repeated where one is 0", () => {
  const data = Float32Array.of(1, 2, 3, 4, 5, 6); // [2, 3]
  expect([...gatherStrided(data, [3, 2], [1, 3], new Float64Array(6))]).toEqual([1, 4, 2, 5, 3, 6]);
  expect([...gatherStrided(data, [2, 2, 3], [0, 3, 1], new Float32Array(12))]).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
  expect([...gatherStrided(BigInt64Array.of(7n, 8n), [2], [1], new BigInt64Array(2))]).toEqual([7n, 8n]);
});

test("a single number has no axes, and no numbers have nothing to read", () => {
  expect([...gatherStrided(Int8Array.of(9), [], [], new Int8Array(1))]).toEqual([9]);
  expect(gatherStrided(new Int8Array(0), [0, 3], [3, 1], new Int8Array(0))).toHaveLength(0);
});
