// Calibration of a wide output layer end to end: what it fits, tries, keeps and proves.

import { describe, expect, test } from "vitest";
import { decodeActivators } from "../../src/activator/activator.ts";
import { type CalibrateOptions, calibrate } from "../../src/calibrate/calibrate.ts";
import { fitClusters } from "../../src/calibrate/fit-clusters.ts";
import type { Fitting } from "../../src/calibrate/fitting.ts";
import { takeTurns } from "../../src/calibrate/turn.ts";
import { createArrayKernels } from "../../src/engine/array-kernels.ts";
import { forward } from "../../src/model/forward.ts";
import { createModel, denseMacs, type FloatLayer, type Model } from "../../src/model/model.ts";
import { type Labels, type Rows, rowOf } from "../../src/model/rows.ts";
import { encodeModel } from "../../src/model/slonn-file.ts";
import { isDense, isLossless } from "../../src/policy/levels.ts";
import { decodeLadder } from "../../src/profile/decode-ladder.ts";
import type { Ladder } from "../../src/profile/ladder.ts";
import { normal, seeded } from "../../src/random.ts";
import { createSession } from "../../src/session/session.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";

const [inputs, hidden, outputs] = [40, 24, 512];

/** A network whose output nodes come in families that win for the same inputs, as labels do. */
function families(nodes = outputs): Model & { layers: readonly FloatLayer[] } {
  const model = madeUpModel([inputs, hidden, nodes], 1);
  const random = seeded(12);
  const [first, last] = model.layers;
  const centres = Float32Array.from({ length: 64 * hidden }, () => normal(random));
  const weight = last.weight.map((w, at) => {
    const [node, i] = [Math.floor(at / hidden), at % hidden];
    return 0.3 * w + centres[(node % 64) * hidden + i];
  });
  const layers = [first, { ...last, weight }];
  return { ...createModel("families", layers), layers };
}

const plain = families();
const rows = madeUpRows(1500, inputs, 2);
const denseBest = (on: Rows & { kind: "dense" }, k: number): number[][] =>
  Array.from({ length: on.count }, (_, r) => {
    const z = forward(plain, rowOf(on, r) as Float32Array);
    return [...z.keys()].sort((a, b) => z[b] - z[a] || a - b).slice(0, k);
  });
const best = denseBest(rows, 5);
/** Several labels a row: two of dense's three best and one far off. */
const multi: Labels = {
  kind: "multi",
  count: rows.count,
  indptr: Uint32Array.from({ length: rows.count + 1 }, (_, r) => 3 * r),
  indices: Uint32Array.from(best.flatMap(([a, , c], r) => [a, c, (7 * r) % outputs])),
};
const ladderOf = (model: Model): Ladder => decodeLadder(model) as Ladder;
const base: CalibrateOptions = { rows, maxLoss: 0.05, cost: "macs", activators: ["clusters", "screen", "low-rank", "hash"] };
const model = await calibrate(plain, base);

test.each([
  [255, false],
  [256, true],
])("whether an output layer of %i nodes is ranked: %s", async (nodes, ranked) => {
  const calibrated = await calibrate(families(nodes), { ...base, rows: madeUpRows(600, inputs, 2) });
  const rungs = ladderOf(calibrated).levels.flatMap((level) => level.rungs);
  expect(rungs.some(({ layers }) => layers[1].kind === "ranked")).toBe(ranked);
});

test("a network too narrow for a low-rank activator goes without one", async () => {
  const narrow = madeUpModel([1, outputs], 3);
  const calibrated = await calibrate(narrow, { ...base, rows: madeUpRows(300, 1, 4), activators: ["low-rank"] });
  expect(ladderOf(calibrated).levels.length).toBeGreaterThan(0);
});

const ranked = (ladder: Ladder): Set<string> =>
  new Set(
    ladder.levels.flatMap(({ rungs }) =>
      rungs.flatMap(({ layers }) => layers.slice(-1).map((last) => (last.kind === "ranked" ? last.activator : last.kind))),
    ),
  );

