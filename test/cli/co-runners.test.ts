import { expect, test } from "vitest";
import { besideCoRunners } from "../../src/cli/co-runners.ts";

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
