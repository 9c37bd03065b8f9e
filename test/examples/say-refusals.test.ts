import { parseArgs } from "node:util";
import { expect, test } from "vitest";
import { told } from "../../examples/say-refusals.ts";
import { UsageError } from "../../src/cli/arguments.ts";
import { SlonnError } from "../../src/errors.ts";

function caught(run: () => void): Error {
  try {
    run();
  } catch (error) {
    return error as Error;
  }
  throw new Error("got nothing, expected an error");
}

test("what was asked wrongly is told in one line", () => {
  expect(told(new UsageError("--top: got 0\n, expected 1"))).toBe("--top: got 0\\u000a, expected 1");
  expect(told(new SlonnError("bad-slo", "slo: got nothing"))).toBe("slo: got nothing");
  expect(told(caught(() => parseArgs({ args: ["--nope"], options: {} })))).toBe("Unknown option '--nope'");
  const options = { top: { type: "string" } } as const;
  expect(told(caught(() => parseArgs({ args: ["--top", "--nope"], options })))).toBe("Option '--top' argument is ambiguous");
});

test("a fault is told with where it happened", () => {
  const fault = caught(() => void (undefined as unknown as string).length);
  expect(told(fault)).toBe(fault.stack);
});
