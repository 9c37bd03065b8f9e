import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { writeNpy } from "../../src/cli/data/npy.ts";
import { machineName } from "../../src/cli/latency-profile.ts";
import { main } from "../../src/cli/main.ts";
import { type Clock, systemClock } from "../../src/clock.ts";
import { encodeModel } from "../../src/model/slonn-file.ts";
import { decodeProfile } from "../../src/profile/latency-file.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";

const directory = mkdtempSync(join(tmpdir(), "slonn-latency-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const file = (name: string): string => join(directory, name);
const rows = madeUpRows(20, 300, 4);
writeFileSync(file("model.slonn"), encodeModel(madeUpModel([300, 640, 10], 1)));
writeFileSync(file("other.slonn"), encodeModel(madeUpModel([300, 320, 10], 1)));
writeFileSync(file("x.npy"), writeNpy(rows.data, [rows.count, rows.width]));

const run = (model: string, ...argv: string[]): ReturnType<typeof runBy> => runBy(systemClock, model, ...argv);

async function runBy(clock: Clock, model: string, ...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ["", ""];
  const code = await main(
    ["run", file(model), "--data", file("x.npy"), "--slo", "latency=50ms", "--json", ...argv],
    { stdout: (text) => void (stdout += text), stderr: (text) => void (stderr += text), stderrIsTerminal: false, clock },
    "1.2.3",
  );
  return { code, stdout, stderr };
}
const profile = file("profile.json");

describe("--latency-profile", () => {
  test("is measured on the data and written where there is none, and read from then on", async () => {
    const first = await run("model.slonn", "--latency-profile", profile);
    expect([first.code, first.stderr]).toEqual([0, ""]);
    const text = readFileSync(profile, "utf8");
    const { origin, levels } = decodeProfile(text, profile);
    expect(origin?.machine).toBe(machineName());
    expect(levels).toHaveLength(2);
    for (const { p50, p99 } of levels) expect(p99).toBeGreaterThanOrEqual(p50);

    // what is read is believed: a profile that says an hour makes any deadline a miss
    const slow = JSON.parse(text);
    for (const level of slow.levels) Object.assign(level, { p50: 3.6e6, p90: 3.6e6, p99: 3.6e6, rungs: undefined });
    writeFileSync(profile, JSON.stringify(slow));
    let [stdout, code] = ["", 0];
    code = await main(
      ["run", file("model.slonn"), "--data", file("x.npy"), "--slo", "latency=50ms", "--latency-profile", profile],
      { stdout: (printed) => void (stdout += printed), stderr() {}, stderrIsTerminal: false, clock: systemClock },
      "1.2.3",
    );
    expect(code).toBe(0);
    expect(readFileSync(profile, "utf8")).toBe(JSON.stringify(slow));
    expect(stdout).toContain("latency=50ms");
    writeFileSync(profile, text);
  });

  test("is measured by the clock that is handed in", async () => {
    let now = 0;
    const slow = file("slow.json");
    expect(await runBy({ now: () => (now += 5) }, "model.slonn", "--latency-profile", slow)).toMatchObject({ code: 0, stderr: "" });
    expect(decodeProfile(readFileSync(slow, "utf8"), slow).stepMs).toBe(5);
  });

  test("tells how much of a load shows in each level where it is measured beside co-runners", async () => {
    const beside = file("beside.json");
    const { code, stderr } = await run("model.slonn", "--latency-profile", beside, "--co-runners");
    expect([code, stderr]).toEqual([0, ""]);
    // absent on a machine that nothing slows down
    const stored = JSON.parse(readFileSync(beside, "utf8"));
    for (const { sensitivity = 1 } of stored.levels) expect(sensitivity).toBeGreaterThanOrEqual(0.1);
    expect((await run("model.slonn", "--latency-profile", beside, "--co-runners")).code).toBe(0);
    expect(JSON.parse(readFileSync(beside, "utf8"))).toEqual(stored);
  });

  test("co-runners without a profile to measure are wrong usage", async () => {
    const { code, stderr } = await run("model.slonn", "--co-runners");
    expect([code, stderr]).toEqual([2, expect.stringContaining("got no --latency-profile")]);
  });

  test.each<[string, (stored: { origin: Record<string, string>; levels: unknown[] }) => unknown, RegExp]>([
    [
      "another machine",
      (p) => ({ ...p, origin: { ...p.origin, machine: "another" } }),
      /machine: got "another", expected .*remove the file/,
    ],
    ["another build", (p) => ({ ...p, origin: { ...p.origin, build: "0.0.1" } }), /build: got "0\.0\.1", expected/],
    ["levels that are missing", (p) => ({ ...p, levels: p.levels.slice(1) }), /levels: got 1, expected 2/],
    ["no origin", (p) => ({ levels: p.levels }), /origin: got nothing, expected an object/],
    ["anything else", () => "profile", /profile: got "profile", expected an object/],
  ])("refuses %s", async (_, change, message) => {
    const changed = file("changed.json");
    writeFileSync(changed, JSON.stringify(change(JSON.parse(readFileSync(profile, "utf8")))));
    const { code, stdout, stderr } = await run("model.slonn", "--latency-profile", changed);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^slonn: [^\n]*changed\.json[^\n]*\n$/);
  });

  test("refuses another model's, a file that is cut off, and a place that cannot be written", async () => {
    expect((await run("other.slonn", "--latency-profile", profile)).stderr).toMatch(/model: got "[0-9a-f]+", expected "[0-9a-f]+"/);
    writeFileSync(file("cut.json"), readFileSync(profile, "utf8").slice(0, 100));
    expect(await run("model.slonn", "--latency-profile", file("cut.json"))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("got text that is no JSON, expected a latency profile"),
    });
    expect((await run("model.slonn", "--latency-profile", join(directory, "no", "folder.json"))).code).toBe(1);
  });

  test("is not written over by the outputs", async () => {
    const text = readFileSync(profile, "utf8");
    expect(await run("model.slonn", "--latency-profile", profile, "-o", profile)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("got the file that --latency-profile names"),
    });
    expect(readFileSync(profile, "utf8")).toBe(text);
    expect((await run("model.slonn", "--latency-profile", file("both"), "-o", file("both"))).code).toBe(1);
    expect(existsSync(file("both"))).toBe(false);
  });
});
