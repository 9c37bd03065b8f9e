import { describe, expect, test } from "vitest";
import { type LayerSetting, type RankedSetting, sameRanking, sameSetting, widens } from "../../src/activator/setting.ts";

const ranked: RankedSetting = { kind: "ranked", activator: "clusters", variant: 4, rank: 8, unit: "cluster", by: "top-k", amount: 0.2 };
const by = (way: RankedSetting["by"], amount: number): RankedSetting => ({ ...ranked, by: way, amount });
const [dense, exact]: LayerSetting[] = [{ kind: "dense" }, { kind: "exact" }];

test.each<[Partial<RankedSetting>]>([
  [{ activator: "screen" }],
  [{ variant: 2 }],
  [{ rank: 4 }],
  [{ among: 16 }],
  [{ unit: "panel" }],
  [{ by: "within" }],
])("settings that differ in %o rank differently, and neither widens the other", (other) => {
  const changed = { ...ranked, ...other };
  expect(sameRanking(ranked, ranked)).toBe(true);
  expect([sameRanking(ranked, changed), widens(ranked, changed), widens(changed, ranked)]).toEqual([false, false, false]);
});

describe("a setting widens another", () => {
  test.each<[string, LayerSetting, LayerSetting]>([
    ["by a larger share", by("top-k", 0.2), by("top-k", 0.3)],
    ["by a lower threshold", by("threshold", 0.2), by("threshold", 0.1)],
    ["by a wider distance from the best", by("within", 0.2), by("within", 0.3)],
  ])("%s", (_, narrow, wide) => {
    expect([widens(narrow, wide), widens(wide, narrow), widens(wide, wide)]).toEqual([true, false, true]);
    expect([sameSetting(narrow, wide), sameSetting(wide, narrow), sameSetting(wide, wide)]).toEqual([false, false, true]);
    expect(sameRanking(narrow, wide)).toBe(true);
  });

  test("that computes all nodes where it is the same", () => {
    for (const [a, b, same] of [
      [dense, dense, true],
      [exact, exact, true],
      [dense, exact, false],
      [exact, ranked, false],
      [ranked, dense, false],
    ] as const) {
      expect([widens(a, b), sameSetting(a, b)]).toEqual([same, same]);
      expect(sameRanking(a, b)).toBe(false);
    }
  });
});
