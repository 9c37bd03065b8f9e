// The document that `run --json` and `bench --json` print, and the table that people see instead. It measures nothing.

import { cpus } from "node:os";
import Table from "cli-table3";
import { decimal } from "../decimal.ts";
import type { Model } from "../model/model.ts";
import type { Labels } from "../model/rows.ts";
import type { Certificate, LadderMetric } from "../profile/ladder.ts";
import { oneLine } from "./io.ts";
import { type Latency, latencyOf, type Measured } from "./measure.ts";
import { type AtRanks, aboutOf, rankOf, ranks } from "./metric.ts";

/** Other programs read this: its keys are fixed. */
export interface Results {
  model: string;
  samples: number;
  metric: LadderMetric;
  backend: string;
  machine: { cpu: string; runtime: string };
  dense: { metric: number; precision?: AtRanks; latencyMs: Latency };
  runs: Run[];
}

export interface Run {
  slo: string;
  metric: number;
  /** Share of right answers among the best 1, 3 and 5; only where rows have several labels. */
  precision?: AtRanks;
  /** Share of queries with dense's best answer. */
  agreement: number;
  latencyMs: Latency;
  /** Dense median over this median. */
  speedup: number;
  /** Multiply-adds, the activator's own included, as a share of those dense did on the same queries. */
  macs: number;
  /** Weight bytes read, likewise. */
  bytes: number;
  /** Mean share of active nodes, per layer. */
  nodes: number[];
  /** Share of queries that met their SLO. */
  attained: number;
  /** The weakest certificate of all queries; null where one had none. */
  certificate: ToldCertificate | null;
  /** What any query gave up of its SLO, as SLO text; absent where none did. */
  gaveUp?: readonly string[];
}

/** A certificate, with its metric where that is not the one the results lead with. */
export type ToldCertificate = Certificate & { metric?: LadderMetric };

/** What results hold besides measurements. */
export interface ResultsContext {
  model: Model;
  labels: Labels | null;
  backend: string;
  /** What to lead with. */
  metric: LadderMetric;
  /** One per SLO. */
  certificates: readonly (ToldCertificate | null)[];
  /** What queries gave up, one list per SLO. */
  gaveUp?: readonly (readonly string[])[];
}

/** @param measured dense first, then each SLO */
export function resultsOf(measured: readonly Measured[], context: ResultsContext): Results {
  const { model, labels, backend, metric, certificates, gaveUp = [] } = context;
  const severalLabels = labels?.kind === "multi";
  const judgedOf = (run: Measured): { metric: number; precision?: AtRanks } => ({
    metric: rounded(metricOf(run, metric)),
    ...(severalLabels && run.precision ? { precision: roundedRanks(run.precision) } : {}),
  });
  const [dense, ...others] = measured;
  const whole = dense.spent!;
  const denseLatency = latencyOf(dense.timesMs);
  return {
    model: model.name,
    samples: dense.timesMs.length,
    metric,
    backend,
    machine: { cpu: cpus()[0]?.model.trim() ?? "unknown", runtime: `node ${process.version}` },
    dense: { ...judgedOf(dense), latencyMs: roundedLatency(denseLatency) },
    runs: others.map((run, i) => {
      const latency = latencyOf(run.timesMs);
      const { macs, bytes, nodes, attained } = run.spent!;
      return {
        slo: run.name,
        ...judgedOf(run),
        agreement: rounded(run.agreement),
        latencyMs: roundedLatency(latency),
        speedup: rounded(denseLatency.p50 / latency.p50),
        macs: shareOf(macs, whole.macs),
        bytes: shareOf(bytes, whole.bytes),
        nodes: nodes.map((mean, l) => rounded(mean / model.layers[l].outputs)),
        attained: rounded(attained),
        certificate: certificates[i],
        ...(gaveUp[i]?.length > 0 ? { gaveUp: gaveUp[i] } : {}),
      };
    }),
  };
}

/** @param certified the metric of the ladder; absent without one @param metric what the results lead with */
export function toldCertificate(
  certificate: Certificate | null,
  certified: LadderMetric | undefined,
  metric: LadderMetric,
): ToldCertificate | null {
  // what holds by construction holds for every metric
  if (!certificate || !certified || certificate.samples === 0) return certificate;
  const about = aboutOf(certificate.kind, certified);
  // `accuracy` and `precision@1` are the same for one label and for several; agreement bounds the loss of either
  const isSame = rankOf(certified) === rankOf(metric) && (about.startsWith("agreement") || !metric.startsWith("agreement"));
  return isSame ? certificate : { ...certificate, metric: about };
}

