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

/** Shares of inputs that grow past the first rung, and past the second to the exact one: below a hundredth the 99th percentile never sees it. */
const growShares = [0.02, 0.05, 0.08, 0.12, 0.18, 0.25, 0.35, 0.5];
const finalShares = [0.003, 0.008, 0.02, 0.04, 0.08, 0.15];

/** What growing costs beyond the difference of the two settings: later layers run again. */
const regrowth = 0.3;

export function composeFixed(tried: Tried): Composed {
  return tally([{ layers: tried.rung.layers }], tried.cost, [tried], null, null);
}

/** Every rule low → exact, low → high and low → high → exact over settings that rank the first layer alike. */
export function composeGrowing(settings: readonly Tried[], exact: Tried): Composed[] {
  const found: Composed[] = [];
  for (const low of settings) {
    const quantiles = sorted(low.margins);
    for (const share of growShares) {
      const margin = quantiles[Math.min(quantiles.length - 1, Math.round(share * quantiles.length))];
      if (!(margin > 0)) continue;
      const grows = low.margins.map((m) => (m >= margin ? 0 : 1));
      const grown = grows.reduce((a, b) => a + b, 0) / grows.length;
      found.push(chain([low, exact], [margin], low.cost + grown * exact.cost, grows, null));
      for (const high of settings) {
        if (!(high.cost > low.cost) || !continues(low.rung, high.rung)) continue;
        const cost = low.cost + grown * (high.cost - low.cost + regrowth * low.cost);
        if (cost >= exact.cost) continue;
        found.push(chain([low, high], [margin], cost, grows, null));
        const uncertain = sorted(high.margins);
        for (const final of finalShares) {
          const second = uncertain[Math.round(final * uncertain.length)];
          if (!(second > 0)) continue;
          const further = high.margins.map((m, r) => (grows[r] && m < second ? 1 : 0));
          const moved = further.reduce((a, b) => a + b, 0) / further.length;
          if (moved > 0) found.push(chain([low, high, exact], [margin, second], cost + moved * exact.cost, grows, further));
        }
      }
    }
  }
  return found;
}

/** A rule over two or three settings; `grows` and `further` tell which rows go past the first and the second. */
function chain(
  settings: readonly Tried[],
  margins: readonly number[],
  cost: number,
  grows: Float32Array,
  further: Float32Array | null,
): Composed {
  const rungs = settings.map(
    ({ rung }, i): Rung => (i < margins.length ? { layers: rung.layers, margin: margins[i] } : { layers: rung.layers }),
  );
  return tally(rungs, cost, settings, grows, further);
}

function tally(
  rungs: Rung[],
  cost: number,
  settings: readonly Tried[],
  grows: Float32Array | null,
  further: Float32Array | null,
): Composed {
  const rows = settings[0].differences.length;
  let lost = 0;
  let changed = 0;
  let disagreed = 0;
  for (let r = 0; r < rows; r++) {
    const used = settings[grows?.[r] ? (further?.[r] ? 2 : 1) : 0];
    const difference = used.differences[r];
    lost += difference;
    changed += difference * difference;
    disagreed += used.disagreements[r];
  }
  return { rungs, cost, rows, lost, changed, disagreed };
}

/** Whether `high` only widens what `low` chose: same activators and units, larger selections. */
function continues(low: Rung, high: Rung): boolean {
  return low.layers.every((a, l) => widens(a, high.layers[l]));
}

function sorted(values: Float32Array): Float32Array {
  return values.slice().sort();
}
