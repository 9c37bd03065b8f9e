// Who competes for deadlines on a shared machine: the same network behind different ways of choosing its level.
//
//   dense                        every node, whatever the deadline
//   level n                      one level for all queries; the best of them in hindsight is known only afterwards
//   feedback only                one level down on a miss, one up after twenty queries in time
//   ours                         the session, asked for the deadline
//   ours, one effort for all     the session with levels that do not grow with the input

import type { Model } from "../../src/model/model.ts";
import { isDense, isLossless } from "../../src/policy/levels.ts";
import type { Slo } from "../../src/policy/slo.ts";
import { decodeLadder } from "../../src/profile/decode-ladder.ts";
import type { Ladder } from "../../src/profile/ladder.ts";
import { writeAll } from "../../src/session/answers.ts";
import { writeInput } from "../../src/session/input.ts";
import { EXPECTED_P99_MS, layOut } from "../../src/session/level-run.ts";
import type { PausableSession } from "../../src/session/pausable-session.ts";
import { createSession } from "../../src/session/session.ts";

export interface DeadlineContender {
  name: string;
  /** Answers into `out`; `waitedMs` of the deadline are gone, `reservedMs` are for others. This call is timed. */
  run(input: Float32Array, out: Float32Array, slo: Slo, waitedMs: number, reservedMs: number): void;
  /** Hears how the query went. Not timed. */
  hear?(met: boolean): void;
  /** What 99 of 100 queries were expected to take when the last one came, in milliseconds. Absent where nobody expects anything. */
  expected?(): number;
  dispose(): void;
}

/** Indices of levels that are more accurate than all cheaper ones, exact and dense among them. */
function usefulLevels({ levels }: Ladder): number[] {
  const accuracy = (i: number): number => levels[i].observed.accuracy ?? levels[i].observed.agreement;
  return levels
    .map((_, i) => i)
    .filter((i) => isLossless(levels[i]) || levels.every((_, j) => j >= i || accuracy(j) < accuracy(i)))
    .filter((i) => !isDense(levels[i]));
}

/**
 * @param most fixed levels that compete, evenly spread
 * @param typical inputs that sessions measure their latencies on before anything is asked of them
 */
export async function createContenders(
  model: Model,
  fixedModel: Model,
  most: number,
  typical: readonly Float32Array[],
): Promise<DeadlineContender[]> {
  const ladder = decodeLadder(model);
  if (ladder === null) throw new Error(`${model.name}: got no levels, expected a calibrated model`);
  const useful = usefulLevels(ladder);
  const step = Math.max(1, (useful.length - 1) / (most - 1));
  const fixed = [...new Set(Array.from({ length: most }, (_, n) => useful[Math.min(useful.length - 1, Math.round(n * step))]))];
  const levels = [...fixed, ladder.levels.length - 1];
  const live = await layOut(
    model,
    levels.map((i) => ladder.levels[i]),
    {},
  );
  const runs = live.runs();
  const runLevel = (n: number, input: Float32Array, out: Float32Array): void => {
    const run = runs[n];
    const begin = writeInput(input, live.input, run.plan);
    writeAll(run, run.engine.execute(run.plan.address, begin, run.rows), out, 0);
  };
  const nothing = (): void => {};
  const fixedContenders = levels.map((level, n): DeadlineContender => {
    const name = n === levels.length - 1 ? "dense" : `level ${level + 1}`;
    return { name, run: (input, out) => runLevel(n, input, out), dispose: nothing };
  });
  return [
    ...fixedContenders,
    feedback(levels.length, runLevel),
    await sessionContender("ours", model, typical),
    await sessionContender("ours, one effort for all", fixedModel, typical),
  ];
}

function feedback(count: number, runLevel: (n: number, input: Float32Array, out: Float32Array) => void): DeadlineContender {
  let level = count - 1;
  let kept = 0;
  return {
    name: "feedback only",
    run: (input, out) => runLevel(level, input, out),
    hear(met) {
      kept = met ? kept + 1 : 0;
      if (!met) level = Math.max(0, level - 1);
      else if (kept % 20 === 0) level = Math.min(count - 1, level + 1);
    },
    dispose() {},
  };
}

async function sessionContender(name: string, model: Model, typical: readonly Float32Array[]): Promise<DeadlineContender> {
  const session = (await createSession(model)) as PausableSession;
  session.measureLatency(typical);
  return {
    name,
    run: (input, out, slo, waitedMs, reservedMs) => void session.runInto(input, out, slo, waitedMs, reservedMs),
    expected: () => session.ran.times[EXPECTED_P99_MS],
    dispose: () => session.dispose(),
  };
}
