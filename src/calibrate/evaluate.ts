// Runs settings over rows and records, row by row, what each answered, how sure it was, what it did and how long it took.
// It runs the very plans queries run; what to try and what to make of it is decided elsewhere.

import { type LevelPlan, placeLevel } from "../activator/level-plan.ts";
import { placeNetwork } from "../activator/network.ts";
import { countWork, rungsOf, type Work } from "../activator/work.ts";
import type { Clock } from "../clock.ts";
import type { EngineOptions } from "../engine/engine.ts";
import { ROW_WORDS, WORD_MACS } from "../engine/generated/abi.ts";
import { createMemoryPlan } from "../engine/memory-plan.ts";
import { throwIfAborted } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { type Rows, rowOf } from "../model/rows.ts";
import type { Rung } from "../profile/ladder.ts";

/** What one setting did over all rows; every array has one entry a row. */
export interface Outcome {
  answers: Uint32Array;
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

/** Rows one setting runs before the next takes over: long enough for its weights to be as warm as in a service. */
const blockRows = 64;

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
  const input = new Float32Array(buffer, network.input, model.layers[0].inputs);
  const now = options.clock ? () => (options.clock as Clock).now() : () => 0;
  const work: Work = { macs: 0, bytes: 0, nodes: widths.map(() => 0) };
  const outcomes = settings.map((): Outcome => createOutcome(rows.count, widths.length));
  const views = plans.map((plan) => ({
    words: new Int32Array(buffer, plan.address, plan.tags.length * ROW_WORDS),
    logits: new Float32Array(buffer, plan.logits, widths[widths.length - 1]),
  }));

  for (let from = 0; from < rows.count; from += blockRows) {
    throwIfAborted(options.signal);
    options.onProgress?.(from / rows.count);
    await new Promise((resolve) => setTimeout(resolve));
    const to = Math.min(from + blockRows, rows.count);
    plans.forEach((plan, s) => {
      const outcome = outcomes[s];
      const { words, logits } = views[s];
      for (let r = from; r < to; r++) {
        writeRow(rows, r, input);
        const begin = now();
        const ran = engine.execute(plan.address, 0, plan.tags.length);
        outcome.timesMs[r] = now() - begin;
        countWork(plan, words, ran, widths, work);
        record(outcome, r, plan, logits, ran, work);
        noteRungs(outcome, plan, words, ran);
      }
    });
  }
  for (const outcome of outcomes) outcome.nodes = outcome.nodes.map((sum) => sum / rows.count);
  return outcomes;
}

function createOutcome(count: number, layers: number): Outcome {
  return {
    answers: new Uint32Array(count),
    margins: new Float32Array(count),
    macs: new Float64Array(count),
    bytes: new Float64Array(count),
    rungs: new Uint8Array(count),
    timesMs: new Float32Array(count),
    nodes: new Array<number>(layers).fill(0),
    rungMacs: [],
  };
}

function writeRow(rows: Rows, r: number, input: Float32Array): void {
  const row = rowOf(rows, r);
  if (row instanceof Float32Array) {
    input.set(row);
    return;
  }
  input.fill(0);
  for (let i = 0; i < row.indices.length; i++) input[row.indices[i]] += row.values[i];
}

function record(outcome: Outcome, r: number, plan: LevelPlan, logits: Float32Array, ran: number, work: Work): void {
  let best = 0;
  let second = Number.NEGATIVE_INFINITY;
  for (let i = 1; i < logits.length; i++) {
    if (logits[i] > logits[best]) {
      second = logits[best];
      best = i;
    } else if (logits[i] > second) second = logits[i];
  }
  outcome.answers[r] = best;
  outcome.margins[r] = logits[best] - second;
  outcome.macs[r] = work.macs;
  outcome.bytes[r] = work.bytes;
  outcome.rungs[r] = rungsOf(plan, ran);
  for (let l = 0; l < work.nodes.length; l++) outcome.nodes[l] += work.nodes[l];
}

function noteRungs({ rungMacs }: Outcome, { rungEnds }: LevelPlan, words: Int32Array, ran: number): void {
  for (let rung = 0, row = 0; rung < rungEnds.length && row < ran; rung++) {
    let macs = 0;
    for (; row < rungEnds[rung]; row++) macs += words[row * ROW_WORDS + WORD_MACS];
    rungMacs[rung] = Math.max(rungMacs[rung] ?? 0, macs);
  }
}
