// The report of a run, read from what it left behind. Its form is in report.ts, which declares nothing of the engine.

import { rungsOf, type Work } from "../activator/work.ts";
import { ROW_WORDS, WORD_UNITS } from "../engine/generated/abi.ts";
import type { Plan } from "../policy/plan.ts";
import { met } from "../policy/policy.ts";
import { BEGAN, END, type LevelRun, RANK_MS, type Ran, START, TOOK_MS } from "./level-run.ts";
import type { Report } from "./report.ts";

/**
 * What happened to a query that has run.
 * @param nodeShare mean share of active nodes, as `nodeShare` counts it
 */
export function reportOf(plan: Plan, run: LevelRun, ran: Ran, work: Work, waitedMs: number, nodeShare: number): Report {
  const { times } = ran;
  const rungs = rungsOf(run.plan, ran.answer);
  const stopped = ran.isCut ? "deadline" : stoppedBy(run, rungs, ran.row);
  // growth that was cut short is not the rule that was certified
  const kept = plan.certificate === null || !["budget", "deadline"].includes(stopped);
  return {
    plan,
    ...work,
    timeMs: {
      waited: waitedMs,
      decide: times[BEGAN] - times[START],
      rank: times[RANK_MS],
      compute: times[END] - times[BEGAN] - times[RANK_MS],
      total: times[TOOK_MS],
    },
    rungs,
    stopped,
    met: kept && met(plan, { waitedMs, totalMs: times[TOOK_MS], macs: work.macs, nodeShare }),
  };
}

/** Why a run that was not cut went no further than its rungs. @param ran the row after its last */
export function stoppedBy({ plan: { rungEnds }, words }: LevelRun, rungs: number, ran: number): Report["stopped"] {
  if (rungEnds.length === 1) return "only rung";
  // a last rung that repeats the one before has no rows: a run that went through it ends behind a MARGIN row that let it go on
  return reasons[rungs < rungEnds.length ? words[(ran - 1) * ROW_WORDS + WORD_UNITS] : 0];
}

/** By what a MARGIN row leaves as its units. */
const reasons = ["last rung", "margin", "budget"] as const;
