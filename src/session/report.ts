// The report of a query: what was planned and what happened, as plain data.

import type { Plan } from "../policy/policy.ts";

/** What happened to a query. */
export interface Report {
  plan: Plan;
  /** Active nodes, per layer. */
  nodes: number[];
  /** Multiply-adds done, the activator's own included. */
  macs: number;
  /** Weight and activator bytes read. */
  bytes: number;
  /**
   * Milliseconds by the session's clock. `decide` is choosing the level and taking the input in, `rank` the activators; `waited` passed
   * before the call, by the caller's word, and is no part of `total`.
   */
  timeMs: { waited: number; decide: number; rank: number; compute: number; total: number };
  /** Rungs that ran, and why no further one did. */
  rungs: number;
  stopped: "only rung" | "margin" | "budget" | "deadline" | "last rung";
  /** Whether the SLO was met; of a worker session and a queue, a deadline by the caller's clock when the answer is there. */
  met: boolean;
}
