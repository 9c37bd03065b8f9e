import { createRequire } from "node:module";
import { describe, expect, test } from "vitest";
import { countPairs, pairBuckets, readGuesslang, textBytes } from "../../bench/evaluate/guesslang.ts";
import { sourceTexts } from "../../bench/evaluate/source-texts.ts";
import { forward } from "../../src/model/forward.ts";

interface Detector {
  runModel(text: string): Promise<{ languageId: string; confidence: number }[]>;
}
const { ModelOperations } = createRequire(import.meta.url)("@vscode/vscode-languagedetection") as { ModelOperations: new () => Detector };
const { model, languages } = readGuesslang();
const { fit, heldOut, report } = sourceTexts(textBytes);

describe("guesslang", () => {
  test("the folded network answers as the package itself does", async () => {
    const theirs = new ModelOperations();
    const bucketOf = pairBuckets();
    const x = new Float32Array(model.layers[0].inputs);
    for (const { text } of [0, 1, 2, 3].map((n) => report[Math.floor((n * report.length) / 4)])) {
      countPairs(text, bucketOf, x);
      const scores = forward(model, x);
      const most = Math.max(...scores);
      const shares = scores.map((score) => Math.exp(score - most));
      const total = shares.reduce((sum, share) => sum + share, 0);
      const [best] = await theirs.runModel(text);
      const top = scores.indexOf(most);
      expect(languages[top]).toBe(best.languageId);
      expect(shares[top] / total).toBeCloseTo(best.confidence, 4);
    }
  });

  test("there are rows enough to certify by, of one length, and no text is in two parts", () => {
    expect(heldOut.length).toBeGreaterThan(2155);
    const parts = [fit, heldOut, report].map((part) => new Set(part.map(({ text }) => text)));
    for (const part of parts) for (const text of part) expect(text.length).toBe(textBytes);
    const [a, b, c] = parts;
    expect([...c].filter((text) => a.has(text) || b.has(text))).toEqual([]);
    expect([...b].filter((text) => a.has(text))).toEqual([]);
  });

  test("every label is a language the network knows", () => {
    for (const { language } of [...fit, ...heldOut, ...report]) expect(languages).toContain(language);
  });
});
