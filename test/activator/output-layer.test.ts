// Output layers that are ranked: whichever nodes are chosen, their scores are dense's, and nothing depends on how they stand in memory.

import { describe, expect, test } from "vitest";
import { encodeActivators, type LayerActivators, type LowRank, noActivators } from "../../src/activator/activator.ts";
import { fitHash } from "../../src/calibrate/fit-hash.ts";
import { fitLowRank } from "../../src/calibrate/fit-low-rank.ts";
import { takeTurns } from "../../src/calibrate/turn.ts";
import { createArrayKernels } from "../../src/engine/array-kernels.ts";
import { activate, forward } from "../../src/model/forward.ts";
import { type Activation, createModel, type FloatLayer, type Model } from "../../src/model/model.ts";
import { quantizeModel } from "../../src/model/quantize.ts";
import type { LayerSetting, RankedSetting, Rung } from "../../src/profile/ladder.ts";
import { permutation, seeded } from "../../src/random.ts";
import { type FloatModel, madeUpModel, madeUpRows } from "../made-up-models.ts";
import { type LevelResult, runLevel } from "./run-level.ts";

const [inputs, hidden, outputs] = [20, 32, 600];
const dense: LayerSetting = { kind: "dense" };
const exact: LayerSetting = { kind: "exact" };
const ranked = (activator: RankedSetting["activator"], variant: number, amount: number, part: Partial<RankedSetting> = {}): Rung => ({
  layers: [dense, { kind: "ranked", activator, variant, unit: "node", by: "top-k", amount, ...part }],
});
const ofClusters = (panels: number, count: number, rank = hidden): Rung =>
  ranked("clusters", panels, count / Math.ceil(Math.ceil(outputs / 16) / panels), { unit: "cluster", rank });
const near = (width: number): Rung => ranked("clusters", 1, width, { by: "within", unit: "cluster", rank: hidden });
const denseRung: Rung = { layers: [dense, dense] };
const exactRung: Rung = { layers: [dense, exact] };

const order = permutation(outputs, seeded(31));
const kernels = await createArrayKernels();

/** A router that scores a cluster by the mean pre-activation of its nodes. */
function meanRouter({ weight, bias }: FloatLayer, panels: number): LowRank {
  const size = 16 * panels;
  const count = Math.ceil(outputs / size);
  const up = new Float32Array(count * hidden);
  const mean = new Float32Array(count);
  order.forEach((node, place) => {
    const cluster = Math.floor(place / size);
    const members = Math.min(size, outputs - cluster * size);
    mean[cluster] += bias[node] / members;
    for (let i = 0; i < hidden; i++) up[cluster * hidden + i] += weight[node * hidden + i] / members;
  });
  const down = Float32Array.from({ length: hidden * hidden }, (_, at) => (at % (hidden + 1) === 0 ? 1 : 0));
  return { rank: hidden, down, center: new Float32Array(hidden), up, mean };
}

async function activatorsOf(model: FloatModel): Promise<LayerActivators> {
  const layer = model.layers[1];
  const x = madeUpRows(200, hidden, 9).data.map((v) => Math.max(0, v));
  const z = Float32Array.from({ length: 200 * outputs }, (_, at) => preActivation(layer, x, Math.floor(at / outputs), at % outputs));
  const winners = z.map((v, at) => (v > 2 ? 1 + (at % 3) : 0));
  return {
    lowRank: await fitLowRank(z, 200, layer, new Float32Array(outputs).fill(1), 16, {
      kernels,
      random: seeded(3),
      turn: takeTurns(undefined),
    }),
    hash: await fitHash(
      x,
      winners,
      200,
      hidden,
      outputs,
      { tables: 4, bits: 4, votes: 64 },
      { random: seeded(4), turn: takeTurns(undefined) },
    ),
    clusters: [1, 2].map((panels) => ({ panels, router: meanRouter(layer, panels) })),
    order,
  };
}

function preActivation({ weight, bias, inputs: width }: FloatLayer, x: Float32Array, r: number, o: number): number {
  let z = bias[o];
  for (let i = 0; i < width; i++) z += weight[o * width + i] * x[r * width + i];
  return z;
}

