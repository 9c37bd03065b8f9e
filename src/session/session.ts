/// <reference lib="esnext.disposable" preserve="true" />
// One query end to end: decide → take the input in → rank and compute → output and report. Everything is laid out when the
// session is created; a query runs rows of a plan that already lies in memory.

import { type LevelPlan, placeLevel } from "../activator/level-plan.ts";
import { bestCapacity, placeNetwork } from "../activator/network.ts";
import { createNetworkInput, type NetworkInput, reserveInput } from "../activator/network-input.ts";
import { countWork, rungsOf, type Work } from "../activator/work.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Backend, Engine, EngineOptions } from "../engine/engine.ts";
import { ROW_WORDS, WORD_UNITS } from "../engine/generated/abi.ts";
import { listViews } from "../engine/list.ts";
import { createMemoryPlan } from "../engine/memory-plan.ts";
import { SlonnError, throwIfAborted } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { uncalibratedLevels } from "../policy/levels.ts";
import { hiddenShare, type Load, met, type Plan, plan, planKey } from "../policy/policy.ts";
import { checkSlo, type Slo } from "../policy/slo.ts";
import { decodeLadder } from "../profile/decode-ladder.ts";
import type { LatencyProfile, Level } from "../profile/ladder.ts";
import { type QueryInput, writeInput } from "./input.ts";
import { createCandidates, createOutput, dropped, type Output } from "./output.ts";
import { measureProfile } from "./profile.ts";
import type { Report } from "./report.ts";

export interface SessionOptions extends EngineOptions {
  /** Where time comes from; the runtime's monotonic clock unless given. */
  clock?: Clock;
  /** How much slower than its profile this machine is now, if the caller knows better: 1 = idle. */
  load?: Load;
  /** Latency of the levels on this machine; measured when a query first asks for a deadline unless given. */
  latencyProfile?: LatencyProfile;
}

/** Room for the best answers of a query: which outputs, and their scores. */
export interface BestAnswers {
  indices: Uint32Array;
  scores: Float32Array;
}

