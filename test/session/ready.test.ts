// A session makes the level ready that a query without an objective runs, and the others when one of them is first asked for.
import { describe, expect, test } from "vitest";
import { quantizeModel } from "../../src/model/quantize.ts";
import { decodeModel, encodeModel } from "../../src/model/slonn-file.ts";
import { uncalibratedLevels } from "../../src/policy/levels.ts";
import type { Slo } from "../../src/policy/slo.ts";
import { layOut } from "../../src/session/level-run.ts";
import { createSession } from "../../src/session/session.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";

const model = madeUpModel([40, 96, 80, 10], 1);
const input = madeUpRows(1, 40, 2).data;
const slos: (Slo | undefined)[] = [{ dense: true }, { exact: true }, undefined, { latencyMs: 1000 }];

describe("a session", () => {
  test("holds no weights yet that its first level does not need, and all of them once another runs", async () => {
    const levels = uncalibratedLevels(model);
    const live = await layOut(model, levels, {}, 1);
    const dense = live.runOf(1);
    const floats = new Float32Array(dense.engine.buffer);
    const filled = (): number => floats.reduce((n, v) => n + Number(v !== 0), 0);
    const first = filled();
    expect(first).toBeGreaterThan(40 * 96 + 96 * 80 + 80 * 10);
    expect(live.runOf(1)).toBe(dense);
    expect(filled()).toBe(first);
    live.runOf(0);
    // exact reads the second layer by columns
    expect(filled()).toBeGreaterThan(first + 96 * 80);
    expect(live.runs()[1]).toBe(dense);
  });

  test("gives the same answers whatever is asked first", async () => {
    const answers = new Map<unknown, Float32Array>();
    for (const first of slos) {
      const session = await createSession(model);
      for (const slo of [first, ...slos]) {
        const out = new Float32Array(10);
        session.runInto(input, out, slo);
        if (slo?.latencyMs === undefined) expect(answers.get(slo) ?? out).toEqual(out);
        answers.set(slo, out);
      }
      session.dispose();
    }
    expect(answers.get(undefined)).toEqual(answers.get(slos[0]));
  });

  test.each([
    ["float32", model],
    ["int8", quantizeModel(model)],
  ])("refuses levels that are not ready, each time, once the model's buffer was handed over: %s", async (_, one) => {
    const bytes = encodeModel(one);
    using session = await createSession(decodeModel(bytes));
    const expected = session.run(input).output.data;
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    for (const slo of [{ exact: true }, { latencyMs: 1000 }, { exact: true }] as const)
      expect(() => session.run(input, slo)).toThrow(
        expect.objectContaining({ code: "bad-model", message: expect.stringMatching(/"layer 0": got 0 weights, expected 96 x 40$/) }),
      );
    expect(session.run(input).output.data).toEqual(expected);
  });
});
