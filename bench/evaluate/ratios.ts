// Ratios of two races of the same contenders, the second of which tells whether the first can be relied on.

import { seeded } from "../../src/random.ts";
import { type RaceResult, speedUp } from "../race.ts";
import type { RatioInterval } from "../statistics.ts";
import type { Ratio } from "./evaluation.ts";

/** @param pairs slower and faster */
export function ratiosOf(pairs: readonly (readonly [string, string])[], first: RaceResult, second: RaceResult): Ratio[] {
  return pairs.map(([slower, faster]) => {
    const [one, other] = [first, second].map((result) => speedUp(result, slower, faster, seeded(1)));
    return ratioOf(slower, faster, one, other);
  });
}

/**
 * The ratio of the first race with the interval that the second should lie in. Both err, so the widths of their intervals add as errors do,
 * in logarithms (Zou and Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 2008): of races that
 * differ by chance alone one in twenty lies outside.
 */
export function ratioOf(slower: string, faster: string, first: RatioInterval, second: RatioInterval): Ratio {
  const { ratio, confidence } = first;
  const again = second.ratio;
  const low = ratio * Math.exp(-Math.hypot(Math.log(ratio / first.low), Math.log(second.high / again)));
  const high = ratio * Math.exp(Math.hypot(Math.log(first.high / ratio), Math.log(again / second.low)));
  return { slower, faster, ratio, low, high, confidence, again, reproduced: again >= low && again <= high };
}
