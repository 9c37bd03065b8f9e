import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bagOf, contextOf, contextWords, createVocabulary, wordsOf } from "../../examples/text.ts";

describe("wordsOf", () => {
  test.each([
    ["a small, domesticated feline;", ["a", "small", "domesticated", "feline"]],
    ["Dog's-eye view (18th century)", ["dog's", "eye", "view", "18th", "century"]],
    ["crème brûlée", ["creme", "brulee"]],
    ["'quoted' rock ’n’ roll o’clock", ["quoted", "rock", "n", "roll", "o'clock"]],
    ["  \n", []],
    ["--;()", []],
  ])("%j", (text, words) => expect(wordsOf(text)).toEqual(words));

  test("its own words, joined by spaces, are read as the same words", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-composite" }), (text) => {
        const words = wordsOf(text);
        expect(wordsOf(words.join(" "))).toEqual(words);
      }),
    );
  });
});

describe("bagOf", () => {
  const vocabulary = createVocabulary(["of", "a", "cat", "dog"]);

  test("each different known word counts 1 / √n, in ascending order", () => {
    const { indices, values } = bagOf(["dog", "of", "zebra", "dog", "a", "cat"], vocabulary);
    expect([...indices]).toEqual([0, 1, 2, 3]);
    expect([...values]).toEqual([0.5, 0.5, 0.5, 0.5]);
  });

  test("no known word makes an empty bag", () => {
    expect(bagOf(["zebra"], vocabulary)).toEqual({ indices: new Uint32Array(0), values: new Float32Array(0) });
    expect(bagOf([], vocabulary).indices.length).toBe(0);
  });

  test("is a unit vector with ascending, distinct indices, whatever the order of the words", () => {
    const words = Array.from({ length: 300 }, (_, i) => `w${i}`);
    const many = createVocabulary(words);
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words, "unknown"), { minLength: 1 }), (text) => {
        const { indices, values } = bagOf(text, many);
        expect(indices).toEqual(Uint32Array.from(new Set(indices)).sort());
        const norm = values.reduce((sum, v) => sum + v * v, 0);
        expect(norm).toBeCloseTo(indices.length > 0 ? 1 : 0, 5);
        expect(bagOf(text.toReversed(), many)).toEqual({ indices, values });
      }),
    );
  });
});

describe("contextOf", () => {
  const vocabulary = createVocabulary(["<s>", "the", "cat", "sat"]);

  test("a word counts 1 / its distance, repeated words their sum, unknown words only as distance", () => {
    const { indices, values } = contextOf(["<s>", "the", "zebra", "the"], vocabulary);
    expect([...indices]).toEqual([0, 1]);
    expect([...values]).toEqual([0.25, Math.fround(1 + 1 / 3)]);
  });

  test("reaches back so many words and no further", () => {
    const before = ["cat", ...new Array<string>(contextWords - 1).fill("zebra")];
    expect([...contextOf(before, vocabulary).values]).toEqual([Math.fround(1 / contextWords)]);
    expect(contextOf([...before, "zebra"], vocabulary).indices.length).toBe(0);
  });
});
