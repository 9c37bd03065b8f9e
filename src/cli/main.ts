// The command line as a function: words in, exit code out. It touches the process only through Io.
// 0: done. 1: the user's files or options are wrong, which one line says. 2: wrong usage.

import { SlonnError } from "../errors.ts";
import { type Arguments, helpOf, parseArguments, UsageError } from "./arguments.ts";
import type { Command } from "./command.ts";
import { benchCommand } from "./commands/bench.ts";
import { calibrateCommand } from "./commands/calibrate.ts";
import { importCommand } from "./commands/import.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { runCommand } from "./commands/run.ts";
import { type Io, oneLine } from "./io.ts";

const commands: readonly Command[] = [importCommand, inspectCommand, calibrateCommand, runCommand, benchCommand];

export type ExitCode = 0 | 1 | 2;

/** @param argv the words after the program's name. @param version what `--version` prints. */
export async function main(argv: readonly string[], io: Io, version: string = "unknown"): Promise<ExitCode> {
  const [word, ...rest] = argv;
  if (word === "--version") return print(io, `${version}\n`);
  const isHelp = word === "--help" || word === "-h" || word === "help";
  const named = isHelp ? rest[0] : word;
  const command = commands.find(({ name }) => name === named);
  if (isHelp && (command || named === undefined)) return print(io, helpFor(command));
  if (!command) {
    const found = named === undefined ? "no command" : `command ${JSON.stringify(named)}`;
    return refuse(io, `got ${found}, expected ${commands.map(({ name }) => name).join(", ")}`, "slonn --help");
  }
  let args: Arguments;
  try {
    if (asksForHelp(rest)) return print(io, helpFor(command));
    args = parseArguments(rest, command.flags);
    await command.run(args, io);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) return refuse(io, `${command.name}: ${error.message}`, `slonn ${command.name} --help`);
    io.stderr(`slonn: ${oneLine(messageOf(error))}\n`);
    return 1;
  }
}

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf("--");
  return words.slice(0, end < 0 ? words.length : end).some((word) => word === "--help" || word === "-h");
}

function print(io: Io, text: string): ExitCode {
  io.stdout(text);
  return 0;
}

function refuse(io: Io, message: string, help: string): ExitCode {
  io.stderr(`slonn: ${oneLine(message)}; see ${help}\n`);
  return 2;
}

function helpFor(command: Command | undefined): string {
  if (command) return helpOf(`slonn ${command.name} ${command.file}`, command.about, command.flags);
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}\n`).join("");
  return `usage: slonn <command> <model> [flags]\n\n${lines}\nslonn <command> --help shows its flags. Exit code: 0 done, 1 a file or value was wrong, 2 wrong usage.\n`;
}

/** Anything but a SlonnError is a fault of this program or a machine out of memory, and is reported as that. */
function messageOf(error: unknown): string {
  if (error instanceof SlonnError) return error.code === "aborted" ? "interrupted" : error.message;
  if (error instanceof RangeError && /allocation|Invalid typed array length/i.test(error.message)) return `out of memory: ${error.message}`;
  return `unexpected ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}; please report this`;
}
