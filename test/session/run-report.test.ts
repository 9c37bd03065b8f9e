// Reading from a run why it ended.

import { expect, test } from "vitest";
import { rungsOf } from "../../src/activator/work.ts";
import { uncalibratedLevels } from "../../src/policy/levels.ts";
import { writeInput } from "../../src/session/input.ts";
import { layOut, limit } from "../../src/session/level-run.ts";
import { stoppedBy } from "../../src/session/run-report.ts";
import { madeUpModel } from "../made-up-models.ts";

test.each([
  [1e9, undefined, "last rung"],
  [0, undefined, "margin"],
  [1e9, 1, "budget"],
])("where the last rung repeats the one before, margin %d and a limit of %s end the run by: %s", async (margin, operations, stopped) => {
  const model = madeUpModel([30, 64, 10], 1);
  const [exact, dense] = uncalibratedLevels(model);
  const twice = { ...exact, rungs: [{ ...exact.rungs[0], margin }, exact.rungs[0]] };
  const live = await layOut(model, [twice, dense], {});
  const run = live.runOf(0);
  limit(run, operations);
  const begin = writeInput(new Float32Array(30).fill(1), live.input, run.plan);
  const ran = run.engine.execute(run.plan.address, begin, run.rows);
  expect(stoppedBy(run, rungsOf(run.plan, ran), ran)).toBe(stopped);
});
