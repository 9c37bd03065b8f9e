// A level's run on its own.

import { expect, test } from "vitest";
import { rungsOf } from "../../src/activator/work.ts";
import { uncalibratedLevels } from "../../src/policy/levels.ts";
import { writeInput } from "../../src/session/input.ts";
import { layOut, limit } from "../../src/session/level-run.ts";
import { madeUpModel } from "../made-up-models.ts";

test("growth ends at less than one multiply-add, goes on at more than any count has, and without a limit", async () => {
  const model = madeUpModel([30, 64, 10], 1);
  const [exact, dense] = uncalibratedLevels(model);
  const always = { ...exact, rungs: [{ ...exact.rungs[0], margin: 1e9 }, dense.rungs[0]] };
  const live = await layOut(model, [always, dense], {});
  const run = live.runOf(0);
  const rungs = [0.5, 1, 1e300, 1e300, 0.5, undefined].map((operations) => {
    limit(run, operations);
    const begin = writeInput(new Float32Array(30).fill(1), live.input, run.plan);
    return rungsOf(run.plan, run.engine.execute(run.plan.address, begin, run.rows));
  });
  expect(rungs).toEqual([1, 1, 2, 2, 1, 2]);
});
