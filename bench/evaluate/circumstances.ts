// When and where a part of an evaluation was measured, how long it took and how busy the machine was.

import { loadavg } from "node:os";
import { machineOf } from "../machine.ts";
import type { Circumstances } from "./evaluation.ts";

/** Runs `measure` and adds its circumstances. */
export async function withCircumstances<T extends object>(measure: () => Promise<T>): Promise<T & Circumstances> {
  const [before] = loadavg();
  const started = performance.now();
  const found = await measure();
  return {
    ...found,
    madeAt: new Date().toISOString(),
    seconds: Math.round((performance.now() - started) / 100) / 10,
    load: [before, loadavg()[0]],
    machine: machineOf(),
  };
}
