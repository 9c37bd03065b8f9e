// Runs one level over inputs and hands back what it left: outputs, counts, and how far it got.

import { placeLevel } from "../../src/activator/level-plan.ts";
import { placeNetwork } from "../../src/activator/network.ts";
import { countWork, rungsOf, type Work } from "../../src/activator/work.ts";
import type { EngineOptions } from "../../src/engine/engine.ts";
import { ROW_WORDS } from "../../src/engine/generated/abi.ts";
import { listViews } from "../../src/engine/list.ts";
import { createMemoryPlan } from "../../src/engine/memory-plan.ts";
import type { Model } from "../../src/model/model.ts";
import type { Rung } from "../../src/profile/ladder.ts";

export interface LevelResult extends Work {
  /** Holes where an output was not computed. */
  output: number[];
  /** The five best, as the plan's last rows leave them. */
  top: { index: number; score: number }[];
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
  const words = new Uint32Array(engine.buffer, plan.address, plan.tags.length * ROW_WORDS);
  return inputs.map((input) => {
    new Float32Array(engine.buffer, network.input, input.length).set(input);
    const ran = engine.execute(plan.address, 0, plan.rungEnds[plan.rungEnds.length - 1]);
    const work = countWork(plan, words, ran, widths);
    const rungs = rungsOf(plan, ran);
    const answer = plan.answers[rungs - 1];
    engine.execute(plan.address, answer.begin, answer.end);
    const best = listViews(engine, network.best);
    const top = [...best.indices.subarray(0, best.count[0])].map((index, i) => ({ index, score: best.values[i] }));
    const output: number[] = [];
    if (answer.candidates) {
      const list = listViews(engine, answer.candidates);
      const order = network.order ? new Uint32Array(engine.buffer, network.order, widths[widths.length - 1]) : null;
      for (let i = 0; i < list.count[0]; i++) output[order ? order[list.indices[i]] : list.indices[i]] = list.values[i];
    } else output.push(...new Float32Array(engine.buffer, answer.output, widths[widths.length - 1]));
    return { ...work, output, rungs, top };
  });
}
