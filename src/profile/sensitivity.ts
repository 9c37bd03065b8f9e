// How much of a machine's load shows in each level: a level that computes little and stays in the caches slows down less than one that streams
// through memory. Estimated from profiles of the same levels beside co-runners.

import type { LatencyProfile } from "./latency.ts";

/** Loads whose mean stretch of the levels, as a logarithm, is below this tell nothing. */
const leastStretch = 0.05;
const [least, most] = [0.1, 4];

/**
 * The idle profile with a sensitivity per level: the power of the common stretch that shows in this level, by least squares over the loads.
 * Unchanged where no load stretched anything.
 * @param loaded profiles of the same levels, one per load
 */
export function withSensitivity(idle: LatencyProfile, loaded: readonly LatencyProfile[]): LatencyProfile {
  const stretches = loaded.map(({ levels }) => levels.map(({ p50 }, i) => Math.log(p50 / idle.levels[i].p50)));
  const shared = stretches.map((of) => of.reduce((sum, one) => sum + one, 0) / of.length);
  const telling = shared.map((mean) => (mean >= leastStretch ? mean : 0));
  const weight = telling.reduce((sum, mean) => sum + mean * mean, 0);
  if (weight === 0) return idle;
  const levels = idle.levels.map((level, i) => {
    const slope = telling.reduce((sum, mean, load) => (mean > 0 ? sum + mean * stretches[load][i] : sum), 0) / weight;
    return { ...level, sensitivity: Math.min(most, Math.max(least, slope)) };
  });
  return { ...idle, levels };
}