/** A model ready to answer. */
export interface Session {
  readonly backend: Backend;
  /** Why the backend is not the fastest one; null when it is. */
  readonly backendReason: string | null;
  /** Cheapest first; the last is dense. */
  readonly levels: readonly Level[];
  /** Bytes of engine memory, all there ever will be. */
  readonly memoryBytes: number;
  /**
   * Answers one query.
   * @param input [inputs of the first layer], or its non-zeros
   * @param slo what to keep; absent: the promise the model was calibrated for, else dense. An object is read when it is first seen:
   * to ask for something else, pass another object.
   * @throws SlonnError `bad-input`, `bad-slo`, `aborted`, `disposed`
   */
  run(input: QueryInput, slo?: Slo): { output: Output; report: Report };
  /**
   * Answers one query into `out` without allocating anything, given an SLO object seen before: all outputs of the last layer, or the
   * best answers, best first, as many as there is room for. Returns how many numbers were written.
   * @throws SlonnError as `run`
   */
  runInto(input: QueryInput, out: Float32Array | BestAnswers, slo?: Slo): number;
  /** Lets the engine's memory go. Using the session afterwards throws `disposed`. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** @throws SlonnError `bad-file` when the model's ladder does not fit it, `no-engine` when no engine can run here. */
export async function createSession(model: Model, options: SessionOptions = {}): Promise<Session> {
  const { clock = systemClock, load = { stretch: 1 } } = options;
  const ladder = decodeLadder(model);
  const levels = ladder?.levels ?? uncalibratedLevels(model);
  const widths = model.layers.map(({ outputs }) => outputs);
  const outputs = widths[widths.length - 1];
  const missing = dropped(model.layers[widths.length - 1].activation);
  const { backend, reason, memoryBytes, ...parts } = await layOut(model, levels, options);
  /** Everything that holds on to the engine's memory; null once disposed. */
  let live: Live | null = parts;
  let profile = options.latencyProfile ?? null;
  const work: Work = { macs: 0, bytes: 0, nodes: widths.map(() => 0) };
  let withoutSlo: Plan | null = null;
  const byObject = new WeakMap<Slo, Plan>();
  const byMeaning = new Map<string, Plan>();

  const ready = (slo: Slo | undefined): Live => {
    if (live === null) throw new SlonnError("disposed", "session: got a query after dispose(), expected a live session");
    throwIfAborted(slo?.signal);
    return live;
  };
  /** The plan for an SLO: per object, so that a query with one seen before does no planning, and per meaning for new objects. */
  const decide = (slo: Slo | undefined, { runs, input }: Live): Plan => {
    const known = slo === undefined ? withoutSlo : byObject.get(slo);
    if (known) return known;
    const asked = slo === undefined ? undefined : checkSlo(slo);
    const key = planKey(asked);
    let chosen = byMeaning.get(key);
    if (!chosen) {
      if (asked?.latencyMs !== undefined && profile === null) profile = measureProfile(runs, input.dense, clock);
      chosen = plan(asked, levels, ladder?.promise ?? null, profile, load);
      if (byMeaning.size >= mostPlans) byMeaning.clear();
      byMeaning.set(key, chosen);
    }
    if (slo === undefined) withoutSlo = chosen;
    else byObject.set(slo, chosen);
    return chosen;
  };

  const dispose = (): void => {
    live = null;
  };

  function* pieces(query: QueryInput, slo?: Slo, isDue?: () => boolean): Generator<void, { output: Output; report: Report }> {
    const start = clock.now();
    const now = ready(slo);
    const chosen = decide(slo, now);
    const level = now.runs[chosen.level];
    let ran = writeInput(query, now.input, level.plan);
    const began = clock.now();
    limit(level, chosen.slo.operations);
    const { engine, plan: levelPlan, segments, words } = level;
    let rankMs = 0;
    let before = began;
    for (const { end, ranks } of segments) {
      ran = engine.execute(levelPlan.address, ran, end);
      const at = clock.now();
      if (ranks) rankMs += at - before;
      before = at;
      if (ran < end) break;
      if (isDue?.()) yield;
    }
    countWork(levelPlan, words, ran, widths, work);
    const output = answerOf(now, level, ran, outputs, missing);
    const totalMs = clock.now() - start;
    const { macs, bytes } = work;
    const nodes = work.nodes.slice();
    const rungs = rungsOf(levelPlan, ran);
    const stopped = stoppedBy(level, rungs, ran);
    // growth that a budget cut short is not the rule that was certified
    const kept = stopped !== "budget" || chosen.certificate === null;
    const report: Report = {
      plan: chosen,
      nodes,
      macs,
      bytes,
      timeMs: { decide: began - start, rank: rankMs, compute: before - began - rankMs, total: totalMs },
      rungs,
      stopped,
      met: kept && met(chosen, { totalMs, macs, nodeShare: hiddenShare(nodes, widths) }),
    };
    return { output, report };
  }

  const session: PausableSession = {
    backend,
    backendReason: reason,
    levels,
    memoryBytes,
    pieces,
    // with nothing to pause for, the first piece is the whole
    run: (query: QueryInput, slo?: Slo) => pieces(query, slo).next().value as { output: Output; report: Report },
    runInto(query: QueryInput, out: Float32Array | BestAnswers, slo?: Slo): number {
      const now = ready(slo);
      checkRoom(out, outputs);
      const chosen = decide(slo, now);
      const level = now.runs[chosen.level];
      const begin = writeInput(query, now.input, level.plan);
      limit(level, chosen.slo.operations);
      const ran = level.engine.execute(level.plan.address, begin, level.rows);
      if (out instanceof Float32Array) return writeAll(now, level, ran, out, missing);
      return writeBest(now, level, ran, out);
    },
    dispose,
    [Symbol.dispose]: dispose,
  };
  return session;
}

/** What a session can do for whoever keeps other queries away meanwhile. */
export interface PausableSession extends Session {
  /** As `run`, pausing between layers whenever `isDue` says so. */
  pieces(input: QueryInput, slo?: Slo, isDue?: () => boolean): Iterator<void, { output: Output; report: Report }>;
}

/** Plans kept for SLOs of different meaning. */
const mostPlans = 256;

interface Live {
  input: NetworkInput;
  /** Output node at each place; null: as they are. */
  order: Uint32Array | null;
  best: ListViews;
  runs: readonly LevelRun[];
}

/** Lays the model out in an engine of its own. Apart, so that nothing but `Live` keeps that engine. */
export async function layOut(
  model: Model,
  levels: readonly Level[],
  options: EngineOptions,
): Promise<Live & { backend: Backend; reason: string | null; memoryBytes: number }> {
  const memory = createMemoryPlan();
  const network = placeNetwork(memory, model);
  const plans = levels.map(({ rungs }) => placeLevel(memory, network, rungs));
  reserveInput(network);
  const engine = await memory.create(options);
  const outputs = model.layers[model.layers.length - 1].outputs;
  return {
    backend: engine.backend,
    reason: engine.reason,
    memoryBytes: engine.buffer.byteLength,
    input: createNetworkInput(engine, network),
    order: network.order ? new Uint32Array(engine.buffer, network.order, outputs) : null,
    best: listViews(engine, network.best),
    runs: plans.map((levelPlan) => createLevelRun(engine, levelPlan, outputs)),
  };
}

/** Why a run went no further than its rungs. */
function stoppedBy({ plan: { rungEnds }, words }: LevelRun, rungs: number, ran: number): Report["stopped"] {
  if (rungEnds.length === 1) return "only rung";
  if (rungs === rungEnds.length) return "last rung";
  return words[(ran - 1) * ROW_WORDS + WORD_UNITS] === byBudget ? "budget" : "margin";
}

/** What a MARGIN row leaves as its units when the budget ended the run. */
const byBudget = 2;

/** Sets the multiply-adds at which growth stops; without a number there is no limit. */
export function limit({ words, compares }: LevelRun, operations: number | undefined): void {
  for (let i = 0; i < compares.length; i++)
    words[compares[i] * ROW_WORDS + budgetWord] = operations === undefined ? 0 : Math.min(Math.max(operations, 1), 0x7fffffff);
}

/** Where a MARGIN row keeps its budget. */
const budgetWord = 5;

/** A level's plan with the views and cuts a query needs, made once. */
export interface LevelRun {
  engine: Engine;
  plan: LevelPlan;
  rows: number;
  words: Int32Array;
  /** One per rung: all outputs, or the list of candidates. */
  answers: readonly (Float32Array | ListViews)[];
  /** Runs of rows within a layer that rank, and that do not, for the report's time split and for pauses. */
  segments: readonly { end: number; ranks: boolean }[];
  /** Rows that decide on growing. */
  compares: readonly number[];
}

/** Views of a list in engine memory. */
type ListViews = ReturnType<typeof listViews>;

/** The output of a run that ended before row `ran`, copied. */
function answerOf({ order }: Live, { engine, plan, answers }: LevelRun, ran: number, outputs: number, missing: number): Output {
  const rung = rungsOf(plan, ran) - 1;
  const answer = answers[rung];
  if (answer instanceof Float32Array) return createOutput(answer.slice());
  engine.execute(plan.address, plan.answers[rung].best, plan.answers[rung].end);
  const places = answer.indices.subarray(0, answer.count[0]);
  return createCandidates(
    order ? places.map((place) => order[place]) : places.slice(),
    answer.values.slice(0, places.length),
    outputs,
    missing,
  );
}

function checkRoom(out: Float32Array | BestAnswers, outputs: number): void {
  if (out instanceof Float32Array) {
    if (out.length !== outputs) throw new SlonnError("bad-input", `out: got room for ${out.length} numbers, expected ${outputs}`);
  } else if (
    !(out?.indices instanceof Uint32Array && out.scores instanceof Float32Array) ||
    out.indices.length !== out.scores.length ||
    out.indices.length > bestCapacity
  )
    throw new SlonnError(
      "bad-input",
      `out: got ${out?.indices?.length} indices and ${out?.scores?.length} scores, expected a Float32Array of ${outputs}, or a Uint32Array and a Float32Array of the same length, at most ${bestCapacity}`,
    );
}

/** Writes every output, `missing` where it was not computed. */
export function writeAll({ order }: Live, { engine, plan, answers }: LevelRun, ran: number, out: Float32Array, missing: number): number {
  const rung = rungsOf(plan, ran) - 1;
  const answer = answers[rung];
  if (answer instanceof Float32Array) out.set(answer);
  else {
    engine.execute(plan.address, plan.answers[rung].best, plan.answers[rung].end);
    out.fill(missing);
    for (let i = 0; i < answer.count[0]; i++) out[order ? order[answer.indices[i]] : answer.indices[i]] = answer.values[i];
  }
  return out.length;
}

/** Writes the best answers, best first; returns how many. */
function writeBest({ best }: Live, { engine, plan, answers, words }: LevelRun, ran: number, out: BestAnswers): number {
  const rung = rungsOf(plan, ran) - 1;
  const answer = answers[rung];
  const row = plan.answers[rung].best;
  words[row * ROW_WORDS + kWord] = out.indices.length;
  engine.execute(plan.address, row, plan.answers[rung].end);
  const found = best.count[0];
  for (let i = 0; i < found; i++) {
    const index = best.indices[i];
    out.indices[i] = index;
    // the list holds pre-activations where all outputs were computed, scores where candidates were
    out.scores[i] = answer instanceof Float32Array ? answer[index] : best.values[i];
  }
  return found;
}

/** Where a BEST row keeps how many it finds. */
const kWord = 3;

function createLevelRun(engine: Engine, levelPlan: LevelPlan, outputs: number): LevelRun {
  const { address, tags, rungEnds } = levelPlan;
  return {
    engine,
    plan: levelPlan,
    rows: rungEnds[rungEnds.length - 1],
    words: new Int32Array(engine.buffer, address, tags.length * ROW_WORDS),
    answers: levelPlan.answers.map(({ candidates, output }) =>
      candidates ? listViews(engine, candidates) : new Float32Array(engine.buffer, output, outputs),
    ),
    segments: cut(levelPlan),
    compares: tags.flatMap(({ stage }, row) => (stage === "compare" ? [row] : [])),
  };
}

/**
 * Cuts a plan where a layer ends and where ranking begins and ends. A compare row may end the run, which shows only where rows of its segment come
 * after it; so it always opens a segment, of the kind of what follows.
 */
function cut({ tags: all, rungEnds }: LevelPlan): LevelRun["segments"] {
  const tags = all.slice(0, rungEnds[rungEnds.length - 1]);
  const segments: { end: number; ranks: boolean }[] = [];
  const ranks = (row: number): boolean => tags[row].stage === "rank" || tags[row].stage === "select";
  for (let row = 0; row < tags.length; row++) {
    const first = row;
    while (tags[row].stage === "compare" && row < tags.length - 1) row++;
    const last = segments[segments.length - 1];
    if (last?.ranks === ranks(row) && row === first && tags[row].layer === tags[row - 1].layer) last.end = row + 1;
    else segments.push({ end: row + 1, ranks: ranks(row) });
  }
  return segments;
}
