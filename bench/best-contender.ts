// One session under one service level objective as a race takes it: it asks for the best few answers only and allocates nothing, as a
// service would. What was spent is counted afterwards, so that nothing but answering happens during the race.

import type { Contender } from "../src/cli/measure.ts";
import type { Input } from "../src/model/rows.ts";
import type { Plan } from "../src/policy/plan.ts";
import { parseSlo } from "../src/policy/slo.ts";
import type { Session } from "../src/session/session.ts";

export interface Work {
  /** Means over the inputs: multiply-adds, weight bytes read, active nodes per layer. */
  macs: number;
  bytes: number;
  nodes: number[];
  /** What was decided for the last of them. */
  plan: Plan;
}

export interface BestContender extends Contender {
  best(k: number): Uint32Array;
  /** Runs inputs again and counts what they take. */
  workOf(inputs: readonly Input[]): Work;
}

/**
 * @param slo as on the command line
 * @param k how many of the best answers every query finds, inside the timing
 * @throws SlonnError `bad-slo`
 */
export function bestContender(session: Session, slo: string, k: number): BestContender {
  const asked = parseSlo(slo);
  const answers = { indices: new Uint32Array(k), scores: new Float32Array(k) };
  let found = 0;
  return {
    name: slo,
    run(input) {
      found = session.runInto(input, answers, asked);
    },
    top: () => (found > 0 ? answers.indices[0] : -1),
    best: (most) => answers.indices.subarray(0, Math.min(most, found)),
    workOf(inputs) {
      const reports = inputs.map((input) => session.run(input, asked).report);
      const mean = (of: (report: (typeof reports)[number]) => number): number =>
        reports.reduce((sum, report) => sum + of(report), 0) / reports.length;
      const { plan, nodes } = reports[reports.length - 1];
      return { macs: mean((r) => r.macs), bytes: mean((r) => r.bytes), nodes: nodes.map((_, l) => mean((r) => r.nodes[l])), plan };
    },
  };
}
