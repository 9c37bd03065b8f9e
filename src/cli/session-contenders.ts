// One session under several service level objectives, each a contender. It knows how to ask the session, not how to measure it.

import { type Model, weightBytes } from "../model/model.ts";
import type { Input } from "../model/rows.ts";
import type { Plan } from "../policy/plan.ts";
import { parseSlo } from "../policy/slo.ts";
import type { Certificate } from "../profile/ladder.ts";
import type { Session } from "../session/session.ts";
import type { Contender, Spent } from "./measure.ts";
import { addPlan, noPlans } from "./plan-tally.ts";

/** A contender that asks a session. */
export interface SloContender extends Contender {
  best(k: number): readonly number[];
  spent(): Spent;
  /** The outputs of the last run. */
  output(): Float32Array;
  /** The weakest certificate of all counted runs so far; null where one had none. */
  certificate(): Certificate | null;
  /** What counted runs so far gave up, as SLO text, and how many did. */
  gaveUp(): ReadonlyMap<string, number>;
  /** What was decided for the last run. */
  plan(): Plan;
}

/**
 * @param text the SLO as on the command line, or null for none: what the model was calibrated for
 * @throws SlonnError `bad-slo`.
 */
export function contenderFor(session: Session, name: string, text: string | null): SloContender {
  const slo = text === null ? undefined : parseSlo(text);
  let last: ReturnType<Session["run"]> | null = null;
  const tally = noPlans();
  const latest = (): ReturnType<Session["run"]> => {
    if (!last) throw new Error(`${name}: nothing was run yet`);
    return last;
  };
  return {
    name,
    run(input: Input) {
      last = session.run(input, slo);
    },
    top: () => latest().output.top(1)[0]?.index ?? -1,
    best: (k) =>
      latest()
        .output.top(k)
        .map(({ index }) => index),
    spent() {
      const { macs, bytes, nodes, met, plan } = latest().report;
      addPlan(tally, plan);
      return { macs, bytes, nodes, met };
    },
    output: () => latest().output.data,
    certificate: () => tally.certificate ?? null,
    gaveUp: () => tally.gaveUp,
    plan: () => latest().report.plan,
  };
}

/** Dense first, then each SLO; without any, what the model was calibrated for, where it was. */
export function contendersFor(session: Session, slos: readonly string[], promise: string | null): SloContender[] {
  const asked = slos.map((text) => contenderFor(session, text, text));
  if (asked.length === 0 && promise !== null) asked.push(contenderFor(session, promise, null));
  return [contenderFor(session, "dense", "dense"), ...asked];
}

/** Bytes of all weights: a dense pass reads them all, unless it skips zero inputs of a sparse first layer. */
export function denseBytes(model: Model): number {
  return model.layers.reduce((sum, layer) => sum + weightBytes(layer), 0);
}
