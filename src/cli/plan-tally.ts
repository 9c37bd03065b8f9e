// Sums up the plans of many queries: what any of them gave up, how many did, and the certificate that all of them had.

import type { Plan } from "../policy/plan.ts";
import type { Certificate } from "../profile/ladder.ts";

export interface PlanTally {
  /** The weakest certificate of all plans so far; null where one had none, or two were of different kinds; undefined before the first. */
  certificate: Certificate | null | undefined;
  /** By SLO text, how many plans gave it up. */
  gaveUp: Map<string, number>;
}

export function noPlans(): PlanTally {
  return { certificate: undefined, gaveUp: new Map() };
}

export function addPlan(tally: PlanTally, { certificate, gaveUp }: Pick<Plan, "certificate" | "gaveUp">): void {
  for (const text of gaveUp) tally.gaveUp.set(text, (tally.gaveUp.get(text) ?? 0) + 1);
  tally.certificate = tally.certificate === undefined ? certificate : weaker(tally.certificate, certificate);
}

/** The one that promises less: by its bound, and for equal bounds by its confidence. A query that keeps the other keeps it too. */
function weaker(a: Certificate | null, b: Certificate | null): Certificate | null {
  if (!a || !b || a.kind !== b.kind) return null;
  const more = a.kind === "loss" ? b.bound - a.bound : a.bound - b.bound;
  return more > 0 || (more === 0 && a.confidence > b.confidence) ? b : a;
}
