import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { frequent, split } from "../../examples/data/split.ts";

const items = Array.from({ length: 500 }, (_, i) => ({ id: i, text: `text ${i % 320}` }));
const textOf = ({ text }: { text: string }): string => text;

describe("split", () => {
  test("is the same for the same seed and another for another", () => {
    const wanted = { test: 100, heldOut: 150 };
    expect(split(items, textOf, wanted, 1)).toEqual(split(items, textOf, wanted, 1));
    expect(split(items, textOf, wanted, 2)).not.toEqual(split(items, textOf, wanted, 1));
  });

  test("takes every item once, as many as wanted, and keeps equal texts together", () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(150), fc.nat(150), (seed, test, heldOut) => {
        const parts = split(items, textOf, { test, heldOut }, seed);
        const all = [parts.test, parts.heldOut, parts.train];
        expect(
          all
            .flat()
            .map(({ id }) => id)
            .sort((a, b) => a - b),
        ).toEqual(items.map(({ id }) => id));
        const texts = all.flatMap((part) => [...new Set(part.map(textOf))]);
        expect(new Set(texts).size).toBe(texts.length);
        // A group holds two items at most, so a part overshoots by one at most.
        for (const [part, want] of [
          [parts.test, test],
          [parts.heldOut, heldOut],
        ] as const) {
          expect(part.length).toBeGreaterThanOrEqual(want);
          expect(part.length).toBeLessThanOrEqual(want + 1);
        }
      }),
    );
  });
});

test("frequent keys come most frequent first, ties by code units, rare ones not at all", () => {
  expect(frequent(["b", "a", "c", "b", "a", "d", "b"], 2)).toEqual(["b", "a"]);
  expect(frequent(["z", "B", "a"], 1)).toEqual(["B", "a", "z"]);
  expect(frequent([], 1)).toEqual([]);
});
