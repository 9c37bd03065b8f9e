// What a worker session and its thread say to each other: plain data that survives structured cloning. Every question has a number,
// and exactly one answer; `progress` comes in between. Knows neither side.

import { type ErrorCode, SlonnError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import type { LoadEstimate } from "../policy/load.ts";
import type { Slo } from "../policy/slo.ts";
import type { LatencyProfile } from "../profile/latency.ts";
import type { QueryInput } from "../session/input-parts.ts";
import type { Report } from "../session/report.ts";
import type { Session, SessionOptions } from "../session/session.ts";
import type { Source } from "./read-source.ts";

export type Question =
  | { kind: "open"; id: number; source: Source | Model; options: SessionOptions; progress: boolean }
  | RunQuestion
  | MeasureQuestion
  | { kind: "load"; id: number }
  | { kind: "stop"; id: number };

export interface RunQuestion {
  kind: "run";
  id: number;
  input: QueryInput;
  slo: Slo | undefined;
  /** Whether a `stop` may follow. */
  stoppable: boolean;
  /** When the caller asked, in milliseconds of the clock there. */
  askedMs?: number;
  waitedMs?: number;
  reservedMs?: number;
}

export interface MeasureQuestion {
  kind: "measure";
  id: number;
  inputs: readonly QueryInput[] | undefined;
  /** As of a run. */
  askedMs?: number;
}

/** What a session knows of itself. */
export type Opened = Pick<Session, "backend" | "backendReason" | "levels" | "memoryBytes">;

export type Reply =
  | { kind: "progress"; id: number; loadedBytes: number; totalBytes: number | null }
  /** `missing` stands for an output that was not computed. */
  | { kind: "opened"; id: number; opened: Opened; outputs: number; missing: number }
  | { kind: "answer"; id: number; indices: Uint32Array | null; scores: Float32Array; report: Report }
  | { kind: "measured"; id: number; profile: LatencyProfile }
  | { kind: "load"; id: number; load: LoadEstimate }
  | { kind: "error"; id: number; code: ErrorCode | null; message: string };

/** @param error whatever was thrown */
export function errorReply(id: number, error: unknown): Reply {
  if (error instanceof SlonnError) return { kind: "error", id, code: error.code, message: error.message };
  return { kind: "error", id, code: null, message: String(error) };
}

/** The error that a reply stands for; what was no SlonnError there becomes `worker` here. */
export function errorOf({ code, message }: Reply & { kind: "error" }): SlonnError {
  return code === null ? new SlonnError("worker", `worker: failed (${message})`) : new SlonnError(code, message);
}
