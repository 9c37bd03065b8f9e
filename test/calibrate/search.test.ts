// The search by itself: which settings it runs beside which, whatever the network makes of them.

import { expect, test } from "vitest";
import { type Hash, type LayerActivators, noActivators } from "../../src/activator/activator.ts";
import { topDepth } from "../../src/activator/level-plan.ts";
import { everyLayer, exact } from "../../src/calibrate/candidates.ts";
import type { Outcome } from "../../src/calibrate/evaluate.ts";
import { type Run, type Searching, searchLevels } from "../../src/calibrate/search.ts";
import type { RankedSetting, Rung } from "../../src/profile/ladder.ts";
import { madeUpLowRank, madeUpModel, madeUpRows } from "../made-up-models.ts";

const layers = 4;
const rows = madeUpRows(20, 16, 1);
const network = madeUpModel([16, 16, 16, 16, 4], 1).layers;
/** All of an activator that the search looks at, on every hidden layer. */
const hash = { tables: 8 } as Hash;
const fitted = network.map((_, l): LayerActivators => ({ ...noActivators, hash: l < layers - 1 ? hash : null }));
const lowRank = madeUpLowRank(16, 16, 8, (n) => new Float32Array(n));
const ranking = network.map((_, l): LayerActivators => ({ ...noActivators, lowRank: l < layers - 1 ? lowRank : null }));
const alone = everyLayer(layers, { kind: "exact", layout: "panels" });
const beside = everyLayer(layers, { kind: "exact", layout: "columns" });
const isRanked = (rung: Rung): boolean[] => rung.layers.map(({ kind }) => kind === "ranked");

/** A network that answers wrongly wherever a layer that is not among `dispensable` leaves nodes out. */
const running =
  (dispensable: readonly number[]): Run =>
  async (settings) =>
    settings.map(([rung]): Outcome => {
      const ranked = isRanked(rung);
      const wrong = ranked.some((is, l) => is && !dispensable.includes(l));
      const { length: count } = ranked.filter((is) => is);
      return {
        answers: new Uint32Array(rows.count).fill(Number(wrong)),
        tops: new Uint32Array(rows.count * topDepth),
        margins: Float32Array.from({ length: rows.count }, (_, r) => r + 1),
        macs: new Float64Array(rows.count).fill(10 - count),
        bytes: new Float64Array(rows.count),
        rungs: new Uint8Array(rows.count),
        timesMs: new Float32Array(rows.count),
        nodes: ranked.map(() => 1),
        rungMacs: [],
      };
    });

const search = (dispensable: readonly number[], part: Partial<Searching> = {}) =>
  searchLevels({
    layers: network,
    kinds: ["hash"],
    exactRungs: { alone, beside },
    fitted,
    thresholds: () => [],
    amongs: network.map(() => [16]),
    search: { rows, labels: null },
    run: running(dispensable),
    reference: async () => null,
    costOf: ({ macs }) => macs[0],
    depth: 1,
    growing: false,
    promise: { kind: "agreement", bound: 0.997 },
    ...part,
  });

test("tries thresholds of a hidden relu's own numbers, those above 0, where `all` is among the kinds", async () => {
  const asked: [number, number | "all"][] = [];
  const thresholds: Searching["thresholds"] = (l, by) => {
    asked.push([l, by]);
    return [0.5, 0.25, 0, -1, Number.NaN, Number.POSITIVE_INFINITY];
  };
  const of = (activation: "relu" | "tanh") => network.map((layer) => ({ ...layer, activation }));
  const [, ...found] = await search([0, 1, 2], { kinds: ["all"], thresholds, layers: of("relu"), fitted: network.map(() => noActivators) });
  expect(asked).toEqual([0, 1, 2].map((l) => [l, "all"]));
  const settings = new Set(found.flatMap(({ rungs: [{ layers }] }) => layers.slice(0, 3)).map((setting) => JSON.stringify(setting)));
  const all = (amount: number) => ({ kind: "ranked", activator: "all", variant: 0, unit: "node", by: "threshold", amount });
  expect([...settings].filter((setting) => setting.includes("all")).sort()).toEqual([all(0.25), all(0.5)].map((s) => JSON.stringify(s)));
  expect(await search([0, 1, 2], { kinds: ["all"], thresholds, layers: of("tanh"), fitted: network.map(() => noActivators) })).toHaveLength(
    1,
  );
  expect(await search([0, 1, 2], { kinds: [], thresholds, layers: of("relu"), fitted: network.map(() => noActivators) })).toHaveLength(1);
});

