import { describe, expect, test } from "vitest";
import { topDepth } from "../../src/activator/level-plan.ts";
import { dense, everyLayer, exact } from "../../src/calibrate/candidates.ts";
import { evaluate } from "../../src/calibrate/evaluate.ts";
import type { EngineOptions } from "../../src/engine/engine.ts";
import { forward } from "../../src/model/forward.ts";
import { activations, createModel } from "../../src/model/model.ts";
import { rowOf } from "../../src/model/rows.ts";
import type { Rung } from "../../src/profile/ladder.ts";
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
  const model = createModel("steep", [
    ...steep.layers.slice(0, 2),
    { ...last, weight: last.weight.map((w) => 60 * w), activation, alpha: -0.5 },
  ]);
  for (const slo of ["dense", "exact"] as const) {
    const [{ answers, tops, margins }] = await evaluate(model, [[slo === "dense" ? denseRung : exactRung]], rows, without);
    const session = await createSession(model);
    const best = { indices: new Uint32Array(topDepth), scores: new Float32Array(topDepth) };
    for (let r = 0; r < 40; r++) {
      const input = rowOf(rows, r);
      const top = session.run(input, { [slo]: true }).output.top(topDepth);
      session.runInto(input, best, { [slo]: true });
      expect([...tops.subarray(r * topDepth, (r + 1) * topDepth)]).toEqual(top.map(({ index }) => index));
      expect([...best.indices].map((index, i) => ({ index, score: best.scores[i] }))).toEqual(top);
      expect(answers[r]).toBe(top[0].index);
      expect(margins[r]).toBeGreaterThanOrEqual(0);
    }
    session.dispose();
  }
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
