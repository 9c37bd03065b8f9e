import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Activation, createModel } from "../../src/model/model.ts";
import { createForecast, isNoFaster, medianAt, pick } from "../../src/policy/deadline.ts";
import { certificateOf, isDense, isLossless, uncalibratedLevels } from "../../src/policy/levels.ts";
import { createLoad, follow, type LoadOptions, type LoadState } from "../../src/policy/load.ts";
import type { Plan } from "../../src/policy/plan.ts";
import { asksPromise, met, nodeShare, plan as planFor, planKey, preference, shareOf, thinnedLayers } from "../../src/policy/policy.ts";
import { parseSlo, type Slo } from "../../src/policy/slo.ts";
import type { Ladder, LayerSetting, Level } from "../../src/profile/ladder.ts";
import type { LatencyProfile } from "../../src/profile/latency.ts";
import { madeUpModel } from "../made-up-models.ts";

const loadOf = (levels: readonly Level[], load: LoadOptions): LoadState => {
  const state = createLoad(levels.length);
  follow(state, load);
  return state;
};
const plan = (
  slo: Slo | undefined,
  levels: readonly Level[],
  promise: Ladder["promise"] | null,
  profile: LatencyProfile | null,
  load: LoadOptions,
): Plan => planFor(slo, levels, promise, createForecast(profile ?? { levels: [] }, levels), loadOf(levels, load));

const ranked: LayerSetting = { kind: "ranked", activator: "low-rank", variant: 8, unit: "panel", by: "top-k", amount: 0.1 };

interface Facts {
  kind?: LayerSetting["kind"];
  macs: number;
  share?: number;
  accuracy: number | null;
  agreement?: number;
  loss?: number;
  certified?: { loss?: number; agreement?: number; accuracy?: number };
}

function level({ kind = "ranked", macs, share = 1, accuracy, agreement = 1, loss = 0, certified = {} }: Facts): Level {
  const setting: LayerSetting = kind === "ranked" ? ranked : { kind };
  return {
    rungs: [{ layers: [setting, kind === "ranked" ? { kind: "exact" } : setting] }],
    cost: { macs: { mean: macs, p99: 1.5 * macs, max: 2 * macs }, bytes: 4 * macs, nodes: [share, 1] },
    observed: { agreement, accuracy, loss: accuracy === null ? null : loss },
    certificates: (["loss", "agreement", "accuracy"] as const).flatMap((kind) => {
      const bound = certified[kind];
      return bound === undefined ? [] : [{ kind, bound, confidence: 0.95, samples: 10_000 }];
    }),
  };
}

// Five levels as calibration would leave them.
const levels: Level[] = [
  level({ macs: 100, share: 0.05, accuracy: 0.95, agreement: 0.96, certified: { loss: 0.04, agreement: 0.95, accuracy: 0.945 } }),
  level({ macs: 200, share: 0.1, accuracy: 0.97, agreement: 0.985, certified: { loss: 0.012, agreement: 0.98, accuracy: 0.965 } }),
  level({ macs: 300, share: 0.2, accuracy: 0.979, agreement: 0.995, certified: { loss: 0.0025, agreement: 0.992, accuracy: 0.975 } }),
  level({ kind: "exact", macs: 600, accuracy: 0.98, certified: { loss: 0.0005, agreement: 0.9995, accuracy: 0.976 } }),
  level({ kind: "dense", macs: 1000, accuracy: 0.98, certified: { loss: 0, agreement: 1, accuracy: 0.976 } }),
];
const latencies = (times: readonly number[]): LatencyProfile => ({ levels: times.map((p50) => ({ p50, p90: 2 * p50, p99: 3 * p50 })) });
const profile = latencies([1, 2, 3, 6, 10]);
const promise = { kind: "loss", bound: 0.003, confidence: 0.95 } as const;
const idle = { stretch: 1 };
const chosen = (slo: Slo | undefined, stretch = 1) => plan(slo, levels, promise, profile, { stretch });

test("a deadline that has passed leaves no time, and no less", () => {
  const { reason } = planFor({ latencyMs: 5 }, levels, null, createForecast(profile, levels), createLoad(levels.length), -138.6);
  expect(reason).toContain("with 0 ms left");
});

