// From measured rules to certified levels: the order they are tested in, what each costs and what was proved of it.

import type { Labels } from "../model/rows.ts";
import type { Cost, Level, Rung } from "../profile/ladder.ts";
import { certifyLadder } from "./certify.ts";
import { choose, expectedBound, type Promised } from "./choose.ts";
import type { Composed } from "./compose.ts";
import type { Outcome } from "./evaluate.ts";
import { type Answers, judge, sum, type Verdict } from "./judge.ts";

/** A rule as it was measured, with the order it is tested in, from what the search rows say alone. */
export interface Sequenced extends Composed {
  /** Where it stands in the order of testing: what the search rows say its bound will be, lossless rules first, `always` last. */
  rank: number;
}

/**
 * Of the rules measured those a ladder needs (`choose`), without those that cost no less than dense or than a rule that loses no
 * more (of equals the first stays). The first two of `ladder` are dense and exact; exact and `always` are kept if they cost less than
 * dense. Comes back cheapest first, dense last.
 */
export function sequence(
  ladder: readonly (readonly Rung[])[],
  outcomes: readonly Outcome[],
  labels: Labels | null,
  costOf: (outcome: Outcome) => number,
  always: readonly (readonly Rung[])[],
  samples: number,
  promise: Promised,
  depth = 1,
  reference: Answers = outcomes[0],
): Sequenced[] {
  const keep = new Set(always.map((rungs) => JSON.stringify(rungs)));
  const all = ladder.map((rungs, i) => {
    const { differences, disagreements } = judge(outcomes[i], reference, labels, depth);
    const rows = differences.length;
    const changed = differences.reduce((total, d) => total + d * d, 0);
    const lost = sum(differences);
    const kept = i === 1 || keep.has(JSON.stringify(rungs));
    const bound = expectedBound(lost, changed, rows, samples, 0);
    const rank = i <= 1 ? i - 1 : kept ? 2 + bound : bound;
    return { rungs, cost: costOf(outcomes[i]), rows, lost, changed, disagreed: sum(disagreements), rank, kept };
  });
  type One = (typeof all)[number];
  const noBetter = (one: One, than: One): boolean => one.cost >= than.cost && one.lost >= than.lost && one.disagreed >= than.disagreed;
  const [dense, ...others] = all;
  const cheaper = others.filter(({ cost }) => cost < dense.cost);
  const chosen = new Set(choose(cheaper, samples, promise));
  const needed = cheaper.filter((one) => one.kept || chosen.has(one));
  const useful = needed.filter(
    (one, i) => one.kept || !needed.some((other, j) => j !== i && noBetter(one, other) && (j < i || !noBetter(other, one))),
  );
  return [...useful.sort((a, b) => a.cost - b.cost), dense];
}

/**
 * Certifies the levels on rows nothing else has seen. They are tested in the order of their rank.
 * @param reference whose answers were to be given; dense's unless given, and then dense is tested like any other
 */
export function certifiedLevels(
  sequenced: readonly Sequenced[],
  outcomes: readonly Outcome[],
  labels: Labels | null,
  widths: readonly number[],
  confidence: number,
  depth = 1,
  reference: Answers | null = null,
): Level[] {
  const against = reference ?? outcomes[outcomes.length - 1];
  const verdicts = outcomes.map((outcome) => judge(outcome, against, labels, depth));
  const tested = sequenced.map(({ rank }, i) => ({ rank, i })).sort((a, b) => b.rank - a.rank);
  const inOrder = tested.map(({ i }) => verdicts[i]);
  if (reference) inOrder.push(judge(reference, reference, labels, depth));
  const certificates = certifyLadder(
    inOrder.map((verdict) => ({
      differences: labels ? verdict.differences : null,
      agreements: verdict.disagreements.length - sum(verdict.disagreements),
      rights: rightsOf(verdict),
      precision: depth > 1 ? verdict.precision : null,
      samples: verdict.disagreements.length,
    })),
    { confidence },
  );
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
      certificates: certificates[tested.findIndex((t) => t.i === i)],
    };
  });
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
