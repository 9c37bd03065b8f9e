// Bun lacks nothing the package uses: JavaScriptCore has relaxed SIMD there, though it fuses no products with sums; Workers are those of the web, files come through Node's
// modules, and require() takes ES modules.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { expectAnswers, expectWorkerAnswers } from "./expected.ts";
import { run, runtimePath } from "./run-program.ts";

const installed = inject("installed");
const bun = runtimePath("@oven", "bun-linux-x64", "bin", "bun");

test("answers every query, and in a Worker", () => {
  const { status, stdout, stderr } = run(bun, ["ask.js"], { cwd: installed });
  expect([status, stderr]).toEqual([0, ""]);
  const { results, worker } = JSON.parse(stdout);
  expectAnswers(results, { backend: "relaxed", rounds: "twice", reason: null });
  expectWorkerAnswers(worker, { backend: "relaxed", rounds: "twice" });
});

test("answers what require() gets", () => {
  writeFileSync(
    join(installed, "bun.cjs"),
    `const { loadModel, createSession } = require("slonn");
     loadModel("model.slonn").then(createSession).then((session) => console.log(session.run(new Float32Array(784)).output.data.length));`,
  );
  expect(run(bun, ["bun.cjs"], { cwd: installed })).toEqual({ status: 0, stdout: "10\n", stderr: "" });
});
