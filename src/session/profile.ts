// Measuring what each level takes on this machine: a short warm-up and a few timed runs on whatever input lies in memory.

import type { Clock } from "../clock.ts";
import type { LatencyProfile } from "../profile/ladder.ts";
import type { LevelRun } from "./session.ts";

const warmUps = 10;
const timed = 40;

/** Latency of every level; NaN where the clock did not move. A blank input is replaced by ones, which skips nothing. */
export function measureProfile(runs: readonly LevelRun[], input: Float32Array, clock: Clock): LatencyProfile {
  if (input.every((v) => v === 0)) input.fill(1);
  return {
    levels: runs.map(({ engine, plan, rows }) => {
      for (let i = 0; i < warmUps; i++) engine.execute(plan.address, 0, rows);
      const times = Float64Array.from({ length: timed }, () => {
        const start = clock.now();
        engine.execute(plan.address, 0, rows);
        return clock.now() - start;
      }).sort();
      const at = (share: number): number => (times[timed - 1] > 0 ? times[Math.floor(share * (timed - 1))] : Number.NaN);
      return { p50: at(0.5), p90: at(0.9), p99: at(0.99) };
    }),
  };
}
