// What a ladder uses of the activators that were fitted: the rest would only take room in the file.

import type { LayerActivators, LowRank } from "../activator/activator.ts";
import type { Level, RankedSetting } from "../profile/ladder.ts";

/** The activators that some level ranks by, low-rank ones and routers cut to the most components that one uses. */
export function usedActivators(fitted: readonly LayerActivators[], levels: readonly Pick<Level, "rungs">[]): LayerActivators[] {
  return fitted.map(({ lowRank, hash, clusters, order }, l) => {
    const settings = levels.flatMap(({ rungs }) => rungs.map(({ layers }) => layers[l])).filter((setting) => setting.kind === "ranked");
    const by = (kind: RankedSetting["activator"]): RankedSetting[] => settings.filter(({ activator }) => activator === kind);
    const most = (ranks: readonly number[]): number => ranks.reduce((a, b) => Math.max(a, b), 0);
    const ranking = clusters.flatMap((one) => {
      const of = by("clusters").filter(({ variant }) => variant === one.panels);
      const router = cut(one.router, most(of.map(({ rank = 0 }) => rank)));
      return router ? [{ ...one, router }] : [];
    });
    return {
      lowRank: lowRank && cut(lowRank, most(by("low-rank").map(({ variant }) => variant))),
      hash: by("hash").length > 0 ? hash : null,
      clusters: ranking,
      // every dense query would put the outputs back in order
      order: ranking.length > 0 ? order : null,
    };
  });
}

/** The first `rank` components; null for none. */
function cut({ rank: all, down, center, up, mean }: LowRank, rank: number): LowRank | null {
  if (rank === 0) return null;
  return {
    rank,
    down: down.slice(0, (down.length / all) * rank),
    center: center.slice(0, rank),
    up: up.filter((_, at) => at % all < rank),
    mean,
  };
}
