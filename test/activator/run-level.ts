// Runs one level over inputs and hands back what it left: outputs, counts, and how far it got.

import { placeLevel } from "../../src/activator/level-plan.ts";
import { placeNetwork } from "../../src/activator/network.ts";
import { countWork, rungsOf, type Work } from "../../src/activator/work.ts";
import type { EngineOptions } from "../../src/engine/engine.ts";
import { ROW_WORDS } from "../../src/engine/generated/abi.ts";
import { createMemoryPlan } from "../../src/engine/memory-plan.ts";
import type { Model } from "../../src/model/model.ts";
import type { Rung } from "../../src/profile/ladder.ts";

export interface LevelResult extends Work {
  output: number[];
  rungs: number;
}

export async function runLevel(
  model: Model,
  rungs: readonly Rung[],
  inputs: readonly Float32Array[],
  options: EngineOptions,
): Promise<LevelResult[]> {
  const memory = createMemoryPlan();
  const network = placeNetwork(memory, model);
  const plan = placeLevel(memory, network, rungs);
  const engine = await memory.create(options);
  const widths = model.layers.map(({ outputs }) => outputs);
  const words = new Int32Array(engine.buffer, plan.address, plan.tags.length * ROW_WORDS);
  return inputs.map((input) => {
    new Float32Array(engine.buffer, network.input, input.length).set(input);
    const ran = engine.execute(plan.address, 0, plan.tags.length);
    const work: Work = { macs: 0, bytes: 0, nodes: widths.map(() => 0) };
    countWork(plan, words, ran, widths, work);
    const output = [...new Float32Array(engine.buffer, plan.output, widths[widths.length - 1])];
    return { ...work, output, rungs: rungsOf(plan, ran) };
  });
}
