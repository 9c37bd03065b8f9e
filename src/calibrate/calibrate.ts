// Calibration, offline: fit activators, search settings by measured cost, keep a ladder of levels, certify each on rows used
// for nothing else. Deterministic for a seed where costs are counted instead of timed.
//
//   rows ──┬─ a third or half: search (and fit, unless extra rows fit) → candidates → ladder
//          └─ the rest: certify → bounds per level

import { type Clock, systemClock } from "../clock.ts";
import { decimal } from "../decimal.ts";
import type { EngineOptions } from "../engine/engine.ts";
import { checkSignal, refusal } from "../errors.ts";
import { checkModel, createModel, type Model } from "../model/model.ts";
import { quantizeModel } from "../model/quantize.ts";
import { checkLabels, checkRows, type Labels, type Rows, takeLabelled } from "../model/rows.ts";
import { twoOutputs } from "../model/two-classes.ts";
import { checkNames } from "../option-names.ts";
import { type Ladder, type LadderMetric, metrics } from "../profile/ladder.ts";
import { checkFunction, show } from "../quoted.ts";
import { permutation, seeded } from "../random.ts";
import { samplesNeeded } from "./bounds.ts";
import { dense, everyLayer } from "./candidates.ts";
import { evaluate } from "./evaluate.ts";
import { type Found, findLadder, type Seeking } from "./find.ts";
import type { HashShape } from "./fit-hash.ts";
import { type Answers, sum } from "./judge.ts";
import { certifiedLevels } from "./levels.ts";
import type { Run } from "./search.ts";

/**
 * What may rank the nodes of a layer. `screen` and `clusters` are for output layers, which are ranked from 256 nodes on; `all` is for hidden
 * layers with relu, `static` for hidden layers.
 */
export type ActivatorKind = "low-rank" | "static" | "all" | "screen" | "clusters" | "hash";

/** What to calibrate on, and what is to be promised. */
export interface CalibrateOptions {
  /** Inputs the network was not trained on. A third of them (half without labels), at most 5,000, is searched on; the rest certifies. */
  rows: Rows;
  /** What is right for each row. Without labels the promise is agreement with dense. */
  labels?: Labels | null | undefined;
  /** Further rows, none of them among `rows`, that may only fit activators; for instance the network's training rows. */
  fitRows?: Rows | null | undefined;
  /** The promise: at most this fraction lost against dense (without labels: at most this fraction disagrees); 0.003 unless given. */
  maxLoss?: number | undefined;
  /** The probability that a certificate holds, above 0.5 and below 1; 0.95 unless given. */
  confidence?: number | undefined;
  /**
   * What the promise is about. `precision@k` and `agreement@k` look at the best k answers, fewer than there are outputs. Unless given, it is
   * `accuracy` (`precision@1` for rows of several labels), or `agreement` without labels.
   */
  metric?: LadderMetric | undefined;
  /** Which kinds to fit and try, all but `hash` unless given; layers that a kind does not suit go without it. */
  activators?: readonly ActivatorKind[] | undefined;
  /** The tables of `hash`; 8 of 8 bits and 256 votes unless given. */
  hashShape?: HashShape | undefined;
  /**
   * `int8` quantises the weights to 8 bits, `auto` does so where that answers faster under the promise; unless given they stay as they are. What
   * rounding loses counts: the promise is about the model handed in.
   */
  weights?: "int8" | "auto" | undefined;
  /** Whether levels may start low and grow for inputs they are unsure of; true unless given. Otherwise every input gets the same setting. */
  growing?: boolean | undefined;
  /** Seeds what is random (which rows search, how activators are fitted): a whole number from 0 to 2^32 − 1; 1 unless given. */
  seed?: number | undefined;
  /** `time` searches by measured time on this machine, `macs` by counted multiply-adds, which always gives the same levels; `time` unless given. */
  cost?: "time" | "macs" | undefined;
  /** Measures time; the runtime's monotonic clock unless given. */
  clock?: Clock | undefined;
  /** The kernels to calibrate on; the fastest that run here unless given. */
  engine?: EngineOptions | undefined;
  /** Stops the calibration, which then rejects with `aborted`. */
  signal?: AbortSignal | undefined;
  /** Called with the share of all work that is done, 0 to 1, and a text that tells people what is being done. */
  onProgress?: ((share: number, what: string) => void) | undefined;
}