describe("a wide network, calibrated", () => {
  const ladder = ladderOf(model);
  const { levels } = ladder;

  test("has levels that rank its outputs, for fewer multiply-adds", () => {
    expect([ladder.metric, ladder.promise]).toEqual(["agreement", { kind: "agreement", bound: 0.95, confidence: 0.95 }]);
    expect([...ranked(ladder)].some((kind) => ["clusters", "screen", "low-rank", "hash"].includes(kind))).toBe(true);
    expect(levels[0].cost.macs.mean).toBeLessThan(0.5 * denseMacs(plain));
    expect(isDense(levels[levels.length - 1])).toBe(true);
    const [, output] = decodeActivators(model);
    const kinds = ranked(ladder);
    expect([output.clusters.length > 0, output.lowRank !== null, output.hash !== null]).toEqual(
      ["clusters", "low-rank", "hash"].map((kind) => kinds.has(kind)),
    );
    expect([...(output.order ?? [])].sort((a, b) => a - b)).toEqual(Array.from({ length: outputs }, (_, o) => o));
  });

  test("is the same for the same seed", async () => {
    expect(encodeModel(await calibrate(plain, base))).toEqual(encodeModel(model));
  });

  test("keeps what it certified on rows it has not seen", async () => {
    const fresh = madeUpRows(600, inputs, 77);
    const truth = denseBest(fresh, 1);
    const session = await createSession(model);
    let tested = 0;
    for (const { certificates, rungs } of levels) {
      const certified = certificates.find(({ kind }) => kind === "agreement")?.bound ?? 0;
      if (certified < 0.5 || rungs[0].layers[1].kind !== "ranked") continue;
      tested++;
      const slo = { agreement: certified };
      let agreed = 0;
      for (let r = 0; r < fresh.count; r++) {
        const { output, report } = session.run(rowOf(fresh, r), slo);
        expect(report.plan.promised).toBe(true);
        if (output.top(1)[0].index === truth[r][0]) agreed++;
      }
      // six hundred fresh rows scatter by at most three standard deviations
      expect(agreed / fresh.count).toBeGreaterThan(certified - 3 * Math.sqrt((certified * (1 - certified)) / fresh.count) - 0.001);
    }
    session.dispose();
    expect(tested).toBeGreaterThan(0);
  });

  test("asked for no loss, answers as dense does, in the labels' own order", async () => {
    const session = await createSession(model);
    for (let r = 0; r < 20; r++)
      for (const slo of [{ dense: true }, { exact: true }] as const) {
        const { data } = session.run(rowOf(rows, r), slo).output;
        const truth = forward(plain, rowOf(rows, r) as Float32Array);
        expect(Math.max(...truth.map((v, o) => Math.abs(v - data[o])))).toBeLessThan(1e-4 * Math.max(...truth.map(Math.abs)));
      }
    session.dispose();
  });
});

test("precision at 3 of several labels is what the promise is about where it is asked for", async () => {
  const { metric, promise, levels } = ladderOf(
    await calibrate(plain, { ...base, labels: multi, metric: "precision@3", activators: ["screen"] }),
  );
  expect([metric, promise.kind]).toEqual(["precision@3", "loss"]);
  const dense = levels[levels.length - 1];
  // two of three are right, but where the one far off is among the three
  expect(dense.observed.accuracy).toBeGreaterThan(0.66);
  expect(dense.observed.accuracy).toBeLessThan(0.68);
  for (const { observed, certificates } of levels) {
    const loss = certificates.find(({ kind }) => kind === "loss");
    expect(loss?.bound).toBeGreaterThanOrEqual(observed.loss ?? Number.NaN);
    expect(observed.loss).toBeCloseTo((dense.observed.accuracy as number) - (observed.accuracy as number), 6);
  }
});

