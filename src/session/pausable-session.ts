// What every session can do beyond its public interface, for code that runs one in a Worker or looks into it.

import type { Slo } from "../policy/slo.ts";
import type { QueryInput } from "./input-parts.ts";
import type { Ran } from "./level-run.ts";
import type { Output } from "./output.ts";
import type { Report } from "./report.ts";
import type { Session } from "./session.ts";

/** A session whose queries can pause, for callers that let no other query in meanwhile, and whose times can be looked at. */
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
