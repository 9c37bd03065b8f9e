import { describe, expect, test } from "vitest";
import { encodeActivators } from "../../src/activator/activator.ts";
import { fitActivators } from "../../src/calibrate/fit.ts";
import type { Clock } from "../../src/clock.ts";
import { createArrayKernels } from "../../src/engine/array-kernels.ts";
import { createModel, denseMacs, type Model } from "../../src/model/model.ts";
import { rowOf } from "../../src/model/rows.ts";
import type { Ladder, Level, RankedSetting, Rung } from "../../src/profile/ladder.ts";
import { seeded } from "../../src/random.ts";
import { type Breakdown, type BreakdownOptions, breakdown, stages } from "../../src/session/breakdown.ts";
import { createSession } from "../../src/session/session.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";

const widths = [30, 64, 40, 10];
const plain = madeUpModel(widths, 1);
const rows = madeUpRows(40, widths[0], 4);
const inputs = Array.from({ length: rows.count }, (_, r) => rowOf(rows, r));

const low = (amount: number, unit: "node" | "panel" = "node"): RankedSetting => ({
  kind: "ranked",
  activator: "low-rank",
  variant: 8,
  unit,
  by: "top-k",
  amount,
});
const rung = (setting: RankedSetting): Rung => ({ layers: [setting, { kind: "exact" }, { kind: "exact" }] });
const every = (kind: "exact" | "dense"): Rung => ({ layers: plain.layers.map(() => ({ kind })) });
const level = (rungs: Rung[], mean: number): Level => ({
  rungs,
  cost: { macs: { mean, p99: mean, max: mean }, bytes: 4 * mean, nodes: [1, 1, 1] },
  observed: { agreement: 1, accuracy: null, loss: null },
  certificates: [],
});
const levels = {
  low: level([rung(low(0.2))], 900),
  panels: level([rung(low(0.5, "panel"))], 1000),
  growing: level([{ ...rung(low(0.2)), margin: 1 }, { ...rung(low(0.8)), margin: 3 }, every("exact")], 1500),
  exact: level([every("exact")], 3000),
  dense: level([every("dense")], denseMacs(plain)),
};

async function calibrated(): Promise<Model> {
  const options = { kinds: ["low-rank"], rows: 100, random: seeded(3) };
  const { layers, fitted } = await fitActivators(plain, madeUpRows(100, widths[0], 9), options, await createArrayKernels());
  const promise = { kind: "agreement", bound: 0.9, confidence: 0.95 } as const;
  const ladder: Ladder = { version: 1, metric: "agreement", promise, levels: Object.values(levels) };
  return createModel("calibrated", layers, { ladder, tensors: encodeActivators(fitted) });
}
const model = await calibrated();

/** Moves by `step` ms at every look. */
const ticking = (step: number): Clock => {
  let now = 0;
  return { now: () => (now += step) };
};
const sum = (parts: readonly number[]): number => parts.reduce((a, b) => a + b, 0);
const stageOf = ({ stages: all }: Breakdown, name: string) => all.find(({ stage }) => stage === name);
const run = (which: Level, options: BreakdownOptions = {}) => breakdown(model, which, inputs, { clock: ticking(1), ...options });

