import { expect, test } from "vitest";
import { judge, sum } from "../../src/calibrate/judge.ts";

const dense = Uint32Array.of(0, 1, 2, 3);
const answers = Uint32Array.of(0, 0, 0, 0);

test("against labels, +1 is a right answer lost and -1 one won", () => {
  const { differences, disagreements, right } = judge(answers, dense, { kind: "class", count: 4, classes: Uint32Array.of(0, 1, 0, 2) });
  expect([...differences]).toEqual([0, 1, -1, 0]);
  expect([...disagreements]).toEqual([0, 1, 1, 1]);
  expect([...(right ?? [])]).toEqual([1, 0, 1, 0]);
});

test("without labels every disagreement counts as lost", () => {
  const { differences, disagreements, right } = judge(answers, dense, null);
  expect([...differences]).toEqual([0, 1, 1, 1]);
  expect([...disagreements]).toEqual([0, 1, 1, 1]);
  expect(right).toBeNull();
});

test("with several labels a hit on any is right, and none is right where there are none", () => {
  const labels = { kind: "multi", count: 4, indptr: Uint32Array.of(0, 2, 4, 5, 5), indices: Uint32Array.of(0, 7, 0, 1, 2) } as const;
  const { differences, right } = judge(answers, dense, labels);
  expect([...(right ?? [])]).toEqual([1, 1, 0, 0]);
  expect([...differences]).toEqual([0, 0, 1, 0]);
});

test("sums", () => {
  expect([sum([]), sum([1, 2]), sum(Int8Array.of(-1, 1, 1))]).toEqual([0, 3, 1]);
});
