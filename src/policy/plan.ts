// What a plan says. How one is made: policy.ts.

import type { Certificate } from "../profile/ladder.ts";
import type { Slo } from "./slo.ts";

/** The level chosen for a query, and why. Frozen, as queries that ask the same share it. */
export interface Plan {
  /** Index into the session's levels, from 0; `reason` counts them from 1, as `slonn inspect` does. */
  readonly level: number;
  /** As asked, without its signal; empty for the calibrated promise. */
  readonly slo: Readonly<Slo>;
  /** Of the level, before it ran. */
  readonly expected: {
    /** Observed on the certification rows: accuracy where there were labels, agreement with dense otherwise. */
    readonly metric: number | null;
    /** Predicted for the machine's load: the percentile asked with a deadline, the median without. Null where nothing was measured. */
    readonly latencyMs: number | null;
    /** Mean multiply-adds. */
    readonly macs: number | null;
  };
  /** Why this level, for people. */
  readonly reason: string;
  /** What the level is certified for, of the kind asked (the first in the order loss, agreement, accuracy); null where nothing was. */
  readonly certificate: Certificate | null;
  /** Whether every certificate asked for is there; true where none was asked for. */
  readonly promised: boolean;
  /** What was asked and is not expected to hold, as on the command line: `loss=0.003`. */
  readonly gaveUp: readonly string[];
}
