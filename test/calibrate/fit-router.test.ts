import { expect, test } from "vitest";
import type { LowRank } from "../../src/activator/activator.ts";
import { fitRouter } from "../../src/calibrate/fit-router.ts";
import type { Fitting } from "../../src/calibrate/fitting.ts";
import { takeTurns } from "../../src/calibrate/turn.ts";
import { createArrayKernels } from "../../src/engine/array-kernels.ts";
import type { FloatLayer } from "../../src/model/model.ts";
import { normal, seeded } from "../../src/random.ts";

const kernels = await createArrayKernels();
const fitting = (): Fitting => ({ kernels, random: seeded(2), turn: takeTurns(undefined) });
const [inputs, count, rows] = [12, 16, 6000];
const random = seeded(1);
const normals = (length: number) => Float32Array.from({ length }, () => normal(random));
const h = normals(rows * inputs);
/** An untrained router that knows next to nothing of which cluster is right: the one whose number the signs of four inputs spell. */
const start: FloatLayer = {
  name: "router",
  inputs,
  outputs: count,
  weight: normals(count * inputs).map((w) => w / 10),
  bias: new Float32Array(count),
  activation: "identity",
  alpha: 0,
};
const clusters = Uint32Array.from({ length: rows }, (_, r) =>
  [0, 1, 2, 3].reduce((code, i) => code | (Number(h[r * inputs + i] > 0) << i), 0),
);

/** Share of 500 rows whose cluster scores best. */
function hitsOf({ rank, down, center, up, mean }: LowRank, scale = 1): number {
  let hits = 0;
  for (let r = 0; r < 500; r++) {
    const code = Array.from(center, (c, k) => {
      for (let i = 0; i < inputs; i++) c += down[k * inputs + i] * h[r * inputs + i] * scale;
      return c;
    });
    const scores = Array.from(mean, (m, c) => m + code.reduce((sum, v, k) => sum + v * up[c * rank + k], 0));
    if (scores.indexOf(Math.max(...scores)) === clusters[r]) hits++;
  }
  return hits / 500;
}

test("is trained towards the clusters of the best nodes where rows are many enough, and left as it starts where they are not", async () => {
  const targets = { clusters, weights: [1] };
  const trained = await fitRouter(h, rows, start, targets, fitting());
  const few = await fitRouter(h, 8 * count - 1, start, targets, fitting());
  expect(trained.rank).toBe(6); // half of the inputs
  expect(hitsOf(few)).toBeLessThan(0.3);
  expect(hitsOf(trained)).toBeGreaterThan(0.8);
});

test("does not depend on the scale of the network", async () => {
  const scale = 2 ** 20;
  const scaled = { ...start, weight: start.weight.map((w) => w / scale) };
  const large = h.map((v) => v * scale);
  const trained = await fitRouter(large, rows, scaled, { clusters, weights: [1] }, fitting());
  expect(hitsOf(trained, scale)).toBeGreaterThan(0.8);
});

test("counts each of several best nodes by its weight", async () => {
  // the other cluster is one off; of two targets the heavier one wins
  const both = Uint32Array.from({ length: 2 * rows }, (_, at) => (at % 2 === 0 ? clusters[at >> 1] : (clusters[at >> 1] + 1) % count));
  const first = await fitRouter(h, rows, start, { clusters: both, weights: [0.9, 0.1] }, fitting());
  const second = await fitRouter(h, rows, start, { clusters: both, weights: [0.1, 0.9] }, fitting());
  expect(hitsOf(first)).toBeGreaterThan(0.8);
  expect(hitsOf(second)).toBeLessThan(0.2);
});