/** A metric of one contender; NaN where it is not known. */
export function metricOf({ right, agreement, precision, agreementAt }: Measured, metric: LadderMetric): number {
  const k = rankOf(metric);
  const [best, atRanks] = metric.startsWith("agreement") ? [agreement, agreementAt] : [right, precision];
  return (k === 1 ? best : atRanks?.[k]) ?? Number.NaN;
}

/** For people. @param certified the metric of the certificates, named where it is not the one the results lead with */
export function resultsText({ model, samples, metric, backend, machine, dense, runs }: Results, certified: LadderMetric = metric): string {
  const beside = dense.precision ? ([1, 5] as const).filter((k) => metric !== `precision@${k}`) : [];
  const withAgreement = metric !== "agreement";
  const right = (precision: AtRanks | undefined): string[] => (precision ? beside.map((k) => percent(precision[k])) : []);
  const table = new Table({
    head: [
      "SLO",
      metric,
      ...beside.map((k) => `precision@${k}`),
      ...(withAgreement ? ["agreement"] : []),
      ...["p50 ms", "p99 ms", "speed-up", "MACs", "bytes", "nodes", "met"],
      rankOf(certified) === rankOf(metric) ? "certified" : `certified (${certified})`,
    ],
    style: { head: [], border: [], compact: true },
    colAligns: ["left", ...new Array<"right">(8 + beside.length + (withAgreement ? 1 : 0)).fill("right"), "left"],
  });
  const ms = (time: number): string => time.toFixed(time < 1 ? 4 : 3);
  table.push([
    "dense (baseline)",
    percent(dense.metric),
    ...right(dense.precision),
    ...(withAgreement ? [percent(1)] : []),
    ms(dense.latencyMs.p50),
    ms(dense.latencyMs.p99),
    "1.00x",
    percent(1),
    percent(1),
    "",
    "",
    "",
  ]);
  for (const run of runs)
    table.push([
      oneLine(run.slo),
      percent(run.metric),
      ...right(run.precision),
      ...(withAgreement ? [percent(run.agreement)] : []),
      ms(run.latencyMs.p50),
      ms(run.latencyMs.p99),
      `${run.speedup.toFixed(2)}x`,
      percent(run.macs),
      percent(run.bytes),
      run.nodes.map(percent).join(" "),
      percent(run.attained),
      run.certificate ? certificateText(run.certificate) : "",
    ]);
  return `${oneLine(model)}: ${samples} samples on ${machine.cpu}, ${machine.runtime}, ${backend} kernels\n${table.toString()}\n`;
}

export function certificateText({ kind, bound, confidence, samples }: Certificate): string {
  const proof = samples === 0 ? "by construction" : `${sureText(confidence)}, ${samples} rows`;
  return `${kind} ${boundText(kind, bound)} (${proof})`;
}

/** A bound in percent, rounded so that it promises no more than was proved. */
export function boundText(kind: Certificate["kind"], bound: number): string {
  // The allowance keeps 0.003, which in binary is slightly more, at 0.3 %.
  const hundredths = kind === "loss" ? Math.ceil(bound * 1e4 - 1e-6) : Math.floor(bound * 1e4 + 1e-6);
  return `${kind === "loss" ? "≤" : "≥"} ${hundredths / 100} %`;
}

/** With all digits: 99.9999 % is not 100 %. */
export function sureText(confidence: number): string {
  return `${decimal(confidence * 100)} % sure`;
}

export function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}

/** 1 where dense had nothing to do: a single sparse layer, and inputs that are all zero. */
function shareOf(work: number, whole: number): number {
  return whole === 0 ? 1 : rounded(work / whole);
}

/** Six significant digits: more would be noise. */
export function rounded(value: number): number {
  return Number(value.toPrecision(6));
}

function roundedLatency({ mean, p50, p90, p99 }: Latency): Latency {
  return { mean: rounded(mean), p50: rounded(p50), p90: rounded(p90), p99: rounded(p99) };
}

function roundedRanks(precision: AtRanks): AtRanks {
  return Object.fromEntries(ranks.map((k) => [k, rounded(precision[k])])) as unknown as AtRanks;
}
