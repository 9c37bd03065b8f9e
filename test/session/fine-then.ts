import type { Clock } from "../../src/clock.ts";

/** A clock that moves by little while the size of its steps is looked for, then by `ms` at every look. */
export function fineThen(ms: number): Clock {
  let [now, looks] = [0, 0];
  return { now: () => (now += ++looks < 250 ? 0.0005 : ms) };
}