const identity = madeUpModel([inputs, hidden, outputs], 1);
const fitted = await activatorsOf(identity);
const section = (part: Partial<LayerActivators> = {}) => ({
  ladder: null,
  tensors: encodeActivators([noActivators, { ...fitted, ...part }]),
});
/** The network with fitted activators; its nodes in the model's order unless `ordered`. */
const withActivators = (model: Model, ordered = true): Model =>
  createModel(model.name, model.layers, section(ordered ? {} : { order: null, clusters: [] }));
const ending = (activation: Activation): Model => {
  const [first, last] = identity.layers;
  return createModel(activation, [first, { ...last, activation }]);
};

const rows = Array.from({ length: 6 }, (_, r) => madeUpRows(1, inputs, 50 + r).data);
rows.push(new Float32Array(inputs), new Float32Array(inputs).fill(1));

/** Every way to choose, with how many candidates it gives, or null where that depends on the input. */
const ways: [string, Rung, number | null][] = [
  ["3 clusters of a panel", ofClusters(1, 3), null],
  ["clusters within 0.8 of the best", near(0.8), null],
  ["2 clusters of two panels by part of the router", ofClusters(2, 2, 20), null],
  ["a screen by 8 inputs", ranked("screen", 8, 0.05), 30],
  ["a screen by more inputs than there are", ranked("screen", 99, 0.05), 30],
  ["low rank", ranked("low-rank", 12, 0.05), 30],
  ["hash", ranked("hash", 4, 0.05), 30],
  ["the oracle", ranked("oracle", 0, 0.05), 30],
  ["panels by the oracle", ranked("oracle", 0, 0.1, { unit: "panel" }), null],
  ["a threshold on the oracle", ranked("oracle", 0, 1.5, { by: "threshold" }), null],
  ["a threshold on low rank", ranked("low-rank", 12, 1, { by: "threshold" }), null],
];

const candidates = ({ output }: LevelResult): number[] => Object.keys(output).map(Number);
const scores = (result: LevelResult): number[] => candidates(result).map((o) => result.output[o]);
/** The largest difference where `output` was computed. */
const farthest = (output: readonly number[], from: ArrayLike<number>): number =>
  output.reduce((most, v, o) => Math.max(most, Math.abs(v - from[o])), 0);
/** Of panels, the padding of the last may be counted. */
function expectNodes({ nodes, output }: LevelResult): void {
  expect(nodes).toEqual([hidden, Object.keys(output).length]);
}
const best = (output: readonly number[], k: number): { index: number; score: number }[] =>
  Object.keys(output)
    .map((o) => ({ index: Number(o), score: output[Number(o)] }))
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, k);

