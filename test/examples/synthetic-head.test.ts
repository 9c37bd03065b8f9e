import { describe, expect, test } from "vitest";
import { syntheticHead } from "../../examples/synthetic-head.ts";
import { forward } from "../../src/model/forward.ts";
import { floatWeights, type Model } from "../../src/model/model.ts";
import type { Rows } from "../../src/model/rows.ts";

const small = { labels: 6000, hidden: 64, clusters: 60, seed: 3 };
const head = syntheticHead(small);
const [layer] = head.model.layers;
const weightOf = ({ layers }: Model): Float32Array => floatWeights(layers[0]);
const weight = weightOf(head.model);
const { rows, labels } = head.queries(200, 5);
const dataOf = (of: Rows): Float32Array => (of.kind === "dense" ? of.data : new Float32Array(0));
const data = dataOf(rows);
const queryOf = (q: number): Float32Array => data.subarray(q * small.hidden, (q + 1) * small.hidden);

function cosine(a: number, b: number): number {
  let [dot, normA, normB] = [0, 0, 0];
  for (let i = 0; i < small.hidden; i++) {
    const [x, y] = [weight[a * small.hidden + i], weight[b * small.hidden + i]];
    dot += x * y;
    normA += x * x;
    normB += y * y;
  }
  return dot / Math.sqrt(normA * normB);
}

describe("the synthetic head", () => {
  test("has the shape asked for, and Delicious-200K's unless told otherwise", () => {
    expect([layer.inputs, layer.outputs, head.clusterOf.length]).toEqual([64, 6000, 6000]);
    expect([rows.count, rows.width]).toEqual([200, 64]);
    const whole = syntheticHead({ clusters: 16 }).model.layers[0];
    expect([whole.inputs, whole.outputs, floatWeights(whole).length]).toEqual([128, 205_443, 128 * 205_443]);
  });

  test("is the same for the same seed and another for another", () => {
    const again = syntheticHead(small);
    const bytesOf = ({ buffer }: Float32Array): Buffer => Buffer.from(buffer);
    expect(bytesOf(weightOf(again.model)).equals(bytesOf(weight))).toBe(true);
    expect(bytesOf(again.model.layers[0].bias).equals(bytesOf(layer.bias))).toBe(true);
    expect(bytesOf(dataOf(again.queries(200, 5).rows)).equals(bytesOf(data))).toBe(true);
    expect(bytesOf(weightOf(syntheticHead({ ...small, seed: 4 }).model)).equals(bytesOf(weight))).toBe(false);
    expect(bytesOf(dataOf(head.queries(200, 6).rows)).equals(bytesOf(data))).toBe(false);
  });

  test("clusters are of very different sizes, and their labels do not lie side by side", () => {
    const sizes = new Uint32Array(small.clusters);
    for (const cluster of head.clusterOf) sizes[cluster]++;
    const sorted = sizes.toSorted((a, b) => b - a);
    expect(sorted[0]).toBeGreaterThan(2 * sorted[small.clusters >> 1]);
    expect(sorted.at(-1)).toBeGreaterThan(0);
    const neighbours = head.clusterOf.filter((cluster, label) => label > 0 && cluster === head.clusterOf[label - 1]).length;
    expect(neighbours).toBeLessThan(0.1 * small.labels);
  });

  test("labels of one cluster point the same way, those of two do not", () => {
    const [same, other] = [
      [0, 0],
      [0, 0],
    ];
    for (let a = 0; a < 400; a++)
      for (let b = a + 1; b < 400; b++) {
        const tally = head.clusterOf[a] === head.clusterOf[b] ? same : other;
        tally[0] += cosine(a, b);
        tally[1]++;
      }
    expect(same[0] / same[1]).toBeGreaterThan(0.6);
    expect(Math.abs(other[0] / other[1])).toBeLessThan(0.1);
  });

  test("biases spread as log frequencies do: few labels far above the rest", () => {
    const sorted = layer.bias.toSorted();
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))];
    expect(at(1) - at(0.5)).toBeGreaterThan(3 * (at(0.5) - at(0)));
  });

  test("a query is a hidden vector: never below zero, partly zero, and its best answers lie in its label's cluster", () => {
    const classes = labels.kind === "class" ? labels.classes : new Uint32Array(0);
    let [zeros, strongest, sameCluster] = [0, 0, 0];
    for (let q = 0; q < rows.count; q++) {
      const query = queryOf(q);
      expect(query.every((v) => v >= 0)).toBe(true);
      zeros += query.filter((v) => v === 0).length / query.length;
      const squares = Array.from(query, (v) => v * v).sort((a, b) => b - a);
      const sumOf = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b);
      strongest += sumOf(squares.slice(0, Math.round(0.1 * small.hidden))) / sumOf(squares);
      const scores = forward(head.model, query);
      const best = scores.indexOf(Math.max(...scores));
      if (head.clusterOf[best] === head.clusterOf[classes[q]]) sameCluster++;
    }
    expect(zeros / rows.count).toBeGreaterThan(0.25);
    expect(zeros / rows.count).toBeLessThan(0.4);
    expect(strongest / rows.count).toBeGreaterThan(0.4);
    expect(strongest / rows.count).toBeLessThan(0.65);
    expect(sameCluster / rows.count).toBeGreaterThan(0.4);
    expect(sameCluster / rows.count).toBeLessThan(1);
  });
});
