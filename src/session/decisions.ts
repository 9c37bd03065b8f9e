// Decisions, remembered by what was asked: most queries ask what an earlier one did, and then nothing is checked, planned or allocated.

import { planKey } from "../policy/policy.ts";
import { asksSame, type Slo } from "../policy/slo.ts";
import type { Decision } from "./pacing.ts";

export interface Decisions {
  /** The decision for an SLO that was asked lately; undefined for any other, which is to be checked first. */
  recall(slo: Slo | undefined): Decision | undefined;
  /**
   * The decision for a checked SLO, made unless there is one for the same meaning.
   * @param isKept whether `recall` is to find it from now on
   */
  of(slo: Slo | undefined, isKept: boolean): Decision;
  /** Drops all decisions; to be called when what they are made from has changed. */
  forget(): void;
}

/** Decisions that `recall` finds: few enough to search through on every query. */
const mostRecent = 16;
/** Decisions kept for SLOs of different meaning. */
const mostMeanings = 256;

/** @param decide makes a decision for a checked SLO, the calibrated promise where there is none */
export function createDecisions(decide: (slo: Slo | undefined) => Decision): Decisions {
  let withoutSlo: Decision | undefined;
  const recent: Decision[] = [];
  let nextRecent = 0;
  const byMeaning = new Map<string, Decision>();
  return {
    recall(slo) {
      if (slo === undefined) return withoutSlo;
      for (let i = 0; i < recent.length; i++) {
        const decision = recent[i];
        if (!asksSame(slo, decision)) continue;
        // the next query probably asks the same
        recent[i] = recent[0];
        recent[0] = decision;
        return decision;
      }
      return undefined;
    },
    of(slo, isKept) {
      const key = planKey(slo);
      let decision = byMeaning.get(key);
      if (!decision) {
        decision = decide(slo);
        if (byMeaning.size >= mostMeanings) byMeaning.clear();
        byMeaning.set(key, decision);
      }
      if (slo === undefined) withoutSlo = decision;
      else if (isKept && !recent.includes(decision)) recent[nextRecent++ % mostRecent] = decision;
      return decision;
    },
    forget() {
      withoutSlo = undefined;
      recent.length = nextRecent = 0;
      byMeaning.clear();
    },
  };
}
