import { describe, expect, test } from "vitest";
import type { LayerActivators } from "../../src/activator/activator.ts";
import { chooseLayouts } from "../../src/calibrate/layouts.ts";
import type { LayerSetting, Rung } from "../../src/profile/ladder.ts";

const lowRank = { rank: 8 } as unknown as LayerActivators["lowRank"];
const fitted = [0, 1, 2].map((): LayerActivators => ({ lowRank }) as LayerActivators);

const isDropping = (rung: Rung): boolean => rung.layers.some(({ kind }) => kind === "ranked");
const layoutIn = (setting: LayerSetting): string => (setting.kind === "exact" ? (setting.layout ?? "usual") : setting.kind);

/** Costs of exact layers by their layouts; a ranked layer costs 1. */
const costing =
  (of: (l: number, layout: string, dropping: boolean) => number) =>
  async (settings: readonly (readonly Rung[])[]): Promise<number[]> =>
    settings.map(([rung]) => {
      const dropping = isDropping(rung);
      return rung.layers.reduce((sum, setting, l) => sum + (setting.kind === "ranked" ? 1 : of(l, layoutIn(setting), dropping)), 0);
    });

describe("layouts of exact layers", () => {
  test("are those that are faster where they stand: behind layers that drop nodes, and behind exact ones", async () => {
    const { alone, beside } = await chooseLayouts(
      3,
      fitted,
      costing((l, layout, dropping) => (l === 1 && layout === (dropping ? "columns" : "panels") ? 5 : 10)),
    );
    expect(alone.layers.map(layoutIn)).toEqual(["usual", "panels", "usual"]);
    expect(beside.layers.map(layoutIn)).toEqual(["usual", "columns", "usual"]);
    for (const rung of [alone, beside]) expect(isDropping(rung)).toBe(false);
  });

  test("give way to dense where looking for zeros costs more than it saves", async () => {
    const { alone, beside } = await chooseLayouts(
      3,
      fitted,
      costing((l, layout, dropping) => (layout === "dense" && (l === 0 || !dropping) ? 5 : 10)),
    );
    expect(alone.layers.map(layoutIn)).toEqual(["dense", "dense", "dense"]);
    expect(beside.layers.map(layoutIn)).toEqual(["dense", "usual", "usual"]);
  });

  test("are left open where neither is faster than the usual one by more than noise", async () => {
    const { alone, beside } = await chooseLayouts(
      3,
      fitted,
      costing((_, layout) => (layout === "columns" ? 9.95 : 10)),
    );
    for (const { layers } of [alone, beside]) expect(layers.map(layoutIn)).toEqual(["usual", "usual", "usual"]);
  });
});
