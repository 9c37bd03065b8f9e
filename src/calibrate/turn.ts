// Long computing lets the program's other work have its turn, so that progress shows and an abort is heard.

import { systemClock } from "../clock.ts";
import { throwIfAborted } from "../errors.ts";

/** Called between pieces of work; throws `aborted` once the signal has fired. */
export type Turn = () => Promise<void>;

/** Work between two turns, at least: a turn itself can take a millisecond. When they are taken changes nothing in what is computed. */
const betweenMs = 50;

export function takeTurns(signal: AbortSignal | undefined): Turn {
  let last = Number.NEGATIVE_INFINITY;
  return async () => {
    throwIfAborted(signal);
    if (systemClock.now() - last < betweenMs) return;
    await new Promise((resolve) => setTimeout(resolve));
    throwIfAborted(signal);
    last = systemClock.now();
  };
}
