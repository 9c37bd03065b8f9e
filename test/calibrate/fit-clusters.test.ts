import { expect, test } from "vitest";
import { fitClusters } from "../../src/calibrate/fit-clusters.ts";
import type { Fitting } from "../../src/calibrate/fitting.ts";
import { takeTurns } from "../../src/calibrate/turn.ts";
import { createArrayKernels } from "../../src/engine/array-kernels.ts";
import type { FloatLayer } from "../../src/model/model.ts";
import { normal, seeded } from "../../src/random.ts";

const kernels = await createArrayKernels();
const fitting = (): Fitting => ({ kernels, random: seeded(2), turn: takeTurns(undefined) });
const [inputs, outputs, rows] = [8, 1280, 1500];
const random = seeded(1);
const normals = (length: number) => Float32Array.from({ length }, () => normal(random));
const h = normals(rows * inputs);
/** Only every other node can ever be best. */
const layer: FloatLayer = {
  name: "wide",
  inputs,
  outputs,
  weight: normals(outputs * inputs),
  bias: Float32Array.from({ length: outputs }, (_, o) => (o % 2 === 0 ? 0 : -100)),
  activation: "softmax",
  alpha: 0,
};

test("clusters come in the two finest sizes that are worth having", async () => {
  const sizes = async (nodes: number) => {
    const narrow = { ...layer, outputs: nodes, weight: layer.weight.subarray(0, nodes * inputs), bias: layer.bias.subarray(0, nodes) };
    return (await fitClusters(h, 100, narrow, 1, fitting()))?.clusters.map(({ panels, router }) => [panels, router.mean.length]);
  };
  expect(await sizes(496)).toBeUndefined();
  expect(await sizes(512)).toEqual([[1, 32]]);
  expect(await sizes(1008)).toEqual([[1, 63]]);
  expect(await sizes(1280)).toEqual([
    [1, 80],
    [2, 40],
  ]);
});

test("nodes that were best of no row are in no cluster where nearly every row's best is another's too, and in one where many are not", async () => {
  // every row twice: no node is best of one row alone
  const twice = Float32Array.from({ length: 2 * h.length }, (_, at) => h[at % h.length]);
  const [all, some] = [await fitClusters(twice, 2 * rows, layer, 1, fitting()), await fitClusters(h, 300, layer, 1, fitting())];
  const counts = all?.clusters.map(({ router }) => router.mean.length) ?? [];
  expect(counts[0]).toBeLessThanOrEqual(outputs / 2 / 16);
  expect(counts[1]).toBe(Math.ceil(counts[0] / 2));
  expect(all?.order.slice(16 * counts[0]).filter((node) => node % 2 === 0).length).toBeLessThan(outputs / 4);
  expect(some?.clusters.map(({ router }) => router.mean.length)).toEqual([80, 40]);
});
