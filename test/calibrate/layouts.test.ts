import { describe, expect, test } from "vitest";
import type { LayerActivators } from "../../src/activator/activator.ts";
import { growsMore } from "../../src/calibrate/choose.ts";
import { chooseLayouts, refineLayouts } from "../../src/calibrate/layouts.ts";
import type { LayerSetting, RankedSetting, Rung } from "../../src/profile/ladder.ts";

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

describe("layouts of a level that was found", () => {
  const exact: LayerSetting = { kind: "exact" };
  const ranked = (activator: RankedSetting["activator"], amount: number, variant = 0): LayerSetting => ({
    kind: "ranked",
    activator,
    variant,
    unit: "node",
    by: "threshold",
    amount,
  });
  /** `faster` tells which layers of a first rung cost less than 10. */
  const refined = async (
    level: readonly Rung[],
    faster: (setting: LayerSetting, l: number, level: readonly Rung[]) => number,
  ): Promise<readonly Rung[]> => {
    const time = async (settings: readonly (readonly Rung[])[]) =>
      settings.map((rungs) => rungs[0].layers.reduce((sum, setting, l) => sum + 10 - faster(setting, l, rungs), 0));
    const [first] = await refineLayouts([level, [{ layers: [exact, exact, exact] }]], time);
    return first;
  };

  test.each([["exact", exact] as const, ["one of the first nodes", ranked("static", 0.9, 0)] as const])(
    "are those that are faster in it, in every rung but the one that begins anew: %s",
    async (_, first) => {
      const [columns, panels] = (["columns", "panels"] as const).map((layout): LayerSetting => ({ kind: "exact", layout }));
      const last: Rung = { layers: [first, exact, exact] };
      const level = (l0: number, ...others: LayerSetting[]): readonly Rung[] => [
        { layers: [ranked("all", 2, l0), ...others], margin: 1 },
        { layers: [ranked("all", 1, l0), ...others], margin: 1 },
        last,
      ];
      const found = await refined(level(0, exact, columns), (setting, l) =>
        setting.kind === "ranked" ? setting.variant : layoutIn(setting) === ["", "columns", "panels"][l] ? 2 : 0,
      );
      expect(found).toEqual(level(1, columns, panels));
    },
  );

  test("are kept alike by rungs that go on: those of `all` to the last, and a first layer that is not ranked", async () => {
    const reading = (variant: number): readonly Rung[] => [
      { layers: [ranked("all", 2, variant), exact, exact], margin: 1 },
      { layers: [ranked("all", 0, variant), exact, exact] },
    ];
    expect(await refined(reading(0), (setting) => (setting.kind === "ranked" ? 2 * setting.variant : 0))).toEqual(reading(1));
    const first = (setting: LayerSetting): readonly Rung[] => [
      { layers: [setting, ranked("static", 0.5, 0), exact], margin: 1 },
      { layers: [setting, exact, exact] },
    ];
    const dense: LayerSetting = { kind: "dense" };
    expect(await refined(first(exact), (setting) => (setting.kind === "dense" ? 2 : 0))).toEqual(first(dense));
  });

  test("leave a rule that grows for more inputs than another known as that, and time what begins alike once", async () => {
    const first: Rung["layers"] = [ranked("low-rank", 1, 8), exact, exact];
    const last: Rung = { layers: [exact, exact, exact] };
    const levels = [1, 2].map((margin): readonly Rung[] => [{ layers: first, margin }, last]);
    let settings = 0;
    const found = await refineLayouts(levels, async (tried) => {
      settings = tried.length;
      return tried.map(([{ layers }]) => (layoutIn(layers[2]) === "panels" ? 1 : 2));
    });
    expect(settings).toBe(5);
    expect(found.map(([{ layers }]) => layoutIn(layers[2]))).toEqual(["panels", "panels"]);
    const [bold, cautious] = found.map((rungs) => ({ rungs, cost: 1, rows: 1, lost: 0, changed: 0, disagreed: 0 }));
    expect([growsMore(cautious, bold), growsMore(bold, cautious)]).toEqual([true, false]);
  });

  test("stay where another is faster by no more than noise, and so does what another activator ranks", async () => {
    const level: readonly Rung[] = [{ layers: [ranked("low-rank", 1, 8), exact, exact] }];
    expect(await refined(level, (setting) => (setting === exact ? 0 : 0.4))).toEqual(level);
  });

  test("are dense for the first layer alone: behind it, fewer inputs are at work than dense would read", async () => {
    const seen = new Set<string>();
    await refined([{ layers: [exact, exact, exact] }], (setting, l) => {
      seen.add(`${l} ${layoutIn(setting)}`);
      return 0;
    });
    expect([...seen].sort()).toEqual([
      "0 columns",
      "0 dense",
      "0 panels",
      "0 usual",
      "1 columns",
      "1 panels",
      "1 usual",
      "2 columns",
      "2 panels",
      "2 usual",
    ]);
  });
});
