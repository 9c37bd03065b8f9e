// Other processes that fight for the machine, started and stopped.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { UsageError } from "../../src/cli/arguments.ts";
import { busyProgram, type Load } from "../../src/cli/co-runners.ts";

export interface CoRunners {
  /** Ends all of them; resolves when they are gone. */
  stop(): Promise<void>;
}

/** Starts processes of these kinds, one each; resolves when all are at work. */
export async function startCoRunners(kinds: readonly Load[]): Promise<CoRunners> {
  const programOf = (kind: Load): string => busyProgram(kind, 'process.stdout.write("busy\\n", work);');
  const children = kinds.map(
    (kind): ChildProcess => spawn(process.execPath, ["-e", programOf(kind)], { stdio: ["ignore", "pipe", "inherit"] }),
  );
  const killAll = (): void => {
    for (const child of children) child.kill("SIGKILL");
  };
  const stop = async (): Promise<void> => {
    process.off("exit", killAll);
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, "exit");
        child.kill("SIGKILL");
        await gone;
      }),
    );
  };
  // a parent that is interrupted leaves nobody behind
  process.once("exit", killAll);
  await Promise.all(children.map((child) => once(child.stdout ?? child, "data")));
  return { stop };
}

/**
 * A load by name: `none`, `compute 2`, `memory 4`, `both 2` (two of each).
 * @throws UsageError for any other
 */
export function coRunnersOf(name: string): Load[] {
  if (name === "none") return [];
  const [, kind, count] = /^(compute|memory|both) ([1-9]\d{0,2})$/.exec(name) ?? [];
  const each = (one: Load): Load[] => new Array<Load>(Number(count)).fill(one);
  if (kind === "both") return [...each("compute"), ...each("memory")];
  if (kind === "compute" || kind === "memory") return each(kind);
  throw new UsageError(`--load: got ${name || "nothing"}, expected none, or compute, memory or both and how many`);
}
