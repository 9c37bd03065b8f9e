// The search by itself: which settings it runs beside which, whatever the network makes of them.

import { expect, test } from "vitest";
import { type LayerActivators, noActivators } from "../../src/activator/activator.ts";
import { topDepth } from "../../src/activator/level-plan.ts";
import { everyLayer, exact } from "../../src/calibrate/candidates.ts";
import type { Outcome } from "../../src/calibrate/evaluate.ts";
import { type Run, searchLevels } from "../../src/calibrate/search.ts";
import type { Rung } from "../../src/profile/ladder.ts";
import { madeUpLowRank, madeUpModel, madeUpRows } from "../made-up-models.ts";

const layers = 4;
const rows = madeUpRows(20, 16, 1);
const network = madeUpModel([16, 16, 16, 16, 4], 1).layers;
const lowRank = madeUpLowRank(16, 16, 8, (n) => new Float32Array(n));
const fitted = network.map((_, l): LayerActivators => ({ ...noActivators, lowRank: l < layers - 1 ? lowRank : null }));
const exactRung = everyLayer(layers, exact);
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
        margins: new Float32Array(rows.count),
        macs: new Float64Array(rows.count).fill(10 - count),
        bytes: new Float64Array(rows.count),
        rungs: new Uint8Array(rows.count),
        timesMs: new Float32Array(rows.count),
        nodes: ranked.map(() => 1),
        rungMacs: [],
      };
    });

const search = (dispensable: readonly number[]) =>
  searchLevels({
    layers: network,
    kinds: ["low-rank"],
    exactRungs: { alone: exactRung, beside: exactRung },
    fitted,
    thresholds: () => [],
    search: { rows, labels: null },
    run: running(dispensable),
    reference: async () => null,
    costOf: ({ macs }) => macs[0],
    depth: 1,
    growing: false,
  });

test.each([[[0]], [[1]], [[2]], [[0, 1]], [[0, 2]], [[1, 2]], [[0, 1, 2]]])(
  "finds the layers that may leave nodes out, %j, and those alone",
  async (dispensable) => {
    const [plain, ...found] = await search(dispensable);
    expect(plain).toMatchObject({ cost: 10, disagreed: 0 });
    const good = found.filter(({ disagreed }) => disagreed === 0).sort((a, b) => a.cost - b.cost);
    expect(good[0]?.cost).toBe(10 - dispensable.length);
    expect(isRanked(good[0].rungs[0])).toEqual(network.map((_, l) => dispensable.includes(l)));
  },
);
