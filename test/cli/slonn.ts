// The command line as tests call it: words in, exit code and text out.

import { expect } from "vitest";
import { main } from "../../src/cli/main.ts";
import { systemClock } from "../../src/clock.ts";

export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

export async function slonn(...argv: string[]): Promise<Said> {
  let [stdout, stderr] = ["", ""];
  const code = await main(
    argv,
    { stdout: (text) => void (stdout += text), stderr: (text) => void (stderr += text), stderrIsTerminal: false, clock: systemClock },
    "1.2.3",
  );
  return { code, stdout, stderr };
}

/** A refusal is one line that starts with the program's name, and nothing on stdout. */
export function expectRefusal({ code, stdout, stderr }: Said, expected: 1 | 2, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^slonn: [^\n]*\n$/);
  expect([code, stdout]).toEqual([expected, ""]);
}
