import { expect, test } from "vitest";
import { permutation, seeded } from "../../src/random.ts";
import { createCandidates, createOutput } from "../../src/session/output.ts";

const top = (values: number[], k: number): [number, number][] =>
  createOutput(Float32Array.from(values))
    .top(k)
    .map(({ index, score }) => [index, score]);

test("the best come first, ties by index, NaN never", () => {
  expect(top([1, 3, 2], 1)).toEqual([[1, 3]]);
  expect(top([1, 3, 2], 2)).toEqual([
    [1, 3],
    [2, 2],
  ]);
  expect(top([2, 3, 2, 3], 3)).toEqual([
    [1, 3],
    [3, 3],
    [0, 2],
  ]);
  expect(top([Number.NaN, 1, Number.NaN, 2], 4)).toEqual([
    [3, 2],
    [1, 1],
  ]);
  expect(top([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY], 2)).toEqual([
    [1, Number.POSITIVE_INFINITY],
    [0, Number.NEGATIVE_INFINITY],
  ]);
});

test("k may be any number", () => {
  expect(top([1, 2], 5)).toEqual([
    [1, 2],
    [0, 1],
  ]);
  for (const k of [0, -1, Number.NaN]) expect(top([1, 2], k)).toEqual([]);
  expect(top([1, 3, 2], 1.5)).toEqual([[1, 3]]);
  expect(top([1, 3, 2], Number.POSITIVE_INFINITY)).toEqual([
    [1, 3],
    [2, 2],
    [0, 1],
  ]);
});

test.each([undefined, null, "5", 5n, Symbol("5"), [5]])("k is no %s", (k) => {
  const refused = expect.objectContaining({ code: "bad-input", message: expect.stringMatching(/^k: got .+, expected a number$/) });
  expect(() => createOutput(Float32Array.of(1, 2)).top(k as unknown as number)).toThrow(refused);
});

test("agrees with sorting, whatever the order candidates come in", () => {
  const random = seeded(1);
  for (let n = 0; n < 60; n++) {
    const values = Float32Array.from({ length: n }, () => Math.floor(random() * 10));
    const sorted = [...values.keys()].sort((a, b) => values[b] - values[a] || a - b);
    const indices = permutation(n, random);
    const candidates = createCandidates(
      indices,
      Float32Array.from(indices, (i) => values[i]),
      n,
      0,
    );
    for (const k of [1, 3, n])
      for (const output of [createOutput(values), candidates]) expect(output.top(k).map(({ index }) => index)).toEqual(sorted.slice(0, k));
  }
});

test("more than a few of very many are the best of them, and no more than asked", () => {
  const values = Float32Array.from({ length: 3000 }, (_, i) => (i * 7919) % 1000);
  values[7] = Number.NaN;
  const sorted = [...values.keys()].filter((i) => i !== 7).sort((a, b) => values[b] - values[a] || a - b);
  for (const k of [1023, 1024, 1025, 2000]) expect(top([...values], k).map(([index]) => index)).toEqual(sorted.slice(0, k));
});

test("outputs handed over as plain numbers are one array, made when it is first read", () => {
  const output = createOutput([1, 0.1, -2]);
  expect(output.top(2)).toEqual([
    { index: 0, score: 1 },
    { index: 1, score: 0.1 },
  ]);
  expect(output.data).toEqual(Float32Array.of(1, 0.1, -2));
  expect(output.data).toBe(output.data);
  expect(output.scores).toBe(output.data);
  expect(output.indices).toBeNull();
});
