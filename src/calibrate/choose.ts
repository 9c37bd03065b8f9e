// Choosing a ladder from what was tried: for each promise a caller may ask, the cheapest rule that will probably be certified.

import type { Ladder, Rung } from "../profile/ladder.ts";
import type { Composed } from "./compose.ts";

/** The promise a ladder is made for. */
export type Promised = Pick<Ladder["promise"], "kind" | "bound">;

/** What rules are chosen by. */
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
/** Rules that grow for more inputs are taken at up to this many times the cost of the most cautious ones for the promise: on few rows even those may be lucky. */
const growingCosts = [1.1, 1.3, 1.7, 2.2];

/** Standard deviations below which 95 % of a normal distribution lie. */
const z = 1.645;

/** `lossRate` counts rules that change at most this share of answers: those that change more err in other ways too. */
const mostDisagreed = 0.02;
/** How far a rule's own loss rate may lie from that of all rules: a standard deviation. */
const rateDeviation = 0.1;

/** The share of changed answers that is lost, over all rules: less than 1, as some answers were wrong before and others are right now. */
export function lossRate(rules: readonly Composed[]): number {
  const close = rules.filter(({ disagreed, rows }) => disagreed <= mostDisagreed * rows);
  const total = (of: "lost" | "disagreed"): number => close.reduce((sum, rule) => sum + rule[of], 0);
  const disagreed = total("disagreed");
  return disagreed > 0 ? Math.max(0, total("lost") / disagreed) : 1;
}

/**
 * How many rows a rule probably loses: between its own count, which is luck where thousands of rules differ in a few rows, and what all rules lose
 * of as many changed answers. The mean of a normal posterior, with the prior around `rate` of the changed answers and the sum of squares as the
 * variance of a sum of differences.
 */
function probablyLost({ lost, changed, disagreed }: Composed, rate: number): number {
  const prior = (rateDeviation * disagreed) ** 2;
  const own = prior / (prior + changed + 1);
  return own * lost + (1 - own) * rate * disagreed;
}

/** The bound on a rule's loss that `aim.samples` rows will probably prove. */
export function expectedLoss(rule: Composed, { samples, lossRate }: Aim, cautious: number): number {
  return expectedBound(probablyLost(rule, lossRate), rule.changed, rule.rows, samples, cautious);
}

/** The same for its disagreements. */
export function expectedDisagreement({ disagreed, rows }: Composed, { samples }: Aim, cautious: number): number {
  return expectedBound(disagreed, disagreed, rows, samples, cautious);
}

/**
 * The upper confidence bound, a share, that `samples` certification rows would probably give, plus `cautious` standard errors. For few events the
 * bound lies (z² + 2) / 3 events above a normal one (Cornish and Fisher 1938, for a Poisson count).
 * @param total sum over the `rows` of the search
 * @param squares sum of squares
 */
export function expectedBound(total: number, squares: number, rows: number, samples: number, cautious: number): number {
  const mean = total / rows;
  const deviation = Math.sqrt(Math.max((squares + 1) / rows - mean * mean, 0));
  const few = (z * z + 2) / 3;
  return mean + (z * deviation) / Math.sqrt(samples) + few / samples + (cautious * deviation) / Math.sqrt(rows);
}

/**
 * The levels of a ladder, cheapest first, each once. For each bound the cheapest rule is taken, and the cheapest of a single setting as well, as
 * the cost of a rule that grows is composed, not measured, and may turn out higher.
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
 * Whether a rule grows through the same settings as another, but for more inputs. Rows on which neither errs do not show that it is safer; yet the
 * cheapest of thousands of rules without an error is lucky.
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

/** The bound on loss, or on disagreement, that a rule will probably be certified with. */
const expectedOf =
  (kind: Promised["kind"], aim: Aim, cautious: number) =>
  (rule: Composed): number =>
    kind === "loss" ? expectedLoss(rule, aim, cautious) : expectedDisagreement(rule, aim, cautious);

/** The most that may be lost, or may disagree. */
export const mostOf = ({ kind, bound }: Promised): number => (kind === "loss" ? bound : 1 - bound);

/** The cheapest rules that begin with different settings, at most `most`. */
function cheapest<Rule extends Composed>(rules: readonly Rule[], most: number): Rule[] {
  const bySetting = new Map<Rung["layers"], Rule>();
  for (const rule of rules) {
    const first = rule.rungs[0].layers;
    const known = bySetting.get(first);
    if (!known || rule.cost < known.cost) bySetting.set(first, rule);
  }
  return [...bySetting.values()].sort((a, b) => a.cost - b.cost).slice(0, most);
}
