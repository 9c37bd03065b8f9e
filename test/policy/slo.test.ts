import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SlonnError } from "../../src/errors.ts";
import { askedOf, asksSame, checkSlo, describeSlo, parseSlo, type Slo } from "../../src/policy/slo.ts";

function refusal(act: () => unknown): SlonnError {
  try {
    act();
  } catch (error) {
    if (error instanceof SlonnError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

const share = fc.double({ min: 1e-6, max: 1, noNaN: true });
const positive = fc.double({ min: 1e-9, max: 1e15, noNaN: true });
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const slos: fc.Arbitrary<Slo> = fc.oneof(
  fc.constantFrom<Slo>({ dense: true }, { exact: true }),
  fc
    .record({
      accuracy: optional(share),
      loss: optional(fc.double({ min: 0, max: 0.999, noNaN: true })),
      agreement: optional(share),
      latencyMs: optional(positive),
      percentile: optional(fc.double({ min: 50, max: 99, noNaN: true })),
      operations: optional(positive),
      nodes: optional(share),
    })
    .map((slo) => checkSlo(slo.latencyMs === undefined ? { ...slo, percentile: undefined } : slo)),
);

describe("parseSlo", () => {
  test.each<[string, Slo]>([
    ["dense", { dense: true }],
    ["exact", { exact: true }],
    ["accuracy=0.97", { accuracy: 0.97 }],
    ["loss=0.003", { loss: 0.003 }],
    ["loss=0", { loss: 0 }],
    ["agreement=99%", { agreement: 0.99 }],
    ["latency=2ms", { latencyMs: 2 }],
    ["latency=2ms@p99", { latencyMs: 2, percentile: 99 }],
    ["latency=500us@p50", { latencyMs: 0.5, percentile: 50 }],
    ["latency=1.001s", { latencyMs: 1001 }],
    ["latency=1.5s", { latencyMs: 1500 }],
    ["latency=1e-1ms", { latencyMs: 0.1 }],
    ["operations=200000", { operations: 200_000 }],
    ["operations=2e5", { operations: 200_000 }],
    ["nodes=5%", { nodes: 0.05 }],
    ["loss=0.7%", { loss: 0.007 }],
    ["nodes=.05", { nodes: 0.05 }],
    ["latency=2ms, loss=0.01", { latencyMs: 2, loss: 0.01 }],
    [" latency = 2 ms @ p90 , loss = 1 % ", { latencyMs: 2, percentile: 90, loss: 0.01 }],
  ])("%s", (text, slo) => {
    expect(parseSlo(text)).toEqual(slo);
  });

  test.each([
    ["", 'slo: got "", expected dense, exact, accuracy=0.97'],
    ["fast", 'slo: got "fast", expected dense'],
    ["latency=2ms,", 'slo: got "" in "latency=2ms,", expected dense'],
    [",loss=0.01", 'slo: got "" in ",loss=0.01", expected dense'],
    ["operations=200,000", 'slo: got "000" in "operations=200,000", expected dense'],
    ["Dense", 'slo: got "Dense"'],
    ["loss", 'loss: got "", expected a number, as in loss=0.003'],
    ["loss=", 'loss: got "", expected a number'],
    ["loss=-1", 'loss: got "-1", expected a number without a sign, as in loss=0.003'],
    ["loss=0x1", 'loss: got "0x1", expected a number'],
    ["loss=1", "loss: got 1, expected a fraction from 0 to below 1"],
    ["accuracy=97", "accuracy: got 97, expected a share above 0, at most 1"],
    ["accuracy=NaN", 'accuracy: got "NaN"'],
    ["nodes=0", "nodes: got 0, expected a share above 0"],
    ["nodes=500%", "nodes: got 5, expected a share"],
    ["latency=2", 'latency: got "2", expected a time such as 2ms'],
    ["latency=2m", 'latency: got "2m", expected a time'],
    ["latency=ms", 'latency: got "", expected a number'],
    ["latency=500µs", 'latency: got "500µs", expected a time such as 2ms, 500us'],
    ["latency=2 0ms", 'latency: got "2 0ms", expected a time'],
    ["latency=0ms", 'latency: got "0ms", expected a finite time above 0, such as 2ms'],
    ["latency=1e999s", 'latency: got "1e999s", expected a finite time above 0, such as 2ms'],
    ["latency=2ms@99", 'latency: got "2ms@99", expected a time'],
    ["latency=2ms@p99.9", "percentile: got 99.9, expected 50 to 99"],
    ["latency=2ms@pmax", 'percentile: got "max", expected a number'],
    ["operations=many", 'operations: got "many", expected a number, as in operations=200000'],
    ["dense=1", 'dense: got "dense=1", expected dense without a value'],
    ["dense,nodes=5%", "dense: got nodes beside it, expected dense alone"],
    ["exact,dense", "dense: got exact beside it"],
    ["loss=0.1,loss=0.2", 'loss: got it twice in "loss=0.1,loss=0.2", expected it once'],
    ["loss=0.1,", 'slo: got ""'],
    ["__proto__=1", 'slo: got "__proto__=1"'],
  ])("refuses %j", (text, message) => {
    const error = refusal(() => parseSlo(text));
    expect(error.code).toBe("bad-slo");
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("\n");
  });

  test("reads back what describeSlo wrote", () => {
    fc.assert(
      fc.property(slos, (slo) => {
        const text = describeSlo(slo);
        if (text === "") return;
        expect(parseSlo(text)).toEqual(slo);
        expect(describeSlo(parseSlo(text))).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  test("any text is an SLO or a bad-slo, quickly", () => {
    const pieces = fc.constantFrom("latency=", "loss=", "nodes=", "ms", "@p", "99", "%", ",", "e", ".", "1", "-", "dense", "\n", "us", "=");
    const texts = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 12 }).map((p) => p.join("")),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          parseSlo(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SlonnError);
          expect((error as SlonnError).code).toBe("bad-slo");
        }
      }),
      { numRuns: 3000 },
    );
    expect(refusal(() => parseSlo(`latency=${"1".repeat(1e6)}ms`)).message).toBe("slo: got 1000010 characters, expected at most 1000");
  });
});

describe("checkSlo", () => {
  test("gives a copy of what is asked and nothing else", () => {
    const asked = { loss: 0.01, nodes: undefined };
    const slo = checkSlo(asked);
    expect(slo).toEqual({ loss: 0.01 });
    expect(Object.keys(slo)).toEqual(["loss"]);
    expect(slo).not.toBe(asked);
    expect(checkSlo({})).toEqual({});
    const { signal } = new AbortController();
    expect(checkSlo({ dense: true, signal }).signal).toBe(signal);
  });

  test.each<[unknown, string]>([
    [null, "slo: got null, expected an object"],
    ["loss=0.1", 'slo: got "loss=0.1", expected an object'],
    [[], "slo: got a list of 0, expected an object"],
    [{ speed: 1 }, 'slo: got the key "speed", expected dense, exact, accuracy'],
    [{ latency: 1 }, 'slo: got the key "latency", expected'],
    [{ loss: "0.1" }, 'loss: got "0.1", expected a fraction'],
    [{ loss: Number.NaN }, "loss: got NaN, expected"],
    [{ accuracy: 0 }, "accuracy: got 0, expected"],
    [{ agreement: 1.01 }, "agreement: got 1.01, expected"],
    [{ latencyMs: Number.POSITIVE_INFINITY }, "latencyMs: got Infinity"],
    [{ operations: 0 }, "operations: got 0"],
    [{ exact: false }, "exact: got false, expected true, or no such key"],
    [{ exact: true, latencyMs: 1 }, "exact: got latencyMs beside it, expected exact alone"],
    [{ dense: true, nodes: 0.5 }, "dense: got nodes beside it, expected dense alone"],
    [{ latencyMs: 1, percentile: 0.99 }, "percentile: got 0.99, expected 50 to 99"],
    [{ percentile: 90 }, "percentile: got no latencyMs beside it"],
    [{ late: "run" }, "late: got no latencyMs beside it"],
    [{ latencyMs: 1, late: "never" }, 'late: got "never", expected run or refuse'],
    [{ signal: true }, "signal: got true, expected an AbortSignal"],
    [{ loss: () => 1 }, "loss: got a function"],
    [{ loss: 1n }, "loss: got a bigint"],
  ])("refuses %o", (value, message) => {
    const error = refusal(() => checkSlo(value));
    expect(error.code).toBe("bad-slo");
    expect(error.message).toContain(message);
  });

  test("anything at all is an SLO or a bad-slo", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        try {
          checkSlo(value);
        } catch (error) {
          expect(error).toBeInstanceOf(SlonnError);
        }
      }),
    );
  });
});