test("a deadline tells which levels it chose among: those that are faster than any better one, as sessions hand them over", () => {
  const even = createForecast(latencies([9.5, 9.6, 9.7, 9.8, 10]), levels);
  const slo = { latencyMs: 100, loss: 0.05 };
  const { reason } = planFor(slo, levels, null, even, createLoad(levels.length), 100, preference(slo, levels, even));
  expect(reason).toBe("latency=100ms leaves 1 of 1 levels that pay; loss=0.05 is certified for 1 of 1 levels; level 1 of 5");
});

describe("plan, one thing asked", () => {
  test.each<[Slo, number, string[]]>([
    [{ dense: true }, 4, []],
    [{ exact: true }, 3, []],
    [{ loss: 0.05 }, 0, []],
    [{ loss: 0.003 }, 2, []],
    [{ loss: 0.001 }, 3, []],
    [{ loss: 0 }, 3, []],
    [{ agreement: 0.98 }, 1, []],
    [{ agreement: 1 }, 3, []],
    [{ accuracy: 0.97 }, 2, []],
    [{ accuracy: 0.976 }, 3, []],
    [{ accuracy: 0.99 }, 4, ["accuracy=0.99"]],
    [{ latencyMs: 100 }, 3, []],
    [{ latencyMs: 17 }, 2, []],
    [{ latencyMs: 17, percentile: 50 }, 3, []],
    [{ latencyMs: 5, percentile: 70 }, 2, []], // 3.7: between the median of 3 and the 90th percentile of 6
    [{ latencyMs: 3.7, percentile: 70 }, 1, []],
    [{ latencyMs: 1 }, 0, ["latency=1ms"]],
    [{ operations: 1e6 }, 3, []],
    [{ operations: 600 }, 2, []],
    [{ operations: 599 }, 1, []],
    [{ operations: 10 }, 0, ["operations=10"]],
    [{ nodes: 1 }, 3, []],
    [{ nodes: 0.1 }, 1, []],
    [{ nodes: 0.01 }, 0, ["nodes=1%"]],
  ])("%j gets level %i", (slo, index, gaveUp) => {
    const made = chosen(slo);
    expect([made.level, made.gaveUp]).toEqual([index, gaveUp]);
    expect(made.reason).not.toBe("");
  });

  test("nothing asked is the calibrated promise, without one dense", () => {
    for (const slo of [undefined, {}]) {
      expect(plan(slo, levels, promise, profile, idle)).toMatchObject({
        level: 2,
        slo: {},
        promised: true,
        certificate: { kind: "loss", bound: 0.0025 },
      });
      expect(plan(slo, levels, null, profile, idle)).toMatchObject({ level: 4, certificate: null, promised: true });
    }
    expect(plan(undefined, levels, promise, profile, idle).reason).toBe(
      "the calibrated promise: loss=0.003 is certified for 3 of 5 levels; level 3 of 5, the least latency of them",
    );
  });

  test("an accuracy no level can promise runs dense and names the best there is", () => {
    const { reason, certificate, promised } = chosen({ accuracy: 0.99 });
    expect(reason).toBe("accuracy=0.99 is certified for no level: the best of them is for accuracy=0.976; dense");
    expect([certificate, promised]).toEqual([null, false]);
  });

  test("what a reason says could be had, is had where just that is asked", () => {
    const certified = { loss: 0.0121456, agreement: 0.984567, accuracy: 0.9645678 };
    const odd = [
      level({ macs: 123_456.5, share: 0.0123456, accuracy: 0.97, certified }),
      level({ macs: 200_000, accuracy: 0.98, certified }),
    ];
    for (const [slo, named] of [
      [{ loss: 0.001 }, "loss=0.0122"],
      [{ agreement: 0.99 }, "agreement=0.9845"],
      [{ accuracy: 0.99 }, "accuracy=0.9645"],
      [{ operations: 1 }, "operations=246913"],
      [{ nodes: 0.01 }, "nodes=1.24%"],
      [{ latencyMs: 0.1 }, "latency=3.7038ms"],
    ] as const) {
      const times = latencies([1.2345678, 20]);
      const { reason, gaveUp } = plan(slo, odd, promise, times, idle);
      expect([reason, gaveUp.length]).toEqual([expect.stringContaining(` ${named}; `), 1]);
      expect(plan(parseSlo(named), odd, promise, times, idle).gaveUp).toEqual([]);
    }
  });

  test("a level that grows, and does not fit, is said to take what all of it takes", () => {
    const rungs = [1, 30].map((ms) => ({ p50: ms, p90: 2 * ms, p99: 3 * ms, layers: [ms], reached: 0.3 }));
    const growing: LatencyProfile = { levels: levels.map(() => ({ p50: 1, p90: 30, p99: 90, rungs })) };
    const { reason, gaveUp } = plan({ latencyMs: 5 }, levels, null, growing, idle);
    expect([reason, gaveUp]).toEqual([expect.stringContaining("latency=5ms fits no level: closest takes latency=90ms"), ["latency=5ms"]]);
    expect(plan({ latencyMs: 90 }, levels, null, growing, idle).gaveUp).toEqual([]);
  });

  test("where cores get lost a deadline is given up that levels would keep without", () => {
    expect(plan({ latencyMs: 5 }, levels, null, profile, { stretch: 1, lostPerMs: 0.1 }).reason).toContain(
      "latency=5ms beside lost slices fits no level: closest takes latency=3ms",
    );
  });

  test("a share of nodes is a decimal: rounding is no reason not to fit, nor not to have met it", () => {
    const shares = [0.1, 0.2];
    const thin = { ...levels[1], cost: { ...levels[1].cost, nodes: shares } };
    const made = plan({ nodes: 0.15 }, [{ ...thin, observed: { ...thin.observed, accuracy: 0.5 } }, thin, levels[4]], null, null, idle);
    expect(made).toMatchObject({ level: 1, gaveUp: [] });
    expect(met(made, { waitedMs: 0, totalMs: 1, macs: 1, nodeShare: nodeShare([10, 20], [0, 1], [100, 100]) })).toBe(true);
    expect(met(made, { waitedMs: 0, totalMs: 1, macs: 1, nodeShare: 0.1501 })).toBe(false);
  });

  test.each([2 / 3, 0.29, 1e-7, 5 / 7])("a share of nodes asked for to its last digit, %s, fits and is met", (share) => {
    const thin = { ...levels[1], cost: { ...levels[1].cost, nodes: [share, share] } };
    const made = plan({ nodes: share }, [thin, levels[4]], null, null, idle);
    expect(made).toMatchObject({ level: 0, gaveUp: [] });
    expect(met(made, { waitedMs: 0, totalMs: 1, macs: 1, nodeShare: nodeShare([share, share], [0, 1]) })).toBe(true);
  });

  test("without labels the level that agrees most is the most accurate, whatever it costs", () => {
    const facts = [0.97, 0.99, 0.98].map((agreement, i) => level({ macs: 100 * (i + 1), share: 0.1, accuracy: null, agreement }));
    const unlabelled = [...facts, level({ kind: "dense", macs: 1000, accuracy: null })];
    const { level: picked, reason } = plan({ nodes: 0.1 }, unlabelled, null, null, idle);
    expect(picked).toBe(1);
    expect(reason).toMatch(/level 2 of 4, the most accurate of them$/);
    expect(chosen({ loss: 0.003 }).reason).toMatch(/level 3 of 5, the least latency of them$/);
  });

  test.each([
    [{ latencyMs: 5, operations: 500 }, 1],
    [{ latencyMs: 5, nodes: 0.2 }, 2],
    [{ latencyMs: 5, loss: 0.02 }, 1],
    [{ latencyMs: 5 }, 0],
  ])("a deadline that nobody can tell anything of leaves the word to what else is asked: %o", (slo, expected) => {
    expect(plan(slo, levels, promise, null, idle)).toMatchObject({ level: expected, gaveUp: [expect.stringContaining("latency=5ms")] });
  });

  test("agreement certified without labels proves loss too: an answer that stays is not lost", () => {
    const unlabelled = levels.map((one) => ({ ...one, certificates: one.certificates.filter(({ kind }) => kind === "agreement") }));
    const { level, gaveUp, certificate } = plan({ loss: 0.021 }, unlabelled, null, profile, idle);
    expect([level, gaveUp]).toEqual([1, []]);
    expect(certificate).toEqual({ kind: "loss", bound: expect.closeTo(0.02, 12), confidence: 0.95, samples: 10_000 });
    // beside labels loss has a test of its own, and only one of the two may be looked at
    expect(chosen({ loss: 0.011 }).level).toBe(2);
    expect(plan({ accuracy: 0.5 }, unlabelled, null, profile, idle).gaveUp).toEqual(["accuracy=0.5"]);
  });

  test("where no level is exact, exact is dense, which leaves out nothing", () => {
    const without = levels.filter(({ rungs: [{ layers }] }) => layers[0].kind !== "exact");
    expect(plan({ exact: true }, without, promise, null, idle)).toMatchObject({ level: 3, reason: "exact was asked" });
  });

  test("of levels observed to be as good, exact is preferred to one that drops nodes, which may be wrong elsewhere", () => {
    const dear = level({ macs: 800, accuracy: 0.98 });
    expect(plan({ operations: 1e6 }, [levels[3], dear, levels[4]], promise, latencies([6, 3, 10]), idle).level).toBe(0);
  });

  test("a budget has to hold the first rung of a level that grows, and all but one in a hundred of its queries", () => {
    const one = level({ macs: 200, accuracy: 0.97 });
    const growing = (first: number): Level => ({ ...one, rungs: [{ ...one.rungs[0], margin: 1, macs: first }, one.rungs[0]] });
    const fits = (operations: number, first: number): boolean =>
      plan({ operations }, [levels[0], growing(first), levels[4]], promise, null, idle).level === 1;
    expect([fits(299, 150), fits(300, 150), fits(349, 350), fits(350, 350)]).toEqual([false, true, false, true]);
  });

  test("the plan carries the certificate it rests on and what to expect", () => {
    expect(chosen({ agreement: 0.98 })).toMatchObject({
      certificate: { kind: "agreement", bound: 0.98, confidence: 0.95, samples: 10_000 },
      expected: { metric: 0.97, latencyMs: 2, macs: 200 },
    });
    expect(chosen({ loss: 0 }).certificate).toEqual({ kind: "loss", bound: 0, confidence: 1, samples: 0 });
    expect(chosen({ latencyMs: 12 }, 2).expected.latencyMs).toBeCloseTo(12, 9);
  });

  test("the more loaded the machine, the cheaper the level", () => {
    expect([1, 1.1, 2, 2.1, 3, 3.1, 6, 6.1, 99].map((stretch) => chosen({ latencyMs: 18 }, stretch).level)).toEqual([
      3, 2, 2, 1, 1, 0, 0, 0, 0,
    ]);
    expect(chosen({ latencyMs: 18 }, Number.NaN).level).toBe(3);
  });
});

