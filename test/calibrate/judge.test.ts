import { expect, test } from "vitest";
import { topDepth } from "../../src/activator/level-plan.ts";
import { noAnswer } from "../../src/calibrate/evaluate.ts";
import { type Answers, judge, sum } from "../../src/calibrate/judge.ts";

/** Rows of the best answers, best first. */
const answersOf = (...rows: number[][]): Answers => ({
  answers: Uint32Array.from(rows, ([first = noAnswer]) => first),
  tops: Uint32Array.from(rows.flatMap((row) => Array.from({ length: topDepth }, (_, i) => row[i] ?? noAnswer))),
});
const dense = answersOf([0, 5, 6], [1, 5, 6], [2, 5, 6], [3, 5, 6]);
const answers = answersOf([0, 6, 5], [0, 5, 6], [0, 5, 6], [0, 1, 2]);

test("against labels, +1 is a right answer lost and -1 one won", () => {
  const { differences, disagreements, precision } = judge(answers, dense, { kind: "class", count: 4, classes: Uint32Array.of(0, 1, 0, 2) });
  expect([...differences]).toEqual([0, 1, -1, 0]);
  expect([...disagreements]).toEqual([0, 1, 1, 1]);
  expect([...(precision ?? [])]).toEqual([1, 0, 1, 0]);
});

test("without labels every disagreement counts as lost", () => {
  const { differences, disagreements, precision } = judge(answers, dense, null);
  expect([...differences]).toEqual([0, 1, 1, 1]);
  expect([...disagreements]).toEqual([0, 1, 1, 1]);
  expect(precision).toBeNull();
});

test("with several labels a hit on any is right, and none is right where there are none", () => {
  const labels = { kind: "multi", count: 4, indptr: Uint32Array.of(0, 2, 4, 5, 5), indices: Uint32Array.of(0, 7, 0, 1, 2) } as const;
  const { differences, precision } = judge(answers, dense, labels);
  expect([...(precision ?? [])]).toEqual([1, 1, 0, 0]);
  expect([...differences]).toEqual([0, 0, 1, 0]);
});

test("of the best three, what counts is how many are right, and whether they are the same three in any order", () => {
  const labels = { kind: "multi", count: 4, indptr: Uint32Array.of(0, 2, 4, 6, 7), indices: Uint32Array.of(0, 5, 0, 1, 5, 6, 3) } as const;
  const { differences, disagreements, precision } = judge(answers, dense, labels, 3);
  expect([...disagreements]).toEqual([0, 1, 1, 1]);
  expect([...(precision ?? [])]).toEqual([2 / 3, 1 / 3, 2 / 3, 0].map(Math.fround));
  expect([...differences]).toEqual([0, 0, 0, 1 / 3].map(Math.fround));
});

test("who gives no answer, or fewer than the other, gives others", () => {
  const few = answersOf([0], [0], [], []);
  const fewer = answersOf([], [0, 1], [], [7, 8, 9]);
  for (const [those, these] of [
    [few, fewer],
    [fewer, few],
  ]) {
    expect([...judge(those, these, null, 3).disagreements]).toEqual([1, 1, 0, 1]);
    expect([...judge(those, these, null).disagreements]).toEqual([1, 0, 0, 1]);
  }
});

test("sums", () => {
  expect([sum([]), sum([1, 2]), sum(Int8Array.of(-1, 1, 1))]).toEqual([0, 3, 1]);
});
