// Runs settings over rows and records for each row what it answered, how sure it was, how much it computed and how long it took. It runs the
// same plans as queries; what to try, and what to conclude, is decided elsewhere.

import { type LevelPlan, placeLevel, topDepth } from "../activator/level-plan.ts";
import { placeNetwork } from "../activator/network.ts";
import { createNetworkInput, type NetworkInput, writeSparse } from "../activator/network-input.ts";
import { countWork, rungsOf, type Work } from "../activator/work.ts";
import type { Clock } from "../clock.ts";
import type { EngineOptions } from "../engine/engine.ts";
import { ROW_WORDS, WORD_MACS } from "../engine/generated/abi.ts";
import { type ListViews, listViews } from "../engine/list.ts";
import { createMemoryPlan } from "../engine/memory-plan.ts";
import type { Model } from "../model/model.ts";
import { type Rows, rowOf } from "../model/rows.ts";
import type { Rung } from "../profile/ladder.ts";
import { permutation, seeded } from "../random.ts";
import { staggered } from "../staggered.ts";
import { takeTurns } from "./turn.ts";

/** Stands for an answer where there is none. */
export const noAnswer = 0xffffffff;

/** What one setting did over all rows; arrays have one entry per row unless said otherwise. */
export interface Outcome {
  answers: Uint32Array;
  /** [rows, topDepth] the best answers, best first, filled up with `noAnswer`. */
  tops: Uint32Array;
  /** The best logit minus the second best. */
  margins: Float32Array;
  macs: Float64Array;
  bytes: Float64Array;
  /** Rungs that ran. */
  rungs: Uint8Array;
  /** Milliseconds; 0 without a clock. */
  timesMs: Float32Array;
  /** Mean active nodes per layer. */
  nodes: number[];
  /** The most multiply-adds each rung added. */
  rungMacs: number[];
}

export interface EvaluateOptions {
  clock: Clock | null;
  engine?: EngineOptions;
  signal?: AbortSignal;
  onProgress?: (share: number) => void;
}

/** Rows that a setting runs before the next one's turn: enough for its weights to be as warm as in a service. */
const blockRows = 128;

export async function evaluate(
  model: Model,
  settings: readonly (readonly Rung[])[],
  rows: Rows,
  options: EvaluateOptions,
): Promise<Outcome[]> {
  const memory = createMemoryPlan();
  const network = placeNetwork(memory, model);
  const plans = settings.map((rungs) => placeLevel(memory, network, rungs));
  const engine = await memory.create(options.engine);
  const { buffer } = engine;
  const widths = model.layers.map(({ outputs }) => outputs);
  const input = createNetworkInput(engine, network);
  const best = listViews(engine, network.best);
  const now = options.clock ? () => (options.clock as Clock).now() : () => 0;
  const outcomes = settings.map((): Outcome => createOutcome(rows.count, widths.length));
  const turn = takeTurns(options.signal);
  const views = plans.map((plan) => new Uint32Array(buffer, plan.address, plan.tags.length * ROW_WORDS));

  const blocks = Math.ceil(rows.count / blockRows);
  const random = seeded(1);
  for (let block = 0; block < blocks; block++) {
    options.onProgress?.(block / blocks);
    for (const s of permutation(plans.length, random)) {
      await turn();
      const plan = plans[s];
      const from = blockRows * staggered(block, s, plans.length, blocks);
      const to = Math.min(from + blockRows, rows.count);
      const outcome = outcomes[s];
      const words = views[s];
      for (let r = from; r < to; r++) {
        const begin = writeRow(rows, r, input, plan);
        const started = now();
        const ran = engine.execute(plan.address, begin, plan.rungEnds[plan.rungEnds.length - 1]);
        outcome.timesMs[r] = now() - started;
        const work = countWork(plan, words, ran, widths);
        const answer = plan.answers[rungsOf(plan, ran) - 1];
        engine.execute(plan.address, answer.begin - 1, answer.begin);
        outcome.margins[r] = best.count[0] > 1 ? best.values[0] - best.values[1] : Number.NaN;
        engine.execute(plan.address, answer.begin, answer.end);
        record(outcome, r, plan, best, ran, work);
        noteRungs(outcome, plan, words, ran);
      }
    }
  }
  for (const outcome of outcomes) outcome.nodes = outcome.nodes.map((sum) => sum / rows.count);
  return outcomes;
}

function createOutcome(count: number, layers: number): Outcome {
  return {
    answers: new Uint32Array(count),
    tops: new Uint32Array(count * topDepth),
    margins: new Float32Array(count),
    macs: new Float64Array(count),
    bytes: new Float64Array(count),
    rungs: new Uint8Array(count),
    timesMs: new Float32Array(count),
    nodes: new Array<number>(layers).fill(0),
    rungMacs: [],
  };
}

/** Writes input row `r` to the engine; returns the row of the plan to begin with. */
function writeRow(rows: Rows, r: number, input: NetworkInput, plan: LevelPlan): number {
  const row = rowOf(rows, r);
  if (!(row instanceof Float32Array)) return writeSparse(input, row, plan);
  input.dense.set(row);
  return 0;
}

function record(outcome: Outcome, r: number, plan: LevelPlan, best: ListViews, ran: number, work: Work): void {
  const found = best.count[0];
  outcome.answers[r] = found > 0 ? best.indices[0] : noAnswer;
  for (let i = 0; i < topDepth; i++) outcome.tops[r * topDepth + i] = i < found ? best.indices[i] : noAnswer;
  outcome.macs[r] = work.macs;
  outcome.bytes[r] = work.bytes;
  outcome.rungs[r] = rungsOf(plan, ran);
  for (let l = 0; l < work.nodes.length; l++) outcome.nodes[l] += work.nodes[l];
}

function noteRungs({ rungMacs }: Outcome, { rungEnds }: LevelPlan, words: Uint32Array, ran: number): void {
  for (let rung = 0, row = 0; rung < rungEnds.length && row < ran; rung++) {
    let macs = 0;
    for (; row < rungEnds[rung]; row++) macs += words[row * ROW_WORDS + WORD_MACS];
    rungMacs[rung] = Math.max(rungMacs[rung] ?? 0, macs);
  }
}
