// The committed rows of the text networks and of cities against each other and against what lies beside them, and the committed weights.

import { describe, expect, test } from "vitest";
import { loadNetworkData, loadNetworkModel, readNames } from "../../examples/networks.ts";
import { contextWords, wordsOf } from "../../examples/text.ts";
import { checkRows, isRight, type Rows } from "../../src/model/rows.ts";
import { createSession } from "../../src/session/session.ts";

const csr = (rows: Rows): Rows & { kind: "csr" } => {
  if (rows.kind !== "csr") throw new Error(`got ${rows.kind} rows, expected csr`);
  return rows;
};
const dense = (rows: Rows, r: number): Float32Array => {
  if (rows.kind !== "dense") throw new Error(`got ${rows.kind} rows, expected dense`);
  return rows.data.subarray(r * rows.width, (r + 1) * rows.width);
};
const keysOf = (rows: Rows): string[] => {
  const { count, indptr, indices } = csr(rows);
  return Array.from({ length: count }, (_, r) => indices.subarray(indptr[r], indptr[r + 1]).join(" "));
};

describe.each([
  { name: "wordnet", labels: "labels" },
  { name: "brown", labels: "words" },
] as const)("$name", async ({ name, labels: labelNames }) => {
  const { fit, heldOut, test: judged } = await loadNetworkData(name);
  const words = readNames(name, "words");
  const names = readNames(name, labelNames);

  test("parts hold as many rows as their scripts say, each with a known word", () => {
    expect([fit.count, heldOut.rows.count, judged.rows.count]).toEqual([5000, 15_000, 10_000]);
    for (const rows of [fit, heldOut.rows, judged.rows]) {
      checkRows(name, rows, words.length);
      const { indptr } = csr(rows);
      for (let r = 0; r < rows.count; r++) expect(indptr[r + 1]).toBeGreaterThan(indptr[r]);
    }
  });

  test("every row has a label, and labels have names", () => {
    for (const { rows, labels } of [heldOut, judged]) {
      expect(labels.count).toBe(rows.count);
      const all = labels.kind === "class" ? labels.classes : labels.indices;
      expect(Math.max(...all)).toBeLessThan(names.length);
      if (labels.kind === "multi") for (let r = 0; r < rows.count; r++) expect(labels.indptr[r + 1]).toBeGreaterThan(labels.indptr[r]);
    }
  });

  test("words are distinct", () => expect(new Set(words).size).toBe(words.length));
});

describe("wordnet", async () => {
  const { fit, heldOut, test: judged } = await loadNetworkData("wordnet");

  test("values are 1 / √n", () => {
    const { count, indptr, values } = csr(judged.rows);
    for (let r = 0; r < count; r++) {
      const n = indptr[r + 1] - indptr[r];
      expect(values.subarray(indptr[r], indptr[r + 1]).every((v) => v === Math.fround(1 / Math.sqrt(n)))).toBe(true);
    }
  });

  test("its words are what the tokenizer makes of text", () => {
    for (const word of readNames("wordnet", "words")) expect(wordsOf(word)).toEqual([word]);
  });

  test("what was held out or fitted on hardly ever looks like a test row", () => {
    // Different texts may hold the same known words; equal texts never fall into two parts.
    for (const rows of [fit, heldOut.rows]) {
      const seen = new Set(keysOf(rows));
      expect(keysOf(judged.rows).filter((key) => seen.has(key)).length).toBeLessThan(0.02 * judged.rows.count);
    }
  });
});

describe("brown", async () => {
  const { test: judged } = await loadNetworkData("brown");

  test("one label a row, and a context of so many words at most", () => {
    expect(judged.labels.kind === "class" || csr(judged.rows).count === judged.labels.indices.length).toBe(true);
    const { count, indptr, values } = csr(judged.rows);
    for (let r = 0; r < count; r++) {
      expect(indptr[r + 1] - indptr[r]).toBeLessThanOrEqual(contextWords);
      const sum = values.subarray(indptr[r], indptr[r + 1]).reduce((total, v) => total + v, 0);
      expect(sum).toBeLessThan(1e-5 + Array.from({ length: contextWords }, (_, d) => 1 / (d + 1)).reduce((a, b) => a + b));
    }
  });
});

describe("cities", async () => {
  const { fit, heldOut, test: judged } = await loadNetworkData("cities");
  const model = await loadNetworkModel("cities");
  const placesOf = (rows: Rows): string[] => Array.from({ length: rows.count }, (_, r) => dense(rows, r).join(" "));

  test("parts hold as many rows as their script says, all as wide as the network", () => {
    expect([fit.count, heldOut.rows.count, judged.rows.count]).toEqual([5000, 12_000, 5000]);
    for (const rows of [fit, heldOut.rows, judged.rows]) checkRows("cities", rows, model.layers[0].inputs);
  });

  test("a row begins with a place on the sphere", () => {
    for (let r = 0; r < judged.rows.count; r++) expect(Math.hypot(...dense(judged.rows, r).subarray(0, 3))).toBeCloseTo(1, 4);
  });

  test("no place is in two parts", () => {
    const all = [fit, heldOut.rows, judged.rows].map((rows) => new Set(placesOf(rows)));
    expect(new Set(all.flatMap((places) => [...places])).size).toBe(all.reduce((sum, { size }) => sum + size, 0));
  });

  test("the network names the countries of places it never saw", async () => {
    using session = await createSession(model);
    let right = 0;
    for (let r = 0; r < 1000; r++) {
      const [best] = session.run(dense(judged.rows, r), { dense: true }).output.top(1);
      if (isRight(judged.labels, r, best.index)) right++;
    }
    expect(right).toBeGreaterThan(900);
  });
});

test.each([
  ["fashion-mnist-2048", [784, 2048, 2048, 10]],
  ["fashion-mnist-4096", [784, 4096, 4096, 10]],
  ["mnist-2048-l1", [784, 2048, 2048, 10]],
  ["mnist-l1", [784, 1024, 1024, 10]],
] as const)("%s is a float network, however it is stored", async (name, widths) => {
  const { layers } = await loadNetworkModel(name);
  expect([layers[0].inputs, ...layers.map(({ outputs }) => outputs)]).toEqual(widths);
  for (const { weight } of layers) expect(weight).toBeInstanceOf(Float32Array);
});
