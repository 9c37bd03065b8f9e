// A level's run on its own.

import { expect, test } from "vitest";
import { countWork, rungsOf } from "../../src/activator/work.ts";
import { WORD_BYTES_READ, WORD_MACS } from "../../src/engine/generated/abi.ts";
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
  const rungs = [0.5, 1, 1e300, 2 ** 32 + 1, 0.5, undefined].map((operations) => {
    limit(run, operations);
    const begin = writeInput(new Float32Array(30).fill(1), live.input, run.plan);
    return rungsOf(run.plan, run.engine.execute(run.plan.address, begin, run.rows));
  });
  expect(rungs).toEqual([1, 1, 2, 2, 1, 2]);
});

test("what a row did is counted past 2 GiB of weights", async () => {
  const model = madeUpModel([4, 3], 1);
  const live = await layOut(model, uncalibratedLevels(model), {});
  const { plan, words, engine } = live.runOf(0);
  const row = new Uint32Array(engine.buffer, plan.address, 16);
  row.fill(0);
  row[WORD_MACS] = 3_000_000_000;
  row[WORD_BYTES_READ] = 3_500_000_000;
  expect(countWork(plan, words, 1, [3])).toMatchObject({ macs: 3_000_000_000, bytes: 3_500_000_000 });
});
