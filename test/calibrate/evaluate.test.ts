import { describe, expect, test } from "vitest";
import { topDepth } from "../../src/activator/level-plan.ts";
import { dense, everyLayer, exact } from "../../src/calibrate/candidates.ts";
import { evaluate, noAnswer, type Outcome } from "../../src/calibrate/evaluate.ts";
import type { EngineOptions } from "../../src/engine/engine.ts";
import { forward } from "../../src/model/forward.ts";
import { type Activation, activations, createModel } from "../../src/model/model.ts";
import { rowOf } from "../../src/model/rows.ts";
import type { LayerSetting, Rung } from "../../src/profile/ladder.ts";
import { createSession } from "../../src/session/session.ts";
import { compressed, madeUpModel, madeUpRows } from "../made-up-models.ts";

const model = madeUpModel([30, 64, 40, 6], 1);
const rows = madeUpRows(150, 30, 2);
const denseRung = everyLayer(3, dense);
const exactRung = everyLayer(3, exact);
const growing = (margin: number): Rung[] => [{ ...exactRung, margin }, denseRung];
const settings = [[denseRung], [exactRung], growing(1e-9), growing(1e9)];
const without = { clock: null };

describe.each<EngineOptions>([{ backend: "simd" }, { backend: "js" }])("outcomes on $backend", async (engine) => {
  const outcomes = await evaluate(model, settings, rows, { clock: null, engine });

  test("say what each row answered and how sure it was, as the reference does", () => {
    for (let r = 0; r < rows.count; r++) {
      const logits = [...forward(model, rowOf(rows, r) as Float32Array)];
      const [first, second] = [...logits].sort((a, b) => b - a);
      for (const { answers, margins } of outcomes) {
        expect(margins[r]).toBeCloseTo(first - second, 4);
        if (first - second > 1e-4) expect(answers[r]).toBe(logits.indexOf(first));
      }
    }
  });

  test("say what was spent", () => {
    const [whole, skipped, stopped, grown] = outcomes;
    for (let r = 0; r < rows.count; r++) {
      // 64, 40 and 6 nodes are whole panels of 64, 48 and 16
      expect(whole.macs[r]).toBe(30 * 64 + 64 * 48 + 40 * 16);
      expect(whole.bytes[r]).toBe(4 * whole.macs[r]);
      expect(skipped.macs[r]).toBeLessThan(whole.macs[r]);
      expect(stopped.macs[r]).toBe(skipped.macs[r]);
      expect(grown.macs[r]).toBe(skipped.macs[r] + whole.macs[r]);
    }
    expect([...stopped.rungs, ...grown.rungs]).toEqual([...new Array(150).fill(1), ...new Array(150).fill(2)]);
    expect(whole.nodes).toEqual([64, 40, 6]);
    expect(grown.rungMacs).toEqual([Math.max(...skipped.macs), whole.macs[0]]);
    expect(stopped.rungMacs).toHaveLength(1);
    expect(Math.max(...whole.timesMs)).toBe(0);
  });
});

test.each(activations)("answers are what a session calls best, whatever %s makes of them", async (activation) => {
  const steep = madeUpModel([30, 64, 40, 12], 1);
  const last = steep.layers[2];
  // logits that saturate, underflow, and lie on both sides of 0
  const ending = (one: Activation) =>
    createModel("steep", [...steep.layers.slice(0, 2), { ...last, weight: last.weight.map((w) => 60 * w), activation: one, alpha: -0.5 }]);
  const model = ending(activation);
  for (const slo of ["dense", "exact"] as const) {
    const [{ answers, tops, margins }] = await evaluate(model, [[slo === "dense" ? denseRung : exactRung]], rows, without);
    // how sure an answer is does not hang on what activation makes of it: rungs end by what comes before
    const [before] = await evaluate(ending("identity"), [[slo === "dense" ? denseRung : exactRung]], rows, without);
    expect(margins).toEqual(before.margins);
    const session = await createSession(model);
    const best = { indices: new Uint32Array(topDepth), scores: new Float32Array(topDepth) };
    for (let r = 0; r < 40; r++) {
      const input = rowOf(rows, r);
      const top = session.run(input, { [slo]: true }).output.top(topDepth);
      session.runInto(input, best, { [slo]: true });
      expect([...tops.subarray(r * topDepth, (r + 1) * topDepth)]).toEqual(top.map(({ index }) => index));
      expect([...best.indices].map((index, i) => ({ index, score: best.scores[i] }))).toEqual(top);
      expect(answers[r]).toBe(top[0].index);
    }
    session.dispose();
  }
});

