import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Evaluation } from "../../bench/evaluate/evaluation.ts";
import { writePages } from "../../bench/evaluate/pages.ts";
import { type ArrivalsData, writeArrivals } from "../../bench/interference/arrivals-page.ts";
import { type InterferenceData, writeInterference } from "../../bench/interference/page.ts";
import { machineOf } from "../../bench/machine.ts";
import { writeFiles } from "../../bench/write-files.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "slonn-write-files-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const named = { network: "one", madeAt: "2000-01-01", command: "npm run this", machine: machineOf(), denseMs: 1 };
const arrivals: ArrivalsData = { version: 1, ...named, runs: [] };
const interference: InterferenceData = { version: 1, ...named, overheadUs: 1, percentile: 99, constant: [], steps: [] };
const evaluation = JSON.parse(readFileSync("docs/evaluation/evaluation.json", "utf8")) as Evaluation;

test("text and bytes are written by name into a folder that is made", async () => {
  await writeFiles(join(folder, "deep", "down"), { "a.txt": "µs\n", "b.bin": Uint8Array.of(0, 255) });
  expect(readFileSync(join(folder, "deep", "down", "a.txt"), "utf8")).toBe("µs\n");
  expect([...readFileSync(join(folder, "deep", "down", "b.bin"))]).toEqual([0, 255]);
});

describe("who reads a file while it is written anew reads the old one to its end:", () => {
  test.each<[string, (run: string) => Promise<unknown>]>([
    ["any", (run) => writeFiles(folder, { "file.txt": run })],
    ["of arrivals", (run) => writeArrivals({ ...arrivals, command: run }, folder)],
    ["of interference", (run) => writeInterference({ ...interference, command: run }, folder)],
    ["of an evaluation", (run) => writePages({ ...evaluation, command: run }, folder)],
  ])("%s", async (_, write) => {
    await write("the first run");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.includes("."));
    const old = files.map((name) => readFileSync(join(folder, name), "utf8"));
    expect(old.join("")).toContain("the first run");
    const read = files.map((name) => openSync(join(folder, name), "r"));
    await write("another");
    expect(files.map((name) => readFileSync(join(folder, name), "utf8")).join("")).not.toContain("the first run");
    expect(read.map((file) => readFileSync(file, "utf8"))).toEqual(old);
    for (const file of read) closeSync(file);
  });
});
