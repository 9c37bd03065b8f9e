import { describe, expect, test } from "vitest";
import { declarations } from "../../bench/evaluate/declarations.ts";
import { countStrings, readLande } from "../../bench/evaluate/lande.ts";
import { forward } from "../../src/model/forward.ts";

const { model, languages, strings } = await readLande();
const { fit, heldOut, report } = declarations(languages);

describe("lande", () => {
  test("the network answers as the package itself does", async () => {
    const name = "lande";
    const { default: theirs } = (await import(name)) as { default: (text: string) => [string, number][] };
    const x = new Float32Array(model.layers[0].inputs);
    for (const { text } of [0, 1, 2, 3, 4, 5].map((n) => report[Math.floor((n * report.length) / 6)])) {
      countStrings(text, strings, x);
      const scores = forward(model, x);
      const most = Math.max(...scores);
      const shares = scores.map((score) => Math.exp(score - most));
      const total = shares.reduce((sum, share) => sum + share, 0);
      const expected = new Map(theirs(text));
      for (const [l, share] of shares.entries()) expect(share / total).toBeCloseTo(expected.get(languages[l]) as number, 5);
    }
  });

  test("it is right about most of what it is asked", () => {
    const x = new Float32Array(model.layers[0].inputs);
    const right = report.filter(({ text, language }) => {
      countStrings(text, strings, x);
      const scores = forward(model, x);
      return languages[scores.indexOf(Math.max(...scores))] === language;
    });
    expect(right.length / report.length).toBeGreaterThan(0.8);
  });

  test("there are rows enough to certify by, in every language, and no text is in two parts", () => {
    expect(heldOut.length).toBeGreaterThan(2155);
    for (const part of [fit, heldOut, report]) expect(new Set(part.map(({ language }) => language)).size).toBe(languages.length);
    const all = [...fit, ...heldOut, ...report].map(({ text }) => text);
    expect(new Set(all).size).toBe(all.length);
  });
});