test("rows that rank outputs say what the rung they ended on found, be it a few candidates or none beside the best", async () => {
  const wide = madeUpModel([30, 40, 320], 3);
  const ranked = (nodes: number): LayerSetting => ({
    ...{ kind: "ranked", activator: "oracle", variant: 0 },
    ...{ unit: "node", by: "top-k", amount: nodes / 320 },
  });
  const whole = everyLayer(2, dense);
  const few = (nodes: number, margin?: number): Rung => ({ layers: [dense, ranked(nodes)], ...(margin === undefined ? {} : { margin }) });
  const levels = [[whole], [few(3)], [few(1)], [few(3, 1e-9), whole], [few(3, 1e9), whole]];
  const [all, three, one, stopped, grown] = await evaluate(wide, levels, rows, without);
  for (let r = 0; r < rows.count; r++) {
    const topsOf = ({ tops }: Outcome) => [...tops.subarray(r * topDepth, (r + 1) * topDepth)];
    const best = topsOf(all);
    const bestFew = (n: number) => best.map((answer, i) => (i < n ? answer : noAnswer));
    expect([three, one, stopped, grown].map(topsOf)).toEqual([bestFew(3), bestFew(1), bestFew(3), best]);
    expect([three, one, stopped, grown].map(({ answers }) => answers[r])).toEqual(new Array(4).fill(best[0]));
    for (const { margins } of [three, stopped, grown]) expect(margins[r]).toBeCloseTo(all.margins[r], 5);
    expect(one.margins[r]).toBeNaN();
    expect([stopped.rungs[r], grown.rungs[r]]).toEqual([1, 2]);
  }
});

test("a row whose scores all miss the threshold has no answer", async () => {
  const wide = madeUpModel([30, 40, 320], 3);
  const none: LayerSetting = { kind: "ranked", activator: "oracle", variant: 0, unit: "node", by: "threshold", amount: 1e6 };
  const [{ answers, tops, margins }] = await evaluate(wide, [[{ layers: [dense, none] }]], rows, without);
  expect(new Set([...answers, ...tops])).toEqual(new Set([noAnswer]));
  expect(margins.every((margin) => Number.isNaN(margin))).toBe(true);
});

test("sparse rows give what the same rows give dense", async () => {
  expect(await evaluate(model, settings, compressed(rows), without)).toEqual(await evaluate(model, settings, rows, without));
});

test("times every row by the clock it is handed", async () => {
  let now = 0;
  const [outcome] = await evaluate(model, [[denseRung]], rows, { clock: { now: () => (now += 2) } });
  expect([...outcome.timesMs]).toEqual(new Array(150).fill(2));
});

test("stops between blocks of rows when told to", async () => {
  const controller = new AbortController();
  const seen: number[] = [];
  const onProgress = (share: number) => {
    seen.push(share);
    if (seen.length === 2) controller.abort();
  };
  await expect(evaluate(model, settings, rows, { ...without, signal: controller.signal, onProgress })).rejects.toMatchObject({
    code: "aborted",
  });
  expect(seen).toHaveLength(2);
  expect(seen[0]).toBe(0);
});

test("of no rows and no settings are empty", async () => {
  expect(await evaluate(model, [], rows, without)).toEqual([]);
  const [outcome] = await evaluate(model, [[denseRung]], madeUpRows(0, 30, 1), without);
  expect(outcome.answers).toHaveLength(0);
});
