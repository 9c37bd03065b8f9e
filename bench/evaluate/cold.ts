// Cold starts: every contender in fresh processes, in turns.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { median } from "../statistics.ts";
import type { Cold } from "./evaluation.ts";

/** @param modelPath a .slonn file; @param starts processes per contender */
export function measureCold(contenders: readonly string[], modelPath: string, starts: number): Cold[] {
  const program = fileURLToPath(new URL("./cold-start.js", import.meta.url));
  const times = contenders.map((): number[] => []);
  for (let start = 0; start < starts; start++)
    for (const [c, contender] of contenders.entries()) {
      const { stdout, stderr, status } = spawnSync(process.execPath, [program, contender, modelPath], { encoding: "utf8" });
      if (status !== 0) throw new Error(`cold start of ${contender}: got exit code ${status}, expected 0 (${stderr.trim().slice(-300)})`);
      times[c].push(Number(stdout));
    }
  return contenders.map((name, c) => ({ name, firstAnswerMs: median(Float64Array.from(times[c])) }));
}
