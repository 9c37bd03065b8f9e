#!/usr/bin/env node
// The `slonn` executable: hands the process to main() and nothing else.

import { systemClock } from "../clock.ts";
import { buildName } from "../engine/engine.ts";
import { main } from "./main.ts";

// The first Ctrl-C stops long work at its next turn; the second one ends the process as usual.
const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());
// A reader that stops early (`slonn inspect … | head`) is no error; Windows may call it EOF.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE" || error.code === "EOF") process.exit(0);
  process.stderr.write(`slonn: stdout: got ${error.message}, expected a place to write to\n`);
  process.exit(1);
});

// Where nobody reads what is wrong, the exit code still tells.
process.stderr.on("error", () => {});

const io = {
  stdout: (text: string): void => void process.stdout.write(text),
  stderr: (text: string): void => void process.stderr.write(text),
  stderrIsTerminal: process.stderr.isTTY === true,
  stderrColumns: (): number | undefined => process.stderr.columns,
  clock: systemClock,
  signal: interrupted.signal,
};
// until told otherwise: a process that ends before its work is done has failed
process.exitCode = 1;
// The version is built in and nothing is awaited here, so that a bundle of one file, ESM or CommonJS, is still the program.
void main(process.argv.slice(2), io, buildName.replace(/-[^-]*$/, "")).then((code) => {
  process.exitCode = code;
});
