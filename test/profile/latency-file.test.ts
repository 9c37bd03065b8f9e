import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LatencyProfile, ProfileOrigin } from "../../src/profile/latency.ts";
import { decodeProfile, encodeProfile } from "../../src/profile/latency-file.ts";

const origin: ProfileOrigin = { machine: "a machine", build: "0.1.0-abcd", backend: "relaxed", model: "1f" };
const profile: LatencyProfile = {
  origin,
  stepMs: 0.0001,
  levels: [
    {
      p50: 0.01,
      p90: 0.02,
      p99: 0.03,
      cold: 1,
      rungs: [
        { p50: 0.01, p90: 0.01, p99: 0.02, layers: [0.005, 0.01], reached: 1 },
        { p50: 0.02, p90: 0.02, p99: 0.03, layers: [0.015, 0.02] },
        { p50: 0.03, p90: 0.03, p99: 0.04, layers: [0.025, 0.03], reached: Number.NaN },
      ],
      sensitivity: 0.5,
    },
    { p50: Number.NaN, p90: Number.NaN, p99: Number.NaN },
  ],
};

describe("a profile as text", () => {
  test("comes back as it was, unknown numbers included", () => {
    expect(decodeProfile(encodeProfile(profile), "file")).toEqual(profile);
    expect(encodeProfile(profile)).toContain("null");
  });

  test.each<[string, unknown, string]>([
    ["no object", [1], "profile: got a list of 1, expected an object"],
    ["no origin", { levels: [] }, "origin: got nothing, expected an object"],
    ["no machine", { origin: { ...origin, machine: undefined }, levels: [] }, "origin.machine: got nothing, expected text"],
    ["a backend of nothing", { origin: { ...origin, backend: null }, levels: [] }, "origin.backend: got null, expected text"],
    ["a model as a number", { origin: { ...origin, model: 5 }, levels: [] }, "origin.model: got 5, expected text"],
    ["half an origin", { origin: { machine: "m" }, levels: [] }, "origin.build: got nothing, expected text"],
    ["no levels", { origin }, "levels: got nothing, expected a list"],
    ["a time below 0", { origin, levels: [{ p50: -1, p90: 2, p99: 3 }] }, "levels[0].p50: got -1"],
    ["a time as text", { origin, levels: [{ p50: "1", p90: 2, p99: 3 }] }, 'levels[0].p50: got "1"'],
    ["a missing percentile", { origin, levels: [{ p50: 1, p90: 2 }] }, "levels[0].p99: got nothing"],
    [
      "falling percentiles",
      { origin, levels: [{ p50: 3, p90: 2, p99: 4 }] },
      "levels[0]: got 3, 2, 4, expected percentiles that do not fall",
    ],
    [
      "a 99th percentile below the 90th",
      { origin, levels: [{ p50: 1, p90: 3, p99: 2 }] },
      "levels[0]: got 1, 3, 2, expected percentiles that do not fall",
    ],
    ["a time beyond all", { origin, levels: [{ p50: 1, p90: 2, p99: 1e13 }] }, "levels[0].p99: got 10000000000000"],
    [
      "rungs without layers",
      { origin, levels: [{ p50: 1, p90: 2, p99: 3, rungs: [{ p50: 1, p90: 2, p99: 3 }] }] },
      "levels[0].rungs[0].layers: got nothing, expected a list",
    ],
    [
      "a layer's time below 0",
      { origin, levels: [{ p50: 1, p90: 2, p99: 3, rungs: [{ p50: 1, p90: 2, p99: 3, layers: [1, -1] }] }] },
      "levels[0].rungs[0].layers[1]: got -1",
    ],
    ["a rung of nothing", { origin, levels: [{ p50: 1, p90: 2, p99: 3, rungs: [null] }] }, "levels[0].rungs[0]: got null"],
    ["rungs that are no list", { origin, levels: [{ p50: 1, p90: 2, p99: 3, rungs: {} }] }, "levels[0].rungs: got an object"],
    ["a first run below 0", { origin, levels: [{ p50: 1, p90: 2, p99: 3, cold: -1 }] }, "levels[0].cold: got -1"],
    ["a sensitivity of 0", { origin, levels: [{ p50: 1, p90: 2, p99: 3, sensitivity: 0 }] }, "levels[0].sensitivity: got 0"],
    [
      "more than all queries in a rung",
      { origin, levels: [{ p50: 1, p90: 2, p99: 3, rungs: [{ p50: 1, p90: 2, p99: 3, layers: [1], reached: 1.5 }] }] },
      "levels[0].rungs[0].reached: got 1.5, expected a share from 0 to 1",
    ],
    ["no JSON", undefined, "got text that is no JSON, expected a latency profile"],
    ["a step of nothing", { origin, stepMs: 0, levels: [] }, "stepMs: got 0"],
  ])("is refused with %s", (_, value, message) => {
    expect(() => decodeProfile(JSON.stringify(value), "file")).toThrow(expect.objectContaining({ code: "bad-file" }));
    expect(() => decodeProfile(JSON.stringify(value), "file")).toThrow(`file: ${message}`);
  });

  test("is refused in few words, whatever it holds", () => {
    const refused = (value: unknown) => () => decodeProfile(JSON.stringify({ origin, levels: value }), "file");
    expect(refused("x".repeat(1e6))).toThrow(/^.{0,120}$/);
    expect(refused([new Array(1e5).fill(0)])).toThrow(/^.{0,120}$/);
  });

  const time = fc.oneof(fc.constantFrom(Number.NaN, 1e12), fc.double({ min: 0, minExcluded: true, max: 1e12, noNaN: true }));
  const share = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1 }));
  const optional = <T>(key: string, value: fc.Arbitrary<T>) =>
    fc.option(
      value.map((v) => ({ [key]: v })),
      { nil: {} },
    );
  // some are the same, some are unknown
  const quantiles = fc
    .tuple(time, share, share)
    .map(([p99, a, b]) => ({ p50: a * b * p99 || Number.NaN, p90: a * p99 || Number.NaN, p99 }));
  const rung = fc.tuple(quantiles, fc.array(time, { maxLength: 3 }), optional("reached", share));
  const rungs = fc.array(
    rung.map(([of, layers, reached]) => ({ ...of, layers, ...reached })),
    { maxLength: 3 },
  );
  const level = fc.tuple(quantiles, optional("cold", time), optional("sensitivity", time), optional("rungs", rungs));
  const levels = fc.array(level.map(([of, ...others]) => Object.assign({}, of, ...others)));
  const profiles = fc
    .tuple(levels, fc.string(), optional("stepMs", time))
    .map(([of, machine, stepMs]): LatencyProfile => ({ origin: { ...origin, machine }, ...stepMs, levels: of }));

  test("comes back as it was, whatever was measured", () => {
    fc.assert(
      fc.property(profiles, (any) => {
        expect(decodeProfile(encodeProfile(any), "file")).toStrictEqual(any);
      }),
    );
  });

  test("is refused in one line that names the field, where a field holds what it cannot be", () => {
    const places = (value: object, at: string): [string, object, string][] =>
      Object.entries(value).flatMap(([key, of]) => {
        const here = Array.isArray(value) ? `${at}[${key}]` : at ? `${at}.${key}` : key;
        return [[here, value, key], ...(typeof of === "object" && of !== null ? places(of, here) : [])];
      });
    fc.assert(
      fc.property(profiles, fc.nat(), fc.constantFrom<unknown>(true, -1, 1e13, "odd\nvalue", { odd: true }), (any, n, odd) => {
        const copy = JSON.parse(encodeProfile(any));
        const all = places(copy, "").filter(([, , key]) => !(odd === "odd\nvalue" && key in origin));
        const [at, parent, key] = all[n % all.length];
        Object.assign(parent, { [key]: odd });
        // a part that is an object is not told by itself but by what it lacks
        const named = at.replace(/[[\].]/g, "\\$&");
        expect(() => decodeProfile(JSON.stringify(copy), "file")).toThrow(
          expect.objectContaining({ code: "bad-file", message: expect.stringMatching(new RegExp(`^file: ${named}[^\n]{1,200}$`)) }),
        );
      }),
      { numRuns: 1000 },
    );
  });

  test("is refused wherever it is cut off", () => {
    const text = encodeProfile(profile);
    fc.assert(
      fc.property(fc.nat(text.length - 3), (length) => {
        expect(() => decodeProfile(text.slice(0, length), "file")).toThrow(expect.objectContaining({ code: "bad-file" }));
      }),
    );
  });

  test("whatever JSON it is, it is refused in words or read", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom("levels", "origin", "stepMs"), (value, key) => {
        const text = JSON.stringify({ ...JSON.parse(encodeProfile(profile)), [key]: value });
        try {
          expect(decodeProfile(text, "file").levels).toBeInstanceOf(Array);
        } catch (error) {
          expect(error).toMatchObject({ code: "bad-file" });
        }
      }),
    );
  });
});