describe("plan, several things asked", () => {
  test("keeps all of it where one level does", () => {
    expect(chosen({ latencyMs: 17, loss: 0.02 })).toMatchObject({ level: 1, gaveUp: [], certificate: { bound: 0.012 } });
    expect(chosen({ operations: 600, loss: 0.02, nodes: 0.1 })).toMatchObject({ level: 1, gaveUp: [] });
    expect(chosen({ loss: 0.02, agreement: 0.99 })).toMatchObject({ level: 2, gaveUp: [], certificate: { kind: "loss" } });
  });

  test("the deadline wins over a promise", () => {
    const made = chosen({ latencyMs: 7, loss: 0.003 });
    expect(made).toMatchObject({ level: 1, gaveUp: ["loss=0.003"], promised: false, certificate: null });
    expect(made.reason).toContain("loss=0.003 is certified for no level left: the best of them is for loss=0.012");
  });

  test("of levels that a budget of nodes leaves, the most accurate is taken, be it a cheaper one", () => {
    const two = [level({ macs: 100, share: 0.02, accuracy: 0.5 }), level({ macs: 110, share: 0.01, accuracy: 0.4 }), levels[4]];
    expect(plan({ nodes: 0.05 }, two, null, null, idle)).toMatchObject({ level: 0, gaveUp: [] });
  });

  test("a promise wins over nodes", () => {
    expect(chosen({ nodes: 0.05, loss: 0.003 })).toMatchObject({ level: 2, gaveUp: ["nodes=5%"], promised: true });
  });

  test("gives all of it up where no level keeps any", () => {
    expect(chosen({ latencyMs: 0.1, operations: 1, nodes: 0.01, accuracy: 0.999 })).toMatchObject({
      level: 0,
      gaveUp: ["latency=0.1ms", "operations=1", "accuracy=0.999", "nodes=1%"],
    });
  });
});