test("agreement at 5 is about the five best, and so harder to keep than that of the best", async () => {
  const { metric, promise, levels } = ladderOf(await calibrate(plain, { ...base, metric: "agreement@5", activators: ["screen"] }));
  expect([metric, promise.kind]).toEqual(["agreement@5", "agreement"]);
  for (const level of levels) if (isLossless(level)) expect(level.observed.agreement).toBe(1);
  for (const { observed, certificates } of levels)
    expect(certificates.find(({ kind }) => kind === "agreement")?.bound ?? 0).toBeLessThanOrEqual(observed.agreement);
});

test("hash tables are fitted to a wide output where they are asked for", async () => {
  const [, output] = decodeActivators(await calibrate(plain, { ...base, activators: ["hash"] }));
  expect(output.hash?.tables).toBe(8);
  expect([output.lowRank, output.order, output.clusters]).toEqual([null, null, []]);
});

test.each<[string, Partial<CalibrateOptions>, RegExp]>([
  ["accuracy without labels", { metric: "accuracy" }, /^metric: got accuracy, expected agreement or agreement@k without labels$/],
  ["precision without labels", { metric: "precision@5" }, /^metric: got precision@5, expected agreement or agreement@k without labels$/],
  [
    "agreement beside labels",
    { metric: "agreement@3", labels: multi },
    /^metric: got agreement@3, expected accuracy or precision@k beside labels$/,
  ],
])("a metric is refused that does not fit: %s", async (_, part, message) => {
  await expect(calibrate(plain, { ...base, ...part })).rejects.toMatchObject({
    code: "bad-option",
    message: expect.stringMatching(message),
  });
});

describe("clusters", async () => {
  const n = 1200;
  const kernels = await createArrayKernels();
  const fitting = (signal?: AbortSignal): Fitting => ({ kernels, random: seeded(3), turn: takeTurns(signal) });
  const [first, last] = plain.layers;
  const h = Float32Array.from({ length: n * hidden }, (_, at) => {
    const [r, o] = [Math.floor(at / hidden), at % hidden];
    let z = first.bias[o];
    for (let i = 0; i < inputs; i++) z += first.weight[o * inputs + i] * rows.data[r * inputs + i];
    return Math.max(0, z);
  });
  const fitted = await fitClusters(h, n, last, 1, fitting());

  test("stand in an order that has every node once", () => {
    expect([...(fitted?.order ?? [])].sort((a, b) => a - b)).toEqual(Array.from({ length: outputs }, (_, o) => o));
  });

  test("have a router whose first few hold the best node of most rows, far more than chance", () => {
    const placeOf = new Map([...(fitted?.order ?? [])].map((node, place) => [node, place]));
    expect(fitted?.clusters.length).toBeGreaterThan(0);
    for (const { panels, router } of fitted?.clusters ?? []) {
      const count = router.mean.length;
      expect(count).toBe(Math.ceil(outputs / (16 * panels)));
      let [one, three] = [0, 0];
      for (let r = 0; r < n; r++) {
        const code = Array.from(router.center, (c, k) => {
          for (let i = 0; i < hidden; i++) c += router.down[k * hidden + i] * h[r * hidden + i];
          return c;
        });
        const scores = Array.from(router.mean, (m, c) => m + code.reduce((sum, v, k) => sum + v * router.up[c * router.rank + k], 0));
        const target = Math.floor((placeOf.get(best[r][0]) as number) / (16 * panels));
        const better = scores.filter((s) => s > scores[target]).length;
        if (better === 0) one++;
        if (better < 3) three++;
      }
      expect(one / n).toBeGreaterThan(0.5);
      expect(three / n).toBeGreaterThan(0.8);
    }
  });

  test("are the same for the same seed, and none for a layer too narrow", async () => {
    expect(await fitClusters(h, n, last, 1, fitting())).toEqual(fitted);
    const narrow = { ...last, outputs: 300, weight: last.weight.subarray(0, 300 * hidden), bias: last.bias.subarray(0, 300) };
    expect(await fitClusters(h, n, narrow, 1, fitting())).toBeNull();
  });

  test("stop when told to", async () => {
    await expect(fitClusters(h, n, last, 1, fitting(AbortSignal.abort()))).rejects.toMatchObject({ code: "aborted" });
  });
});
