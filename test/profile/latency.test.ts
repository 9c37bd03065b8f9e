import { describe, expect, test } from "vitest";
import type { Level } from "../../src/profile/ladder.ts";
import { checkProfile, fingerprint, type LatencyProfile, type LevelLatency, type ProfileOrigin, p97Of } from "../../src/profile/latency.ts";

const origin: ProfileOrigin = { machine: "a machine", build: "0.1.0-abcd", backend: "relaxed", model: "1f" };
const profile: LatencyProfile = {
  origin,
  levels: [
    { p50: 0.01, p90: 0.02, p99: 0.03, rungs: [{ p50: 0.01, p90: 0.02, p99: 0.03, layers: [0.005, 0.01] }] },
    { p50: Number.NaN, p90: Number.NaN, p99: Number.NaN },
  ],
};

describe("what a profile was measured on", () => {
  test("passes where it is here, or where it says nothing", () => {
    expect(() => checkProfile(profile, { ...origin }, 2)).not.toThrow();
    expect(() => checkProfile({ levels: profile.levels }, origin, 2)).not.toThrow();
  });

  test.each<[keyof ProfileOrigin, string]>([
    ["machine", "another machine"],
    ["build", "0.2.0-abcd"],
    ["backend", "js"],
    ["model", "2f"],
  ])("is refused for another %s, saying both", (key, here) => {
    expect(() => checkProfile(profile, { ...origin, [key]: here }, 2)).toThrow(
      expect.objectContaining({ code: "bad-option", message: `latency profile: ${key}: got "${origin[key]}", expected "${here}"` }),
    );
  });

  test("is refused where it does not say which machine, and this one has a name", () => {
    expect(() => checkProfile({ ...profile, origin: { ...origin, machine: "" } }, origin, 2)).toThrow(
      'latency profile: machine: got "", expected "a machine"',
    );
  });

  test("is refused for another number of levels, or none", () => {
    expect(() => checkProfile(profile, origin, 3)).toThrow("latency profile: levels: got 2, expected 3");
    for (const levels of [undefined, "ab", { length: 2 }])
      expect(() => checkProfile({ levels } as unknown as LatencyProfile, origin, 2)).toThrow(
        expect.objectContaining({ code: "bad-option" }),
      );
  });

  test.each([[null], [{ rungs: {} }], [{ rungs: [null] }], [{ rungs: [{}] }], [{ rungs: [{ layers: 5 }] }]])(
    "is refused for a level of %j",
    (level) => {
      const odd = { levels: [profile.levels[0], level] } as unknown as LatencyProfile;
      expect(() => checkProfile(odd, origin, 2)).toThrow(/^latency profile: levels\[1\]: got /);
      expect(() => checkProfile({ levels: [...odd.levels].reverse() }, origin, 2)).toThrow(/^latency profile: levels\[0\]: got /);
    },
  );

  test.each([-1, -1e-9, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 1e13])(
    "is refused for a time of %f, not for one that is unknown",
    (odd) => {
      const whole = profile.levels[0];
      const checked = (level: object): void => checkProfile({ levels: [profile.levels[1], level as LevelLatency] }, origin, 2);
      for (const key of ["p50", "p90", "p99"]) {
        for (const time of [Number.NaN, null, undefined, 0, 1e12]) expect(() => checked({ ...whole, [key]: time })).not.toThrow();
        for (const level of [
          { ...whole, [key]: odd },
          { ...whole, rungs: [...(whole.rungs ?? []), { ...whole, layers: [], [key]: odd }] },
          { ...whole, rungs: [{ ...whole, layers: [1, odd, 2] }] },
        ])
          expect(() => checked(level)).toThrow(/^latency profile: levels\[1\]: got /);
      }
    },
  );

  test("the fingerprint of a model tells apart shapes, bits and settings, not certificates", () => {
    const level = (amount: number): Level => ({
      rungs: [{ layers: [{ kind: "ranked", activator: "low-rank", variant: 8, unit: "node", by: "top-k", amount }] }],
      cost: { macs: { mean: 1, p99: 1, max: 1 }, bytes: 1, nodes: [1] },
      observed: { agreement: 1, accuracy: null, loss: null },
      certificates: [],
    });
    const of = (shape: number[], amount: number): string => fingerprint([shape], [level(amount)]);
    expect(of([4, 2, 32], 0.1)).toBe(fingerprint([[4, 2, 32]], [{ ...level(0.1), observed: { agreement: 0.5, accuracy: 1, loss: 0 } }]));
    expect(new Set([of([4, 2, 32], 0.1), of([4, 3, 32], 0.1), of([5, 2, 32], 0.1), of([4, 2, 8], 0.1), of([4, 2, 32], 0.2)]).size).toBe(5);
  });
});

test("the 97th percentile lies between the 90th and the 99th", () => {
  expect(p97Of({ p50: 1, p90: 4, p99: 9 })).toBe(6);
});
