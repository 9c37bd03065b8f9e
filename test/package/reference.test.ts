// The API reference as `npm run docs:api` writes it: every door is in it, and everything a door exports has a docstring.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "slonn-reference-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("every export of every door is documented, and nothing it names is missing", () => {
  const typedoc = join("node_modules", "typedoc", "bin", "typedoc");
  const { status, stdout, stderr } = spawnSync(process.execPath, [typedoc, "--out", folder, "--logLevel", "Warn"], { encoding: "utf8" });
  expect([status, stdout, stderr]).toEqual([0, "", ""]);
  const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as { exports: Record<string, { default?: string }> };
  // the Worker's program exports nothing, the other two are no modules of ours
  const doors = Object.keys(exports).filter((door) => !["./worker-thread", "./kernels.wasm", "./package.json"].includes(door));
  const page = readFileSync(join(folder, "README.md"), "utf8");
  for (const door of doors) expect(page).toContain(`[slonn${door.slice(1)}]`);
  const written = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const pageOf = (name: string): string => readFileSync(join(folder, written.find((path) => path.endsWith(`${name}.md`)) ?? name), "utf8");
  for (const name of ["loadModel", "SlonnError", "createQueue", "calibrate", "importModel", "createWorkerSession"])
    expect(pageOf(name)).toContain(name);
  expect(pageOf("createSession")).toMatch(/no-engine/);
  expect(pageOf("ErrorCode")).toContain("- `overloaded`: a queue is full");
  // what an export builds on is exported too: the only name without a page is the language's
  const bases = written
    .filter((path) => path.endsWith(".md"))
    .flatMap((path) => readFileSync(join(folder, path), "utf8").match(/^- `\w+`$/gm) ?? []);
  expect([...new Set(bases)]).toEqual(["- `Error`"]);
}, 240_000);
