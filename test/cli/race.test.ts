import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseArguments } from "../../src/cli/arguments.ts";
import { runCommand } from "../../src/cli/commands/run.ts";
import { writeNpy } from "../../src/cli/data/npy.ts";
import { openRace, type Race } from "../../src/cli/race.ts";
import { createModel } from "../../src/model/model.ts";
import { rowOf } from "../../src/model/rows.ts";
import { encodeModel } from "../../src/model/slonn-file.ts";
import { uncalibratedLevels } from "../../src/policy/levels.ts";
import type { Ladder } from "../../src/profile/ladder.ts";
import { slonn } from "./slonn.ts";

let directory: string;
beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), "slonn-race-"))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const file = (name: string): string => join(directory, name);

const certificate = { kind: "accuracy" as const, bound: 0.9, confidence: 0.95, samples: 1000 };
beforeAll(() => {
  const layer = { name: "out", inputs: 2, outputs: 8, weight: new Float32Array(16).fill(1), bias: new Float32Array(8) };
  const model = createModel("tiny", [{ ...layer, activation: "identity", alpha: 0 }]);
  const dense = { ...uncalibratedLevels(model)[1], observed: { agreement: 1, accuracy: 0.95, loss: 0 }, certificates: [certificate] };
  const promise = { kind: "loss", bound: 0.01, confidence: 0.95 } as const;
  const ladder: Ladder = { version: 1, metric: "precision@1", promise, levels: [dense] };
  writeFileSync(file("tiny.slonn"), encodeModel({ ...model, calibration: { ladder, tensors: new Map() } }));
  writeFileSync(file("uncalibrated.slonn"), encodeModel(model));
  writeFileSync(file("x.npy"), writeNpy(new Float32Array(6), [3, 2]));
  writeFileSync(file("y.csv"), "0\n1\n2\n");
});

const run = (...more: string[]) =>
  slonn("run", file("tiny.slonn"), "--data", file("x.npy"), "--labels", file("y.csv"), "--slo", "accuracy=0.8", ...more);

test("says in JSON what was given up, where something was", async () => {
  const { runs } = JSON.parse((await run("--slo", "accuracy=0.99", "--slo", "exact", "--json")).stdout);
  expect(runs.map(({ gaveUp }: { gaveUp?: string[] }) => gaveUp)).toEqual([undefined, ["accuracy=0.99"], undefined]);
});

test("says below the table in how many queries something was given up", async () => {
  const { stdout } = await run("--slo", "accuracy=0.99", "--slo", "exact");
  expect(stdout).toMatch(/\naccuracy=0\.99: [^\n]*; gave up accuracy=0\.99 in 3 of 3 queries\nexact: exact was asked\n$/);
});

test("says in JSON what a certificate is about where results lead with another metric", async () => {
  for (const [more, expected] of [
    [[], certificate],
    [["--metric", "precision@5"], { ...certificate, metric: "precision@1" }],
  ] as const)
    expect(JSON.parse((await run("--json", ...more)).stdout).runs[0].certificate).toEqual(expected);
});

test("breaks down the time of queries where that is asked, in JSON and below the table", async () => {
  const bench = (...more: string[]) =>
    slonn("bench", file("tiny.slonn"), "--data", file("x.npy"), "--slo", "exact", "--samples", "20", ...more);
  const { breakdown, ...results } = JSON.parse((await bench("--json", "--breakdown")).stdout);
  expect(breakdown.runs.map(({ slo }: { slo: string }) => slo)).toEqual(["dense", "exact"]);
  expect(Object.keys(results)).toEqual(Object.keys(JSON.parse((await bench("--json")).stdout)));
  expect([breakdown.readBytesPerUs, breakdown.runs[0].queryUs].map((measured) => Number(measured.toPrecision(6)))).toEqual([
    breakdown.readBytesPerUs,
    breakdown.runs[0].queryUs,
  ]);
  expect((await bench("--breakdown")).stdout).toMatch(/exact: exact was asked\nbreakdown of 3 rows;/);
  expect((await bench()).stdout).toMatch(/exact: exact was asked\n$/);
});

describe("what a race asks", () => {
  /** Opens one by a clock that moves at every look, and tells how often it was looked at. */
  const open = async (name: string, ...more: string[]): Promise<{ race: Race; looks: number }> => {
    let looks = 0;
    const words = [file(name), "--data", file("x.npy"), ...more];
    return { race: await openRace(parseArguments(words, runCommand.flags), { now: () => ++looks }), looks };
  };

  test("is what the model was calibrated for, unless something is given", async () => {
    for (const [name, more, expected] of [
      ["tiny.slonn", [], ["dense", "loss=0.01"]],
      ["tiny.slonn", ["--slo", "exact"], ["dense", "exact"]],
      ["uncalibrated.slonn", [], ["dense"]],
    ] as const) {
      const { race } = await open(name, ...more);
      expect(race.contenders.map((contender) => contender.name)).toEqual(expected);
      race.close();
    }
  });

  test("goes by latencies that were measured before the first query where there is a deadline, and only there", async () => {
    for (const [slo, known] of [
      ["latency=1s", true],
      ["loss=0.1,latency=1s", true],
      ["exact", false],
    ] as const) {
      const { race } = await open("tiny.slonn", "--slo", "dense", "--slo", slo);
      const [dense] = race.contenders;
      dense.run(rowOf(race.rows, 0));
      expect([slo, dense.plan().expected.latencyMs !== null]).toEqual([slo, known]);
      race.close();
    }
  });

  test("has latencies measured three times where co-runners are asked for: alone, beside computing and beside streaming", async () => {
    const alone = await open("tiny.slonn", "--latency-profile", file("alone.json"));
    const beside = await open("tiny.slonn", "--latency-profile", file("beside.json"), "--co-runners");
    expect(beside.looks / alone.looks).toBeCloseTo(3, 1);
    for (const { race } of [alone, beside]) race.close();
  });
});
