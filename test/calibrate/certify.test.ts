import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { binomialLower, lossUpper, lossUpperBetting } from "../../src/calibrate/bounds.ts";
import { certifyLadder, type LevelOutcome } from "../../src/calibrate/certify.ts";
import { SlonnError } from "../../src/errors.ts";
import { seeded } from "../../src/random.ts";

const samples = 2000;
const denseRights = 1800;

function outcome(losses: number, gains: number, agreements: number): LevelOutcome {
  const differences = new Int8Array(samples);
  differences.fill(1, 0, losses).fill(-1, losses, losses + gains);
  return { differences, agreements, rights: denseRights - losses + gains, samples };
}

const dense = outcome(0, 0, samples);
const outcomes = fc
  .array(fc.tuple(fc.nat(60), fc.nat(60), fc.nat(100)), { maxLength: 8 })
  .map((levels) => [...levels.map(([l, g, other]) => outcome(l, g, samples - l - g - other)), dense]);

const bound = (certificates: ReturnType<typeof certifyLadder>[number], kind: string): number =>
  certificates.find((c) => c.kind === kind)!.bound;

describe("certifyLadder", () => {
  test("accepts for any target exactly what testing one level after another from dense downward accepts", () => {
    fc.assert(
      fc.property(
        outcomes,
        fc.double({ min: 0, max: 0.05, noNaN: true }),
        fc.constantFrom("loss", "agreement", "accuracy"),
        (levels, slack, kind) => {
          const delta = 1 - 0.9;
          const target = kind === "loss" ? slack : kind === "agreement" ? 1 - slack : 0.9 - slack;
          const accepted: boolean[] = [];
          let going = true;
          for (let i = levels.length - 1; i >= 0; i--) {
            const { differences, agreements, rights } = levels[i];
            const isDense = i === levels.length - 1;
            const losses = differences!.filter((d) => d === 1).length;
            const gains = differences!.filter((d) => d === -1).length;
            if (kind === "loss") going &&= isDense || lossUpper(losses, gains, samples, delta) <= target;
            else if (kind === "agreement") going &&= isDense || binomialLower(agreements, samples, delta) >= target;
            else going &&= binomialLower(rights!, samples, delta) >= target;
            accepted[i] = going;
          }
          const certified = certifyLadder(levels, { confidence: 0.9 }).map((c) =>
            kind === "loss" ? bound(c, kind) <= target : bound(c, kind) >= target,
          );
          expect(certified).toEqual(accepted);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("dense keeps itself exactly and names rows and confidence", () => {
    expect(certifyLadder([dense], { confidence: 0.95 })).toEqual([
      [
        { kind: "loss", bound: 0, confidence: 0.95, samples },
        { kind: "agreement", bound: 1, confidence: 0.95, samples },
        { kind: "accuracy", bound: binomialLower(denseRights, samples, 1 - 0.95), confidence: 0.95, samples },
      ],
    ]);
  });

  test("without labels only agreement", () => {
    const unlabelled = [1900, 1990, 2000].map((agreements) => ({ differences: null, rights: null, agreements, samples }));
    const certificates = certifyLadder(unlabelled, { confidence: 0.95 });
    expect(certificates.map((level) => level.map((c) => c.kind))).toEqual([["agreement"], ["agreement"], ["agreement"]]);
    expect(certificates[0][0].bound).toBe(binomialLower(1900, samples, 1 - 0.95));
  });

  test("a level that gains much is promised no more than dense", () => {
    expect(bound(certifyLadder([outcome(0, 60, 1900), dense], { confidence: 0.95 })[0], "loss")).toBe(0);
  });

  test("where being right comes in degrees, loss and accuracy are bounded by betting", () => {
    const precision = (share: number): Float32Array => Float32Array.from({ length: samples }, (_, r) => (r % 10 < 10 * share ? 1 : 0.5));
    const degrees = (of: Float32Array): LevelOutcome => ({
      differences: of.map((p, r) => precision(0.9)[r] - p),
      agreements: samples,
      rights: of.reduce((sum, p) => sum + p, 0),
      precision: of,
      samples,
    });
    const [level, last] = certifyLadder([degrees(precision(0.8)), degrees(precision(0.9))], { confidence: 0.95 });
    const delta = 1 - 0.95;
    const lost = precision(0.8).map((p, r) => precision(0.9)[r] - p);
    expect([bound(level, "loss"), bound(last, "loss")]).toEqual([lossUpperBetting(lost, delta), 0]);
    const accuracies = [0.8, 0.9].map((share) =>
      lossUpperBetting(
        precision(share).map((p) => -p),
        delta,
      ),
    );
    expect([bound(level, "accuracy"), bound(last, "accuracy")]).toEqual(accuracies.map((upper) => -upper));
    // no share is below 0, which is all that a single row proves
    const one: LevelOutcome = { differences: Float32Array.of(0), agreements: 1, rights: 0, precision: Float32Array.of(0), samples: 1 };
    expect(bound(certifyLadder([one], { confidence: 0.95 })[0], "accuracy")).toBe(0);
  });

  test("a level is promised no more than the one tested before it, of any kind", () => {
    const [better, worse] = certifyLadder([outcome(5, 0, samples - 5), outcome(40, 0, samples - 40), dense], { confidence: 0.95 });
    expect(better).toEqual(worse);
    expect(worse.map(({ bound }) => bound)).toEqual([
      lossUpper(40, 0, samples, 1 - 0.95),
      binomialLower(samples - 40, samples, 1 - 0.95),
      binomialLower(denseRights - 40, samples, 1 - 0.95),
    ]);
  });

  // Four levels that truly lose just more than 0.02, 0.03 …: any of them certified for 0.02 is a false promise.
  test("false promises are as rare as promised, over all levels together", () => {
    const random = seeded(5);
    const trials = 2000;
    let broken = 0;
    for (let t = 0; t < trials; t++) {
      const levels = [0.0501, 0.0401, 0.0301, 0.0201].map((loss) => {
        let losses = 0;
        let gains = 0;
        for (let i = 0; i < samples; i++) {
          const u = random();
          if (u < loss + 0.01) losses++;
          else if (u < loss + 0.02) gains++;
        }
        return outcome(losses, gains, samples - losses - gains);
      });
      if (certifyLadder([...levels, dense], { confidence: 0.9 }).some((c, i) => i < 4 && bound(c, "loss") <= 0.02)) broken++;
    }
    expect(broken / trials).toBeLessThanOrEqual(0.1 + 4 * Math.sqrt(0.09 / trials));
  });

  test.each<[string, LevelOutcome[], string]>([
    [
      "no differences beside rights",
      [{ ...dense, differences: null }],
      "outcomes[0].differences: got null, expected an array beside rights",
    ],
    ["differences without rights", [{ ...dense, rights: null }], "outcomes[0].differences: got an array, expected null without rights"],
    ["fewer agreements than none", [{ ...dense, agreements: -1 }], "outcomes[0].agreements: got -1"],
    ["a part of an agreement", [{ ...dense, agreements: 0.5 }], "outcomes[0].agreements: got 0.5"],
    ["no level", [], "outcomes: got no level"],
    ["no rows", [{ differences: null, agreements: 0, rights: null, samples: 0 }], "outcomes[0].samples: got 0"],
    ["a part of a row", [{ differences: null, agreements: 1, rights: null, samples: 1.5 }], "outcomes[0].samples: got 1.5"],
    ["more agreements than rows", [{ ...dense, agreements: samples + 1 }], "outcomes[0].agreements: got 2001, expected 0 to 2000"],
    ["rows that differ between levels", [dense, { ...dense, samples: 10 }], "outcomes[1].samples: got 10"],
    [
      "labels on one level only",
      [dense, { ...dense, rights: null, differences: null }],
      "outcomes[1].rights: got null, expected a count as for level 0",
    ],
    [
      "labels on all levels but one",
      [{ ...dense, rights: null, differences: null }, dense],
      "outcomes[1].rights: got 1800, expected null as for level 0",
    ],
    ["more rights than rows", [{ ...dense, rights: samples + 1 }], "outcomes[0].rights: got 2001, expected 0 to 2000"],
    ["fewer rights than none", [{ ...dense, rights: -1 }], "outcomes[0].rights: got -1, expected 0 to 2000"],
    ["a part of a right answer", [{ ...dense, rights: 0.5 }], "outcomes[0].rights: got 0.5, expected 0 to 2000"],
    ["rows that others do not have", [dense, { ...dense, samples: 3000 }], "outcomes[1].samples: got 3000"],
    ["differences of another length", [{ ...dense, differences: new Int8Array(3) }], "outcomes[0].differences: got 3 rows"],
    ["differences of more rows", [{ ...dense, differences: new Int8Array(3000) }], "outcomes[0].differences: got 3000 rows"],
    ["degrees of other rows", [{ ...dense, precision: new Float32Array(3) }], "outcomes[0].precision: got 3 rows"],
    ["degrees above 1", [{ ...dense, precision: new Float32Array(samples).fill(1.5) }], "outcomes[0].precision: got other numbers"],
    ["degrees below 0", [{ ...dense, precision: new Float32Array(samples).fill(-1) }], "outcomes[0].precision: got other numbers"],
    [
      "gains beyond one beside degrees",
      [{ ...dense, differences: new Int8Array(samples).fill(-2), precision: new Float32Array(samples) }],
      "outcomes[0].differences: got other numbers",
    ],
    ["differences beyond one", [{ ...dense, differences: new Int8Array(samples).fill(2) }], "outcomes[0].differences: got other numbers"],
    [
      "rights that contradict the differences",
      [{ ...outcome(7, 3, 1900), rights: 5 }, dense],
      "outcomes[0].rights: got 5, expected 1796: dense's 1800 - 7 losses + 3 gains",
    ],
  ])("refuses %s", (_, levels, message) => {
    expect(() => certifyLadder(levels, { confidence: 0.95 })).toThrow(SlonnError);
    expect(() => certifyLadder(levels, { confidence: 0.95 })).toThrow(message);
  });

  test("takes one row, no agreement at all, and all that was right lost", () => {
    const one = { differences: Int8Array.of(0), agreements: 1, rights: 1, samples: 1 };
    const [level] = certifyLadder([{ ...one, differences: Int8Array.of(1), agreements: 0, rights: 0 }, one], { confidence: 0.9 });
    expect([bound(level, "loss"), bound(level, "agreement")]).toEqual([1, 0]);
    const degrees = { ...one, differences: Float32Array.of(0), precision: Float32Array.of(1) };
    const lost = { ...one, differences: Float32Array.of(1), precision: Float32Array.of(0), agreements: 0, rights: 0 };
    expect(bound(certifyLadder([lost, degrees], { confidence: 0.9 })[0], "loss")).toBe(1);
  });

  test.each([0, 1, Number.NaN, -1, 95])("refuses confidence %f", (confidence) => {
    expect(() => certifyLadder([dense], { confidence })).toThrow("confidence: got");
  });
});