const optionNames: Record<keyof CalibrateOptions, true> = {
  rows: true,
  labels: true,
  fitRows: true,
  maxLoss: true,
  confidence: true,
  metric: true,
  activators: true,
  hashShape: true,
  weights: true,
  growing: true,
  seed: true,
  cost: true,
  clock: true,
  engine: true,
  signal: true,
  onProgress: true,
};
const engineNames: Record<keyof EngineOptions, true> = { backend: true, module: true };

/** The most rows used to search and to fit. */
const mostSearched = 5000;
const mostFitted = 4096;

/**
 * Calibrates a model: fits activators, searches levels of effort and certifies them. Takes seconds to minutes and keeps the thread busy, except
 * for turns of the event loop between steps.
 * @param model any that `slonn` or `slonn/import` gives; it is not changed, and an earlier calibration of it is ignored
 * @returns the model with its levels, for `encodeModel` or `createSession`; the nodes of its hidden layers may stand in another order
 * @throws (rejects) SlonnError `bad-option` for impossible options, `bad-input` when rows do not fit the network, `bad-model` for what is no model and
 * for a network of one output (`asTwoClasses` makes two of it), `too-few-samples` when the promise could not be certified even if nothing
 * were lost, `aborted`.
 */
export async function calibrate(model: Model, options: CalibrateOptions): Promise<Model> {
  checkNames("calibrate", options, optionNames);
  const {
    rows,
    labels = null,
    fitRows = null,
    maxLoss = 0.003,
    confidence = 0.95,
    activators = ["low-rank", "static", "all", "screen", "clusters"],
    growing = true,
    seed = 1,
    cost = "time",
  } = options;
  const { signal, onProgress = () => {} } = options;
  const metric = options.metric ?? (labels ? (labels.kind === "multi" ? "precision@1" : "accuracy") : "agreement");
  check(model, { ...options, labels, fitRows, maxLoss, confidence, activators, metric, seed, cost });
  const depth = depthOf(metric, labels, model.layers[model.layers.length - 1].outputs);
  const random = seeded(seed);
  const order = permutation(rows.count, random);
  const kind = labels ? "loss" : "agreement";
  const bound = labels ? maxLoss : decimal(1 - maxLoss);
  const needed = samplesNeeded(kind, bound, confidence, depth);
  if (needed === Number.POSITIVE_INFINITY) throw refusal("bad-option", "max loss", maxLoss, "one that a number of rows can prove");
  const searched = rowsSearching(rows.count, needed, labels !== null);
  const certifying = rows.count - searched;
  if (certifying < needed || searched < 1)
    throw refusal(
      "too-few-samples",
      "data",
      `${rows.count} rows of which ${certifying} certify`,
      `at least ${rowsNeeded(needed, labels !== null)} rows: ${kind} ${bound} at confidence ${confidence} needs ${needed}; a larger max loss needs fewer`,
    );
  const search = takeLabelled({ rows, labels }, order.subarray(0, searched));
  const certify = takeLabelled({ rows, labels }, order.subarray(searched));

  const clock = cost === "time" ? (options.clock ?? systemClock) : null;
  const rounded = options.weights && model.layers.some(({ weight }) => weight instanceof Float32Array) ? quantizeModel(model) : null;
  const models = rounded === null ? [model] : options.weights === "int8" ? [rounded] : [model, rounded];
  const seeking: Seeking = {
    search,
    fitRows: fitRows ?? search.rows,
    fit: {
      kinds: activators,
      rows: mostFitted,
      depth,
      random,
      ...(options.hashShape ? { hashShape: options.hashShape } : {}),
      ...(signal ? { signal } : {}),
    },
    depth,
    growing,
    certifying,
    promise: { kind, bound },
    timed: clock !== null,
    costOf: (outcome) => (clock ? meanAndTail(outcome.timesMs) : sum(outcome.macs) / outcome.macs.length / 1e6),
  };
  const evaluating = { ...(options.engine ? { engine: options.engine } : {}), ...(signal ? { signal } : {}) };
  /** Runs a model's settings over rows, as the part of all work from `first` to `last`. */
  const runner =
    (of: Model, first: number, last: number): Run =>
    (settings, on, from, to, what) =>
      evaluate(of, settings, on, {
        ...evaluating,
        clock,
        onProgress: (share) => onProgress(first + (from + share * (to - from)) * (last - first), what),
      });
  const asked = new Map<Rows, Answers>();
  /** The answers of the model handed in, by which levels of the quantised one are judged; computed once for the same rows. */
  const reference = async (of: Model, on: Rows): Promise<Answers | null> => {
    if (of === model) return null;
    const known = asked.get(on);
    if (known) return known;
    const [answers] = await evaluate(model, [[everyLayer(model.layers.length, dense)]], on, { ...evaluating, clock: null });
    asked.set(on, answers);
    return answers;
  };

  const searching = 0.7;
  const found: Found[] = [];
  for (const [i, of] of models.entries()) {
    const [first, last] = [i, i + 1].map((n) => (searching * n) / models.length);
    onProgress(first, "fitting activators");
    found.push(
      await findLadder(
        of,
        seeking,
        (fitted) => runner(fitted, first, last),
        (on) => reference(of, on),
      ),
    );
  }
  const { of, layers, tensors, kept } = found.reduce((a, b) => (b.promisedCost < a.promisedCost ? b : a));
  const modelWith = (ladder: Ladder | null): Model => createModel(model.name, layers, { ladder, tensors });
  // certify exactly what is returned
  const run = runner(modelWith(null), searching, 1);
  const rules = kept.map(({ rungs }) => rungs);
  const outcomes = await run(rules, certify.rows, 0, 1, "certifying");
  const widths = model.layers.map(({ outputs }) => outputs);
  const levels = certifiedLevels(kept, outcomes, {
    labels: certify.labels,
    widths,
    confidence,
    depth,
    reference: await reference(of, certify.rows),
  });
  const result: Ladder = {
    version: 1,
    metric,
    ...(of === model ? {} : { reference: "float32" }),
    promise: { ...seeking.promise, confidence },
    levels,
  };
  onProgress(1, "done");
  return modelWith(result);
}

