// One network of an evaluation: calibrated afresh, ours and the hash baseline alike, then raced on its report rows beside the peers,
// twice, and held against what bounds it. The rows that report are run here for the first time.

import { isSparse } from "../../src/activator/network.ts";
import { calibrate } from "../../src/calibrate/calibrate.ts";
import { wideOutputs } from "../../src/calibrate/candidates.ts";
import { latencyOf, rowOfQuery } from "../../src/cli/measure.ts";
import { boundText } from "../../src/cli/results.ts";
import { createModel, denseMacs, type Model } from "../../src/model/model.ts";
import { firstLabelled, type Input, isRight, type Labelled, type Labels, type Rows, rowOf } from "../../src/model/rows.ts";
import { parseSlo } from "../../src/policy/slo.ts";
import { decodeLadder } from "../../src/profile/decode-ladder.ts";
import type { Rung } from "../../src/profile/ladder.ts";
import { type RaceResult, race, settlingMs } from "../race.ts";
import { quantile } from "../statistics.ts";
import { type Field, gather } from "./contenders.ts";
import type { Circumstances, ContenderResult, NetworkPart } from "./evaluation.ts";
import { countKnownInputs } from "./known-inputs.ts";
import { findLimits } from "./limits.ts";
import { findOracle } from "./oracle.ts";
import { ratiosOf } from "./ratios.ts";
import type { Size } from "./sizes.ts";
import { measureSparsity } from "./sparsity.ts";

/** A network with its rows, each kind used for one thing only. */
export interface Subject {
  name: string;
  data: string;
  trainedBy: string | null;
  /** Where it comes calibrated, on these held-out rows, it is taken as it comes. */
  model: Model;
  fit: Rows;
  heldOut: Labelled;
  report: Labelled;
}

export interface Found {
  part: Omit<NetworkPart, keyof Circumstances | "cold">;
  /** Calibrated. */
  model: Model;
  /** Milliseconds of every query of both runs, by contender. */
  samples: { name: string; runs: [Float64Array, Float64Array] }[];
}

/** Losses asked of one trained network; without labels these are shares of answers that may differ from dense's. */
const losses = [0.001, 0.003, 0.005, 0.01, 0.02, 0.05];
export const promised = 0.003;
export const confidence = 0.95;

export const sloOf = (loss: number, labelled: boolean): string =>
  labelled ? `loss=${loss}` : `agreement=${Number((1 - loss).toFixed(6))}`;

export async function evaluateNetwork(subject: Subject, size: Size, log: (line: string) => void): Promise<Found> {
  const { name, fit, heldOut, report } = subject;
  const slos = losses.map((loss) => sloOf(loss, heldOut.labels !== null));
  const of = (maxLoss: number): { slo: string; maxLoss: number } => ({ slo: sloOf(maxLoss, heldOut.labels !== null), maxLoss });
  const { slo } = of(promised);
  const base = createModel(subject.model.name, subject.model.layers);
  const started = performance.now();
  if (!subject.model.calibration) log(`${name}: calibrating on ${heldOut.rows.count} rows`);
  const model = subject.model.calibration
    ? subject.model
    : await calibrate(base, { ...heldOut, fitRows: fit, maxLoss: promised, confidence });
  const calibrationSeconds = subject.model.calibration ? null : Math.round((performance.now() - started) / 1000);
  log(`${name}: ${calibrationSeconds === null ? "comes calibrated" : `calibrated in ${calibrationSeconds} s`}; now hash tables and peers`);
  const field = await gather(subject, model, slos, { confidence, kept: of(promised), choosing: of(0.01) }, size, log);
  const { competitors, session } = field;

  const queries = Math.min(size.queries[sortOf(base)], report.rows.count);
  const rowAt = (q: number): number => rowOfQuery(q, queries, report.rows.count);
  log(`${name}: ${competitors.length} contenders, ${queries} queries each, twice`);
  const options = { labels: report.labels, queries };
  const all = competitors.map(({ contender }) => contender);
  const tops = all.map(() => new Int32Array(queries));
  const result = await race(all, report.rows, {
    ...options,
    onAnswer: (c, q) => {
      tops[c][q] = all[c].top();
    },
  });
  const wrong = result.measured[1];
  if (wrong.agreement < 1)
    throw new Error(`${name}: got ${wrong.name} agreeing with dense on ${wrong.agreement}, expected 1: is the build stale?`);
  const again = await race(all, report.rows, options);

  log(`${name}: limits`);
  const inputs = Array.from({ length: Math.min(size.counted, queries) }, (_, i) =>
    rowOf(report.rows, rowAt(Math.floor((i * queries) / size.counted))),
  );
  const rungsOf = (asked: string): readonly Rung[] => session.levels[session.run(inputs[0], parseSlo(asked)).report.plan.level].rungs;
  const judging = firstLabelled(heldOut, size.most.oracle);
  const oracle = await findOracle(model, rankedOf(base), judging, promised, confidence);
  const { oracleMacs, ...limits } = await findLimits(model, { ours: rungsOf(slo), exact: rungsOf("exact"), oracle: oracle.rung }, inputs);
  const contenders = contendersOf(field, [result, again], inputs, base);
  report.labels &&
    contenders.forEach((one, c) => {
      one.loss = lossOf(tops[c], tops[0], report.labels as Labels, rowAt);
    });
  const { zeroInputs, active } = measureSparsity(model, heldOut.rows);
  const reached = contenders.find((one) => one.name === slo) as ContenderResult;
  const exact = contenders.find((one) => one.name === "exact") as ContenderResult;
  const ladder = decodeLadder(model);
  const certify = ladder?.levels.at(-1)?.certificates[0]?.samples ?? 0;
  const { backend } = session;
  await field.dispose();
  return {
    part: {
      name,
      data: subject.data,
      trainedBy: subject.trainedBy,
      widths: [base.layers[0].inputs, ...base.layers.map(({ outputs }) => outputs)],
      weights: base.layers.every(({ weight }) => weight instanceof Float32Array) ? "float32" : "int8",
      backend,
      metric: ladder?.metric ?? "agreement",
      rows: { fit: fit.count, search: heldOut.rows.count - certify, certify, report: report.rows.count },
      knownInputs: countKnownInputs(report.rows, [fit, heldOut.rows]),
      calibrationSeconds,
      queries,
      turns: { queries: result.blockSize, settlingMs },
      sparsity: {
        zeroInputs,
        layers: base.layers.map((layer, l) => ({
          name: layer.name,
          nodes: layer.outputs,
          active: active[l],
          oracle: oracle.shares[l],
          reached: reached.nodes?.[l] ?? 1,
        })),
        macs: { exact: exact.macs ?? 1, oracle: oracleMacs, reached: reached.macs ?? 1 },
      },
      contenders,
      ratios: ratiosOf(pairsOf(field, slo), result, again),
      limits,
    },
    model,
    samples: all.map((one, c) => ({ name: one.name, runs: [result.measured[c].timesMs, again.measured[c].timesMs] })),
  };
}

