// The built executable: what main(), a function, cannot show.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeNpy } from "../../src/cli/data/npy.ts";
import { createModel } from "../../src/model/model.ts";
import { encodeModel } from "../../src/model/slonn-file.ts";
import { madeUpModel } from "../made-up-models.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "slonn-process-"));
  writeFileSync(file("model.slonn"), encodeModel(madeUpModel([6, 32, 10], 1)));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const file = (name: string): string => join(directory, name);

const start = (stdout: number | "pipe", ...argv: string[]): ChildProcess =>
  spawn(process.execPath, [resolve("build/js/cli/cli.js"), ...argv], { stdio: ["pipe", stdout, "pipe"] });

async function ended(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let [stdout, stderr] = ["", ""];
  child.stdout?.on("data", (bytes) => void (stdout += bytes));
  child.stderr?.on("data", (bytes) => void (stderr += bytes));
  const code = await new Promise<number | null>((end) => child.once("close", end));
  return { code, stdout, stderr };
}

test("tells the version of the package, and its exit code to the process", async () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  expect(await ended(start("pipe", "--version"))).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  expect(await ended(start("pipe", "inspect", file("nowhere.slonn")))).toMatchObject({ code: 1, stdout: "" });
  expect(await ended(start("pipe", "frobnicate"))).toMatchObject({ code: 2, stdout: "" });
});

test.each(["esm", "cjs"] as const)("is still the program when it is bundled into one file, as %s", async (format) => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  mkdirSync(file(format));
  // a project of its own around it, whose version is none of ours
  writeFileSync(join(file(format), "package.json"), JSON.stringify({ version: "98.7.6", type: format === "esm" ? "module" : "commonjs" }));
  const outfile = join(file(format), "slonn.js");
  await build({ entryPoints: ["build/js/cli/cli.js"], bundle: true, platform: "node", format, outfile, logLevel: "silent" });
  const run = (...argv: string[]): ReturnType<typeof ended> => ended(spawn(process.execPath, [outfile, ...argv]));
  expect(await run("--version")).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  expect(await run("inspect", file("model.slonn"))).toMatchObject({ code: 0, stdout: expect.stringContaining("6-32-10"), stderr: "" });
  expect(await run("inspect", file("nowhere.slonn"))).toMatchObject({ code: 1, stdout: "" });
});

test("takes a reader that has seen enough for no error", async () => {
  const child = start("pipe", "inspect", file("model.slonn"), "--json");
  child.stdout?.destroy();
  expect(await ended(child)).toMatchObject({ code: 0, stderr: "" });
});

test("takes it for none on Windows either, where it has another name", async () => {
  writeFileSync(
    file("windows.cjs"),
    'process.stdout._write = (bytes, _, done) => done(Object.assign(new Error("write EOF"), { code: "EOF" }));',
  );
  const program = [resolve("build/js/cli/cli.js"), "inspect", file("model.slonn")];
  expect(await ended(spawn(process.execPath, ["--require", file("windows.cjs"), ...program]))).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("says in one line that results cannot be written", async () => {
  const readOnly = openSync(file("model.slonn"), "r");
  const child = start(readOnly, "inspect", file("model.slonn"));
  closeSync(readOnly);
  const { code, stderr } = await ended(child);
  expect(stderr).toMatch(/^slonn: stdout: got .*, expected a place to write to\n$/);
  expect(code).toBe(1);
});

test("has failed where it ends with its work undone", async () => {
  const silent = 'require("node:fs/promises").stat = () => new Promise(() => {}); require("node:module").syncBuiltinESMExports();';
  writeFileSync(file("silent.cjs"), silent);
  const program = [resolve("build/js/cli/cli.js"), "inspect", file("model.slonn")];
  expect(await ended(spawn(process.execPath, ["--require", file("silent.cjs"), ...program]))).toMatchObject({ code: 1, stdout: "" });
});

test("asks Node's permission model, too, whether it may write, before work that would be lost", async () => {
  writeFileSync(file("rows.csv"), "rows that nobody comes to read");
  const flag = process.allowedNodeEnvironmentFlags.has("--permission") ? "--permission" : "--experimental-permission";
  const allowed = [flag, "--no-warnings", "--allow-fs-read=*", `--allow-fs-write=${file("out.slonn")}`];
  const words = ["calibrate", file("model.slonn"), "--data", file("rows.csv"), "-o", file("out.slonn")];
  expect(await ended(spawn(process.execPath, [...allowed, resolve("build/js/cli/cli.js"), ...words]))).toEqual({
    code: 1,
    stdout: "",
    stderr: `slonn: ${file("out.slonn")}: got no permission under Node's --permission to write into its folder, expected a place to write to\n`,
  });
});

test("stops at Ctrl-C, having said nothing else", async () => {
  execFileSync("mkfifo", [file("rows")]);
  const child = start("pipe", "bench", file("model.slonn"), "--data", file("rows"), "--samples", "100000000", "--json");
  // more than a pipe holds: once all of it is written, the program is at work
  writeFile(file("rows"), writeNpy(new Float32Array(6 * 50_000), [50_000, 6])).then(() => child.kill("SIGINT"));
  expect(await ended(child)).toEqual({ code: 1, stdout: "", stderr: "slonn: interrupted\n" });
});

test.each(["SIGTERM", "SIGINT"] as const)(
  "leaves nothing behind where it is told to end while it writes: %s, and once more",
  async (signal) => {
    const wide = { name: "out", inputs: 2048, outputs: 4096, weight: new Float32Array(1 << 23), bias: new Float32Array(4096) };
    writeFileSync(file("wide.slonn"), encodeModel(createModel("wide", [{ ...wide, activation: "identity", alpha: 0 }])));
    mkdirSync(file(signal));
    const child = start("pipe", "import", file("wide.slonn"), "-o", file(`${signal}/out.slonn`));
    const watcher = watch(file(signal), () => child.kill(signal));
    await ended(child);
    watcher.close();
    // a machine that is busy may tell it too late
    expect(readdirSync(file(signal)).filter((name) => name !== "out.slonn")).toEqual([]);
  },
);