describe("a breakdown", () => {
  test("has every stage once, in the order of a query", async () => {
    const { stages: found, queries } = await run(levels.growing);
    expect(found.map(({ stage }) => stage)).toEqual(stages);
    expect(queries).toBe(40);
  });

  test.each(Object.entries(levels))("counts the work a session reports: %s", async (_, which) => {
    for (const backend of ["simd", "js"] as const) {
      const session = await createSession(model, { backend });
      const at = session.levels.findIndex(({ rungs }) => JSON.stringify(rungs) === JSON.stringify(which.rungs));
      // the plan that asks for no more than this level's mean is this level, but for budgets of growth
      let [macs, bytes] = [0, 0];
      for (const input of inputs) {
        const slo = which === levels.dense ? { dense: true as const } : { operations: which.cost.macs.max };
        const { report } = session.run(input, slo);
        expect(report.plan.level).toBe(at);
        macs += report.macs / inputs.length;
        bytes += report.bytes / inputs.length;
      }
      session.dispose();
      const operations = which === levels.dense ? undefined : which.cost.macs.max;
      const { stages: found } = await run(which, { backend, operations });
      expect(sum(found.map((stage) => stage.macs))).toBeCloseTo(macs, 6);
      expect(sum(found.map((stage) => stage.bytes))).toBeCloseTo(bytes, 6);
    }
  });

  test("gives work to the stage that does it", async () => {
    const macs = async (which: Level, stage: string) => stageOf(await run(which), stage)?.macs;
    expect(await macs(levels.low, "rank")).toBeGreaterThan(0);
    expect(await macs(levels.low, "rows")).toBeGreaterThan(0);
    expect(await macs(levels.dense, "rank")).toBe(0);
    expect(await macs(levels.dense, "rows")).toBe(0);
    // 64, 40 and 10 nodes are whole panels of 64, 48 and 16
    expect(await macs(levels.dense, "columns")).toBe(30 * 64 + 64 * 48 + 40 * 16);
    expect(await macs(levels.growing, "compare")).toBe(0);
  });

  test("growth that does not happen is not counted", async () => {
    const [first, , last] = levels.growing.rungs;
    const never = level([{ ...first, margin: 1e-9 }, last], 1);
    const always = level([{ ...first, margin: 1e9 }, last], 1);
    const [one, stopped, grown] = [await run(levels.low), await run(never), await run(always)];
    expect(stageOf(stopped, "columns")?.macs).toBe(stageOf(one, "columns")?.macs);
    expect(stageOf(grown, "columns")?.macs).toBeGreaterThan(stageOf(one, "columns")?.macs as number);
    expect(stageOf(await run(always, { operations: 1 }), "columns")?.macs).toBe(stageOf(one, "columns")?.macs);
  });
});

describe("its times", () => {
  test("are free of what looking at the clock costs", async () => {
    const { stages: found, queryUs, clockUs } = await run(levels.growing, { clock: ticking(0.25) });
    expect(clockUs).toBe(250);
    expect([queryUs, ...found.map(({ us }) => us)]).toEqual(new Array(8).fill(0));
  });

  test("are medians over the rounds, means over the queries, and add up per stage", async () => {
    // the empty stretches take one tick; after them every look is three ticks further, and one look in fifty far off
    let [now, looks] = [0, 0];
    const clock: Clock = {
      now: () => {
        looks++;
        now += looks <= 2 * 501 ? 1 : looks % 50 === 0 ? 1000 : 3;
        return now;
      },
    };
    const { stages: found, queryUs, clockUs } = await run(levels.dense, { clock });
    expect([clockUs, queryUs]).toEqual([1000, 2000]);
    // taking in and handing over are stretches of their own beside the rows: 2 ticks each
    expect(stageOf({ stages: found } as Breakdown, "output")?.us).toBe(2000);
    expect(stageOf({ stages: found } as Breakdown, "rank")?.us).toBe(0);
    const columns = stageOf({ stages: found } as Breakdown, "columns")?.us as number;
    expect(columns).toBeGreaterThanOrEqual(2000);
    expect(columns % 2000).toBe(0);
  });

  test("are 0 where time stands still", async () => {
    const { stages: found, queryUs, clockUs } = await run(levels.growing, { clock: { now: () => 5 } });
    expect([queryUs, clockUs, ...found.map(({ us }) => us)]).toEqual(new Array(9).fill(0));
  });
});

test("refuses no inputs and ones that do not fit, and stops when told to", async () => {
  await expect(breakdown(model, levels.dense, [])).rejects.toMatchObject({ code: "bad-input" });
  await expect(breakdown(model, levels.dense, [new Float32Array(7)])).rejects.toMatchObject({ code: "bad-input" });
  await expect(run(levels.dense, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
});
