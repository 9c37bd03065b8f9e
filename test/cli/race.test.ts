import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeNpy } from "../../src/cli/data/npy.ts";
import { createModel } from "../../src/model/model.ts";
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
  writeFileSync(file("x.npy"), writeNpy(new Float32Array(6), [3, 2]));
  writeFileSync(file("y.csv"), "0\n1\n2\n");
});

const run = (...more: string[]) =>
  slonn("run", file("tiny.slonn"), "--data", file("x.npy"), "--labels", file("y.csv"), "--slo", "accuracy=0.8", ...more);

it("says in JSON what was given up, where something was", async () => {
  const { runs } = JSON.parse((await run("--slo", "accuracy=0.99", "--slo", "exact", "--json")).stdout);
  expect(runs.map(({ gaveUp }: { gaveUp?: string[] }) => gaveUp)).toEqual([undefined, ["accuracy=0.99"], undefined]);
});

it("says below the table in how many queries something was given up", async () => {
  const { stdout } = await run("--slo", "accuracy=0.99", "--slo", "exact");
  expect(stdout).toMatch(/\naccuracy=0\.99: [^\n]*; gave up accuracy=0\.99 in 3 of 3 queries\nexact: exact was asked\n$/);
});

it("says in JSON what a certificate is about where results lead with another metric", async () => {
  for (const [more, expected] of [
    [[], certificate],
    [["--metric", "precision@5"], { ...certificate, metric: "precision@1" }],
  ] as const)
    expect(JSON.parse((await run("--json", ...more)).stdout).runs[0].certificate).toEqual(expected);
});
