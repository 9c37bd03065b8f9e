import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { noAnswer as none } from "../../src/calibrate/evaluate.ts";
import { judge } from "../../src/calibrate/judge.ts";
import { countHits, depth, headline, noAnswer, noHits, parseMetric, rankOf, ranks, sharesOf } from "../../src/cli/metric.ts";
import type { Labels } from "../../src/model/rows.ts";

const classes: Labels = { kind: "class", count: 1, classes: Uint32Array.of(0) };
const several: Labels = { kind: "multi", count: 1, indptr: Uint32Array.of(0, 1), indices: Uint32Array.of(0) };

describe("metrics", () => {
  test("are judged as calibration judges them", () => {
    const answers = fc
      .uniqueArray(fc.nat(8), { maxLength: depth })
      .map((found) => Array.from({ length: depth }, (_, i) => found[i] ?? noAnswer));
    const query = fc.record({ best: answers, first: answers, right: fc.uniqueArray(fc.nat(8), { maxLength: 4 }) });
    fc.assert(
      fc.property(fc.array(query, { minLength: 1, maxLength: 6 }), (queries) => {
        const indptr = Uint32Array.from({ length: queries.length + 1 }, (_, q) =>
          queries.slice(0, q).reduce((sum, { right }) => sum + right.length, 0),
        );
        const labels: Labels = { kind: "multi", count: queries.length, indptr, indices: Uint32Array.from(queries.flatMap((q) => q.right)) };
        const hits = noHits();
        for (const [q, { best, first }] of queries.entries()) countHits(hits, Int32Array.from(best), Int32Array.from(first), labels, q);
        const { precision, agreement } = sharesOf(hits);
        const given = (answer: number): number => (answer === noAnswer ? none : answer);
        const asAnswers = (of: "best" | "first") => ({
          answers: Uint32Array.from(queries, (q) => given(q[of][0])),
          tops: Uint32Array.from(queries.flatMap((q) => q[of].map(given))),
        });
        for (const k of ranks) {
          const verdict = judge(asAnswers("best"), asAnswers("first"), labels, k);
          const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / queries.length;
          expect(precision[k]).toBeCloseTo(mean(verdict.precision!), 6);
          expect(agreement[k]).toBeCloseTo(1 - mean(verdict.disagreements), 12);
        }
      }),
    );
  });

  test("are refused by name", () => {
    expect(parseMetric("precision@5")).toBe("precision@5");
    for (const text of ["precision@2", "", "ACCURACY", "precision@5 "])
      expect(() => parseMetric(text)).toThrow(/^metric: got ".*", expected accuracy, precision@1,/);
  });

  test("lead by what was asked, what the model was calibrated for, what labels there are", () => {
    expect(headline(several, "precision@1", "agreement@3")).toBe("agreement@3");
    expect(headline(several, "precision@5")).toBe("precision@5");
    expect(headline(classes, "precision@3")).toBe("precision@3");
    expect(headline(several, "accuracy")).toBe("precision@1");
    expect(headline(classes, "agreement@5")).toBe("accuracy");
    expect(headline(several, null)).toBe("precision@1");
    expect(headline(null, "precision@5")).toBe("agreement");
    expect(headline(null, "agreement@3")).toBe("agreement@3");
    expect(() => headline(null, null, "precision@1")).toThrow(/metric: got precision@1 without labels, expected --labels/);
    expect((["accuracy", "agreement", "precision@1", "agreement@3", "precision@5"] as const).map(rankOf)).toEqual([1, 1, 1, 3, 5]);
  });
});