/** The options that have defaults. */
type Settled = "labels" | "fitRows" | "maxLoss" | "confidence" | "activators" | "metric" | "seed" | "cost";
type Asked = CalibrateOptions & Required<Pick<CalibrateOptions, Settled>>;

const kinds: readonly ActivatorKind[] = ["low-rank", "static", "all", "screen", "clusters", "hash"];

/** How many of the best answers a metric looks at; fewer than there are outputs, since of all of them every level gives the same set. */
function depthOf(metric: LadderMetric, labels: Labels | null, outputs: number): number {
  if (metric.startsWith("agreement") === (labels !== null))
    throw refusal(
      "bad-option",
      "metric",
      metric,
      labels ? "accuracy or precision@k beside labels" : "agreement or agreement@k without labels",
    );
  const depth = Number(metric.split("@")[1] ?? 1);
  if (depth >= outputs) throw refusal("bad-option", "metric", metric, `one that looks at fewer than all ${outputs} outputs`);
  return depth;
}

/**
 * How many of `count` rows search, up to a limit; the rest certify. A third with labels; without them up to half, as long as at least `needed`
 * are left to certify: where every answer that differs counts, rules chosen by luck fail more often.
 */
function rowsSearching(count: number, needed: number, labelled: boolean): number {
  const third = Math.floor(count / 3);
  const share = labelled ? third : Math.max(third, Math.min(Math.floor(count / 2), count - needed));
  return Math.min(mostSearched, share);
}