/** A network of more weights is a large one. */
const largeFrom = 4_000_000;

/** By how long a query takes. */
function sortOf(model: Model): keyof Size["queries"] {
  if (isSparse(model)) return "text";
  return denseMacs(model) > largeFrom ? "large" : "dense";
}

/** Which layers an activator may rank. */
function rankedOf(model: Model): (l: number) => boolean {
  const last = model.layers.length - 1;
  return (l) => (l === last ? model.layers[l].outputs >= wideOutputs : !(l === 0 && isSparse(model)));
}

function contendersOf(
  { competitors }: Field,
  [first, second]: readonly [RaceResult, RaceResult],
  inputs: readonly Input[],
  { layers }: Model,
): ContenderResult[] {
  const works = competitors.map(({ workOf }) => workOf?.(inputs) ?? null);
  const [dense] = works;
  if (!dense) throw new Error("the first contender is dense, and tells what it spends");
  return competitors.map(({ contender, kind, form }, c): ContenderResult => {
    const work = works[c];
    const { right, agreement, timesMs } = first.measured[c];
    const certificate = work?.plan.certificate;
    return {
      name: contender.name,
      kind,
      form,
      right,
      loss: null,
      agreement,
      latencyMs: latencyOf(timesMs),
      macs: work && work.macs / dense.macs,
      bytes: work && work.bytes / dense.bytes,
      nodes: work?.nodes.map((n, l) => n / layers[l].outputs) ?? null,
      certified: certificate ? `${certificate.kind} ${boundText(certificate.kind, certificate.bound)}` : null,
      blockUs: [blockMedians(first, c), blockMedians(second, c)],
    };
  });
}

/** Microseconds. */
function blockMedians({ measured, blockSize }: RaceResult, c: number): number[] {
  const { timesMs } = measured[c];
  const count = Math.ceil(timesMs.length / blockSize);
  return Array.from({ length: count }, (_, b) => {
    const ms = quantile(timesMs.slice(b * blockSize, (b + 1) * blockSize).sort(), 0.5);
    return Number((1000 * ms).toPrecision(4));
  });
}

/** Mean of dense right minus this right, and where it lies. */
function lossOf(top: Int32Array, dense: Int32Array, labels: Labels, rowAt: (q: number) => number): ContenderResult["loss"] {
  const n = top.length;
  let [total, squares] = [0, 0];
  for (let q = 0; q < n; q++) {
    const lost = Number(isRight(labels, rowAt(q), dense[q])) - Number(isRight(labels, rowAt(q), top[q]));
    total += lost;
    squares += lost * lost;
  }
  const loss = total / n;
  const error = 1.96 * Math.sqrt(Math.max(0, squares / n - loss * loss) / n);
  return { loss, low: loss - error, high: loss + error };
}

/** Everybody against the promise, dense against ours and the baselines, and peers against dense. */
function pairsOf({ competitors }: Field, slo: string): [string, string][] {
  return competitors.flatMap(({ contender: { name }, kind }): [string, string][] => {
    const found: [string, string][] = name === slo ? [] : [[name, slo]];
    if (name !== "dense" && name !== slo) found.push(kind === "ours" || kind === "baseline" ? ["dense", name] : [name, "dense"]);
    return found;
  });
}
