// Choosing a ladder from what was tried: for each promise a caller may ask, the cheapest rule that will probably be certified.

import type { Ladder, Rung } from "../profile/ladder.ts";
import type { Composed } from "./compose.ts";

/** What a ladder is to promise above all. */
export type Promised = Pick<Ladder["promise"], "kind" | "bound">;

/** What rules are chosen for. */
export interface Aim {
  promise: Promised;
  /** Rows that will certify. */
  samples: number;
  /** `lossRate` of all rules that were tried. */
  lossRate: number;
}

/** Losses and disagreements a ladder should serve, as fractions. */
const losses = [0, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05];
const disagreements = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1];
/** How many standard errors of the search's own estimate to stay away from the bound; several for the promise itself. */
const caution = 0.7;
const promiseCaution = [0, 0.4, 0.8, 1.3, 2];
/** Rules that grow for more inputs are taken from so many times the cost of the most cautious ones for the promise: on few rows even those have had luck. */
const growingCosts = [1.1, 1.3, 1.7, 2.2];

/** Standard deviations below which 95 % of a normal distribution lie. */
const z = 1.645;

/** Up to this share answered otherwise rules tell `lossRate`: what answers more otherwise errs in other ways too. */
const mostDisagreed = 0.02;
/** By how much what a rule loses of what it answers otherwise may differ from that of all rules: a standard deviation. */
const rateDeviation = 0.1;

/** What is lost of what is answered otherwise, by all rules together: less than all, as some of the answers were wrong and others are now right. */
export function lossRate(rules: readonly Composed[]): number {
  const close = rules.filter(({ disagreed, rows }) => disagreed <= mostDisagreed * rows);
  const total = (of: "lost" | "disagreed"): number => close.reduce((sum, rule) => sum + rule[of], 0);
  const disagreed = total("disagreed");
  return disagreed > 0 ? Math.max(0, total("lost") / disagreed) : 1;
}

/**
 * What a rule probably loses of its rows: between what it lost, which is luck where thousands of rules differ in a few rows, and its
 * share of what all lose. The mean of a normal posterior, the prior about `rate` of what was answered otherwise, the variance of a sum of differences their squares' sum.
 */
function probablyLost({ lost, changed, disagreed }: Composed, rate: number): number {
  const prior = (rateDeviation * disagreed) ** 2;
  const own = prior / (prior + changed + 1);
  return own * lost + (1 - own) * rate * disagreed;
}

/** The bound that `aim.samples` rows will probably prove of what a rule loses. */
export function expectedLoss(rule: Composed, { samples, lossRate }: Aim, cautious: number): number {
  return expectedBound(probablyLost(rule, lossRate), rule.changed, rule.rows, samples, cautious);
}

/** The same of what it answers otherwise. */
export function expectedDisagreement({ disagreed, rows }: Composed, { samples }: Aim, cautious: number): number {
  return expectedBound(disagreed, disagreed, rows, samples, cautious);
}

/**
 * The upper confidence bound, a share, that `samples` certification rows would probably give, and `cautious` standard errors on top. The bound of few
 * events lies (z² + 2) / 3 of them above a normal one (Cornish and Fisher 1938, of a Poisson count).
 * @param total sum of what was counted on the `rows` of the search
 * @param squares sum of its squares
 */
export function expectedBound(total: number, squares: number, rows: number, samples: number, cautious: number): number {
  const mean = total / rows;
  const deviation = Math.sqrt(Math.max((squares + 1) / rows - mean * mean, 0));
  const few = (z * z + 2) / 3;
  return mean + (z * deviation) / Math.sqrt(samples) + few / samples + (cautious * deviation) / Math.sqrt(rows);
}

/**
 * The levels of a ladder, cheapest first, without repetition. For each bound the cheapest rule of all is
 * taken, and the cheapest of a single setting: the cost of a rule that grows may be composed, not measured, and turn out higher.
 * @param alternatives rules kept for the promise itself, each beginning with another setting
 */
export function choose<Rule extends Composed>(rules: readonly Rule[], aim: Aim, alternatives = 1): Rule[] {
  const { promise } = aim;
  const chosen = new Set<Rule>();
  const fixed = rules.filter(({ rungs }) => rungs.length === 1);
  const pick = (bound: number, expected: (c: Composed) => number, most = 1): Rule[] => {
    const picked = [rules, fixed].flatMap((among) =>
      cheapest(
        among.filter((c) => expected(c) <= bound),
        most,
      ),
    );
    for (const c of picked) chosen.add(c);
    return picked;
  };
  let safest: Rule[] = [];
  for (const cautious of promiseCaution) {
    const picked = pick(mostOf(promise), expectedOf(promise.kind, aim, cautious), alternatives);
    if (picked.length > 0) safest = picked;
  }
  for (const rule of safest)
    for (const times of growingCosts) {
      const [next] = cheapest(
        rules.filter((c) => c.cost >= times * rule.cost && growsMore(c, rule)),
        1,
      );
      if (next) chosen.add(next);
    }
  for (const bound of losses) pick(bound, expectedOf("loss", aim, caution));
  for (const bound of disagreements) pick(bound, expectedOf("agreement", aim, caution));
  return [...chosen].sort((a, b) => a.cost - b.cost);
}

/**
 * Whether a rule grows through the same settings as another for more inputs. What it is better at shows on no rows that the other errs on none of:
 * of thousands tried the cheapest without an error has had luck.
 */
export function growsMore({ rungs }: Composed, than: Composed): boolean {
  return (
    rungs.length === than.rungs.length &&
    rungs.every(({ layers, margin = 0 }, r) => layers === than.rungs[r].layers && margin >= (than.rungs[r].margin ?? 0)) &&
    rungs.some(({ margin = 0 }, r) => margin > (than.rungs[r].margin ?? 0))
  );
}

/** What a query under the promise will probably cost: the cheapest rule that will probably be certified; Infinity where none will. */
export function promisedCost(rules: readonly Composed[], aim: Aim): number {
  const expected = expectedOf(aim.promise.kind, aim, caution);
  const fitting = rules.filter((rule) => expected(rule) <= mostOf(aim.promise));
  return fitting.reduce((least, { cost }) => Math.min(least, cost), Number.POSITIVE_INFINITY);
}

/** What a rule will probably be certified to lose, or to answer otherwise, at most. */
const expectedOf =
  (kind: Promised["kind"], aim: Aim, cautious: number) =>
  (rule: Composed): number =>
    kind === "loss" ? expectedLoss(rule, aim, cautious) : expectedDisagreement(rule, aim, cautious);

/** The most that may be lost, or answered otherwise. */
export const mostOf = ({ kind, bound }: Promised): number => (kind === "loss" ? bound : 1 - bound);

/** The `most` cheapest that begin with different settings. */
function cheapest<Rule extends Composed>(rules: readonly Rule[], most: number): Rule[] {
  const bySetting = new Map<Rung["layers"], Rule>();
  for (const rule of rules) {
    const first = rule.rungs[0].layers;
    const known = bySetting.get(first);
    if (!known || rule.cost < known.cost) bySetting.set(first, rule);
  }
  return [...bySetting.values()].sort((a, b) => a.cost - b.cost).slice(0, most);
}
