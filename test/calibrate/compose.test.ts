import { describe, expect, test } from "vitest";
import { encodeActivators } from "../../src/activator/activator.ts";
import { everyLayer, exact } from "../../src/calibrate/candidates.ts";
import { composeFixed, composeGrowing, type Tried } from "../../src/calibrate/compose.ts";
import { evaluate, type Outcome } from "../../src/calibrate/evaluate.ts";
import { fitActivators } from "../../src/calibrate/fit.ts";
import { judge, sum } from "../../src/calibrate/judge.ts";
import { createArrayKernels } from "../../src/engine/array-kernels.ts";
import { createModel } from "../../src/model/model.ts";
import type { Labels } from "../../src/model/rows.ts";
import type { LayerSetting, RankedSetting, Rung } from "../../src/profile/ladder.ts";
import { seeded } from "../../src/random.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";

describe("rules composed from settings run one by one", async () => {
  const plain = madeUpModel([40, 160, 48, 6], 1);
  const rows = madeUpRows(400, 40, 2);
  const options = { kinds: ["low-rank"], rows: 300, random: seeded(3) };
  const { layers, fitted } = await fitActivators(plain, madeUpRows(300, 40, 9), options, await createArrayKernels());
  const model = createModel("fitted", layers, { ladder: null, tensors: encodeActivators(fitted) });
  const base: RankedSetting = { kind: "ranked", activator: "low-rank", variant: 16, unit: "node", by: "top-k", amount: 0 };
  const settings: RankedSetting[] = [
    { ...base, amount: 0.05 },
    { ...base, amount: 0.2 },
    { ...base, amount: 0.5 },
    { ...base, by: "threshold", amount: 1.5 },
    { ...base, by: "threshold", amount: 0.5 },
    { ...base, unit: "panel", amount: 0.3 },
    { ...base, unit: "panel", amount: 0.6 },
  ];
  const rungs: Rung[] = settings.map((setting) => ({ layers: [setting, exact, exact] }));
  const exactRung = everyLayer(3, exact);
  const nearly: RankedSetting = { kind: "ranked", activator: "static", variant: 0, unit: "panel", by: "top-k", amount: 0.9 };
  const all: Rung[] = [exactRung, { layers: [nearly, exact, exact] }, ...rungs];
  const run = (levels: (readonly Rung[])[]): Promise<Outcome[]> => evaluate(model, levels, rows, { clock: null });
  const outcomes = await run(all.map((rung) => [rung]));
  // of which the whole network gets a half right, so that other answers lose and gain
  const labels: Labels = { kind: "class", count: 400, classes: outcomes[0].answers.map((answer, r) => (answer + (r % 2)) % 6) };
  const tried = outcomes.map((outcome, i): Tried => {
    const { differences, disagreements } = judge(outcome, outcomes[0], labels);
    const cost = sum(outcome.macs) / rows.count;
    return { rung: all[i], differences, disagreements, margins: outcome.margins, cost };
  });
  const [exactTried, nearlyTried, ...others] = tried;
  const growing = composeGrowing(others, [exactTried, nearlyTried]);

  test("are of every kind", () => {
    expect(new Set(growing.map((rule) => rule.rungs.length))).toEqual(new Set([2, 3]));
    for (const { rungs: of } of growing) {
      of.slice(0, -1).forEach(({ margin }) => {
        expect(margin).toBeGreaterThan(0);
      });
      expect(of[of.length - 1].margin).toBeUndefined();
    }
    const { differences, disagreements, cost } = others[0];
    const changed = differences.filter((d) => d !== 0).length;
    expect(composeFixed(others[0])).toMatchObject({ rows: 400, lost: sum(differences), changed, disagreed: sum(disagreements), cost });
  });

  test("count what is lost of several answers, and how much it varies, by shares of a row", () => {
    const differences = Float32Array.of(0.5, -0.25, 0, 1);
    const one: Tried = { rung: exactRung, differences, disagreements: Uint8Array.of(1, 1, 0, 1), margins: new Float32Array(4), cost: 1 };
    expect(composeFixed(one)).toMatchObject({ rows: 4, lost: 1.25, changed: 0.25 + 0.0625 + 1, disagreed: 3 });
  });

  test("answer as predicted when they are run", async () => {
    const few = growing.filter((_, i) => i % Math.ceil(growing.length / 60) === 0);
    const real = await run(few.map((rule) => rule.rungs));
    let changed = 0;
    real.forEach((outcome, i) => {
      const { differences, disagreements } = judge(outcome, outcomes[0], labels);
      // what an earlier rung computed is added up in another order, which may tip a near tie
      expect(Math.abs(sum(disagreements) - few[i].disagreed)).toBeLessThanOrEqual(1);
      expect(Math.abs(sum(differences) - few[i].lost)).toBeLessThanOrEqual(1);
      expect(Math.abs(differences.filter((d) => d !== 0).length - few[i].changed)).toBeLessThanOrEqual(1);
      changed += sum(disagreements);
      const grown = outcome.rungs.filter((n) => n > 1).length;
      const low = others.find(({ rung }) => JSON.stringify(rung.layers) === JSON.stringify(few[i].rungs[0].layers)) as Tried;
      expect(grown).toBe(low.margins.filter((m) => !(m >= (few[i].rungs[0].margin ?? 0))).length);
    });
    expect(changed).toBeGreaterThan(0);
  });

  test("grow for the share of rows that lie below a margin", () => {
    const [low, all] = [others[0], exactTried].map(
      (one, i): Tried => ({
        ...one,
        differences: new Float32Array(50),
        disagreements: new Uint8Array(50).fill(1 - i),
        margins: Float32Array.from({ length: 50 }, (_, r) => 50 - r),
      }),
    );
    const found = composeGrowing([low], [all]);
    expect(found.map(({ rungs: [first] }) => first.margin)).toEqual([2, 4, 5, 7, 9, 11, 14, 16, 19, 24]);
    expect(found.map(({ disagreed }) => disagreed)).toEqual([49, 47, 46, 44, 42, 40, 37, 35, 32, 27]);
  });

  test("grow by margins that a file can hold, and where no second answer stands beside the best", () => {
    const none = new Uint8Array(4);
    const made = (amount: number, margins: number[], cost: number): Tried => ({
      rung: { layers: [{ ...base, amount }] },
      differences: new Float32Array(4),
      disagreements: none,
      margins: Float32Array.from(margins),
      cost,
    });
    const dearest: Tried = { ...made(1, [1, 1, 1, 1], 100), rung: everyLayer(1, exact) };
    const overflowing = made(0.1, new Array(4).fill(Number.POSITIVE_INFINITY), 1);
    expect(composeGrowing([overflowing], [dearest])).toEqual([]);
    // of the second setting the last row has one answer alone: it goes on, as the kernel sends it on
    const alone = [made(0.1, [3, 4, 2, 1], 1), made(0.5, [3, 4, 2, Number.NaN], 10)];
    const found = composeGrowing(alone, [dearest]).filter(({ rungs: of }) => of[0].margin === 2);
    expect(found.find(({ rungs: of }) => of[1].layers === dearest.rung.layers)?.cost).toBe(1 + 0.25 * 100);
    const third = found.find(({ rungs: of }) => of.length === 3);
    expect(third?.rungs[1].margin).toBe(2);
    expect(third?.cost).toBeCloseTo(1 + 0.25 * (9 + 0.3) + 0.25 * 100, 9);
    // nor does the first setting keep such a row, however small the margin
    const [first] = composeGrowing([made(0.1, [3, Number.NaN, 2, 1], 1)], [dearest]);
    expect([first.rungs[0].margin, first.cost]).toEqual([1, 1 + 0.25 * 100]);
  });

  test("go on from neither of two rungs where the best is ahead by just the margin, as the kernel does", () => {
    const made = (amount: number, margins: number[], cost: number): Tried => ({
      rung: { layers: [{ ...base, amount }] },
      differences: new Float32Array(4),
      disagreements: new Uint8Array(4),
      margins: Float32Array.from(margins),
      cost,
    });
    const dearest: Tried = { ...made(1, [1, 1, 1, 1], 100), rung: everyLayer(1, exact) };
    const found = composeGrowing([made(0.1, [1, 1, 5, 5], 1), made(0.5, [2, 1, 3, 4], 10)], [dearest]);
    const third = found.find(({ rungs: [low, high, final] }) => final && low.margin === 5 && high.margin === 2);
    expect(third?.cost).toBeCloseTo(1 + 0.5 * (9 + 0.3) + 0.25 * 100, 9);
    // nor to a setting that ranks otherwise, however much more it takes
    const other = { ...made(0.5, [2, 1, 3, 4], 10), rung: { layers: [{ ...base, variant: 8, amount: 0.5 }] } };
    for (const { rungs } of composeGrowing([made(0.1, [1, 1, 5, 5], 1), other], [dearest]))
      expect(rungs.slice(1).map(({ layers }) => layers)).toEqual([dearest.rung.layers]);
  });

  test("end in what goes on from what came before for less, where that is given and can, and in exact otherwise", () => {
    const made = (layers: Rung["layers"], cost: number): Tried => ({
      rung: { layers },
      differences: new Float32Array(4),
      disagreements: new Uint8Array(4),
      margins: Float32Array.of(1, 2, 3, 4),
      cost,
    });
    const all = (amount: number): RankedSetting => ({ ...base, activator: "all", variant: 0, by: "threshold", amount });
    const first = (amount: number): RankedSetting => ({ ...base, activator: "static", variant: 0, unit: "panel", amount });
    const exactTried = made([exact, exact], 100);
    const whole = made([all(0), exact], 90);
    const [low, other] = [made([all(2), first(0.5)], 10), made([base, exact], 20)];
    const ends = (of: Tried) => {
      const rules = composeGrowing([of], [exactTried], [whole]).filter(({ rungs: [rung] }) => rung.margin === 2);
      // of four rows several shares are one
      return rules
        .filter(({ rungs }, i) => i < 2 && (i === 0 || rungs[1].layers !== rules[0].rungs[1].layers))
        .map(({ rungs, cost }) => [rungs[1].layers, cost]);
    };
    // all of static is exact, which goes on as well
    expect(ends(low)).toEqual([
      [exactTried.rung.layers, 10 + 0.25 * 100],
      [whole.rung.layers, 10 + 0.25 * (80 + 0.3 * 10)],
    ]);
    expect(ends(other)).toEqual([[exactTried.rung.layers, 20 + 0.25 * 100]]);
    expect(ends(made([exact, first(0.5)], 40))).toEqual([[exactTried.rung.layers, 40 + 0.25 * (60 + 0.3 * 40)]]);
    // going on to what takes less by itself gives no time back
    expect(ends(made([exact, first(0.5)], 120))).toEqual([[exactTried.rung.layers, 120 + 0.25 * 0.3 * 120]]);
  });

  test("end in what hardly leaves anything out as well, unless that computes less of a layer than what came before", () => {
    const first = (amount: number): RankedSetting => ({ ...base, activator: "static", variant: 0, unit: "panel", amount });
    const made = (setting: LayerSetting, cost: number, disagreed = 0): Tried => ({
      rung: { layers: [setting, exact] },
      differences: new Float32Array(4),
      disagreements: Uint8Array.of(disagreed, 0, 0, 0),
      margins: Float32Array.of(1, 2, 3, 4),
      cost,
    });
    const finals = [made(exact, 100), made(first(0.75), 80, 1)];
    const ends = (of: Tried) =>
      new Map(
        composeGrowing([of], finals).flatMap(({ rungs, cost, disagreed }) =>
          rungs[0].margin === 2 ? [[rungs[1].layers[0], [cost, disagreed]]] : [],
        ),
      );
    expect(ends(made(base, 10))).toEqual(
      new Map([
        [exact, [10 + 0.25 * 100, 0]],
        [first(0.75), [10 + 0.25 * 80, 1]],
      ]),
    );
    expect([...ends(made(first(0.5), 10)).keys()]).toEqual([exact, first(0.75)]);
    expect([...ends(made(first(0.8), 10)).keys()]).toEqual([exact]);
  });
});