describe.each(["simd", "js"] as const)("a ranked output layer on %s", (backend) => {
  const run = (model: Model, rungs: readonly Rung[], on = rows) => runLevel(model, rungs, on, { backend });

  test.each(ways)("%s: candidates' scores are dense's, and the five best are the best of them", async (_, rung, count) => {
    for (const ordered of [true, false]) {
      if (!ordered && rung.layers[1].kind === "ranked" && rung.layers[1].activator === "clusters") continue;
      const model = withActivators(identity, ordered);
      const byDense = await run(model, [denseRung]);
      (await run(model, [rung])).forEach((result, r) => {
        const chosen = candidates(result);
        if (count !== null) expect(chosen).toHaveLength(count);
        expectNodes(result);
        expect(farthest(result.output, byDense[r].output)).toBeLessThan(1e-4);
        expect(result.top).toEqual(best(result.output, 5));
      });
    }
  });

  test("weights in eight bits give candidates the scores of dense in eight bits, to the bit", async () => {
    const bytes = withActivators(quantizeModel(identity));
    const byDense = await run(bytes, [denseRung]);
    for (const [name, rung] of ways)
      (await run(bytes, [rung])).forEach((result, r) => {
        expect(
          candidates(result).filter((o) => !Object.is(result.output[o], byDense[r].output[o])),
          name,
        ).toEqual([]);
        expect(result.top).toEqual(best(result.output, 5));
      });
  });

  test("the order in memory changes no answer", async () => {
    for (const model of [identity, quantizeModel(identity)]) {
      const [asTheyAre, ordered] = [withActivators(model, false), withActivators(model)];
      const expected = await run(asTheyAre, [denseRung]);
      for (const rung of [denseRung, exactRung]) {
        const got = await run(ordered, [rung]);
        expect(got.map(({ output }) => output)).toEqual(expected.map(({ output }) => output));
        expect(got.map(({ top }) => top)).toEqual(expected.map(({ top }) => top));
      }
      for (const [name, rung] of ways) {
        const setting = rung.layers[1] as RankedSetting;
        // panels are other nodes in another order; hash breaks ties of votes by place
        if (setting.unit !== "node" || setting.activator === "hash") continue;
        const [a, b] = [await run(asTheyAre, [rung]), await run(ordered, [rung])];
        b.forEach(({ output }, r) => {
          expect(candidates(b[r]), name).toEqual(candidates(a[r]));
          expect(farthest(output, a[r].output), name).toBeLessThan(1e-4);
        });
      }
    }
  });

  test("dense and exact, in another order, are the model's own outputs", async () => {
    for (const activation of ["identity", "softmax", "sigmoid", "log-softmax"] as const) {
      const model = withActivators(ending(activation));
      const byDense = await run(model, [denseRung]);
      byDense.forEach(({ output }, r) => {
        expect(farthest(output, forward(model, rows[r]))).toBeLessThan(1e-4);
      });
      expect((await run(model, [exactRung])).map(({ output }) => output)).toEqual(byDense.map(({ output }) => output));
    }
  });

  test("the clusters whose nodes are computed are those the router ranks first", async () => {
    for (const panels of [1, 2]) {
      const model = withActivators(identity);
      const { up, mean } = fitted.clusters[panels - 1].router;
      const placeOf = new Map([...order].map((node, place) => [node, place]));
      const got = await run(model, [ofClusters(panels, 3)]);
      got.forEach((result, r) => {
        const h = activate(
          "relu",
          Float32Array.from({ length: hidden }, (_, o) => preActivation(identity.layers[0], rows[r], 0, o)),
          0,
        );
        const routed = Array.from(mean, (m, c) => m + h.reduce((sum, v, i) => sum + v * up[c * hidden + i], 0));
        const chosen = new Set(candidates(result).map((node) => Math.floor((placeOf.get(node) as number) / (16 * panels))));
        expect(chosen.size).toBe(3);
        const members = (c: number): number => Math.min(16 * panels, outputs - c * 16 * panels);
        expect(candidates(result)).toHaveLength([...chosen].reduce((sum, c) => sum + members(c), 0));
        // eight bits of the router may turn neighbours around, no more
        const worst = Math.min(...[...chosen].map((c) => routed[c]));
        const missed = Math.max(...routed.filter((_, c) => !chosen.has(c)));
        expect(missed - worst).toBeLessThan(0.05);
      });
    }
  });

  test("equal scores go to the lower label, whatever the order", async () => {
    const [first, last] = identity.layers;
    const flat = createModel("flat", [first, { ...last, weight: new Float32Array(outputs * hidden), bias: new Float32Array(outputs) }]);
    const model = withActivators(flat);
    for (const rung of [denseRung, exactRung, ...ways.map(([, one]) => one)])
      for (const { output, top } of await run(model, [rung])) {
        const lowest = Object.keys(output).map(Number).slice(0, 5);
        expect(top.map(({ index }) => index)).toEqual(lowest);
      }
  });

  test("growing adds candidates and keeps those there were", async () => {
    const ladders: [string, Rung[]][] = [
      ["clusters", [ofClusters(1, 2), ofClusters(1, 5), ofClusters(1, 9)]],
      ["clusters near the best", [near(0), near(0.5), near(1.5)]],
      ["clusters of two panels", [ofClusters(2, 1), ofClusters(2, 4)]],
      ["screen", [ranked("screen", 8, 0.02), ranked("screen", 8, 0.1), ranked("screen", 8, 0.3)]],
      ["low rank", [ranked("low-rank", 12, 0.02), ranked("low-rank", 12, 0.1)]],
      ["hash", [ranked("hash", 4, 0.02), ranked("hash", 4, 0.1)]],
      ["a threshold", [ranked("oracle", 0, 2, { by: "threshold" }), ranked("oracle", 0, 0.5, { by: "threshold" })]],
    ];
    for (const model of [withActivators(identity), withActivators(quantizeModel(identity))])
      for (const [name, rungs] of ladders) {
        const alone = await Promise.all(rungs.map((rung) => run(model, [rung])));
        const grown = await run(
          model,
          rungs.map((rung, i) => (i < rungs.length - 1 ? { ...rung, margin: 1e30 } : rung)),
        );
        grown.forEach((result, r) => {
          expect(result.rungs, name).toBe(rungs.length);
          expect(candidates(result), name).toEqual(candidates(alone[rungs.length - 1][r]));
          expect(result.output, name).toEqual(alone[rungs.length - 1][r].output);
          expect(result.top, name).toEqual(alone[rungs.length - 1][r].top);
          for (const earlier of alone) expect(candidates(result), name).toEqual(expect.arrayContaining(candidates(earlier[r])));
          expectNodes(result);
        });
      }
  });

  test("growing from one activator to another, and on to everything, gives what the last gives alone", async () => {
    const model = withActivators(ending("softmax"));
    const rungs = [ofClusters(1, 2), ranked("screen", 8, 0.1), exactRung];
    for (let last = 1; last < rungs.length; last++) {
      const grown = await run(
        model,
        rungs.slice(0, last + 1).map((rung, i) => (i < last ? { ...rung, margin: 1e30 } : rung)),
      );
      const alone = await run(model, [rungs[last]]);
      grown.forEach((result, r) => {
        expect(result.output).toEqual(alone[r].output);
        expect(result.top.map(({ index }) => index)).toEqual(alone[r].top.map(({ index }) => index));
      });
    }
  });

  test("a hidden layer that grows has its candidates computed afresh", async () => {
    const model = withActivators(identity);
    const rung = (amount: number): Rung => ({
      layers: [{ kind: "ranked", activator: "oracle", variant: 0, unit: "node", by: "top-k", amount }, ofClusters(1, 3).layers[1]],
    });
    const grown = await run(model, [{ ...rung(0.3), margin: 1e30 }, rung(0.8)]);
    const alone = await run(model, [rung(0.8)]);
    grown.forEach((result, r) => {
      expect(candidates(result)).toEqual(candidates(alone[r]));
      expect(farthest(result.output, alone[r].output)).toBeLessThan(1e-4);
    });
  });

  test("an input of NaN is never sure: it grows to dense and names no best", async () => {
    for (const model of [withActivators(identity), withActivators(quantizeModel(identity))])
      for (const [name, rung] of ways) {
        const nan = new Float32Array(inputs).fill(Number.NaN);
        const [result] = await run(model, [{ ...rung, margin: 0.001 }, denseRung], [nan]);
        expect(result.rungs, name).toBe(2);
        expect(result.output.every(Number.isNaN), name).toBe(true);
        expect(result.top).toEqual([]);
      }
  });

  test("more than all is exact", async () => {
    const model = withActivators(identity);
    const expected = await run(model, [exactRung]);
    for (const amount of [1, 2, 1e6])
      for (const rung of [ofClusters(1, 38 * amount), ranked("screen", 8, amount), ranked("oracle", 0, amount)])
        expect(await run(model, [rung])).toEqual(expected);
  });

  test("of candidates, probabilities sum to 1, each too large by what the others would have taken", async () => {
    const truth = await run(withActivators(ending("softmax")), [denseRung]);
    for (const [name, rung, count] of ways) {
      const logs = await run(withActivators(ending("log-softmax")), [rung]);
      (await run(withActivators(ending("softmax")), [rung])).forEach((result, r) => {
        const chosen = candidates(result);
        if (chosen.length === 0) {
          expect(count, name).toBeNull();
          return;
        }
        const sum = scores(result).reduce((a, b) => a + b, 0);
        expect(sum, name).toBeCloseTo(1, 4);
        const covered = chosen.reduce((mass, o) => mass + truth[r].output[o], 0);
        expect(covered).toBeLessThan(1 + 1e-6);
        const ratios = chosen.map((o) => (result.output[o] / truth[r].output[o]) * covered);
        expect(Math.max(...ratios.map((v) => Math.abs(v - 1))), name).toBeLessThan(1e-3);
        expect(farthest(logs[r].output, result.output.map(Math.log)), name).toBeLessThan(1e-3);
        expect(result.top.map(({ index }) => index)).toEqual(best(logs[r].output, 5).map(({ index }) => index));
      });
    }
  });

  test("sigmoids of candidates are the true ones", async () => {
    const model = withActivators(ending("sigmoid"));
    const truth = await run(model, [denseRung]);
    for (const [, rung] of ways)
      (await run(model, [rung])).forEach((result, r) => {
        expect(farthest(result.output, truth[r].output)).toBeLessThan(1e-5);
      });
  });
});
