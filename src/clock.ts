// Where time comes from. Everything that needs the time is handed a Clock; nothing else reads one.

/** A clock: milliseconds from an arbitrary origin, never assumed to advance (some edge runtimes freeze it during a request). */
export interface Clock {
  /** Milliseconds. */
  now(): number;
}

/** The runtime's monotonic clock. */
export const systemClock: Clock = { now: () => performance.now() };
