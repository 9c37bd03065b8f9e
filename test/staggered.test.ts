import { expect, test } from "vitest";
import { staggered } from "../src/staggered.ts";

test("every member takes every piece once, and no two the same at a time where there are enough", () => {
  for (const [members, turns] of [
    [1, 5],
    [3, 7],
    [4, 4],
    [5, 3],
  ]) {
    const taken = Array.from({ length: members }, (_, m) => Array.from({ length: turns }, (_, t) => staggered(t, m, members, turns)));
    for (const own of taken) expect([...own].sort()).toEqual([...own.keys()]);
    for (let t = 0; t < turns; t++) expect(new Set(taken.map((own) => own[t])).size).toBe(Math.min(members, turns));
  }
});
