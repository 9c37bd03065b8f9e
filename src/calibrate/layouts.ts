// Which layout an exact layer reads its weights in, decided here alone, by measured time: panels where many inputs are active,
// columns where few are, and all of them, as dense does, where looking for zeros costs more than it saves. That depends on what stands before
// it: layers that drop nodes leave fewer.

import type { LayerActivators } from "../activator/activator.ts";
import type { LayerSetting, Rung } from "../profile/ladder.ts";
import { dense, everyLayer, exact, withLayer, withShare } from "./candidates.ts";
import { continues } from "./compose.ts";

const ways: readonly LayerSetting[] = [{ kind: "exact", layout: "panels" }, { kind: "exact", layout: "columns" }, dense];
/** Share of nodes that the layers before keep while one is measured. */
const share = 0.06;
/** What a way has to take of the default's time to be taken; more is noise. */
const gain = 0.98;

/** The exact rung, each layer in the way that is fastest there. */
export interface ExactRungs {
  /** Behind layers that are exact too: the level of its own, and where growing ends. */
  alone: Rung;
  /** Behind layers that drop nodes. */
  beside: Rung;
}

/** Both exact rungs. `time` gives the cost of each setting. */
export async function chooseLayouts(
  layers: number,
  fitted: readonly LayerActivators[],
  time: (settings: readonly (readonly Rung[])[]) => Promise<number[]>,
): Promise<ExactRungs> {
  const base = everyLayer(layers, exact);
  const dropping = withShare(base, fitted, share);
  // layer l exact, those before it dropping or not: what is measured differs in layer l alone; before the first there is nothing
  const trials = base.layers.flatMap((_, l) =>
    (l === 0 ? [base] : [base, dropping]).map((before) => ({
      l,
      before,
      rung: { layers: base.layers.map((setting, i) => (i < l ? before.layers[i] : setting)) },
    })),
  );
  const settings = trials.flatMap(({ l, rung }) => [rung, ...ways.map((way) => withLayer(rung, l, way))]);
  const costs = await time(settings.map((rung) => [rung]));
  const each = 1 + ways.length;
  const fastest = trials.map((_, t): LayerSetting => {
    const [usual, ...others] = costs.slice(each * t, each * (t + 1));
    const best = others.indexOf(Math.min(...others));
    return others[best] < gain * usual ? ways[best] : exact;
  });
  const behind = (wanted: Rung): Rung => ({ layers: fastest.filter((_, t) => trials[t].l === 0 || trials[t].before === wanted) });
  return { alone: behind(base), beside: behind(dropping) };
}

/**
 * Levels found, each layer in the way that is fastest in that level: those before it may leave it other inputs than where ways were chosen. The median
 * query ends with the first rung, so levels that begin alike are timed as one; what was set alike stays alike, down to the object (`growsMore`).
 */
export async function refineLayouts(
  levels: readonly (readonly Rung[])[],
  time: (settings: readonly (readonly Rung[])[]) => Promise<number[]>,
): Promise<readonly (readonly Rung[])[]> {
  const beginnings = [...new Map(levels.map((level) => [level[0].layers, level])).values()];
  const trials = beginnings.flatMap((level, n) =>
    level[0].layers.flatMap((setting, l) =>
      // behind layers that drop nodes many inputs are 0
      (l === 0 ? ways : ways.filter((way) => way !== dense))
        .filter((way) => JSON.stringify(readAs(setting, way)) !== JSON.stringify(setting))
        .map((way) => ({ level, n, l, way })),
    ),
  );
  const costs = await time([...beginnings, ...trials.map(({ level, l, way }) => readIn(level, l, way))]);
  const faster = trials
    .map(({ level, n, l, way }, t) => ({ layers: level[0].layers, l, way, share: costs[beginnings.length + t] / costs[n] }))
    .filter(({ share }) => share < gain)
    .sort((a, b) => a.share - b.share);
  const known = new Map<string, Rung["layers"]>();
  const shared = (layers: Rung["layers"]): Rung["layers"] => {
    const key = JSON.stringify(layers);
    if (!known.has(key)) known.set(key, layers);
    return known.get(key) as Rung["layers"];
  };
  return levels.map((level) => {
    const [{ layers }] = level;
    const refined = layers.reduce((so, _, layer) => {
      const fastest = faster.find((one) => one.layers === layers && one.l === layer);
      return fastest ? readIn(so, layer, fastest.way) : so;
    }, level);
    return refined.map((rung) => ({ ...rung, layers: shared(rung.layers) }));
  });
}

/**
 * Layer `l` read like this in every rung but the one that growing ends with, where that begins anew, with inputs of its own. A first layer which is not
 * ranked does not, as long as all rungs read it alike.
 */
function readIn(level: readonly Rung[], l: number, way: LayerSetting): readonly Rung[] {
  const isShared = l === 0 && level[0].layers[0].kind !== "ranked";
  return level.map((rung, r) =>
    r > 0 && !isShared && (rung.layers.every(({ kind }) => kind !== "ranked") || !continues(level[r - 1], rung))
      ? rung
      : { ...rung, layers: withLayer(rung, l, readAs(rung.layers[l], way)).layers },
  );
}

/** The same nodes in another way; an activator other than `all` has ways of its own. */
function readAs(setting: LayerSetting, way: LayerSetting): LayerSetting {
  if (setting.kind !== "ranked") return way;
  return setting.activator === "all" ? { ...setting, variant: way === dense ? 1 : 0 } : setting;
}
