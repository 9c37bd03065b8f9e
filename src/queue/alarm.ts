// One timer for whatever is due first, by the clock handed in. It keeps no program running and does not know what is due.

import type { Clock } from "../clock.ts";

export interface Alarm {
  /** Rings at `atMs` by the clock, unless it is set to an earlier time. */
  set(atMs: number): void;
  /** Does not ring. */
  clear(): void;
}

/** The longest a timer can be set to; one set to more fires immediately. */
const longestMs = 2 ** 31 - 1;

/** @param ring does what is due, and returns when something is due next, Infinity for never */
export function createAlarm(clock: Clock, ring: () => number): Alarm {
  let dueMs = Number.POSITIVE_INFINITY;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const clear = (): void => {
    clearTimeout(timer);
    dueMs = Number.POSITIVE_INFINITY;
  };
  const set = (atMs: number): void => {
    if (!(atMs < dueMs)) return;
    clear();
    dueMs = atMs;
    // a timer may fire early, or by another clock than this one: then nothing is due yet, and it is set again
    timer = setTimeout(
      () => {
        dueMs = Number.POSITIVE_INFINITY;
        set(ring());
      },
      Math.min(Math.max(atMs - clock.now(), 0), longestMs),
    );
    (timer as { unref?(): void }).unref?.();
  };
  return { set, clear };
}
