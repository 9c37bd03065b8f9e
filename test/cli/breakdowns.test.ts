import { describe, expect, test } from "vitest";
import { type Breakdowns, breakdownsOf, breakdownsText, roundedBreakdowns } from "../../src/cli/breakdowns.ts";
import { contendersFor } from "../../src/cli/session-contenders.ts";
import type { Clock } from "../../src/clock.ts";
import { rowOf } from "../../src/model/rows.ts";
import { stages } from "../../src/session/breakdown.ts";
import { createSession } from "../../src/session/session.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";

const model = madeUpModel([20, 32, 16], 1);
const rows = madeUpRows(250, 20, 2);

async function measure(clock: Clock, signal?: AbortSignal): Promise<{ breakdowns: Breakdowns; progress: number[] }> {
  const session = await createSession(model);
  try {
    const contenders = contendersFor(session, ["exact"], null);
    for (const contender of contenders) contender.run(rowOf(rows, 0));
    const progress: number[] = [];
    const breakdowns = await breakdownsOf(contenders, rows, {
      model,
      session,
      clock,
      signal,
      onProgress: (share) => progress.push(share),
    });
    return { breakdowns, progress };
  } finally {
    session.dispose();
  }
}

/** Moves by 1 ms at every look. */
const ticking = (): Clock => {
  let now = 0;
  return { now: () => ++now };
};

describe("breakdowns", () => {
  test("hold every contender's bytes against how fast they could be read", async () => {
    const { breakdowns, progress } = await measure(ticking());
    expect(Object.keys(breakdowns)).toEqual(["readBytesPerUs", "queries", "runs"]);
    expect(breakdowns.queries).toBe(200);
    expect(breakdowns.runs.map(({ slo }) => slo)).toEqual(["dense", "exact"]);
    const speed = breakdowns.readBytesPerUs as number;
    expect(speed).toBeGreaterThan(0);
    for (const run of breakdowns.runs) {
      expect(Object.keys(run)).toEqual(["slo", "queryUs", "bytes", "limitUs", "stages"]);
      expect(run.limitUs).toBeCloseTo(run.bytes / speed, 9);
      expect(run.stages.map(({ stage }) => stage)).toEqual(stages);
      for (const { limitUs, bytes } of run.stages) expect(limitUs).toBeCloseTo(bytes / speed, 9);
    }
    const [dense, exact] = breakdowns.runs;
    expect(dense.bytes).toBe(4 * (20 * 32 + 32 * 16));
    expect(exact.bytes).toBeLessThan(dense.bytes);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect([progress[0], progress[progress.length - 1]]).toEqual([0, 1]);
  });

  test("know no limit where the clock stands still, and are JSON all the same", async () => {
    const { breakdowns } = await measure({ now: () => 1 });
    expect(breakdowns.readBytesPerUs).toBeNull();
    expect(JSON.parse(JSON.stringify(breakdowns))).toEqual(breakdowns);
    expect(breakdownsText(breakdowns)).toContain("read bandwidth unknown");
  });

  test("stop when interrupted", async () => {
    await expect(measure(ticking(), AbortSignal.abort())).rejects.toMatchObject({ code: "aborted" });
  });

  test("have six significant digits of what was measured for programs, and all of what was counted", () => {
    const stage = { stage: "rows", us: 0.1363399999968351, bytes: 83_886_080, macs: 1 / 3, limitUs: null } as const;
    const run = { slo: "exact", queryUs: 3.1339550000006966, bytes: 83_886_080, limitUs: null, stages: [stage] };
    expect(roundedBreakdowns({ readBytesPerUs: 117553.36322917536, queries: 200, runs: [run] })).toEqual({
      readBytesPerUs: 117553,
      queries: 200,
      runs: [{ ...run, queryUs: 3.13396, stages: [{ ...stage, us: 0.13634, macs: 0.333333 }] }],
    });
  });

  test("print a table per contender that a hostile name cannot break", () => {
    const stage = { stage: "rows", us: 2, bytes: 4000, macs: 1000, limitUs: 1 } as const;
    const text = breakdownsText({
      readBytesPerUs: 4000,
      queries: 7,
      runs: [{ slo: "x\u001b[2J\ny", queryUs: 3, bytes: 4000, limitUs: 1, stages: [stage] }],
    });
    expect(text).toContain("breakdown of 7 rows; weights of this size read at 4.0 GB/s\nx\\u001b[2J\\u000ay\n");
    expect(text).toMatch(/rows +│ +2\.00 │ +4000 │ +1000 │ +1\.00 │ +2\.00x/);
    expect(text).toMatch(/whole query +│ +3\.00 .* 3\.00x/);
  });
});
