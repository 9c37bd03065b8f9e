// Which layout an exact layer reads its weights in, decided here alone, by measured time: panels where many inputs are active,
// columns where few are. A layer behind one that drops nodes is measured behind one that drops nodes.

import type { LayerActivators } from "../activator/activator.ts";
import type { LayerSetting, Rung } from "../profile/ladder.ts";
import { everyLayer, exact, withLayer, withShare } from "./candidates.ts";

const layouts = ["panels", "columns"] as const;
/** Share of nodes that the layers before keep while one is measured. */
const share = 0.06;
/** How much faster a layout has to be than the default to be taken; less is noise. */
const gain = 0.98;

/** The exact rung with each layer in its faster layout. `time` gives the cost of each setting. */
export async function chooseLayouts(
  layers: number,
  fitted: readonly LayerActivators[],
  time: (settings: readonly (readonly Rung[])[]) => Promise<number[]>,
): Promise<Rung> {
  const base = everyLayer(layers, exact);
  const dropping = withShare(base, fitted, share);
  // layer l exact, those before it dropping: what is measured differs in layer l alone
  const measured = base.layers.flatMap((_, l) => {
    const before: Rung = { layers: base.layers.map((setting, i) => (i < l ? dropping.layers[i] : setting)) };
    return [before, ...layouts.map((layout) => withLayer(before, l, { kind: "exact", layout }))];
  });
  const costs = await time(measured.map((rung) => [rung]));
  return {
    layers: base.layers.map((_, l): LayerSetting => {
      const [usual, ...others] = costs.slice(l * 3, l * 3 + 3);
      const best = others.indexOf(Math.min(...others));
      return others[best] < gain * usual ? { kind: "exact", layout: layouts[best] } : exact;
    }),
  };
}
