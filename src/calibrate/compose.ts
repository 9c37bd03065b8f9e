// Composing levels from settings that were run one by one: what a rule that starts low and grows would have answered and cost
// follows from the rows' answers and margins alone, so thousands of rules are tried without running anything again.

import { widens } from "../activator/setting.ts";
import type { Rung } from "../profile/ladder.ts";

/** A setting that was run over the search rows. */
export interface Tried {
  rung: Rung;
  differences: Float32Array;
  disagreements: Uint8Array;
  margins: Float32Array;
  /** Milliseconds (or counted cost) of one query. */
  cost: number;
}

/** A level worth considering: its rule, cost and what it did to the search rows. */
export interface Composed {
  rungs: readonly Rung[];
  cost: number;
  rows: number;
  /** Sums over the rows: differences, their squares, disagreements. */
  lost: number;
  changed: number;
  disagreed: number;
}

/**
 * Shares of inputs that grow past the first rung, and past the second to the exact one. Of the first less than half, as a median that is now one
 * rung and now two tells nothing; the 99th percentile does not show less than a hundredth.
 */
const growShares = [0.02, 0.05, 0.08, 0.12, 0.18, 0.25, 0.35, 0.45];
const finalShares = [0.003, 0.008, 0.02, 0.04, 0.08, 0.15];

/** What growing costs beyond the difference of the two settings: later layers run again. */
const regrowth = 0.3;

export function composeFixed(tried: Tried): Composed {
  return { rungs: [{ layers: tried.rung.layers }], cost: tried.cost, ...sumsOf(tried) };
}

/** Every rule low → exact, low → high and low → high → exact over settings that rank the first layer alike. */
export function composeGrowing(settings: readonly Tried[], exact: Tried): Composed[] {
  const found: Composed[] = [];
  const ascending = new Map(settings.map((one) => [one, one.margins.slice().sort()]));
  /** The least margin that so many inputs stay below, and 0 where it has no meaning or is past float32: no file holds an infinite one. */
  const marginOf = (setting: Tried, share: number): number => {
    const margins = ascending.get(setting) as Float32Array;
    const margin = margins[Math.min(margins.length - 1, Math.round(share * margins.length))];
    return margin > 0 && margin < Number.POSITIVE_INFINITY ? margin : 0;
  };
  const exactRung = { layers: exact.rung.layers };
  for (const low of settings) {
    const all = low.margins.length;
    const stayed = sumsOf(low);
    for (const share of growShares) {
      const margin = marginOf(low, share);
      if (margin === 0) continue;
      const rows = Uint32Array.from({ length: all }, (_, r) => r).filter((r) => !(low.margins[r] >= margin));
      const grown = rows.length / all;
      const first = { layers: low.rung.layers, margin };
      found.push({ rungs: [first, exactRung], cost: low.cost + grown * exact.cost, ...moved(stayed, rows, low, exact) });
      for (const high of settings) {
        if (!(high.cost > low.cost) || !continues(low.rung, high.rung)) continue;
        const cost = low.cost + grown * (high.cost - low.cost + regrowth * low.cost);
        if (cost >= exact.cost) continue;
        const sums = moved(stayed, rows, low, high);
        found.push({ rungs: [first, { layers: high.rung.layers }], cost, ...sums });
        for (const final of finalShares) {
          const second = marginOf(high, final);
          const further = rows.filter((r) => !(high.margins[r] >= second));
          if (second === 0 || further.length === 0) continue;
          found.push({
            rungs: [first, { layers: high.rung.layers, margin: second }, exactRung],
            cost: cost + (further.length / all) * exact.cost,
            ...moved(sums, further, high, exact),
          });
        }
      }
    }
  }
  return found;
}

type Sums = Pick<Composed, "rows" | "lost" | "changed" | "disagreed">;

function sumsOf({ differences, disagreements }: Tried): Sums {
  let [lost, changed, disagreed] = [0, 0, 0];
  for (let r = 0; r < differences.length; r++) {
    lost += differences[r];
    changed += differences[r] * differences[r];
    disagreed += disagreements[r];
  }
  return { rows: differences.length, lost, changed, disagreed };
}

/** The sums once these rows have gone on from one setting to another. */
function moved({ rows: all, lost, changed, disagreed }: Sums, rows: Uint32Array, from: Tried, to: Tried): Sums {
  for (const r of rows) {
    const [before, after] = [from.differences[r], to.differences[r]];
    lost += after - before;
    changed += after * after - before * before;
    disagreed += to.disagreements[r] - from.disagreements[r];
  }
  return { rows: all, lost, changed, disagreed };
}

/** Whether `high` only widens what `low` chose: same activators and units, larger selections. */
function continues(low: Rung, high: Rung): boolean {
  return low.layers.every((a, l) => widens(a, high.layers[l]));
}