/** The fewest rows of which `needed` certify and at least one searches. */
function rowsNeeded(needed: number, labelled: boolean): number {
  const searched = (count: number): number => rowsSearching(count, needed, labelled);
  let count = needed + 1;
  while (searched(count) < 1 || count - searched(count) < needed) count++;
  return count;
}

/** How much the 99th percentile of a level's times counts beside their mean. */
const tailWeight = 0.04;

/**
 * The mean without the slowest hundredth, plus a little of the 99th percentile. So the cost of growing counts, although few inputs grow; lost
 * time slices do not; and of two levels with the same mean the one with the shorter tail is better.
 */
function meanAndTail(values: Float32Array): number {
  const most = values
    .slice()
    .sort()
    .subarray(0, Math.ceil(0.99 * values.length));
  return sum(most) / most.length + tailWeight * most[most.length - 1];
}

function check(model: Model, asked: Asked): void {
  const { rows, labels, fitRows, maxLoss, confidence, activators, hashShape, growing, metric, seed, cost, weights } = asked;
  const { clock, engine, signal, onProgress } = asked;
  checkModel(model);
  const { inputs } = model.layers[0];
  const { outputs, name } = model.layers[model.layers.length - 1];
  if (outputs < 2) throw refusal("bad-model", name, `${outputs} output`, twoOutputs);
  checkRows("rows", rows, inputs);
  if (fitRows) checkRows("fit data", fitRows, inputs);
  if (fitRows?.count === 0) throw refusal("bad-input", "fit data", "0 rows", "at least 1");
  if (fitRows && isSame(fitRows, rows))
    throw refusal("bad-input", "fit data", "the rows of the data", "others, as what fits may not certify");
  if (labels) checkLabels("labels", labels, rows.count, outputs);
  if (!(typeof maxLoss === "number" && maxLoss > 0 && maxLoss < 1))
    throw refusal("bad-option", "max loss", show(maxLoss), "a fraction above 0 and below 1");
  if (!(typeof confidence === "number" && confidence > 0.5 && confidence < 1))
    throw refusal("bad-option", "confidence", show(confidence), "above 0.5 and below 1");
  if (!metrics.includes(metric)) throw refusal("bad-option", "metric", show(metric), metrics.join(", "));
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32))
    throw refusal("bad-option", "seed", show(seed), `a whole number from 0 to ${2 ** 32 - 1}`);
  if (cost !== "time" && cost !== "macs") throw refusal("bad-option", "cost", show(cost), "time or macs");
  if (weights !== undefined && weights !== "int8" && weights !== "auto")
    throw refusal("bad-option", "weights", show(weights), "int8 or auto");
  const known = kinds.join(", ");
  if (!Array.isArray(activators)) throw refusal("bad-option", "activators", show(activators), `a list of ${known}`);
  for (const kind of activators) if (!kinds.includes(kind)) throw refusal("bad-option", "activators", show(kind), known);
  if (hashShape) checkHashShape(hashShape);
  if (growing !== undefined && typeof growing !== "boolean") throw refusal("bad-option", "growing", show(growing), "true or false");
  if (clock !== undefined) checkFunction("clock.now", clock?.now);
  if (engine !== undefined) checkNames("engine", engine, engineNames);
  checkSignal(signal, "bad-option");
  if (onProgress !== undefined) checkFunction("onProgress", onProgress);
}

function isSame(a: Rows, b: Rows): boolean {
  const arraysOf = (rows: Rows): (Float32Array | Uint32Array)[] =>
    rows.kind === "dense" ? [rows.data] : [rows.indptr, rows.indices, rows.values];
  const those = arraysOf(b);
  return a.kind === b.kind && arraysOf(a).every((array, k) => array.length === those[k].length && array.every((v, i) => v === those[k][i]));
}

function checkHashShape({ tables, bits, votes }: HashShape): void {
  if (![tables, bits, votes].every((count) => Number.isInteger(count) && count >= 1) || bits > 20 || tables > 256)
    throw refusal(
      "bad-option",
      "hash shape",
      `${show(tables)} tables of ${show(bits)} bits, ${show(votes)} votes`,
      "at least 1 of each, of tables at most 256, of bits 20",
    );
}
