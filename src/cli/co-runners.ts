// Threads that fight for the machine while latencies are measured: some keep cores computing, some stream through memory.

import { Worker } from "node:worker_threads";
import { messageOf, SlonnError } from "../errors.ts";

export type Load = "compute" | "memory";

/** Bytes that streaming goes through again and again: more than caches hold. */
const streamedBytes = 64 << 20;

/**
 * A program that fights for the machine until somebody ends it.
 * @param start code that says that it is at it, and then calls `work()`, which never returns
 */
export const busyProgram = (load: Load, start: string): string => `
const streamed = new Float64Array(${load === "memory" ? streamedBytes / 8 : 0}).fill(1);
const work = () => {
  let sum = 1;
  for (;;) {
    ${load === "memory" ? "for (let i = 0; i < streamed.length; i++) sum += streamed[i];" : "for (let i = 0; i < 1e7; i++) sum = sum * 1.0000001 + 1e-9;"}
    // keeps the loops from being found useless
    if (!(sum < 1e300)) sum = 1;
  }
};
${start}`;

/**
 * Runs `body` beside so many threads of one load, which are at work by then and gone afterwards.
 * @throws SlonnError `worker` where they cannot be had, and what `body` throws
 */
export async function besideCoRunners<T>(load: Load, count: number, body: () => T): Promise<T> {
  const program = busyProgram(load, 'require("node:worker_threads").parentPort.postMessage("busy"); work();');
  const workers: Worker[] = [];
  try {
    await startAll(workers, count, program);
    return body();
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Adds them as they start: where one cannot, those before it are there to be ended. */
async function startAll(workers: Worker[], count: number, program: string): Promise<void> {
  try {
    while (workers.length < count) workers.push(new Worker(program, { eval: true }));
    await Promise.all(
      workers.map(
        (worker) =>
          new Promise<void>((resolve, reject) => {
            worker.once("message", () => resolve());
            worker.once("error", reject);
          }),
      ),
    );
  } catch (cause) {
    throw new SlonnError("worker", `co-runners: got no thread (${messageOf(cause)}), expected ${count}`, { cause });
  }
}