test("tries shares of a hidden layer's first panels, for every input, where `static` is among the kinds", async () => {
  const wide = madeUpModel([16, 160, 160, 4], 1).layers;
  const shares = async (kinds: string[]): Promise<number[][]> => {
    const part = {
      layers: wide,
      kinds,
      fitted: wide.map(() => noActivators),
      exactRungs: { alone: everyLayer(3, exact), beside: everyLayer(3, exact) },
    };
    const [, ...found] = await search([0, 1, 2], part);
    return wide.map((_, l) => {
      const settings = found.flatMap(({ rungs: [rung] }) => (rung.layers[l].kind === "ranked" ? [rung.layers[l] as RankedSetting] : []));
      for (const setting of settings) expect(setting).toMatchObject({ activator: "static", variant: 0, unit: "panel", by: "top-k" });
      return [...new Set(settings.map(({ amount }) => amount))].sort();
    });
  };
  const panels = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 0.9]; // of 10
  expect(await shares(["static"])).toEqual([panels, panels, []]);
  expect(await shares([])).toEqual([[], [], []]);
});

test("ranks a first layer's nodes among as many as are said, a later layer's beside exact layers alone, whose panels are units too", async () => {
  const amongs = [[16, 64], [64], [32]];
  const of64 = madeUpModel([16, 64, 64, 64, 4], 1).layers;
  const part = { layers: of64, kinds: ["low-rank"], fitted: ranking, amongs, thresholds: () => [0.5] };
  const [, ...found] = await search([0, 1, 2], part);
  const rankings = found.map(({ rungs: [rung] }) => rung.layers.flatMap((one, l) => (one.kind === "ranked" ? [{ ...one, l }] : [])));
  expect(rankings.every(({ length }) => length === 1)).toBe(true);
  const of = (layer: number) => rankings.flat().filter(({ l }) => l === layer);
  for (const one of rankings.flat()) expect(one).toMatchObject({ activator: "low-rank", variant: 8 });
  expect(new Set(of(0).map(({ among }) => among))).toEqual(new Set([16, undefined]));
  expect(new Set(of(1).map(({ among }) => among))).toEqual(new Set([undefined]));
  expect(new Set(of(2).map(({ among }) => among))).toEqual(new Set([32]));
  expect([0, 1, 2].map((l) => of(l).some(({ unit }) => unit === "panel"))).toEqual([false, true, true]);
  // as many nodes whatever they are ranked among, never all of those
  const counts = (among: number | undefined): number[] =>
    of(0)
      .filter((one) => one.among === among && one.by === "top-k")
      .map(({ amount }) => amount * (among ?? 64));
  expect(counts(16).every((count) => count < 16 && counts(undefined).some((other) => Math.abs(other - count) < 1e-9))).toBe(true);
  expect(of(0).filter(({ by }) => by === "threshold")).toHaveLength(2);
  // each once, though of so few nodes several shares are one
  expect(new Set(counts(undefined)).size).toBe(counts(undefined).length);
});

test("rules whose rungs hand on what exceeds a threshold end in what goes on from there, as an exact rung begins anew", async () => {
  const of = network.map((layer) => ({ ...layer, activation: "relu" as const }));
  const part = { kinds: ["all", "static"], thresholds: () => [0.5], layers: of, fitted: network.map(() => noActivators), growing: true };
  const found = await search([0, 1, 2], part);
  const grown = found.filter(
    ({ rungs }) => rungs.length > 1 && rungs[0].layers.some((one) => one.kind === "ranked" && one.activator === "all"),
  );
  const ends = new Set(grown.map(({ rungs }) => JSON.stringify(rungs[rungs.length - 1].layers)));
  expect(ends.has(JSON.stringify(alone.layers))).toBe(true);
  const all = { kind: "ranked", activator: "all", variant: 0, unit: "node", by: "threshold", amount: 0 };
  const whole = [...ends].map((end) => JSON.parse(end) as Rung["layers"]).filter((end) => end.some(({ kind }) => kind === "ranked"));
  expect(whole.length).toBeGreaterThan(0);
  for (const end of whole) for (const one of end) if (one.kind === "ranked") expect(one).toEqual(all);
});

