import { expect, test } from "vitest";
import { clusterOrder } from "../../src/calibrate/cluster-order.ts";
import { takeTurns } from "../../src/calibrate/turn.ts";
import { normal, seeded } from "../../src/random.ts";

const [inputs, groups, perGroup, unseen, rows] = [6, 4, 16, 16, 400];
const outputs = groups * perGroup + unseen;
const turn = takeTurns(undefined);

/** Rows about four centres; each row's two best nodes are two of those whose number leaves the row's group over when divided by four. */
function planted(weightOf: (centre: Float32Array | undefined, i: number) => number) {
  const random = seeded(1);
  const centres = Array.from({ length: groups }, () => Float32Array.from({ length: inputs }, () => 3 * normal(random)));
  const h = Float32Array.from({ length: rows * inputs }, (_, at) => {
    return centres[Math.floor(at / inputs) % groups][at % inputs] + normal(random) / 2;
  });
  const best = Uint32Array.from({ length: 2 * rows }, (_, at) => (Math.floor(at / 2) % groups) + groups * Math.floor(random() * perGroup));
  const hits = new Float32Array(outputs);
  for (const node of best) hits[node]++;
  const weight = Float32Array.from({ length: outputs * inputs }, (_, at) => {
    const node = Math.floor(at / inputs);
    return weightOf(node < outputs - unseen ? centres[node % groups] : undefined, at % inputs);
  });
  return { h, best, hits, weight };
}

test.each<[string, Parameters<typeof planted>[0]]>([
  ["the rows they are best for", () => 0],
  ["their weights as well", (centre, i) => centre?.[i] ?? 0.1],
])("nodes stand beside others of their group, told by %s; those that are best of no row come last", async (_, weightOf) => {
  const { h, best, hits, weight } = planted(weightOf);
  const order = [...(await clusterOrder(weight, h, rows, best, [0.8, 0.2], hits, turn))];
  expect([...order].sort((a, b) => a - b)).toEqual([...Array(outputs).keys()]);
  const panels = Array.from({ length: groups }, (_, p) => new Set(order.slice(16 * p, 16 * (p + 1)).map((node) => node % groups)));
  expect(panels.map(({ size }) => size)).toEqual([1, 1, 1, 1]);
  expect(new Set(panels.flatMap((panel) => [...panel])).size).toBe(groups);
  expect(order.slice(-unseen).every((node) => node >= outputs - unseen)).toBe(true);
});

test("nodes of one panel, and rows that are all alike, leave an order", async () => {
  const h = new Float32Array(4 * inputs).fill(1);
  for (const nodes of [5, 40]) {
    const best = Uint32Array.of(0, 1, 2, 3);
    const hits = new Float32Array(nodes);
    for (const node of best) hits[node]++;
    const order = await clusterOrder(new Float32Array(nodes * inputs), h, 4, best, [1], hits, turn);
    expect([...order].sort((a, b) => a - b)).toEqual([...Array(nodes).keys()]);
  }
});
