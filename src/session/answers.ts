// Handing over what a run left in engine memory: all outputs, or the candidates of a ranked output layer, copied or written into the
// caller's arrays.

import { bestCapacity } from "../activator/network.ts";
import { rungsOf } from "../activator/work.ts";
import { ROW_WORDS, WORD_K } from "../engine/generated/abi.ts";
import type { ListViews } from "../engine/list.ts";
import { refusal } from "../errors.ts";
import { show } from "../quoted.ts";
import type { LevelRun } from "./level-run.ts";
import { type BestAnswers, createCandidates, createOutput, few, type Output } from "./output.ts";

/** Where a run that ended before row `ran` left its answer: all outputs, or its candidates, which are activated. */
function answerAt({ engine, plan, answers }: LevelRun, ran: number): Float32Array | ListViews {
  const rung = rungsOf(plan, ran) - 1;
  const { begin, end } = plan.answers[rung];
  // the last row finds the best of them, which are not asked for here
  if (begin < end - 1) engine.execute(plan.address, begin, end - 1);
  return answers[rung];
}

/** The output of a run that ended before row `ran`, copied. @param missing what stands for outputs that were not computed */
export function answerOf(run: LevelRun, ran: number, outputs: number, missing: number): Output {
  const { order } = run;
  const answer = answerAt(run, ran);
  if (answer instanceof Float32Array) {
    if (outputs > few) return createOutput(answer.slice());
    const all = new Array<number>(outputs);
    for (let i = 0; i < outputs; i++) all[i] = answer[i];
    return createOutput(all);
  }
  const places = answer.indices.subarray(0, answer.count[0]);
  return createCandidates(
    order ? places.map((place) => order[place]) : places.slice(),
    answer.values.slice(0, places.length),
    outputs,
    missing,
  );
}

/** @throws SlonnError `bad-input` where `out` is no room for outputs or answers. */
export function checkRoom(out: Float32Array | BestAnswers, outputs: number): void {
  const isAll = out instanceof Float32Array;
  const isRoom = isAll
    ? out.length === outputs
    : out?.indices instanceof Uint32Array &&
      out.scores instanceof Float32Array &&
      out.indices.length === out.scores.length &&
      out.indices.length <= bestCapacity;
  if (!isRoom)
    throw refusal(
      "bad-input",
      "out",
      isAll
        ? `${out.length} numbers`
        : out?.indices
          ? `${show(out.indices)} of ${out.indices.length} and ${show(out.scores)} of ${out.scores?.length}`
          : show(out),
      `a Float32Array of ${outputs}, or indices and scores of one length, at most ${bestCapacity}`,
    );
}

/** Writes every output, with `missing` for those that were not computed; returns how many. */
export function writeAll(run: LevelRun, ran: number, out: Float32Array, missing: number): number {
  const { order } = run;
  const answer = answerAt(run, ran);
  if (answer instanceof Float32Array) out.set(answer);
  else {
    out.fill(missing);
    for (let i = 0; i < answer.count[0]; i++) out[order ? order[answer.indices[i]] : answer.indices[i]] = answer.values[i];
  }
  return out.length;
}

/** Writes the best answers, best first; returns how many. */
export function writeBest({ engine, plan, words, best }: LevelRun, ran: number, out: BestAnswers): number {
  const { begin, end } = plan.answers[rungsOf(plan, ran) - 1];
  words[(end - 1) * ROW_WORDS + WORD_K] = out.indices.length;
  engine.execute(plan.address, begin, end);
  const found = best.count[0];
  for (let i = 0; i < found; i++) {
    out.indices[i] = best.indices[i];
    out.scores[i] = best.values[i];
  }
  return found;
}
