// The report of a query: what was planned and what happened, as plain data.

import type { Plan } from "../policy/plan.ts";

/** What happened to a query. */
export interface Report {
  plan: Plan;
  /** Nodes computed, per layer. */
  nodes: number[];
  /** Multiply-adds done, those that rank included. */
  macs: number;
  /** Bytes read of weights and of what ranks. */
  bytes: number;
  /**
   * Milliseconds by the session's clock. `decide` went into choosing the level and taking the input in, `rank` into ranking nodes, `compute` into
   * computing them, `total` is the whole call; `waited` passed before the call, by the caller's word, and is no part of `total`.
   */
  timeMs: { waited: number; decide: number; rank: number; compute: number; total: number };
  /** How many of the level's rungs ran. */
  rungs: number;
  /**
   * Why no further rung ran. `only rung`, `last rung`: the level has no more; `margin`: the two best answers were far enough apart; `budget`,
   * `deadline`: the next one might have exceeded `operations`, or the time left.
   */
  stopped: "only rung" | "margin" | "budget" | "deadline" | "last rung";
  /**
   * Whether the SLO was met: time, multiply-adds and nodes by what happened, promises by the level's certificate. A worker session and a queue
   * judge a deadline by the caller's clock when the answer is there.
   */
  met: boolean;
}
