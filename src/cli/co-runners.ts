// Threads that compete for the machine while latencies are measured: some keep cores busy, some stream through memory.

import { Worker } from "node:worker_threads";
import { messageOf, SlonnError } from "../errors.ts";

export type Load = "compute" | "memory";

/** Bytes that a streaming thread reads over and over: more than caches hold. */
const streamedBytes = 64 << 20;

/**
 * A program that competes for the machine until it is ended.
 * @param start code that reports that the thread runs, and then calls `work()`, which never returns
 */
export const busyProgram = (load: Load, start: string): string => `
const streamed = new Float64Array(${load === "memory" ? streamedBytes / 8 : 0}).fill(1);
const work = () => {
  let sum = 1;
  for (;;) {
    ${load === "memory" ? "for (let i = 0; i < streamed.length; i++) sum += streamed[i];" : "for (let i = 0; i < 1e7; i++) sum = sum * 1.0000001 + 1e-9;"}
    // keeps the loops from being optimised away
    if (!(sum < 1e300)) sum = 1;
  }
};
${start}`;

/**
 * Runs `body` beside `count` threads of one load, which are running before it starts and gone afterwards.
 * @throws SlonnError `worker` where they cannot be started, and what `body` throws
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

/** Adds each as it starts, so that those that run can be ended where one cannot start. */
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
