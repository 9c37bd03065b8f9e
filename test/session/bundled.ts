// Runs a script against the library as one file in a Node process of its own, where memory can be watched undisturbed.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

/**
 * Runs `script`, an ES module that may import "slonn", "made-up" (the tests' seeded models) and "memory-model", and returns the JSON it prints.
 * @param flags for node
 */
export async function runBundled(script: string, flags: readonly string[]): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "slonn-"));
  try {
    const entry = join(folder, "script.mjs");
    const outfile = join(folder, "bundle.mjs");
    writeFileSync(entry, script);
    const alias = {
      slonn: "./src/index.ts",
      "slonn/calibrate": "./src/calibrate.ts",
      "made-up": "./test/made-up-models.ts",
      "memory-model": "./bench/memory-model.ts",
    };
    const paths = Object.fromEntries(Object.entries(alias).map(([name, path]) => [name, join(process.cwd(), path)]));
    await build({ entryPoints: [entry], outfile, bundle: true, format: "esm", platform: "node", alias: paths, logLevel: "error" });
    const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, outfile], { encoding: "utf8" });
    if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
