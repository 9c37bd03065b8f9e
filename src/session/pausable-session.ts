// What a session can do beyond what is promised to everybody: who runs it in a Worker or looks into it asks for this.

import type { Slo } from "../policy/slo.ts";
import type { QueryInput } from "./input-parts.ts";
import type { Ran } from "./level-run.ts";
import type { Output } from "./output.ts";
import type { Report } from "./report.ts";
import type { Session } from "./session.ts";

/** What a session can do for whoever keeps other queries away meanwhile, or looks at what it was thinking. */
export interface PausableSession extends Session {
  /** What the last query was given, and where it ended. */
  readonly ran: Ran;
  /** As `run`, pausing between layers whenever `isDue` says so. */
  pieces(
    input: QueryInput,
    slo?: Slo,
    isDue?: () => boolean,
    waitedMs?: number,
    reservedMs?: number,
  ): Iterator<void, { output: Output; report: Report }>;
}
