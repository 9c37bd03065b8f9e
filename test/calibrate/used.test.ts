// What is left of fitted activators is what some level ranks by.

import { expect, test } from "vitest";
import { type Hash, type LayerActivators, type LowRank, noActivators } from "../../src/activator/activator.ts";
import { usedActivators } from "../../src/calibrate/used.ts";
import type { RankedSetting } from "../../src/profile/ladder.ts";
import { madeUpLowRank } from "../made-up-models.ts";

const numbers = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i);
const lowRank = (rank: number, outputs: number): LowRank => madeUpLowRank(3, outputs, rank, numbers);
const fitted: LayerActivators = {
  ...noActivators,
  lowRank: lowRank(4, 2),
  clusters: [1, 2].map((panels) => ({ panels, router: lowRank(4, 2) })),
  order: Uint32Array.of(1, 0),
};
const level = (...settings: Partial<RankedSetting>[]) => ({
  rungs: settings.map((part) => ({
    layers: [{ kind: "exact" }, { kind: "ranked", activator: "clusters", unit: "cluster", by: "within", amount: 1, variant: 1, ...part }],
  })) as [],
});

test("clusters of one size, by as many components as the level that uses most", () => {
  const [none, output] = usedActivators([noActivators, fitted], [level({ rank: 2 }, { rank: 3 }), level({ rank: 1 })]);
  expect(none).toEqual(noActivators);
  expect([output.lowRank, output.clusters.map(({ panels }) => panels), output.order]).toEqual([null, [1], fitted.order]);
  const [{ router }] = output.clusters;
  expect([router.rank, [...router.down], [...router.center]]).toEqual([3, [0, 1, 2, 3, 4, 5, 6, 7, 8], [0, 1, 2]]);
  expect([...router.up]).toEqual([0, 1, 2, 4, 5, 6]);
  expect(router.mean).toBe(fitted.clusters[0].router.mean);
});

test("a low-rank activator, and all of it where a level asks for all; an order for clusters alone", () => {
  const [, output] = usedActivators([noActivators, fitted], [level({ activator: "low-rank", variant: 4 })]);
  expect(output).toEqual({ ...fitted, clusters: [], order: null });
});

test("of each layer what is ranked by there, be it a single component", () => {
  const [first, output] = usedActivators([fitted, fitted], [level({ rank: 1 }), level({ activator: "low-rank", variant: 1 })]);
  expect(first).toEqual(noActivators);
  expect([output.clusters[0].router.rank, output.lowRank?.rank]).toEqual([1, 1]);
});

test("hash tables only where a level ranks by them", () => {
  const hash: Hash = {
    tables: 1,
    bits: 1,
    planes: numbers(3),
    starts: Uint32Array.of(0, 1, 2),
    nodes: Uint32Array.of(0, 1),
    votes: numbers(2),
  };
  const used = (activator: "hash" | "clusters") =>
    usedActivators([noActivators, { ...fitted, hash }], [level({ activator, variant: 1, rank: 1 })])[1].hash;
  expect([used("hash"), used("clusters")]).toEqual([hash, null]);
});
