// The flags of the programs here and in bench/: what they were given, what is refused of it, and their usage.

import { readFileSync } from "node:fs";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { UsageError } from "../src/cli/arguments.ts";

/**
 * What `parseArgs` makes of the words behind the program; `--help` prints the usage and ends it.
 * @param file the program's own: its usage is the comment at its top, so that there is but one text to keep true
 */
export function flagsOf<T extends ParseArgsConfig>(file: string, config: T = {} as T): ReturnType<typeof parseArgs<T>> {
  const help = { type: "boolean", short: "h" } as const;
  const parsed = parseArgs({ ...config, options: { ...config.options, help } });
  if ("help" in parsed.values) {
    process.stdout.write(usageOf(file));
    process.exit(0);
  }
  return parsed as ReturnType<typeof parseArgs<T>>;
}

/** The comment at the top of a program's file, which compiling leaves there. */
export function usageOf(file: string): string {
  const lines = readFileSync(file, "utf8").split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  return lines
    .slice(0, end)
    .map((line) => `${line.replace(/^\/\/ ?/, "")}\n`)
    .join("");
}

/** @throws UsageError for less than `least` and for what is no whole number */
export function wholeNumber(flag: string, given: string, least: number): number {
  const number = numberOf(given);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new UsageError(`--${flag}: got ${given || "nothing"}, expected a whole number of at least ${least}`);
}

/** @throws UsageError for 0, for less, and for what is no number */
export function positiveNumber(flag: string, given: string): number {
  const number = numberOf(given);
  if (Number.isFinite(number) && number > 0) return number;
  throw new UsageError(`--${flag}: got ${given || "nothing"}, expected a number above 0`);
}

/** @throws UsageError for a name that is none of these */
export function oneOf<T extends string>(flag: string, given: string, names: readonly T[]): T {
  const known = names.find((name) => name === given);
  if (known === undefined) throw new UsageError(`--${flag}: got ${given || "nothing"}, expected one of ${names.join(", ")}`);
  return known;
}

/** To `Number` a blank is 0. */
const numberOf = (given: string): number => (given.trim() === "" ? Number.NaN : Number(given));
