// Deno lacks nothing the package uses: relaxed SIMD, Workers of the web, files through Node's modules. It asks for permissions: reading
// the model's file is one, and without it loading ends in `unreadable`. Its V8 is its own, newer than Node's.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { expectAnswers, expectWorkerAnswers } from "./expected.ts";
import { run, runtimePath } from "./run-program.ts";

const installed = inject("installed");
const deno = runtimePath("@deno", "linux-x64-glibc", "deno");
const env = { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", DENO_DIR: join(installed, ".deno") };
const start = (...args: string[]) => run(deno, ["run", "--no-lock", "--node-modules-dir=manual", ...args], { cwd: installed, env });

test("answers every query, and in a Worker", () => {
  const { status, stdout, stderr } = start("--allow-read", "ask.js");
  expect([status, stderr]).toEqual([0, ""]);
  const { results, worker } = JSON.parse(stdout);
  expectAnswers(results, { backend: "relaxed", reason: null });
  expectWorkerAnswers(worker, { backend: "relaxed" });
});

test("says what it may not read", () => {
  writeFileSync(
    join(installed, "deno-forbidden.js"),
    `import { loadModel } from "slonn";
     await loadModel("model.slonn").catch(({ name, code, message }) => console.log(name, code, message));`,
  );
  const { stdout } = start("--allow-read=node_modules", "--no-prompt", "deno-forbidden.js");
  expect(stdout).toMatch(/^SlonnError unreadable model\.slonn: could not be read \(.+\)\n$/);
});
