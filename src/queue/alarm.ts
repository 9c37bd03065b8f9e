// One timer for whatever is due first, by a clock that is handed in. It keeps no program running, and knows nothing of what is due.

import type { Clock } from "../clock.ts";

export interface Alarm {
  /** Rings at `atMs` by the clock, unless it is set to an earlier time. */
  set(atMs: number): void;
  /** Does not ring. */
  clear(): void;
}

/** The longest that a timer can be set to; one set to more rings at once. */
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
