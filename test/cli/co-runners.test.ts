import { expect, test } from "vitest";
import { besideCoRunners } from "../../src/cli/co-runners.ts";

test.each(["compute", "memory"] as const)("threads that %s are at work while the body runs, and gone afterwards", async (load) => {
  const processTime = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const waited = (ms: number): number => {
    const [start, busy] = [performance.now(), processTime()];
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    return (processTime() - busy) / (performance.now() - start);
  };
  // this thread sleeps, so what the process computes meanwhile is theirs
  const during = await besideCoRunners(load, 1, () => waited(300));
  expect(during).toBeGreaterThan(0.1);
  expect(waited(300)).toBeLessThan(during / 2);
});

test("are ended where the body fails", async () => {
  await expect(
    besideCoRunners("compute", 1, () => {
      throw new Error("body");
    }),
  ).rejects.toThrow("body");
});
