// One timer for whatever is due first, by a clock that is handed in. It keeps no program running, and knows nothing of what is due.

import type { Clock } from "../clock.ts";

export interface Alarm {
  /** Rings at that time of the clock, in milliseconds, unless it rings before. */
  set(atMs: number): void;
  /** Does not ring. */
  clear(): void;
}

/** The most milliseconds a timer can be set to; more would be none. */
const longestMs = 2 ** 31 - 1;

/** @param ring does what is due, and returns when something is due again, infinite where nothing is */
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
    // timers may come before their time, or by another clock than this one: then nothing is due, and it is set again
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