describe("plan, what is not known", () => {
  test("without a profile promises go by multiply-adds and deadlines get the cheapest", () => {
    expect(plan({ loss: 0.02 }, levels, null, null, idle).level).toBe(1);
    const made = plan({ latencyMs: 100 }, levels, null, null, idle);
    expect(made).toMatchObject({ level: 0, gaveUp: ["latency=100ms"], expected: { latencyMs: null } });
    expect(made.reason).toContain("nothing was measured");
    expect(met(made, { waitedMs: 0, totalMs: 0, macs: 1, nodeShare: 1 })).toBe(false);
    expect(met(made, { waitedMs: 1, totalMs: 0, macs: 1, nodeShare: 1 })).toBe(false);
    expect(met(made, { waitedMs: 0, totalMs: 1, macs: 1, nodeShare: 1 })).toBe(true);
  });

  test("without a profile what is asked beside a deadline holds as if it were asked alone, but for the deadline", () => {
    for (const beside of [{ loss: 0.02 }, { operations: 300 }, { nodes: 0.1 }, { agreement: 0.99, operations: 1e9 }]) {
      const alone = plan(beside, levels, null, null, idle);
      const made = plan({ ...beside, latencyMs: 5 }, levels, null, null, idle);
      expect(made).toMatchObject({ certificate: alone.certificate, promised: alone.promised, gaveUp: ["latency=5ms", ...alone.gaveUp] });
      expect(made.reason).toContain("latency=5ms fits no level: nothing was measured");
      if (alone.certificate) expect(made.level).toBe(alone.level);
    }
  });

  test("a level that was not measured is not chosen for its latency", () => {
    for (const none of [Number.NaN, 0, -1]) expect(plan({ loss: 0.02 }, levels, null, latencies([1, none, 3, 6, 10]), idle).level).toBe(2);
    expect(plan({ latencyMs: 10 }, levels, null, latencies([1, 2, Number.NaN, 6, 10]), idle).level).toBe(1);
    expect(plan({ latencyMs: 10 }, levels, null, { levels: [] }, idle).level).toBe(0);
  });

  test.each([
    ["the 99th percentile", { p99: Number.NaN }],
    ["whole queries", { p50: Number.NaN, p90: Number.NaN, p99: Number.NaN }],
  ])("no time is named where %s of what comes closest was not measured", (_, unknown) => {
    const times = { p50: 1, p90: 2, p99: 3 };
    const partly = { levels: levels.map(() => ({ ...times, ...unknown, rungs: [{ ...times, layers: [1] }] })) };
    const made = plan({ latencyMs: 1e-6, nodes: 0.5 }, levels, null, partly, idle);
    expect(made.gaveUp).toEqual(["latency=0.000001ms"]);
    expect(made.reason).toMatch(/^latency=0.000001ms fits no level: nothing was measured; nodes=50% leaves/);
  });

  test("a slower exact level yields to dense", () => {
    expect(plan({ loss: 0 }, levels, null, latencies([1, 2, 3, 11, 10]), idle).level).toBe(4);
    expect(plan({ latencyMs: 100 }, levels, null, latencies([1, 2, 3, 11, 10]), idle).level).toBe(4);
  });

  test("an uncalibrated model has exact and dense", () => {
    const layer = {
      name: "a",
      inputs: 4,
      outputs: 3,
      weight: new Float32Array(12),
      bias: new Float32Array(3),
      activation: "identity" as const,
      alpha: 0,
    };
    const two = uncalibratedLevels(createModel("m", [layer]));
    expect([two.map(isDense), two.map(isLossless)]).toEqual([
      [false, true],
      [true, true],
    ]);
    expect(two[1].cost).toEqual({ macs: { mean: 64, p99: 64, max: 64 }, bytes: 60, nodes: [1] });
    const kinds = (activation: Activation) =>
      uncalibratedLevels(
        createModel("m", [
          { ...layer, activation },
          { ...layer, inputs: 3, weight: new Float32Array(9) },
        ]),
      )[0].rungs[0].layers;
    expect([kinds("relu"), kinds("tanh")].map((layers) => layers.map(({ kind }) => kind))).toEqual([
      ["exact", "exact"],
      ["exact", "dense"],
    ]);
    const level = (slo: Slo) => plan(slo, two, null, null, idle).level;
    expect([level({}), level({ exact: true }), level({ dense: true }), level({ loss: 0.01 })]).toEqual([1, 0, 1, 0]);
    expect(plan({ loss: 0.01 }, two, null, latencies([1, 2]), idle)).toMatchObject({ level: 0, promised: true });
    expect(plan({ accuracy: 0.9 }, two, null, null, idle)).toMatchObject({ level: 1, promised: false, gaveUp: ["accuracy=0.9"] });
    expect(plan({ accuracy: 0.9 }, two, null, null, idle).reason).toContain("none has a certificate of accuracy");
    expect(plan({ nodes: 0.05 }, two, null, null, idle).gaveUp).toEqual(["nodes=5%"]);
  });

  test("a loss of dense's that was tested stays a test, also where it came to 0", () => {
    const proved = { confidence: 0.95, samples: 3000 };
    const levels = uncalibratedLevels(madeUpModel([4, 3, 2], 1)).map((one) => ({
      ...one,
      certificates: [
        { kind: "loss" as const, bound: 0, ...proved },
        { kind: "agreement" as const, bound: 0.99, ...proved },
      ],
    }));
    for (const i of [0, 1]) expect(certificateOf(levels, i, "loss")).toEqual({ kind: "loss", bound: 0, ...proved });
    // a loss alone tells as well that promises are about other weights
    const other = levels.map((one) => ({ ...one, certificates: [{ kind: "loss" as const, bound: 0.01, ...proved }] }));
    for (const i of [0, 1]) expect(certificateOf(other, i, "agreement")).toBeNull();
    const own = levels.map((one) => ({ ...one, certificates: one.certificates.map((c) => ({ ...c, bound: c.kind === "loss" ? 0 : 1 })) }));
    for (const i of [0, 1]) expect(certificateOf(own, i, "loss")).toEqual({ kind: "loss", bound: 0, confidence: 1, samples: 0 });
  });
});

