// `bench --breakdown`: where the time of each contender's queries goes, beside how fast its bytes could be read, as plain data and as tables.
// `session/` measures it.

import Table from "cli-table3";
import type { Clock } from "../clock.ts";
import type { Model } from "../model/model.ts";
import { type Rows, rowOf } from "../model/rows.ts";
import { measureBandwidth } from "../session/bandwidth.ts";
import { breakdown, type StageCost } from "../session/breakdown.ts";
import type { Session } from "../session/session.ts";
import { oneLine } from "./io.ts";
import { rowOfQuery } from "./measure.ts";
import { rounded } from "./results.ts";
import { denseBytes, type SloContender } from "./session-contenders.ts";

export interface Breakdowns {
  /** Bytes per microsecond (MB/s) at which engine memory as large as the weights is read; null where the clock did not advance. */
  readBytesPerUs: number | null;
  /** Rows that were run. */
  queries: number;
  /** One per contender, dense first. */
  runs: SloBreakdown[];
}

/** Means over the queries. */
export interface SloBreakdown {
  slo: string;
  /** Microseconds of a query in one call. */
  queryUs: number;
  bytes: number;
  /** Bytes over read bandwidth: microseconds. */
  limitUs: number | null;
  stages: (StageCost & { limitUs: number | null })[];
}

export interface BreakdownsOptions {
  model: Model;
  /** The session behind the contenders. */
  session: Session;
  clock: Clock;
  signal?: AbortSignal | undefined;
  onProgress: (share: number) => void;
}

/** The most rows a breakdown runs: each many times over, so few are enough. */
const mostQueries = 200;

/**
 * Each contender must have run before: the level that its last query was given is broken down.
 * @throws SlonnError `aborted`, `no-engine`
 */
export async function breakdownsOf(
  contenders: readonly SloContender[],
  rows: Rows,
  { model, session, clock, signal, onProgress }: BreakdownsOptions,
): Promise<Breakdowns> {
  const { backend } = session;
  const queries = Math.min(mostQueries, rows.count);
  const inputs = Array.from({ length: queries }, (_, q) => rowOf(rows, rowOfQuery(q, queries, rows.count)));
  onProgress(0);
  const measured = await measureBandwidth(denseBytes(model), clock, { backend });
  const readBytesPerUs = Number.isFinite(measured) ? measured : null;
  const limitOf = (bytes: number): number | null => readBytesPerUs && bytes / readBytesPerUs;
  const runs: SloBreakdown[] = [];
  for (const [i, contender] of contenders.entries()) {
    onProgress(i / contenders.length);
    const { level, slo } = contender.plan();
    const { stages, queryUs } = await breakdown(model, session.levels[level], inputs, {
      backend,
      clock,
      operations: slo.operations,
      signal,
    });
    const bytes = stages.reduce((sum, stage) => sum + stage.bytes, 0);
    runs.push({
      slo: contender.name,
      queryUs,
      bytes,
      limitUs: limitOf(bytes),
      stages: stages.map((stage) => ({ ...stage, limitUs: limitOf(stage.bytes) })),
    });
  }
  onProgress(1);
  return { readBytesPerUs, queries, runs };
}

/** For programs: measured figures with as many digits as results have, counts with all. */
export function roundedBreakdowns(breakdowns: Breakdowns): Breakdowns {
  const text = JSON.stringify(breakdowns, (_, value) => (typeof value === "number" && !Number.isInteger(value) ? rounded(value) : value));
  return JSON.parse(text) as Breakdowns;
}

/** For people: a table per contender. */
export function breakdownsText({ readBytesPerUs, queries, runs }: Breakdowns): string {
  const read =
    readBytesPerUs === null ? "read bandwidth unknown: the clock stands still" : `read at ${(readBytesPerUs / 1000).toFixed(1)} GB/s`;
  const us = (time: number | null): string => (time === null ? "" : time.toFixed(2));
  const over = (time: number, limit: number | null): string => (limit ? `${(time / limit).toFixed(2)}x` : "");
  const tables = runs.map(({ slo, queryUs, bytes, limitUs, stages }) => {
    const table = new Table({
      head: ["stage", "µs", "bytes", "MACs", "limit µs", "time / limit"],
      style: { head: [], border: [], compact: true },
      colAligns: ["left", "right", "right", "right", "right", "right"],
    });
    for (const stage of stages)
      table.push([
        stage.stage,
        us(stage.us),
        Math.round(stage.bytes),
        Math.round(stage.macs),
        us(stage.limitUs),
        over(stage.us, stage.limitUs),
      ]);
    const macs = stages.reduce((sum, stage) => sum + stage.macs, 0);
    table.push(["whole query", us(queryUs), Math.round(bytes), Math.round(macs), us(limitUs), over(queryUs, limitUs)]);
    return `${oneLine(slo)}\n${table.toString()}\n`;
  });
  return `breakdown of ${queries} rows; weights of this size ${read}\n${tables.join("")}`;
}
