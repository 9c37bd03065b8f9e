import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { readCld3 } from "../../bench/evaluate/cld3.ts";
import { readShares } from "../../bench/evaluate/cld3-shares.ts";
import { cld3Translations } from "../../bench/evaluate/cld3-translations.ts";
import { declarations } from "../../bench/evaluate/declarations.ts";
import { forward } from "../../src/model/forward.ts";

interface Factory {
  create(
    fewestBytes: number,
    mostBytes: number,
  ): { findLanguage(text: string): { language: string; probability: number }; dispose(): void };
}
const { loadModule } = createRequire(import.meta.url)("cld3-asm") as { loadModule(): Promise<Factory> };
const { model, languages } = readCld3();
const asked = languages.filter((language) => language in cld3Translations);
const { fit, heldOut, report } = declarations(asked, cld3Translations);
const every = (n: number) => report.filter((_, i) => i % n === 0);

/** The likeliest language and how likely it is. */
function answer(text: string): { language: string; share: number } {
  const { indices, values } = readShares(text);
  const x = new Float32Array(model.layers[0].inputs);
  for (const [i, bucket] of indices.entries()) x[bucket] = values[i];
  const scores = forward(model, x);
  const most = Math.max(...scores);
  return { language: languages[scores.indexOf(most)], share: 1 / scores.reduce((sum, score) => sum + Math.exp(score - most), 0) };
}

describe("cld3", () => {
  test("the network answers as the package itself does, but for the few texts that it shortens first", async () => {
    const theirs = (await loadModule()).create(0, 1000);
    const texts = every(10);
    const alike = texts.filter(({ text }) => {
      const [ours, expected] = [answer(text), theirs.findLanguage(text)];
      return ours.language === expected.language && Math.abs(ours.share - expected.probability) < 1e-5;
    });
    theirs.dispose();
    expect(alike.length / texts.length).toBeGreaterThan(0.99);
  });

  test("it answers alike for every way letters are read", async () => {
    const theirs = (await loadModule()).create(0, 1000);
    for (const text of [
      "This is a text, written in English (mostly).",
      "İşbu Beyannamenin hiçbir hükmü",
      "oʻzboshimchalik bilan aralashishi",
      "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι",
      "すべての人間は、生まれながらにして自由であり",
      "모든 인간은 태어날 때부터 자유로우며",
      "人人生而自由，在尊严和权利上一律平等。",
      "የሰው፡ልጅ፡ሁሉ፡ሲወለድ፡ነጻና",
    ]) {
      const expected = theirs.findLanguage(text);
      const { language, share } = answer(text);
      expect([text, language]).toEqual([text, expected.language]);
      expect(share).toBeCloseTo(expected.probability, 5);
    }
    theirs.dispose();
  });

  test("it is right about most of what it is asked", () => {
    const texts = every(10);
    expect(texts.filter(({ text, language }) => answer(text).language === language).length / texts.length).toBeGreaterThan(0.9);
  });

  test("there are rows enough to certify by, in every language, and no text is in two parts", () => {
    expect(asked.length).toBe(Object.keys(cld3Translations).length);
    expect(heldOut.length).toBeGreaterThan(2155);
    for (const part of [fit, heldOut, report]) expect(new Set(part.map(({ language }) => language)).size).toBe(asked.length);
    const all = [...fit, ...heldOut, ...report].map(({ text }) => text);
    expect(new Set(all).size).toBe(all.length);
  });
});
