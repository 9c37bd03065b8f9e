// Ratios of two races of the same contenders, the second of which tells whether the first can be relied on.

import { seeded } from "../../src/random.ts";
import { type RaceResult, speedUp } from "../race.ts";
import type { RatioInterval } from "../statistics.ts";
import type { Ratio } from "./evaluation.ts";

/** @param pairs slower and faster */
export function ratiosOf(pairs: readonly (readonly [string, string])[], first: RaceResult, second: RaceResult): Ratio[] {
  return pairs.map(([slower, faster]) => {
    const interval = speedUp(first, slower, faster, seeded(1));
    const again = speedUp(second, slower, faster, seeded(1)).ratio;
    return ratioOf(slower, faster, interval, again);
  });
}

/** A ratio with its interval, beside what a second race came to. */
export function ratioOf(slower: string, faster: string, interval: RatioInterval, again: number): Ratio {
  return { slower, faster, ...interval, again, reproduced: again >= interval.low && again <= interval.high };
}
