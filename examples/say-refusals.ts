// What the programs here are asked wrongly they say in one line on stderr and end with 1; of anything else they show where it happened.

import { UsageError } from "../src/cli/arguments.ts";
import { oneLine } from "../src/cli/io.ts";
import { SlonnError } from "../src/errors.ts";

/** @param program what the line starts with */
export function sayRefusals(program: string): void {
  process.on("uncaughtException", (error) => {
    process.stderr.write(`${program}: ${told(error)}\n`);
    process.exit(1);
  });
}

/** What of an error is for whoever started the program: its message where it is about what was asked, as of `parseArgs` too, else all of it. */
export function told(error: Error & { code?: unknown }): string {
  // what follows its first sentence is advice over several lines
  if (String(error.code).startsWith("ERR_PARSE_ARGS_")) return oneLine(error.message.split(/\.\s+(?=[A-Z])/)[0]);
  const isRefusal = error instanceof SlonnError || error instanceof UsageError;
  return isRefusal ? oneLine(error.message) : (error.stack ?? String(error));
}
