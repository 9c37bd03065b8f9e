// Turns what was counted on the certification rows into certificates, level by level. It knows neither how levels were found nor how
// they are run; it relies on them, and their order, having been fixed before these rows were looked at.
//
// Learn-then-Test with a fixed sequence (Angelopoulos, Bates, Candès, Jordan and Lei, 2021). Fix a target t, say a loss of
// 0.003, and test "the level loses more than t" at level δ for dense, then for the level before it, and so on, stopping at the first test
// that does not reject. Whatever the true losses are, a false certificate needs the first true hypothesis in this order to be
// rejected, which happens with probability at most δ: so with confidence 1 − δ every level accepted for t keeps t, with no correction
// for the number of levels. A test at level δ rejects exactly when the individual bound at δ is at most t. So level i
// is accepted exactly when the individual bounds of levels i … dense are all at most t, that is, when their worst is: one number per level,
// the running worst from dense downward, answers for every target. It is what the certificates hold.
//
// The promise is for a target fixed without these rows, and for each kind by itself: asking for several kinds at once, or
// picking the target that just fits, is covered by δ per kind and per target, not by one δ for all.

import { refusal } from "../errors.ts";
import type { Certificate } from "../profile/ladder.ts";
import { binomialLower, lossUpper, lossUpperBetting } from "./bounds.ts";

/** What one level did on the certification rows, against dense and against the labels. */
export interface LevelOutcome {
  /** Per row: +1 dense right and level wrong (a loss), −1 level right and dense wrong (a gain), else 0. Null without labels. */
  differences: Float32Array | Int8Array | null;
  /** Rows on which the level gave dense's answer. */
  agreements: number;
  /** Rows the level got right; null without labels. */
  rights: number | null;
  /** Per row, where being right comes in degrees (precision@k): from 0 to 1; `rights` is their sum, `differences` dense's minus these. */
  precision?: Float32Array | null;
  /** Rows in all; the same for every level. */
  samples: number;
}

/**
 * The certificates of every level, in the order of `outcomes`: agreement, and with labels loss and accuracy. Levels are tested from the
 * last, dense, to the first, so those likely to fail belong first: cheapest first, or by what they lost on other rows. What the others are judged by keeps itself exactly: its loss is 0 and its agreement 1 by
 * definition; its accuracy has the binomial bound.
 * @param reference what all levels are judged by where it is none of them, and not tested; else it is the last of `outcomes`
 * @throws SlonnError `bad-option` for a confidence outside (0, 1); `bad-input` for no level, no rows, or counts that contradict each other.
 */
export function certifyLadder(
  outcomes: readonly LevelOutcome[],
  { confidence, reference = null }: { confidence: number; reference?: LevelOutcome | null },
): Certificate[][] {
  if (!(confidence > 0 && confidence < 1)) throw refusal("bad-option", "confidence", confidence, "a number between 0 and 1");
  checkOutcomes(reference ? [...outcomes, reference] : outcomes);
  const delta = 1 - confidence;
  const last = outcomes.length - 1;
  const { samples } = outcomes[last];
  const certificates: Certificate[][] = [];
  let loss = 0;
  let agreement = 1;
  let accuracy = 1;
  for (let i = last; i >= 0; i--) {
    const tested = i < last || reference !== null;
    const { differences, agreements, rights, precision = null } = outcomes[i];
    const ofLevel: Certificate[] = [];
    if (differences !== null) {
      if (tested) {
        const upper = precision
          ? lossUpperBetting(differences, delta)
          : lossUpper(count(differences, 1), count(differences, -1), samples, delta);
        loss = Math.max(loss, upper);
      }
      ofLevel.push({ kind: "loss", bound: loss, confidence, samples });
    }
    if (tested) agreement = Math.min(agreement, binomialLower(agreements, samples, delta));
    ofLevel.push({ kind: "agreement", bound: agreement, confidence, samples });
    if (rights !== null) {
      const lower = precision
        ? Math.max(
            0,
            -lossUpperBetting(
              precision.map((p) => -p),
              delta,
            ),
          )
        : binomialLower(rights, samples, delta);
      accuracy = Math.min(accuracy, lower);
      ofLevel.push({ kind: "accuracy", bound: accuracy, confidence, samples });
    }
    certificates[i] = ofLevel;
  }
  return certificates;
}

function count(differences: Float32Array | Int8Array, value: number): number {
  let n = 0;
  for (let i = 0; i < differences.length; i++) if (differences[i] === value) n++;
  return n;
}

function checkOutcomes(outcomes: readonly LevelOutcome[]): void {
  if (outcomes.length === 0) throw refusal("bad-input", "outcomes", "no level", "at least dense");
  const { samples } = outcomes[0];
  if (!Number.isInteger(samples) || samples < 1) throw refusal("bad-input", "outcomes[0].samples", samples, "at least 1");
  const labelled = outcomes[0].rights !== null;
  const dense = outcomes[outcomes.length - 1];
  outcomes.forEach((outcome, i) => {
    const refuse = (what: string, got: unknown, expected: string): never => {
      throw refusal("bad-input", `outcomes[${i}].${what}`, String(got), expected);
    };
    const { differences, agreements, rights } = outcome;
    if (outcome.samples !== samples) refuse("samples", outcome.samples, `${samples} as for level 0`);
    if (!Number.isInteger(agreements) || agreements < 0 || agreements > samples) refuse("agreements", agreements, `0 to ${samples}`);
    if ((rights !== null) !== labelled) refuse("rights", rights, labelled ? "a count as for level 0" : "null as for level 0");
    if ((differences !== null) !== labelled)
      refuse("differences", differences === null ? "null" : "an array", labelled ? "an array beside rights" : "null without rights");
    if (rights === null || differences === null) return;
    if (outcome.precision) {
      if (outcome.precision.length !== samples) refuse("precision", `${outcome.precision.length} rows`, `${samples}`);
      if (differences.some((d) => !(Math.abs(d) <= 1))) refuse("differences", "other numbers", "-1 to 1");
      if (outcome.precision.some((p) => !(p >= 0 && p <= 1))) refuse("precision", "other numbers", "0 to 1");
    } else if (!Number.isInteger(rights) || rights < 0 || rights > samples) refuse("rights", rights, `0 to ${samples}`);
    if (differences.length !== samples) refuse("differences", `${differences.length} rows`, `${samples}`);
    if (outcome.precision) return;
    const losses = count(differences, 1);
    const gains = count(differences, -1);
    if (losses + gains + count(differences, 0) !== samples) refuse("differences", "other numbers", "only -1, 0 and 1");
    const expected = dense.rights === null ? rights : dense.rights - losses + gains;
    if (rights !== expected) refuse("rights", rights, `${expected}: dense's ${dense.rights} - ${losses} losses + ${gains} gains`);
  });
}
