// Composing levels from settings that were run one by one: what a rule that starts low and grows would have answered and cost
// follows from the rows' answers and margins alone, so thousands of rules are tried without running anything again.

import { sameRanking, widens } from "../activator/setting.ts";
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

/** A level worth considering: its rule, its cost, and its errors on the search rows. */
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
 * Shares of inputs that grow past the first rung, and past the second to one that leaves out hardly anything. The first are below half, so that the
 * median query runs one rung on other rows too.
 */
const growShares = [0.02, 0.05, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.35, 0.45];
const finalShares = [0.003, 0.008, 0.014, 0.02, 0.03, 0.04, 0.06, 0.08, 0.15, 0.25, 0.4];

/** What growing costs beyond the difference of the two settings: later layers run again. */
const regrowth = 0.3;

export function composeFixed(tried: Tried): Composed {
  return { rungs: [{ layers: tried.rung.layers }], cost: tried.cost, ...sumsOf(tried) };
}

/**
 * Every rule low → final, low → high and low → high → final over settings that rank the first layer alike.
 * @param finals settings that leave out nothing or hardly anything, exact first
 * @param wholes settings that leave out nothing, for rules whose rungs they continue
 */
export function composeGrowing(settings: readonly Tried[], finals: readonly Tried[], wholes: readonly Tried[] = []): Composed[] {
  const found: Composed[] = [];
  const [exact] = finals;
  const ascending = new Map(settings.map((one) => [one, sureness(one.margins).sort()]));
  /** The least margin that this share of inputs stays below; 0 where it has no meaning or is past float32, as files hold no infinite one. */
  const marginOf = (setting: Tried, share: number): number => {
    const margins = ascending.get(setting) as Float32Array;
    const margin = margins[Math.round(share * margins.length)];
    return margin > 0 && margin < Number.POSITIVE_INFINITY ? margin : 0;
  };
  const finalsOf = ({ rung }: Tried): Tried[] => [
    ...finals.filter((final) => !narrows(rung, final.rung)),
    ...wholes.filter((whole) => continues(rung, whole.rung)),
  ];
  for (const low of settings) {
    const all = low.margins.length;
    const stayed = sumsOf(low);
    for (const share of growShares) {
      const margin = marginOf(low, share);
      if (margin === 0) continue;
      const rows = Uint32Array.from({ length: all }, (_, r) => r).filter((r) => !(low.margins[r] >= margin));
      const grown = rows.length / all;
      const first = { layers: low.rung.layers, margin };
      const end = (final: Tried, rungs: readonly Rung[], cost: number, sums: Sums): void =>
        void found.push({ rungs: [...rungs, { layers: final.rung.layers }], cost, ...sums });
      for (const final of finalsOf(low)) end(final, [first], low.cost + grown * stepCost(low, final), moved(stayed, rows, low, final));
      for (const high of settings) {
        if (!(high.cost > low.cost) || !continues(low.rung, high.rung)) continue;
        const cost = low.cost + grown * stepCost(low, high);
        if (cost >= exact.cost) continue;
        const sums = moved(stayed, rows, low, high);
        end(high, [first], cost, sums);
        for (const share of finalShares) {
          const margin = marginOf(high, share);
          const further = rows.filter((r) => !(high.margins[r] >= margin));
          if (margin === 0 || further.length === 0) continue;
          const second = { layers: high.rung.layers, margin };
          for (const final of finalsOf(high))
            end(final, [first, second], cost + (further.length / all) * stepCost(high, final), moved(sums, further, high, final));
        }
      }
    }
  }
  return found;
}

/** Margins that can be sorted: 0 for NaN, as such an input grows whatever the margin. */
export function sureness(margins: Float32Array): Float32Array {
  return margins.map((margin) => (margin > 0 ? margin : 0));
}

/** The additional cost of inputs that grow from one setting to another. */
function stepCost(from: Tried, to: Tried): number {
  return continues(from.rung, to.rung) ? Math.max(to.cost - from.cost, 0) + regrowth * from.cost : to.cost;
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

/** The sums after these rows have grown from one setting to another. */
function moved({ rows: all, lost, changed, disagreed }: Sums, rows: Uint32Array, from: Tried, to: Tried): Sums {
  for (const r of rows) {
    const [before, after] = [from.differences[r], to.differences[r]];
    lost += after - before;
    changed += after * after - before * before;
    disagreed += to.disagreements[r] - from.disagreements[r];
  }
  return { rows: all, lost, changed, disagreed };
}

/** Whether `high` only widens what `low` chose: the same activators and units with larger selections, or a static layer in full. */
export function continues(low: Rung, high: Rung): boolean {
  return low.layers.every((a, l) => widens(a, high.layers[l]));
}

/** Whether `high` chooses less of a layer than `low` by the same ranking, which a later rung must not. */
function narrows(low: Rung, high: Rung): boolean {
  return low.layers.some((a, l) => sameRanking(a, high.layers[l]) && !widens(a, high.layers[l]));
}
