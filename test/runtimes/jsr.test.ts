// JSR takes the sources themselves, and only ones whose types need no inference. Deno checks that without publishing. The doors for
// kernels imported as modules are missing there: JSR has no conditions.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { run, runtimePath } from "./run-program.ts";

const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));

test("every door of code is one on JSR, under the same version", () => {
  const [npm, jsr] = [read("package.json"), read("jsr.json")];
  expect(Object.keys(jsr.exports)).toEqual(Object.keys(npm.exports).filter((door) => !/\.(wasm|json)$/.test(door)));
  expect(jsr.version).toBe(npm.version);
});

test("the sources can be published", () => {
  const deno = runtimePath("@deno", "linux-x64-glibc", "deno");
  const { status, stderr } = run(deno, ["publish", "--dry-run", "--allow-dirty", "--no-lock"], {
    env: { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
  });
  expect(stderr).toContain("Success Dry run complete");
  expect(status).toBe(0);
});
