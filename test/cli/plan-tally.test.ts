import { describe, expect, test } from "vitest";
import { addPlan, noPlans } from "../../src/cli/plan-tally.ts";
import type { Certificate } from "../../src/profile/ladder.ts";

const certified = (kind: Certificate["kind"], bound: number, confidence = 0.95): Certificate => ({
  kind,
  bound,
  confidence,
  samples: 1000,
});
const byConstruction: Certificate = { kind: "loss", bound: 0, confidence: 1, samples: 0 };

function tallyOf(...certificates: (Certificate | null)[]): Certificate | null | undefined {
  const tally = noPlans();
  for (const certificate of certificates) addPlan(tally, { certificate, gaveUp: [] });
  return tally.certificate;
}

describe("plans of many queries", () => {
  test("have the weakest certificate that all of them had", () => {
    expect(tallyOf()).toBeUndefined();
    expect(tallyOf(certified("loss", 0.003), certified("loss", 0.01), certified("loss", 0.005))).toEqual(certified("loss", 0.01));
    for (const kind of ["agreement", "accuracy"] as const)
      expect(tallyOf(certified(kind, 0.99), certified(kind, 0.97), certified(kind, 0.98))).toEqual(certified(kind, 0.97));
    expect(tallyOf(byConstruction, certified("loss", 0.003), byConstruction)).toEqual(certified("loss", 0.003));
    // of equal bounds the less sure, whichever came first
    for (const both of [
      [byConstruction, certified("loss", 0)],
      [certified("loss", 0), byConstruction],
    ])
      expect(tallyOf(...both)).toEqual(certified("loss", 0));
  });

  test("have none where one of them had none, or another kind", () => {
    expect(tallyOf(certified("loss", 0.003), null, certified("loss", 0.003))).toBeNull();
    expect(tallyOf(null, certified("loss", 0.003))).toBeNull();
    expect(tallyOf(certified("loss", 0.003), certified("agreement", 0.99), certified("loss", 0.003))).toBeNull();
  });

  test("tell everything that one of them gave up, once, and how often", () => {
    const tally = noPlans();
    for (const gaveUp of [[], ["loss=0.01"], ["latency=2ms", "loss=0.01"], []]) addPlan(tally, { certificate: null, gaveUp });
    expect([...tally.gaveUp]).toEqual([
      ["loss=0.01", 2],
      ["latency=2ms", 1],
    ]);
  });
});