describe("asksSame", () => {
  const { signal } = new AbortController();
  const values: Slo = {
    ...{ accuracy: 0.9, loss: 0, agreement: 0.9, latencyMs: 2, percentile: 90, operations: 1000, nodes: 0.1, late: "refuse" },
  };
  const keys = Object.keys(values) as (keyof Slo)[];
  const pick = (some: (keyof Slo)[]): Slo => Object.fromEntries(some.map((key) => [key, values[key]]));
  /** What is asked, checked or not, in one order. */
  const checkedOf = (slo: Slo): unknown =>
    Object.entries(slo)
      .filter(([, value]) => value !== undefined)
      .sort();

  test("holds where no key is missing, added or other, signals aside", () => {
    const asked = askedOf(values);
    expect(asksSame({ ...values }, asked)).toBe(true);
    expect(asksSame({ ...values, signal }, asked)).toBe(true);
    for (const key of keys) {
      const { [key]: value, ...rest } = values;
      expect([key, asksSame(rest, asked), asksSame(values, askedOf(rest))]).toEqual([key, false, false]);
      expect([key, asksSame({ ...values, [key]: typeof value === "number" ? value + 0.01 : "run" }, asked)]).toEqual([key, false]);
    }
    for (const alone of [{ dense: true }, { exact: true }] satisfies Slo[]) {
      expect(asksSame({ ...alone }, askedOf(alone))).toBe(true);
      expect(asksSame(alone, askedOf({})) || asksSame({}, askedOf(alone))).toBe(false);
    }
  });

  test("holds whatever else stands there undefined, and for nothing that asks otherwise", () => {
    const every = ["dense", "exact", ...keys] as const;
    const asking = fc.oneof(fc.constant({}), fc.constant({ dense: true }), fc.constant({ exact: true }), fc.subarray(keys).map(pick));
    fc.assert(
      fc.property(asking, asking, fc.subarray([...every, "signal"]), (one, other, absent) => {
        const slo: Slo = { ...Object.fromEntries(absent.map((key) => [key, undefined])), ...one };
        expect(asksSame(slo, askedOf(other))).toBe(JSON.stringify(checkedOf(slo)) === JSON.stringify(checkedOf(other)));
      }),
    );
    for (const key of every)
      expect([key, asksSame({ [key]: undefined }, askedOf({})), asksSame({ [key]: undefined }, askedOf({ dense: true }))]).toEqual([
        key,
        true,
        false,
      ]);
  });

  test("never holds for what checkSlo would refuse", () => {
    fc.assert(
      fc.property(fc.anything(), fc.string(), fc.subarray(keys), (value, key, some) => {
        const slo = pick(some);
        fc.pre(slo.latencyMs !== undefined || !(slo.percentile || slo.late));
        const asked = askedOf(slo);
        for (const odd of [value, { ...slo, [key]: 1 }, { ...slo, signal: value }] as Slo[]) {
          if (typeof odd !== "object" || !asksSame(odd, asked)) continue;
          const { signal: _, ...kept } = checkSlo(odd);
          expect(kept).toEqual(slo);
        }
      }),
    );
    expect(asksSame([] as Slo, askedOf({})) || asksSame(null, askedOf({}))).toBe(false);
    expect(asksSame({ loss: 0.1, bogus: 1 } as Slo, askedOf({ loss: 0.1 }))).toBe(false);
  });
});

describe("describeSlo", () => {
  test("canonical order whatever the order of keys", () => {
    expect(describeSlo({ nodes: 0.07, latencyMs: 2, percentile: 90, loss: 0.01 })).toBe("loss=0.01,latency=2ms@p90,nodes=7%");
    expect(describeSlo({})).toBe("");
  });
});
