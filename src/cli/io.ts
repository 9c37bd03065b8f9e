// What a command may do to the world outside its files: write, show progress, read the time, be interrupted.
// Tests hand in their own.

import type { Clock } from "../clock.ts";

export interface Io {
  stdout(text: string): void;
  stderr(text: string): void;
  /** Whether somebody is watching stderr: progress is shown only then. */
  stderrIsTerminal: boolean;
  /** How wide that terminal is now; of any width unless told. */
  stderrColumns?(): number | undefined;
  clock: Clock;
  signal?: AbortSignal;
}

export interface Progress {
  /** `share` of the work done, 0 to 1. */
  show(share: number, what: string): void;
  /** Takes the line away again. */
  end(): void;
}

const barWidth = 24;

/** A progress line on stderr, redrawn at most ten times a second; nothing where nobody watches. */
export function progressOn(io: Io): Progress {
  if (!io.stderrIsTerminal) return { show() {}, end() {} };
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show(share, what) {
      const now = io.clock.now();
      if (now - shownAt < 100) return;
      shownAt = now;
      const done = Math.round(Math.min(1, Math.max(0, share)) * barWidth);
      const told = `${Math.floor(share * 100)} % ${oneLine(what)}`;
      const line = `${"█".repeat(done)}${"░".repeat(barWidth - done)} ${told}`;
      // a line that wraps is not taken away again: only its last row would be
      const room = (io.stderrColumns?.() || Number.POSITIVE_INFINITY) - 1;
      io.stderr(`\r\x1b[K${line.length <= room ? line : told.slice(0, room)}`);
    },
    end() {
      if (shownAt !== Number.NEGATIVE_INFINITY) io.stderr("\r\x1b[K");
    },
  };
}

/** Text from files and paths as it may go to a terminal: control characters escaped, so that it stays on its line. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