test("rules end without the nodes of the first layer that hardly any input needs, too, where `static` is among the kinds", async () => {
  const of = madeUpModel([16, 64, 48, 4], 1).layers;
  const ends = async (kinds: string[], growing = true, first = [16, 48]): Promise<unknown[]> => {
    const part = { kinds, thresholds: () => [0.5], layers: of, fitted: of.map(() => noActivators), amongs: [first, [32]], growing };
    const found = await search([0, 1, 2], part);
    const grown = found.filter(({ rungs }) => rungs.length > 1 && rungs[0].layers[0].kind === "exact");
    return [...new Set(grown.map(({ rungs }) => JSON.stringify(rungs[rungs.length - 1].layers)))].map((end) => JSON.parse(end));
  };
  const nearly = { kind: "ranked", activator: "static", variant: 0, unit: "panel", by: "top-k", amount: 0.75 };
  const [first, ...behind] = alone.layers;
  const firsts = async (amongs: number[]) => new Set((await ends(["static"], true, amongs)).map((end) => JSON.stringify(end)));
  expect(await firsts([16, 48])).toEqual(
    new Set(
      [
        [first, ...behind],
        [nearly, ...behind],
      ].map((end) => JSON.stringify(end)),
    ),
  );
  expect(await firsts([16, 64])).toEqual(new Set([JSON.stringify([first, ...behind])]));
  for (const end of await ends(["all"])) expect(JSON.stringify(end)).not.toContain("static");
  expect(await ends(["static"], false)).toEqual([]);
});

test("a network of one hidden layer has rules with either end, too", async () => {
  const of = madeUpModel([16, 64, 4], 1).layers.map((layer) => ({ ...layer, activation: "relu" as const }));
  const exactRungs = { alone: everyLayer(2, exact), beside: everyLayer(2, exact) };
  const part = { layers: of, fitted: of.map(() => noActivators), amongs: [[16, 48]], thresholds: () => [0.5], growing: true, exactRungs };
  const found = await search([0, 1], { ...part, kinds: ["all", "static"] });
  const ends = new Set(found.flatMap(({ rungs }) => (rungs.length > 1 ? [JSON.stringify(rungs[rungs.length - 1].layers)] : [])));
  const nearly = { kind: "ranked", activator: "static", variant: 0, unit: "panel", by: "top-k", amount: 0.75 };
  const whole = { kind: "ranked", activator: "all", variant: 0, unit: "node", by: "threshold", amount: 0 };
  for (const first of [exact, nearly, whole]) expect(ends).toContain(JSON.stringify([first, exact]));
});

test.each([[[0]], [[1]], [[2]], [[0, 1]], [[0, 2]], [[1, 2]], [[0, 1, 2]]])(
  "finds the layers that may leave nodes out, %j, and those alone",
  async (dispensable) => {
    const [plain, ...found] = await search(dispensable);
    expect(plain).toMatchObject({ cost: 10, disagreed: 0 });
    // of settings that are equals, too, as many as survive; those that answer everything wrong do not
    expect(found).toHaveLength([0, 7, 63, 64][dispensable.length]);
    for (const { disagreed } of found) expect(disagreed).toBe(0);
    const good = found.filter(({ disagreed }) => disagreed === 0).sort((a, b) => a.cost - b.cost);
    expect(good[0]?.cost).toBe(10 - dispensable.length);
    expect(isRanked(good[0].rungs[0])).toEqual(network.map((_, l) => dispensable.includes(l)));
  },
);

test("settings that lose more than any rule makes up for are kept where that much is promised", async () => {
  const [, ...found] = await search([0], { promise: { kind: "agreement", bound: 0 } });
  expect(found).toHaveLength(64);
  expect(found.some(({ disagreed }) => disagreed > 0)).toBe(true);
});

test("exact layers stand in the layout for what is before them: layers that leave nodes out, or exact ones", async () => {
  const [plain, ...found] = await search([2]);
  expect(plain.rungs).toEqual([alone]);
  const { rungs } = found.filter(({ disagreed }) => disagreed === 0)[0];
  expect(rungs[0].layers.map((setting) => ("layout" in setting ? setting.layout : "ranked"))).toEqual([
    "panels",
    "panels",
    "ranked",
    "columns",
  ]);
});

test("nothing that costs as much as exact layers comes back", async () => {
  expect(await search([0], { costOf: ({ macs }) => 20 - macs[0] })).toHaveLength(1);
});

test.each([true, false])("rules grow where they are asked to: %s", async (growing) => {
  const found = await search([0], { growing });
  expect(found.some(({ rungs }) => rungs.length > 1)).toBe(growing);
});

test("answers are judged by another's where there are any", async () => {
  const reference = async () => ({ answers: new Uint32Array(rows.count).fill(1), tops: new Uint32Array(rows.count * topDepth) });
  const [plain] = await search([0], { reference });
  expect(plain.disagreed).toBe(rows.count);
});
