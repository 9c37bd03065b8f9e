// From measured rules to certified levels: the order they are tested in, what each costs and what was proved of it.

import type { Labels } from "../model/rows.ts";
import type { Certificate, Cost, Level, Rung } from "../profile/ladder.ts";
import { certifyLadder, type LevelOutcome } from "./certify.ts";
import { type Aim, choose, expectedDisagreement, expectedLoss, growsMore } from "./choose.ts";
import type { Composed } from "./compose.ts";
import type { Outcome } from "./evaluate.ts";
import { type Answers, judge, sum, type Verdict } from "./judge.ts";

/** A rule as it was measured, with where it stands in the orders of testing, from what the search rows say alone. */
export interface Sequenced extends Composed {
  /**
   * What the search rows say its bound will be, of what it loses and of what it answers otherwise: a promise of each is tested in an order of
   * its own. Lossless rules come first, what is kept for other reasons than a promise last.
   */
  rank: { lost: number; disagreed: number };
}

/** What rules are judged by. */
interface Judging {
  labels: Labels | null;
  /** How many of the best answers count; 1 unless given. */
  depth?: number;
  /** Whose answers are to be given, where not dense's: then dense is judged like any other. */
  reference?: Answers | null;
}

export interface Sequencing extends Judging, Aim {
  costOf(outcome: Outcome): number;
  /** The rule that skips zeros alone; dense itself where that saves nothing. */
  exact: readonly Rung[];
  /** Rules kept for other reasons than a promise. */
  always: readonly (readonly Rung[])[];
}

export interface Certifying extends Judging {
  /** Nodes of each layer. */
  widths: readonly number[];
  confidence: number;
}

/**
 * The share of what dense's answers cost that a rule has to save which may give others. Less is what measuring is off by: between a host's fast and
 * slow minutes the ratio of a level to dense moves by an eighth.
 */
const leastSaving = 0.15;

/**
 * Of the rules measured those a ladder needs (`choose`), without those that save less than `leastSaving` of what dense or exact costs, or that cost no
 * less than a rule that loses no more (of equals the first stays). The first of `ladder` is dense; exact and `always` are kept if they cost
 * less than dense. Comes back cheapest first, dense last.
 */
export function sequence(ladder: readonly (readonly Rung[])[], outcomes: readonly Outcome[], sequencing: Sequencing): Sequenced[] {
  const { labels, costOf, exact, always, depth = 1, reference } = sequencing;
  const against = reference ?? outcomes[0];
  const keyOf = (rungs: readonly Rung[]): string => JSON.stringify(rungs);
  const keep = new Set([exact, ...always].map(keyOf));
  const all = ladder.map((rungs, i) => {
    const { differences, disagreements } = judge(outcomes[i], against, labels, depth);
    const changed = differences.reduce((total, d) => total + d * d, 0);
    const kept = keep.has(keyOf(rungs));
    const rows = differences.length;
    return { rungs, cost: costOf(outcomes[i]), rows, lost: sum(differences), changed, disagreed: sum(disagreements), kept };
  });
  type One = (typeof all)[number];
  const noBetter = (one: One, than: One): boolean =>
    one.cost >= than.cost && one.lost >= than.lost && one.disagreed >= than.disagreed && !growsMore(one, than);
  const [dense, ...others] = all;
  const lossless = all.find(({ rungs }) => keyOf(rungs) === keyOf(exact)) ?? dense;
  const mostCost = (1 - leastSaving) * Math.min(dense.cost, lossless.cost);
  const cheaper = others.filter(({ cost, kept }) => cost < (kept ? dense.cost : mostCost));
  const chosen = new Set(choose(cheaper, sequencing));
  const needed = cheaper.filter((one) => one.kept || chosen.has(one));
  const useful = needed.filter(
    (one, i) => one.kept || !needed.some((other, j) => j !== i && noBetter(one, other) && (j < i || !noBetter(other, one))),
  );
  return [...useful.sort((a, b) => a.cost - b.cost), dense].map((one) => {
    // a bound may lie below 0, where more is gained than lost
    const rankOf = (bound: number): number => (one === dense ? -3 : one === lossless ? -2 : chosen.has(one) ? bound : 2 + bound);
    const rank = {
      lost: rankOf(expectedLoss(one, sequencing, 0)),
      disagreed: rankOf(expectedDisagreement(one, sequencing, 0)),
    };
    return { ...one, rank };
  });
}

/** Certifies the levels on rows nothing else has seen. They are tested in the order of their rank. */
export function certifiedLevels(
  sequenced: readonly Sequenced[],
  outcomes: readonly Outcome[],
  { labels, widths, confidence, depth = 1, reference = null }: Certifying,
): Level[] {
  const against = reference ?? outcomes[outcomes.length - 1];
  const verdicts = outcomes.map((outcome) => judge(outcome, against, labels, depth));
  const outcomesOf = verdicts.map((verdict) => outcomeOf(verdict, labels, depth));
  const judgedBy = reference && outcomeOf(judge(reference, reference, labels, depth), labels, depth);
  /** Each level's certificates, tested from the least rank to the greatest. */
  const testedBy = (key: keyof Sequenced["rank"]): Certificate[][] => {
    const order = sequenced.map((_, i) => i).sort((a, b) => sequenced[b].rank[key] - sequenced[a].rank[key]);
    const inOrder = certifyLadder(
      order.map((i) => outcomesOf[i]),
      { confidence, reference: judgedBy },
    );
    return sequenced.map((_, i) => inOrder[order.indexOf(i)]);
  };
  const [byLoss, byAgreement] = [testedBy("lost"), testedBy("disagreed")];
  return sequenced.map(({ rungs }, i) => {
    const n = verdicts[i].disagreements.length;
    const rights = rightsOf(verdicts[i]);
    return {
      rungs: rungs.map((rung, r) => ({ ...rung, ...(outcomes[i].rungMacs[r] === undefined ? {} : { macs: outcomes[i].rungMacs[r] }) })),
      cost: costsOf(outcomes[i], widths),
      observed: {
        agreement: 1 - sum(verdicts[i].disagreements) / n,
        accuracy: rights === null ? null : rights / n,
        loss: labels ? sum(verdicts[i].differences) / n : null,
      },
      certificates: byLoss[i].map((one, c) => (one.kind === "agreement" ? byAgreement[i][c] : one)),
    };
  });
}

function outcomeOf(verdict: Verdict, labels: Labels | null, depth: number): LevelOutcome {
  const samples = verdict.disagreements.length;
  return {
    differences: labels && verdict.differences,
    agreements: samples - sum(verdict.disagreements),
    rights: rightsOf(verdict),
    precision: depth > 1 ? verdict.precision : null,
    samples,
  };
}

function rightsOf({ precision }: Verdict): number | null {
  return precision && sum(precision);
}

function costsOf({ macs, bytes, nodes }: Outcome, widths: readonly number[]): Cost {
  const sorted = macs.slice().sort();
  return {
    macs: { mean: sum(macs) / macs.length, p99: sorted[Math.floor(0.99 * (sorted.length - 1))], max: sorted[sorted.length - 1] },
    bytes: sum(bytes) / bytes.length,
    nodes: nodes.map((n, l) => n / widths[l]),
  };
}
