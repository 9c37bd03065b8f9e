// Threads that fight for the machine while latencies are measured: some keep cores computing, some stream through memory.

import { Worker } from "node:worker_threads";

export type Load = "compute" | "memory";

/** Bytes a streaming thread goes through again and again: more than caches hold. */
const streamedBytes = 64 << 20;

/** A thread's program: it says that it is at it, and goes on until it is terminated. */
const program = `
const { parentPort, workerData: { load, bytes } } = require("node:worker_threads");
const streamed = new Float64Array(load === "memory" ? bytes / 8 : 0).fill(1);
parentPort.postMessage("busy");
let sum = 1;
for (;;) {
  if (load === "memory") for (let i = 0; i < streamed.length; i++) sum += streamed[i];
  else for (let i = 0; i < 1e6; i++) sum = sum * 1.0000001 + 1e-9;
  if (!(sum < 1e300)) sum = 1;
}`;

/** Runs `body` beside so many threads of one load, which are at work by then and gone afterwards. */
export async function besideCoRunners<T>(load: Load, count: number, body: () => T): Promise<T> {
  const workers = Array.from({ length: count }, () => new Worker(program, { eval: true, workerData: { load, bytes: streamedBytes } }));
  try {
    await Promise.all(
      workers.map(
        (worker) =>
          new Promise<void>((resolve, reject) => {
            worker.once("message", () => resolve());
            worker.once("error", reject);
          }),
      ),
    );
    return body();
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
