import { expect, test, vi } from "vitest";
import { besideCoRunners } from "../../src/cli/co-runners.ts";
import { SlonnError } from "../../src/errors.ts";

const threads = vi.hoisted(() => ({ left: Number.POSITIVE_INFINITY, ended: 0 }));
vi.mock("node:worker_threads", async (original) => {
  const { Worker } = await original<typeof import("node:worker_threads")>();
  return {
    Worker: class extends Worker {
      constructor(...given: ConstructorParameters<typeof Worker>) {
        if (threads.left-- <= 0) throw new Error("Access to this API has been restricted");
        super(...given);
      }
      override terminate(): Promise<number> {
        threads.ended++;
        return super.terminate();
      }
    },
  };
});

/** Milliseconds that the process has computed, all its threads together. */
const computedMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
/** Holds this thread, so that what the process computes meanwhile is done by others. */
const sleep = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

test.each(["compute", "memory"] as const)("threads that %s are at work while the body runs, and gone afterwards", async (load) => {
  // a busy machine gives them little: what counts is that they get on, and how long it takes them
  const tookMs = await besideCoRunners(load, 1, () => {
    const [start, before] = [performance.now(), computedMs()];
    while (computedMs() - before < 100 && performance.now() - start < 20_000) sleep(20);
    expect(computedMs() - before).toBeGreaterThanOrEqual(100);
    return performance.now() - start;
  });
  const before = computedMs();
  sleep(tookMs);
  expect(computedMs() - before).toBeLessThan(50);
});

test("are ended where the body fails", async () => {
  await expect(
    besideCoRunners("compute", 1, () => {
      throw new Error("body");
    }),
  ).rejects.toThrow("body");
});

test("are refused in words where the runtime has no more threads, and those it had are ended", async () => {
  [threads.left, threads.ended] = [1, 0];
  const refused = await besideCoRunners("compute", 2, () => "ran").catch((error: unknown) => error);
  threads.left = Number.POSITIVE_INFINITY;
  expect(refused).toBeInstanceOf(SlonnError);
  expect(refused).toMatchObject({
    code: "worker",
    message: "co-runners: got no thread (Access to this API has been restricted), expected 2",
  });
  expect(threads.ended).toBe(1);
});
