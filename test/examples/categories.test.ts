import { describe, expect, test } from "vitest";
import { categoriesText, createCategorizer } from "../../examples/categories.ts";
import { readNames } from "../../examples/networks.ts";
import { bagOf, createVocabulary } from "../../examples/text.ts";
import { forward } from "../../src/model/forward.ts";
import { denseMacs } from "../../src/model/model.ts";
import { madeUpModel } from "../made-up-models.ts";

const words = ["a", "small", "feline", "domesticated", "that", "barks"];
const labels = Array.from({ length: 40 }, (_, i) => `kind ${i}`);
const model = madeUpModel([words.length, 24, labels.length], 7);

describe("createCategorizer", async () => {
  const categorizer = await createCategorizer(model, words, labels);

  test("names what the network answers, the best first", () => {
    const found = categorizer.categorize("A small, domesticated feline of renown; a small one", 3)!;
    const { indices, values } = bagOf(["a", "small", "domesticated", "feline"], createVocabulary(words));
    const input = new Float32Array(words.length);
    for (const [i, index] of indices.entries()) input[index] = values[i];
    const scores = [...forward(model, input)].map((score, i) => ({ name: labels[i], score })).sort((a, b) => b.score - a.score);
    expect(found.categories.map(({ name }) => name)).toEqual(scores.slice(0, 3).map(({ name }) => name));
    found.categories.forEach(({ score }, i) => {
      expect(score).toBeCloseTo(scores[i].score, 4);
    });
    const total = scores.reduce((sum, { score }) => sum + Math.exp(score), 0);
    found.categories.forEach(({ share }, i) => {
      expect(share).toBeCloseTo(Math.exp(scores[i].score) / total, 4);
    });
    expect(found.known).toBe(4);
    expect(found.unknown).toEqual(["of", "renown", "one"]);
  });

  test("counts its work against every node's", () => {
    const { macs, widths, nodes } = categorizer.categorize("barks", 1)!;
    expect(widths).toEqual([24, 40]);
    expect(nodes.every((n, l) => n <= widths[l])).toBe(true);
    expect(macs.dense).toBeGreaterThanOrEqual(denseMacs(model)); // a layer's last panel is whole
    expect(macs.exact).toBeLessThan(macs.dense);
  });

  test("text without a known word has no answer", () => {
    expect(categorizer.categorize("zebra", 3)).toBeNull();
    expect(categorizer.categorize("", 3)).toBeNull();
  });

  test("its text holds scores, names, unknown words and work", () => {
    const text = categoriesText(categorizer.categorize("small zebra", 2)!);
    expect(text).toMatch(/^( *\d+\.\d % +-?\d+\.\d\d {2}kind \d+\n){2}\n/);
    expect(text).toContain("not in the vocabulary: zebra");
    expect(text).toMatch(/1 words?; nodes computed: [\d,]+ of 24, [\d,]+ of 40/);
  });
});

test("names that do not fit the model are refused", async () => {
  await expect(createCategorizer(model, words.slice(1), labels)).rejects.toThrow("got 5 words and 40 labels, expected 6 and 40");
});

test("the words of the demo's example are known", () => {
  const vocabulary = createVocabulary(readNames("wordnet", "words"));
  expect(bagOf(["a", "small", "domesticated", "feline"], vocabulary).indices.length).toBe(4);
});
