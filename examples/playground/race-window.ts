// The latest test rows answered both ways, and what they come to: times, share within a deadline, share of right answers.

import type { Finish, Raced } from "./messages.ts";

export interface Figures {
  p50: number;
  p95: number;
  /** Share of rows within the deadline; null where none is asked. */
  kept: number | null;
  macs: number;
  /** Share of right answers. */
  right: number;
}

/** @returns the latest `most` rows, those given last at the end */
export function withRows(window: readonly Raced[], rows: readonly Raced[], most: number): Raced[] {
  return [...window, ...rows].slice(-most);
}

/** @param window not empty */
export function figuresOf(window: readonly Raced[], way: "asked" | "dense", deadlineMs: number | null): Figures {
  const finishes = window.map((row) => row[way]);
  const times = finishes.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))];
  const share = (is: (finish: Finish) => boolean): number => finishes.filter(is).length / finishes.length;
  return {
    p50: at(0.5),
    p95: at(0.95),
    kept: deadlineMs === null ? null : share(({ ms }) => ms <= deadlineMs),
    macs: finishes.reduce((sum, { macs }) => sum + macs, 0) / finishes.length,
    right: share(({ isRight }) => isRight),
  };
}

/** A time as a clock can tell it that counts in ticks. */
export function timeText(ms: number, tickMs: number): string {
  return ms < tickMs / 2 ? `under ${tickMs.toFixed(3)} ms` : `${ms.toFixed(3)} ms`;
}

/** Share of rows where both ways gave the same answer. */
export function sameShare(window: readonly Raced[]): number {
  return window.filter(({ isSame }) => isSame).length / window.length;
}