// Any ladder: certificates in any order (levels may be tested in another order than cost), exact anywhere, latencies in any order, some unknown.
const anyLevels: fc.Arbitrary<{ levels: Level[]; profile: LatencyProfile | null }> = fc
  .record({
    facts: fc.array(
      fc.record({
        kind: fc.constantFrom<LayerSetting["kind"]>("ranked", "ranked", "ranked", "exact"),
        macs: fc.integer({ min: 1, max: 50 }),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
        accuracy: fc.constantFrom(0.9, 0.95, 0.96, 0.97, 0.98),
        loss: fc.constantFrom(0.001, 0.002, 0.01, 0.02, 0.5),
      }),
      { maxLength: 7 },
    ),
    times: fc.option(fc.array(fc.oneof(fc.constant(Number.NaN), fc.integer({ min: 1, max: 12 })), { maxLength: 8 }), { nil: null }),
  })
  .map(({ facts, times }) => ({
    levels: [
      ...facts
        .sort((a, b) => a.macs - b.macs)
        .map(({ loss, accuracy, kind, ...rest }) =>
          level({
            ...rest,
            kind,
            accuracy: kind === "exact" ? 0.975 : accuracy,
            certified: { loss, agreement: 1 - 2 * loss, accuracy: 0.97 - loss },
          }),
        ),
      level({ kind: "dense", macs: 51, accuracy: 0.975, certified: { loss: 0, agreement: 1, accuracy: 0.97 } }),
    ],
    profile: times && latencies(times),
  }));

