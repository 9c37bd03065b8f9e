// How far a ratio of two times, medians or means, can be trusted. Pure functions of numbers; who took the times does not matter here.

import type { Random } from "../src/random.ts";

export interface RatioInterval {
  /** Of the numerator over the denominator. */
  ratio: number;
  /** Ends of the bootstrap percentile interval. */
  low: number;
  high: number;
  confidence: number;
}

/** Quantile `q` (0 to 1) of ascending numbers, between neighbours by linear interpolation; NaN of none. */
export function quantile(ascending: ArrayLike<number>, q: number): number {
  const at = q * (ascending.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, ascending.length - 1);
  return ascending[below] + (ascending[above] - ascending[below]) * (at - below);
}

export function median(values: Float64Array): number {
  return quantile(values.slice().sort(), 0.5);
}

/** The mean of ascending times without the slowest hundredth, which is where lost time slices are. */
function bodyMean(ascending: Float64Array): number {
  const body = ascending.subarray(0, Math.max(1, Math.floor(0.99 * ascending.length)));
  return body.reduce((sum, time) => sum + time, 0) / body.length;
}

interface IntervalOptions {
  groupSize?: number;
  resamples?: number;
  confidence?: number;
}

/** The ratio of two medians, with an interval. */
export function ratioOfMedians(above: Float64Array, below: Float64Array, random: Random, options?: IntervalOptions): RatioInterval {
  return ratioOf((ascending) => quantile(ascending, 0.5), above, below, random, options);
}

/** The ratio of two means, each without the slowest hundredth of its times, with an interval. */
export function ratioOfMeans(above: Float64Array, below: Float64Array, random: Random, options?: IntervalOptions): RatioInterval {
  return ratioOf(bodyMean, above, below, random, options);
}

/**
 * The ratio of a statistic of ascending times with a bootstrap interval. Both lists hold the same queries in the same order; runs of
 * `groupSize` consecutive queries are drawn together and for both lists at once, because neighbours in time share the machine's mood and
 * single times drawn apart would make the interval look narrower than it is. A last run that is shorter is left out of the interval only.
 */
function ratioOf(
  statistic: (ascending: Float64Array) => number,
  numerator: Float64Array,
  denominator: Float64Array,
  random: Random,
  { groupSize = 1, resamples = 1000, confidence = 0.95 }: IntervalOptions = {},
): RatioInterval {
  const size = Math.min(groupSize, numerator.length);
  const groups = Math.floor(numerator.length / size);
  const above = new Float64Array(groups * size);
  const below = new Float64Array(groups * size);
  const ratios = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    for (let g = 0; g < groups; g++) {
      const from = Math.floor(random() * groups) * size;
      above.set(numerator.subarray(from, from + size), g * size);
      below.set(denominator.subarray(from, from + size), g * size);
    }
    ratios[r] = statistic(above.sort()) / statistic(below.sort());
  }
  ratios.sort();
  return {
    ratio: statistic(numerator.slice().sort()) / statistic(denominator.slice().sort()),
    low: quantile(ratios, (1 - confidence) / 2),
    high: quantile(ratios, (1 + confidence) / 2),
    confidence,
  };
}
