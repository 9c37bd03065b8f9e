// Which layout an exact layer reads its weights in, decided here alone, by measured time: panels where many inputs are active,
// columns where few are. That depends on what stands before it: layers that drop nodes leave fewer.

import type { LayerActivators } from "../activator/activator.ts";
import type { LayerSetting, Rung } from "../profile/ladder.ts";
import { everyLayer, exact, withLayer, withShare } from "./candidates.ts";

const layouts = ["panels", "columns"] as const;
/** Share of nodes that the layers before keep while one is measured. */
const share = 0.06;
/** How much faster a layout has to be than the default to be taken; less is noise. */
const gain = 0.98;

/** The exact rung, each layer in the layout that is faster there. */
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
  const befores = [base, withShare(base, fitted, share)];
  // layer l exact, those before it dropping or not: what is measured differs in layer l alone
  const measured = befores.flatMap((before) =>
    base.layers.flatMap((_, l) => {
      const behind: Rung = { layers: base.layers.map((setting, i) => (i < l ? before.layers[i] : setting)) };
      return [behind, ...layouts.map((layout) => withLayer(behind, l, { kind: "exact", layout }))];
    }),
  );
  const costs = await time(measured.map((rung) => [rung]));
  const [alone, beside] = befores.map((_, b): Rung => {
    const fastest = (l: number): LayerSetting => {
      const [usual, ...others] = costs.slice((b * layers + l) * 3, (b * layers + l) * 3 + 3);
      const best = others.indexOf(Math.min(...others));
      return others[best] < gain * usual ? { kind: "exact", layout: layouts[best] } : exact;
    };
    return { layers: base.layers.map((_, l) => fastest(l)) };
  });
  return { alone, beside };
}
