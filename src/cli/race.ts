// What `run` and `bench` share besides measuring: model, data, session and contenders from the arguments, and the results as text.

import type { Clock } from "../clock.ts";
import type { Model } from "../model/model.ts";
import type { Labels, Rows } from "../model/rows.ts";
import { parseSlo } from "../policy/slo.ts";
import { decodeLadder } from "../profile/decode-ladder.ts";
import type { Session } from "../session/session.ts";
import type { Arguments } from "./arguments.ts";
import { type Breakdowns, breakdownsText, roundedBreakdowns } from "./breakdowns.ts";
import { oneLine } from "./io.ts";
import { openSession } from "./latency-profile.ts";
import type { Measured } from "./measure.ts";
import { headline, parseMetric } from "./metric.ts";
import { readModelData } from "./model-data.ts";
import { loadModelFile } from "./model-file.ts";
import { resultsOf, resultsText, toldCertificate } from "./results.ts";
import { contendersFor, type SloContender } from "./session-contenders.ts";

export interface Race {
  model: Model;
  rows: Rows;
  labels: Labels | null;
  session: Session;
  /** Dense first. */
  contenders: readonly SloContender[];
  /** The results as one JSON document, or for people. */
  show(measured: readonly Measured[], json: boolean, breakdown?: Breakdowns): string;
  close(): void;
}

/** @throws SlonnError for an SLO, metric, model or data that cannot be used. */
export async function openRace(args: Arguments, clock: Clock): Promise<Race> {
  args.required("data");
  if (args.has("co-runners")) args.required("latency-profile");
  const slos = args.list("slo");
  const asked = args.text("metric");
  const askedMetric = asked === undefined ? undefined : parseMetric(asked);
  // Refused before a large file is read.
  const hasDeadline = slos.map((text) => parseSlo(text)).some(({ latencyMs }) => latencyMs !== undefined);
  const model = await loadModelFile(args);
  const { rows, labels } = await readModelData(args, model);
  const ladder = decodeLadder(model);
  const promise = ladder?.promise;
  const metric = headline(labels, ladder?.metric ?? null, askedMetric);
  const session = await openSession(model, rows, {
    path: args.text("latency-profile"),
    isWanted: hasDeadline,
    isLoaded: args.has("co-runners"),
    clock,
  });
  const contenders = contendersFor(session, slos, promise ? `${promise.kind}=${promise.bound}` : null);
  return {
    model,
    rows,
    labels,
    session,
    contenders,
    show(measured, json, breakdown) {
      const [, ...asked] = contenders;
      const results = resultsOf(measured, {
        model,
        labels,
        backend: session.backend,
        metric,
        certificates: asked.map((contender) => toldCertificate(contender.certificate(), ladder?.metric, metric)),
        gaveUp: asked.map((contender) => [...contender.gaveUp().keys()]),
      });
      if (json) return `${JSON.stringify(breakdown ? { ...results, breakdown: roundedBreakdowns(breakdown) } : results, null, 2)}\n`;
      const reasons = asked.map((contender) => reasonText(contender, results.samples)).join("");
      return resultsText(results, ladder?.metric) + reasons + (breakdown ? breakdownsText(breakdown) : "");
    },
    close: () => session.dispose(),
  };
}

/** Why the last query got its plan, and how many queries gave up what. */
function reasonText({ name, plan, gaveUp }: SloContender, samples: number): string {
  const given = [...gaveUp()].map(([text, queries]) => `${text} in ${queries} of ${samples} queries`);
  return `${oneLine(name)}: ${oneLine(plan().reason)}${given.length > 0 ? `; gave up ${oneLine(given.join(", "))}` : ""}\n`;
}
