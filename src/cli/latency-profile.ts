// `--latency-profile <file>`: the latencies of a model's levels on this machine, kept beside the model. An existing file is read, and refused
// where it belongs to another machine, build or model; otherwise latencies are measured on the data at hand and written to it.

import { existsSync } from "node:fs";
import { cpus } from "node:os";
import type { Clock } from "../clock.ts";
import { SlonnError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { type Rows, rowOf } from "../model/rows.ts";
import type { LatencyProfile } from "../profile/latency.ts";
import { decodeProfile, encodeProfile } from "../profile/latency-file.ts";
import { withSensitivity } from "../profile/sensitivity.ts";
import { createSession, type Session } from "../session/session.ts";
import { besideCoRunners, type Load } from "./co-runners.ts";
import { rowOfQuery } from "./measure.ts";
import { readBytes } from "./read-bytes.ts";
import { checkPlace, writeBytes } from "./write-bytes.ts";

/** Rows that levels are measured on. */
const mostRows = 256;
/** The loads they are measured beside, if asked for, with as many threads as there are cores. */
const loads: readonly Load[] = ["compute", "memory"];

export interface LatencyAsked {
  /** The file, if one is named. */
  path: string | undefined;
  /** Whether latencies are needed even without a file. */
  isWanted: boolean;
  /** Whether to measure beside co-runners too. */
  isLoaded: boolean;
  clock: Clock;
}

/**
 * A session of the model that knows its latencies where they are needed or a file is named.
 * @throws SlonnError `unreadable`, `bad-file` and `bad-option`, each naming the file
 */
export async function openSession(model: Model, rows: Rows, { path, isWanted, isLoaded, clock }: LatencyAsked): Promise<Session> {
  const known = { machine: machineName(), clock };
  if (path !== undefined && existsSync(path)) {
    const latencyProfile = decodeProfile(new TextDecoder().decode(await readBytes(path)), path);
    return createSession(model, { ...known, latencyProfile }).catch((error: unknown) => {
      if (!(error instanceof SlonnError) || error.code !== "bad-option") throw error;
      throw new SlonnError(error.code, `${path}: ${error.message}; remove the file to have it measured again`, { cause: error });
    });
  }
  if (path !== undefined) await checkPlace(path);
  const session = await createSession(model, known);
  if (path === undefined && !isWanted) return session;
  const sample = sampleOf(rows);
  const idle: LatencyProfile = session.measureLatency(sample);
  const beside: LatencyProfile[] = [];
  for (const load of isLoaded ? loads : []) beside.push(await besideCoRunners(load, cpus().length, () => session.measureLatency(sample)));
  const latencyProfile = withSensitivity(idle, beside);
  if (path !== undefined) await writeBytes(path, new TextEncoder().encode(encodeProfile(latencyProfile)));
  if (!isLoaded) return session;
  session.dispose();
  return createSession(model, { ...known, latencyProfile });
}

function sampleOf(rows: Rows): ReturnType<typeof rowOf>[] {
  const count = Math.min(mostRows, rows.count);
  return Array.from({ length: count }, (_, q) => rowOf(rows, rowOfQuery(q, count, rows.count)));
}

/** Names machines and runtimes that take different times differently. */
export function machineName(): string {
  const cores = cpus();
  return `${cores[0]?.model.trim() ?? "unknown"} x ${cores.length}, node ${process.version}`;
}
