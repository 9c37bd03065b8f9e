// Which settings survive a first look: those a level may begin with, in several orders of merit, as what a setting is worth depends on how
// many inputs will have to grow past it.

import type { Rung } from "../profile/ladder.ts";
import { sureness, type Tried } from "./compose.ts";
import { sum } from "./judge.ts";

/** Shares of inputs that a rule may answer differently; for each, the best first rungs are kept. */
const tolerated = [0.002, 0.006, 0.02];

/** A setting after a first look. */
export interface Judged {
  rung: Rung;
  cost: number;
  /** How many of the rows it answers differently. */
  disagreed: number;
  /** Per share tolerated: the cost when all inputs grow that have to. */
  grown: readonly number[];
}

/** Settings that a level may begin with, cheapest first: those that lose at most `most` on average. Computing an input exactly costs `wholeCost`. */
export function usable(tried: readonly Tried[], most: number, wholeCost: number): Judged[] {
  return tried
    .filter(({ differences }) => sum(differences) <= most * differences.length)
    .map((one) => ({
      rung: one.rung,
      cost: one.cost,
      disagreed: sum(one.disagreements),
      grown: tolerated.map((share) => one.cost + shareToGrow(one, share) * wholeCost),
    }))
    .sort((a, b) => a.cost - b.cost);
}

/** The share of inputs, those with the least margins, that have to grow so that at most `share` of all are answered differently. */
function shareToGrow({ margins, disagreements }: Tried, share: number): number {
  const sure = sureness(margins);
  const rows = Uint32Array.from(sure.keys()).sort((a, b) => sure[b] - sure[a] || a - b);
  let left = share * rows.length;
  const first = rows.findIndex((r) => (left -= disagreements[r]) < 0);
  return first < 0 ? 0 : 1 - first / rows.length;
}

/** Splits settings, cheapest first, into those that disagree less than every cheaper one, and the others. */
export function split<T extends Pick<Judged, "cost" | "disagreed">>(settings: readonly T[]): [front: T[], others: T[]] {
  let least = Number.POSITIVE_INFINITY;
  const [front, others]: [T[], T[]] = [[], []];
  for (const one of settings) {
    (one.disagreed < least ? front : others).push(one);
    least = Math.min(least, one.disagreed);
  }
  return [front, others];
}

/** At most `n` settings, taken in turn: those that disagree least for their cost, and, for each share tolerated, those that cost least once grown. */
export function thin(settings: readonly Judged[], n: number): Rung[] {
  const orders = [split(settings).flat(), ...tolerated.map((_, t) => [...settings].sort((a, b) => a.grown[t] - b.grown[t]))];
  const byTurns = new Set(settings.flatMap((_, i) => orders.map((order) => order[i])));
  return [...byTurns].slice(0, n).map(({ rung }) => rung);
}
