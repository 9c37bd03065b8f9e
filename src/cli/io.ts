// What a command may do besides files: write, show progress, read the time, be interrupted. Tests pass in their own.

import type { Clock } from "../clock.ts";

export interface Io {
  stdout(text: string): void;
  stderr(text: string): void;
  /** Whether somebody is watching stderr: progress is shown only then. */
  stderrIsTerminal: boolean;
  /** How wide that terminal is now; unlimited unless known. */
  stderrColumns?(): number | undefined;
  clock: Clock;
  signal?: AbortSignal;
}

export interface Progress {
  /** `share` of the work done, 0 to 1. */
  show(share: number, what: string): void;
  /** Removes the line. */
  end(): void;
}

const barWidth = 24;

/** A progress line on stderr, redrawn at most ten times a second; none where nobody is watching. */
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
      // a line that wraps could not be removed: only its last row would be
      const room = (io.stderrColumns?.() || Number.POSITIVE_INFINITY) - 1;
      io.stderr(`\r\x1b[K${line.length <= room ? line : told.slice(0, room)}`);
    },
    end() {
      if (shownAt !== Number.NEGATIVE_INFINITY) io.stderr("\r\x1b[K");
    },
  };
}

/** Text from files and paths made safe for a terminal: control characters are escaped, so that it stays on its line. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
