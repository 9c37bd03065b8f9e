import { expect, test } from "vitest";
import { reactionsOf, type TimedQuery } from "../../bench/interference/reactions.ts";

/** One query after another, each late beyond 5 ms. */
function queriesOf(times: readonly number[]): TimedQuery[] {
  let atMs = 0;
  return times.map((tookMs) => {
    const query = { tookMs, met: tookMs <= 5, right: true, atMs };
    atMs += tookMs;
    return query;
  });
}
const many = (count: number, tookMs: number): number[] => new Array<number>(count).fill(tookMs);

test("late queries are counted, lost time slices are not, and a step is over when queries take what they take from then on", () => {
  const queries = queriesOf([...many(200, 2), ...many(7, 6), 40, ...many(192, 4), ...many(30, 3), ...many(170, 2)]);
  const steps = reactionsOf(queries, [
    { on: true, atMs: queries[200].atMs },
    { on: false, atMs: queries[400].atMs },
  ]);
  // a window of 25 has its median at 4 from the first on: few of its queries are the late ones
  expect(steps[0]).toEqual({ on: true, late: 7, settledAfter: 0, settledMs: 0 });
  // twelve of 25 may still be slow
  expect(steps[1]).toEqual({ on: false, late: 0, settledAfter: 18, settledMs: 54 });
});

test("a phase too short to have an end tells nothing; one that changes late is settled late", () => {
  const queries = queriesOf([...many(100, 2), ...Array.from({ length: 400 }, (_, q) => 1 + (Math.floor(q / 30) % 2) * 9)]);
  expect(reactionsOf(queries, [{ on: true, atMs: queries[450].atMs }])).toEqual([]);
  expect(reactionsOf(queriesOf([...many(200, 1), ...many(201, 9)]), [{ on: true, atMs: 0 }])).toMatchObject([{ settledAfter: 188 }]);
});
