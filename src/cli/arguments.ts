// Turns the words after a command into its arguments, and its declared flags into its help. It knows no command.
//
// node:util's parseArgs splits the words: it is strict about unknown flags and missing values and leaves every value as text, where `cac` and
// `citty` turn "--slo 007" into a number or accept unknown flags; and it is no dependency.

import { parseArgs } from "node:util";
import { decimal } from "../decimal.ts";

export interface Flag {
  /** Stands for the value in the help; absent where the flag takes none. */
  value?: string;
  short?: string;
  /** May be given several times. */
  repeatable?: boolean;
  /** Shown in the usage, as the command does nothing without it. */
  needed?: boolean;
  about: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** Wrong usage: exit code 2. */
export class UsageError extends Error {}

export interface Arguments {
  /** The file the command works on. */
  file: string;
  has(flag: string): boolean;
  text(flag: string): string | undefined;
  list(flag: string): readonly string[];
  /** The names in a comma-separated value. @throws UsageError where one is empty. */
  names(flag: string): readonly string[] | undefined;
  /** @throws UsageError where it was not given. */
  required(flag: string): string;
  /** @throws UsageError where the value is no number. */
  number(flag: string, otherwise: number): number;
  /** A number that may be written in percent, as shares in an SLO may. @throws UsageError where the value is neither. */
  share(flag: string, otherwise: number): number;
}

/** @throws UsageError for unknown, repeated or valueless flags, and for anything but one file. */
export function parseArguments(words: readonly string[], flags: Flags): Arguments {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { value, short }]) => [
      name,
      { type: value ? ("string" as const) : ("boolean" as const), multiple: true, ...(short ? { short } : {}) },
    ]),
  );
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: spelledOut(words, flags), options, allowPositionals: true, strict: true });
  } catch (cause) {
    throw new UsageError(plain(cause as NodeJS.ErrnoException), { cause });
  }
  const { positionals } = parsed;
  const values = new Map(Object.entries(parsed.values) as [string, (string | boolean)[]][]);
  for (const [name, given] of values) {
    if (given.length > 1 && !flags[name].repeatable) throw new UsageError(`got --${name} ${given.length} times, expected it once`);
    // a shell passes it for a variable that is not set
    if (given.includes("")) throw new UsageError(withoutValue(`--${name}`));
  }
  if (positionals.length > 1) throw new UsageError(`got ${positionals.length} files (${positionals.join(", ")}), expected one`);
  if (!positionals[0]) throw new UsageError("got no file, expected one");
  const text = (flag: string): string | undefined => values.get(flag)?.[0] as string | undefined;
  const numberIn = (flag: string, digits: string, expected: string): number => {
    const number = Number(digits);
    if (digits.trim() === "" || !Number.isFinite(number))
      throw new UsageError(`got --${flag} ${JSON.stringify(text(flag))}, expected ${expected}`);
    return number;
  };
  return {
    file: positionals[0],
    has: (flag) => values.has(flag),
    text,
    list: (flag) => (values.get(flag) as string[] | undefined) ?? [],
    names(flag) {
      const names = text(flag)
        ?.split(",")
        .map((name) => name.trim());
      if (names?.includes(""))
        throw new UsageError(`got --${flag} ${JSON.stringify(text(flag))}, in which a name is missing, expected names joined by commas`);
      return names;
    },
    required(flag) {
      const value = text(flag);
      if (value === undefined) throw new UsageError(`got no --${flag}, expected --${flag} ${flags[flag].value}`);
      return value;
    },
    number(flag, otherwise) {
      const value = text(flag);
      return value === undefined ? otherwise : numberIn(flag, value, "a number");
    },
    share(flag, otherwise) {
      const value = text(flag);
      if (value === undefined) return otherwise;
      const expected = "a number, or a percentage such as 5%";
      if (!value.endsWith("%")) return numberIn(flag, value, expected);
      return decimal(numberIn(flag, value.slice(0, -1), expected) / 100);
    },
  };
}

/** Rewrites `-o=x` as `--output=x`: parseArgs would take "=x" for the value, and a file of that name would be written. */
function spelledOut(words: readonly string[], flags: Flags): string[] {
  const names = new Map(Object.entries(flags).map(([name, { short }]) => [short, name]));
  const end = words.includes("--") ? words.indexOf("--") : words.length;
  return words.map((word, i) => {
    const name = i < end && /^-.=/.test(word) ? names.get(word[1]) : undefined;
    return name === undefined ? word : `--${name}${word.slice(2)}`;
  });
}

/** The help of one command. */
export function helpOf(usage: string, about: string, flags: Flags): string {
  const rows = Object.entries(flags).map(([name, { value, short, about: text }]) => ({
    left: `${short ? `-${short}, ` : "    "}--${name}${value ? ` ${value}` : ""}`,
    text,
  }));
  const width = Math.max(0, ...rows.map(({ left }) => left.length));
  const needed = Object.entries(flags).filter(([, flag]) => flag.needed);
  const words = needed.map(([name, { value, short }]) => ` ${short ? `-${short}` : `--${name}`} ${value}`);
  return `usage: ${usage}${words.join("")}${needed.length < rows.length ? " [flags]" : ""}\n\n${about}\n\n${rows.map(({ left, text }) => `  ${left.padEnd(width)}  ${text}\n`).join("")}`;
}

/** What parseArgs refuses, in this program's words. */
function plain({ code, message }: NodeJS.ErrnoException): string {
  const option = /'(?:-., )?(-[^']*?)(?: <value>)?'/.exec(message)?.[1] ?? "";
  if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") return `got unknown flag ${option}`;
  if (message.includes("does not take")) return `got ${option} with a value, expected it alone`;
  const isFollowed = message.includes("ambiguous") && option.startsWith("--");
  return withoutValue(option) + (isFollowed ? `; one that starts with - is written ${option}=<value>` : "");
}

const withoutValue = (option: string): string => `got ${option} without a value, expected one`;
