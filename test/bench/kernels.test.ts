import { expect, test } from "vitest";
import { runKernels } from "../../bench/kernels.ts";

test("part of no case's name is refused, as nothing would be told", async () => {
  const lines: string[] = [];
  await expect(runKernels("no such case", (line) => lines.push(line))).rejects.toThrow('got "no such case", expected part of a case');
  expect(lines).toEqual([]);
});
