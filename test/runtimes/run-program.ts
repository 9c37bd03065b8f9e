// Where the programs of package.json lie, and how to run one.

import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";

/** Below this folder's node_modules. */
export const runtimePath = (...parts: string[]): string => join(import.meta.dirname, "node_modules", ...parts);

/** Loads a package of this folder. */
export const requireHere: NodeJS.Require = createRequire(import.meta.url);

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

export function run(program: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Ran {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    timeout: 240_000,
    maxBuffer: 1 << 26,
    ...options,
  });
  if (error) throw new Error(`${program}: ${error.message}\n${stdout}${stderr}`);
  return { status, stdout, stderr };
}
