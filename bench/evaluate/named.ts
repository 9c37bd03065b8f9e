// A rung whose nodes are named beforehand: the rung finds them itself once, and is then run without ranking and selecting. To leave their
// time out of a whole run would not do: an oracle ranks by all weights, and what it leaves in the caches makes slower what follows it.

import { ROW_WORDS, TOP_K, WORD_MACS } from "../../src/engine/generated/abi.ts";
import { listViews } from "../../src/engine/list.ts";
import type { Model } from "../../src/model/model.ts";
import type { Rung } from "../../src/profile/ladder.ts";
import { writeAll } from "../../src/session/answers.ts";
import { writeInput } from "../../src/session/input.ts";
import type { QueryInput } from "../../src/session/input-parts.ts";
import { layOut } from "../../src/session/level-run.ts";
import { asLevel } from "./as-level.ts";

/** The nodes of each ranked layer, in order. */
export type Names = readonly Uint32Array[];

export interface NamedRung {
  /** Runs all of the rung and tells what it selected. */
  find(input: QueryInput): Names;
  /** Hands nodes over for the runs that follow. */
  hand(names: Names): void;
  /** Runs everything but ranking and selecting, on the nodes handed over; all outputs, overwritten by the next run. */
  run(input: QueryInput): Float32Array;
  /** As many calls into the engine as a run makes, without rows: what cutting a run into pieces costs. */
  runNothing(): void;
  /** Multiply-adds of the last run. */
  macs(): number;
}

/** @param rung selects by top-k wherever it ranks */
export async function nameNodes(model: Model, rung: Rung): Promise<NamedRung> {
  const live = await layOut(model, [asLevel([rung])], {});
  const run = live.runOf(0);
  const { engine, plan, rows, words } = run;
  const out = new Float32Array(model.layers[model.layers.length - 1].outputs);
  const isNamed = (row: number): boolean => plan.tags[row].stage === "rank" || plan.tags[row].stage === "select";
  const lists: ReturnType<typeof listViews>[] = [];
  const pieces: { begin: number; end: number }[] = [];
  for (let row = 0; row < rows; row++) {
    if (words[row * ROW_WORDS] === TOP_K) lists.push(listViews(engine, words[row * ROW_WORDS + chosenWord]));
    if (isNamed(row)) continue;
    if (row > 0 && !isNamed(row - 1)) pieces[pieces.length - 1].end = row + 1;
    else pieces.push({ begin: row, end: row + 1 });
  }
  return {
    find(input) {
      engine.execute(plan.address, writeInput(input, live.input, plan), rows);
      return lists.map(({ count, indices }) => indices.slice(0, count[0]));
    },
    hand(names) {
      for (const [i, { count, indices }] of lists.entries()) {
        count[0] = names[i].length;
        indices.set(names[i]);
      }
    },
    run(input) {
      const first = writeInput(input, live.input, plan);
      for (const { begin, end } of pieces) if (end > first) engine.execute(plan.address, Math.max(begin, first), end);
      writeAll(run, rows, out, 0);
      return out;
    },
    runNothing() {
      for (const { begin } of pieces) engine.execute(plan.address, begin, begin);
    },
    macs: () => pieces.reduce((sum, { begin, end }) => sum + macsOf(words, begin, end), 0),
  };
}

/** Where a row that selects the best keeps the address of its list. */
const chosenWord = 4;

function macsOf(words: Uint32Array, begin: number, end: number): number {
  let macs = 0;
  for (let row = begin; row < end; row++) macs += words[row * ROW_WORDS + WORD_MACS];
  return macs;
}
