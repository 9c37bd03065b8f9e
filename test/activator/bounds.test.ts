// Nothing is read or written but what was reserved. WebAssembly traps at the end of its memory and nowhere before, so every region gets a
// strip behind it: zeros in one run, bits that are NaN as floats and -1 as integers in another, and neither may be seen or changed.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { encodeActivators, type LayerActivators } from "../../src/activator/activator.ts";
import { placeLevel } from "../../src/activator/level-plan.ts";
import { placeNetwork } from "../../src/activator/network.ts";
import type { LayerSetting, RankedSetting, Rung } from "../../src/activator/setting.ts";
import type { EngineOptions } from "../../src/engine/engine.ts";
import { listViews } from "../../src/engine/list.ts";
import { createMemoryPlan, type MemoryPlan, paddedTo } from "../../src/engine/memory-plan.ts";
import { type Activation, createModel, type Model } from "../../src/model/model.ts";
import { quantizeModel } from "../../src/model/quantize.ts";
import { normal, permutation, seeded } from "../../src/random.ts";
import { madeUpLowRank, madeUpModel } from "../made-up-models.ts";

const stripBytes = 256;

function watchedPlan(): { memory: MemoryPlan; strips: [from: number, to: number][] } {
  const plan = createMemoryPlan();
  const strips: [number, number][] = [];
  const reserve: MemoryPlan["reserve"] = (bytes, fill) => {
    const at = plan.reserve(bytes + stripBytes, fill);
    strips.push([at + bytes, at + paddedTo(bytes + stripBytes, 64)]);
    return at;
  };
  return { memory: { ...plan, reserve }, strips };
}

/** The network with an activator of every kind for every layer, and its outputs in another order. */
function fitted(model: Model, seed: number): Model {
  const random = seeded(seed);
  const numbers = (n: number): Float32Array => Float32Array.from({ length: n }, () => normal(random));
  const last = model.layers.length - 1;
  const layers = model.layers.map(
    ({ inputs, outputs }, l): LayerActivators => ({
      lowRank: madeUpLowRank(inputs, outputs, 5, numbers),
      hash: {
        tables: 3,
        bits: 2,
        planes: numbers(6 * inputs),
        starts: Uint32Array.from({ length: 13 }, (_, i) => 3 * i),
        nodes: Uint32Array.from({ length: 36 }, () => Math.floor(random() * outputs)),
        votes: numbers(36),
      },
      clusters: [1, 2].map((panels) => ({
        panels,
        router: madeUpLowRank(inputs, Math.ceil(outputs / 16 / panels), 3, numbers),
      })),
      order: l === last ? permutation(outputs, random) : null,
    }),
  );
  return createModel(model.name, model.layers, { ladder: null, tensors: encodeActivators(layers) });
}

const ranked = (part: Partial<RankedSetting>): RankedSetting => ({
  kind: "ranked",
  activator: "low-rank",
  variant: 5,
  unit: "node",
  by: "top-k",
  amount: 0.1,
  ...part,
});
/** Every activator, unit and way to choose, and more of the same. */
const ways: [LayerSetting, LayerSetting][] = [
  [{ kind: "exact", layout: "panels" }, { kind: "dense" }],
  [{ kind: "exact", layout: "columns" }, { kind: "exact" }],
  ...[
    ranked({}),
    ranked({ among: 1 }),
    ranked({ among: 1, unit: "panel" }),
    ranked({ activator: "hash", variant: 3, unit: "panel" }),
    ranked({ activator: "screen", variant: 3 }),
    ranked({ activator: "oracle", unit: "panel" }),
    ranked({ activator: "clusters", variant: 1, rank: 3, unit: "cluster" }),
    ranked({ activator: "clusters", variant: 2, rank: 1, unit: "cluster" }),
  ].flatMap((one): [LayerSetting, LayerSetting][] => [
    [one, { ...one, amount: 0.6 }],
    [
      { ...one, by: "threshold", amount: 1 },
      { ...one, by: "threshold", amount: -1 },
    ],
    [
      { ...one, by: "within", amount: 0 },
      { ...one, by: "within", amount: 2 },
    ],
  ]),
];

async function outputsOf(model: Model, levels: readonly (readonly Rung[])[], options: EngineOptions, strip: number): Promise<number[][]> {
  const { memory, strips } = watchedPlan();
  const network = placeNetwork(memory, model);
  const plans = levels.map((rungs) => placeLevel(memory, network, rungs));
  const engine = await memory.create(options);
  const bytes = new Uint8Array(engine.buffer);
  const isAll = (value: number): boolean => strips.every(([from, to]) => bytes.subarray(from, to).every((byte) => byte === value));
  expect(isAll(0)).toBe(true);
  for (const [from, to] of strips) bytes.fill(strip, from, to);
  const { inputs } = model.layers[0];
  const outputs = model.layers[model.layers.length - 1].outputs;
  const seen = plans.flatMap(({ address, rungEnds, answers }, p) =>
    [0.3, 1].map((share) => {
      const random = seeded(p);
      const input = Float32Array.from({ length: inputs }, () => (random() < share ? normal(random) : 0));
      new Float32Array(engine.buffer, network.input, inputs).set(input);
      engine.execute(address, 0, rungEnds[rungEnds.length - 1]);
      const { candidates, output, begin, end } = answers[answers.length - 1];
      engine.execute(address, begin, end);
      const { count, indices, values } = listViews(engine, candidates || network.best);
      const found = [...indices.subarray(0, count[0]), ...values.subarray(0, count[0])];
      return candidates ? found : [...found, ...new Float32Array(engine.buffer, output, outputs)];
    }),
  );
  expect(isAll(strip)).toBe(true);
  return seen;
}

const networks: [widths: number[], hidden: Activation, output: Activation][] = [
  [[1, 1, 1], "relu", "identity"],
  [[3, 17, 300], "relu", "softmax"],
  [[33, 16, 31, 257], "leaky-relu", "sigmoid"],
  [[2049, 3, 20], "identity", "log-softmax"],
  [[8195, 3, 17], "gelu", "tanh"],
];

describe.each(["simd", "scalar", "js"] as const)("on %s", (backend) => {
  const options = backend === "scalar" ? { backend, module: new WebAssembly.Module(readFileSync("build/slonn-scalar.wasm")) } : { backend };

  test.each(networks)("what was reserved is all that is touched: %j, %s and %s", async (widths, hidden, output) => {
    const plain = madeUpModel(widths, 1, hidden, output);
    const [dense, exact]: LayerSetting[] = [{ kind: "dense" }, { kind: "exact" }];
    const every = (setting: LayerSetting): LayerSetting[] => plain.layers.map(() => setting);
    const levels = [
      ...ways.map(([few, more]) => [{ layers: every(few), margin: 1e30 }, { layers: every(more) }]),
      ...ways.map(([few, more]) => [
        { layers: [few, ...every(exact).slice(1)], margin: 1e30 },
        { layers: [more, ...every(exact).slice(1)] },
      ]),
      ...ways.map(([few, more]) => [
        { layers: [...every(dense).slice(1), few], margin: 1e30 },
        { layers: [...every(dense).slice(1), more] },
      ]),
    ];
    for (const model of [plain, quantizeModel(plain)].map((one) => fitted(one, 2)))
      expect(await outputsOf(model, levels, options, 0xff)).toEqual(await outputsOf(model, levels, options, 0));
  });
});
