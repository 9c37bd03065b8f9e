// Rungs as a level of which nothing else matters.

import type { Level, Rung } from "../../src/profile/ladder.ts";

export function asLevel(rungs: readonly Rung[]): Level {
  const nothing = { mean: 0, p99: 0, max: 0 };
  return {
    rungs,
    cost: { macs: nothing, bytes: 0, nodes: rungs[0].layers.map(() => 0) },
    observed: { agreement: 1, accuracy: null, loss: null },
    certificates: [],
  };
}