describe("plan, always", () => {
  const shares = fc.double({ min: 0.001, max: 1, noNaN: true });
  const requests: fc.Arbitrary<Slo> = fc.record(
    {
      accuracy: shares,
      loss: fc.double({ min: 0, max: 0.6, noNaN: true }),
      agreement: shares,
      latencyMs: fc.double({ min: 0.1, max: 40, noNaN: true }),
      operations: fc.integer({ min: 1, max: 120 }),
      nodes: shares,
    },
    { requiredKeys: [] },
  );
  const stretches = fc.double({ min: 0.5, max: 8, noNaN: true });
  const speed = (profile: LatencyProfile | null, levels: Level[], i: number): [number, number] => {
    const p50 = profile?.levels[i]?.p50 ?? Number.NaN;
    return [Number.isNaN(p50) ? Number.POSITIVE_INFINITY : p50, levels[i].cost.macs.mean];
  };

  test("what was not given up holds, by the numbers the plan was made from", () => {
    fc.assert(
      fc.property(anyLevels, requests, stretches, ({ levels, profile }, slo, stretch) => {
        const made = plan(slo, levels, null, profile, { stretch });
        expect(levels[made.level]).toBeDefined();
        const gave = (key: string): boolean => made.gaveUp.some((text) => text.startsWith(key));
        const { cost } = levels[made.level];
        const bound = (kind: "loss" | "agreement" | "accuracy"): number => certificateOf(levels, made.level, kind)?.bound ?? Number.NaN;
        if (slo.latencyMs !== undefined && !gave("latency"))
          expect((profile?.levels[made.level].p99 ?? Number.NaN) * stretch).toBeLessThanOrEqual(slo.latencyMs);
        if (slo.operations !== undefined && !gave("operations")) expect(cost.macs.max).toBeLessThanOrEqual(slo.operations);
        if (slo.nodes !== undefined && !gave("nodes")) expect(nodeShare(cost.nodes, thinnedLayers(levels))).toBeLessThanOrEqual(slo.nodes);
        if (slo.loss !== undefined && !gave("loss")) expect(bound("loss")).toBeLessThanOrEqual(slo.loss);
        if (slo.agreement !== undefined && !gave("agreement")) expect(bound("agreement")).toBeGreaterThanOrEqual(slo.agreement);
        if (slo.accuracy !== undefined && !gave("accuracy")) expect(bound("accuracy")).toBeGreaterThanOrEqual(slo.accuracy);
        expect(made.promised).toBe(!gave("loss") && !gave("agreement") && !gave("accuracy"));
        expect(plan(slo, levels, null, profile, { stretch })).toEqual(made);
      }),
      { numRuns: 1500 },
    );
  });

  test("a deadline is given up only when no level fits it", () => {
    fc.assert(
      fc.property(anyLevels, requests, stretches, ({ levels, profile }, slo, stretch) => {
        const { latencyMs = 5 } = slo;
        const fits = levels.some((_, i) => (profile?.levels[i]?.p99 ?? Number.NaN) * stretch <= latencyMs);
        expect(plan({ ...slo, latencyMs }, levels, null, profile, { stretch }).gaveUp.some((text) => text.startsWith("latency"))).toBe(
          !fits,
        );
      }),
    );
  });

  test("raising what is promised never gets a faster level", () => {
    fc.assert(
      fc.property(anyLevels, fc.constantFrom("loss", "agreement", "accuracy"), shares, shares, ({ levels, profile }, kind, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const [lax, strict] = kind === "loss" ? [high, low] : [low, high];
        const first = plan({ [kind]: lax }, levels, null, profile, idle);
        const second = plan({ [kind]: strict }, levels, null, profile, idle);
        if (!second.promised) return;
        const [[timeA, macsA], [timeB, macsB]] = [speed(profile, levels, first.level), speed(profile, levels, second.level)];
        expect(timeB > timeA || (timeB === timeA && macsB >= macsA)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test("raising an accuracy target never lowers the level of a ladder whose latencies rise", () => {
    fc.assert(
      fc.property(shares, shares, fc.constantFrom<"accuracy" | "agreement">("accuracy", "agreement"), (a, b, kind) => {
        expect(chosen({ [kind]: Math.max(a, b) }).level).toBeGreaterThanOrEqual(chosen({ [kind]: Math.min(a, b) }).level);
      }),
    );
  });

  test("tightening a deadline, or a heavier load, never raises the accuracy expected while a level fits", () => {
    fc.assert(
      fc.property(
        anyLevels,
        fc.double({ min: 0.1, max: 60, noNaN: true }),
        stretches,
        stretches,
        ({ levels, profile }, latencyMs, a, b) => {
          const made = (slo: Slo, stretch: number): Plan => plan(slo, levels, null, profile, { stretch });
          const [light, heavy] = [Math.min(a, b), Math.max(a, b)];
          const easy = made({ latencyMs }, light);
          // where none fits, what is most likely to be right and in time may be more accurate than what was safely in time
          for (const hard of [made({ latencyMs }, heavy), made({ latencyMs: latencyMs / 2 }, light)])
            if (hard.gaveUp.length === 0)
              expect(hard.expected.metric ?? Number.NaN).toBeLessThanOrEqual(easy.expected.metric ?? Number.NaN);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("tightening a budget never raises the accuracy expected", () => {
    fc.assert(
      fc.property(anyLevels, shares, shares, ({ levels, profile }, a, b) => {
        for (const budget of [(share: number): Slo => ({ nodes: share }), (share: number): Slo => ({ operations: 120 * share })]) {
          const [less, more] = [Math.min(a, b), Math.max(a, b)].map((share) => plan(budget(share), levels, null, profile, idle));
          if (less.gaveUp.length === 0) expect(less.expected.metric).toBeLessThanOrEqual(more.expected.metric ?? 0);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("picking from the order of preference is planning", () => {
    fc.assert(
      fc.property(
        anyLevels,
        requests,
        stretches,
        fc.double({ min: 0, max: 1, noNaN: true }),
        ({ levels, profile }, asked, stretch, gone) => {
          const slo = { latencyMs: 5, ...asked };
          const forecast = createForecast(profile ?? { levels: [] }, levels);
          if (preference(slo, levels, forecast).every((i) => Number.isNaN(forecast[medianAt(i)]))) return;
          const load = loadOf(levels, { stretch, lostPerMs: 0.03 * gone });
          const leftMs = slo.latencyMs * (1 - gone);
          const order = preference(slo, levels, forecast);
          const made = planFor(slo, levels, null, forecast, load, leftMs, order);
          expect(new Set(order).size).toBe(order.length);
          const leftOut = levels.map((_, i) => i).filter((i) => !order.includes(i));
          for (const i of leftOut) expect(order.some((better) => isNoFaster(forecast, i, better))).toBe(true);
          const picked = pick(order, forecast, load, leftMs, shareOf(slo), asksPromise(slo));
          expect(picked < 0 ? -1 - picked : picked).toBe(made.level);
          expect(made.gaveUp.some((text) => text.startsWith("latency"))).toBe(picked < 0);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("met", () => {
  const done = { waitedMs: 0, totalMs: 1, macs: 100, nodeShare: 0.1 };

  test("by what happened for time, operations and nodes", () => {
    expect(met(chosen({ latencyMs: 1 }), done)).toBe(true); // planned to miss it, and did not
    expect(met(chosen({ latencyMs: 17 }), { ...done, totalMs: 18 })).toBe(false);
    expect([15, 16.5, 17].map((waitedMs) => met(chosen({ latencyMs: 17 }), { ...done, waitedMs }))).toEqual([true, false, false]);
    expect(met(chosen({ latencyMs: 17 }), { ...done, totalMs: Number.NaN })).toBe(false);
    expect(met(chosen({ operations: 100 }), done)).toBe(true);
    expect(met(chosen({ operations: 99 }), done)).toBe(false);
    expect(met(chosen({ nodes: 0.1 }), done)).toBe(true);
    expect(met(chosen({ nodes: 0.09 }), done)).toBe(false);
    expect(met(chosen({ dense: true }), done)).toBe(true);
  });

  test("by the certificate for promises", () => {
    expect(met(chosen({ loss: 0.003 }), done)).toBe(true);
    expect(met(chosen({ accuracy: 0.99 }), done)).toBe(false);
    expect(met(chosen({ latencyMs: 7, loss: 0.003 }), done)).toBe(false);
    expect(met(chosen(undefined), done)).toBe(true);
  });
});

test("a share of nodes is about the layers that some level leaves nodes out of", () => {
  expect(thinnedLayers(levels)).toEqual([0]);
  const nodes = (...shares: number[]): Level => ({ ...levels[0], cost: { ...levels[0].cost, nodes: shares } });
  expect(thinnedLayers([nodes(1, 1, 0.02), nodes(1, 1, 1)])).toEqual([2]);
  expect(thinnedLayers([nodes(1, 1)])).toEqual([0, 1]);
});

test("plans are kept apart by all that is asked, late included", () => {
  expect(planKey(undefined)).toBe(planKey({}));
  expect(planKey({ nodes: 0.05, loss: 0.1 })).toBe(planKey({ loss: 0.1, nodes: 0.05 }));
  expect(planKey({ nodes: 0.05, loss: 0.1 })).not.toBe(planKey({ loss: 0.1 }));
  expect(planKey({ latencyMs: 5, late: "refuse" })).not.toBe(planKey({ latencyMs: 5 }));
});

test("a share of nodes is the mean over its layers, of shares or of counts beside widths", () => {
  expect(nodeShare([0.25, 0.75, 1], [0, 1])).toBe(0.5);
  expect(nodeShare([10, 30, 5], [0, 1], [40, 40, 10])).toBe(0.5);
  expect(nodeShare([1, 0.5], [1])).toBe(0.5);
});
