/// <reference lib="esnext.disposable" preserve="true" />
// One query end to end: decide → take the input in → rank and compute → output and report. Everything is laid out when the
// session is created; a query runs rows of a plan that already lies in memory.

import { countWork } from "../activator/work.ts";
import { type Clock, systemClock } from "../clock.ts";
import { type Backend, buildName, type EngineOptions } from "../engine/engine.ts";
import { refusal, throwIfAborted } from "../errors.ts";
import { checkModel, type Model, type StreamedModel, scaleOf } from "../model/model.ts";
import { checkNames } from "../option-names.ts";
import { uncalibratedLevels } from "../policy/levels.ts";
import type { LoadEstimate, LoadOptions } from "../policy/load.ts";
import { nodeShare, thinnedLayers } from "../policy/policy.ts";
import { checkSlo, checkTimes, type Slo } from "../policy/slo.ts";
import { decodeLadder } from "../profile/decode-ladder.ts";
import type { Level } from "../profile/ladder.ts";
import { checkProfile, fingerprint, type LatencyProfile, type ProfileOrigin } from "../profile/latency.ts";
import { checkFunction, show } from "../quoted.ts";
import { activeNodes } from "./active-nodes.ts";
import { answerOf, checkRoom, writeAll, writeBest } from "./answers.ts";
import { createDecisions } from "./decisions.ts";
import { writeInput } from "./input.ts";
import type { QueryInput } from "./input-parts.ts";
import {
  BEGAN,
  createRan,
  DEADLINE,
  END,
  LEFT_MS,
  type LevelRun,
  type Live,
  layOut,
  limit,
  RANK_MS,
  runSegments,
  START,
  TOOK_MS,
} from "./level-run.ts";
import { type BestAnswers, dropped, type Output } from "./output.ts";
import { createPacing, type Decision } from "./pacing.ts";
import type { PausableSession } from "./pausable-session.ts";
import { createProfiler, type Profiler } from "./profile.ts";
import type { Report } from "./report.ts";
import { reportOf } from "./run-report.ts";

/** How a session runs; all optional. */
export interface SessionOptions extends EngineOptions {
  /** Where time comes from; the runtime's monotonic clock unless given. */
  clock?: Clock | undefined;
  /** How slow this machine is, if the caller knows: `stretch` is then read for every query, and nothing is estimated. */
  load?: LoadOptions | undefined;
  /**
   * Latency of the levels on this machine, as `measureLatency` gives it. Without one, the first queries with a deadline measure: each spends half of
   * its time on that; one of less than some 20 ms measures for 100 ms, and is late.
   */
  latencyProfile?: LatencyProfile | undefined;
  /** What this machine and its runtime are called in latency profiles; "" unless given. A profile measured under another name is refused. */
  machine?: string | undefined;
}

/** A model ready to answer. */
export interface Session {
  /** The kernels in use. */
  readonly backend: Backend;
  /** Why the backend is not the fastest one; null when it is, or was asked for. */
  readonly backendReason: string | null;
  /** Cheapest first; the last is dense. */
  readonly levels: readonly Level[];
  /** Bytes of engine memory; it never grows. */
  readonly memoryBytes: number;
  /**
   * Answers one query.
   * @param input [inputs of the first layer], or its non-zeros
   * @param slo what to keep; absent: the promise the model was calibrated for, or dense without one
   * @param waitedMs milliseconds of the deadline that had passed before the call; 0 unless given
   * @param reservedMs milliseconds at the end of the deadline that are left to others; 0 unless given
   * @throws SlonnError `bad-input`, also for a query from within another, by a getter or the clock; `bad-slo`, `deadline`, `aborted`, `disposed`;
   * `bad-model` where the model's arrays were transferred to another thread before the level was ready
   */
  run(input: QueryInput, slo?: Slo, waitedMs?: number, reservedMs?: number): { output: Output; report: Report };
  /**
   * Answers one query into `out`, and allocates nothing of its own where the same objective was asked lately. Returns how many outputs were written.
   * @param input as for `run`, as are the parameters after `out`
   * @param out [outputs of the last layer], for all of them, or room for up to 128 best answers, best first
   * @throws SlonnError as `run`, and `bad-input` where `out` is neither
   */
  runInto(input: QueryInput, out: Float32Array | BestAnswers, slo?: Slo, waitedMs?: number, reservedMs?: number): number;
  /**
   * The nodes of a layer that the last query computed, ascending, and null where it computed every one: for pictures, at the cost of a copy.
   * @param layer counted from 0
   * @throws SlonnError `bad-input` for a layer the network does not have, and where no query has run to its end since the session was created, last
   * measured latencies, or last failed in the middle of a query; `disposed`
   */
  activeNodes(layer: number): Uint32Array | null;
  /**
   * How slow the machine is taken to be, judged by the queries so far or by what the caller said.
   * @throws SlonnError `disposed`
   */
  load(): LoadEstimate;
  /**
   * Measures the latency of every level in about half a second. The session goes by it from then on; kept as JSON and handed over as
   * `latencyProfile`, it spares another session on this machine the measuring.
   * @param inputs typical ones, taken in turn; without any, the last query's array, with whatever it holds by now
   * @throws SlonnError `bad-input`, `disposed`, and `bad-model` as `run`
   */
  measureLatency(inputs?: readonly QueryInput[]): LatencyProfile;
  /** Lets the engine's memory go. Using the session afterwards throws `disposed`. */
  dispose(): void;
  /** As `dispose`, for `using`. */
  [Symbol.dispose](): void;
}

const optionNames: Record<keyof SessionOptions, true> = {
  clock: true,
  load: true,
  latencyProfile: true,
  machine: true,
  backend: true,
  module: true,
};

/**
 * Creates a session: lays the model out in memory of its own and makes ready what a query without an objective needs. What other levels need
 * besides is made ready when one of them or a deadline is first asked for. Until then the session holds the model's arrays: do not write to
 * them, and do not transfer their buffers to another thread, which has such a query refused with `bad-model`.
 * @param model from `loadModel`, `createModel`, `calibrate` or an importer. One loaded with `stream: true` serves one session.
 * @throws (rejects) SlonnError `bad-option` for unknown or invalid options, `bad-model` for layers that do not fit together, `bad-file` when the model's
 * levels do not fit it, `unsupported` when they are of a later version, `no-engine` when no engine can run here; of a streamed model, what reading its source finds
 */
export async function createSession(model: Model | StreamedModel, options: SessionOptions = {}): Promise<Session> {
  checkNames("createSession", options, optionNames);
  const { clock = systemClock, latencyProfile, machine = "" } = options;
  checkModel(model);
  checkFunction("clock.now", clock?.now);
  const ladder = decodeLadder(model);
  const levels = ladder?.levels ?? uncalibratedLevels(model);
  // what a query needs is copied out: a closure that named `model` would keep all its weights beside those in the engine
  const widths = model.layers.map(({ outputs }) => outputs);
  const shapes = model.layers.map(({ inputs, outputs, weight }) => [inputs, outputs, scaleOf(weight) ? 8 : 32]);
  const thinned = thinnedLayers(levels);
  const { outputs, activation } = model.layers[widths.length - 1];
  const missing = dropped(activation);
  const pacing = createPacing(levels, ladder?.promise ?? null, options.load ?? {});
  /** For the query at hand; before the first, what a query without an objective will run: that level is made ready first. */
  let decision = pacing.decide();
  const { backend, reason, memoryBytes, ...parts } = await layOut(model, levels, options, decision.level);
  /** Everything that holds on to the engine's memory; null once disposed. */
  let live: Live | null = parts;
  const ran = createRan();
  const { times } = ran;
  /** What ran last, provided it ran to its end and nothing has written to memory since; and its input. */
  let last: LevelRun | null = null;
  let lastQuery: QueryInput | null = null;
  /** Measures latencies bit by bit on queries with deadlines, until it is done. */
  let profiler: Profiler | null = null;
  /** Milliseconds of the query at hand that went into measuring latencies: that much of its deadline is gone. */
  let measuringMs = 0;
  /** Whether the time of the query at hand tells anything of the load: it does not where latencies were measured, or others ran in a pause. */
  let isTelling = true;
  const alone = createGuard();
  const decisions = createDecisions(pacing.decide);

  const origin = (): ProfileOrigin => ({ machine, build: buildName, backend, model: fingerprint(shapes, levels) });
  const adopt = (profile: LatencyProfile, { runs }: Live, isWarm = false): void => {
    pacing.adopt(profile, runs(), isWarm);
    decisions.forget();
  };
  if (latencyProfile) {
    checkProfile(latencyProfile, origin(), levels.length);
    adopt(latencyProfile, parts);
  }

  const ready = (slo?: Slo): Live => {
    if (live === null) throw refusal("disposed", "session", "a query after dispose()", "a live one");
    throwIfAborted(slo?.signal);
    return live;
  };
  /** Measures latencies for half of the time that is left; where that is too short to be of use, for `shortMeasuringMs`, and the query is late. */
  const measureWithin = (leftMs: number, now: Live, query: QueryInput): void => {
    const began = clock.now();
    last = null;
    now.runs();
    const halfMs = (leftMs - (clock.now() - began)) / 2;
    const isShort = halfMs < leastMeasuringMs;
    if (isShort || !profiler) profiler = createProfiler(now, clock, isShort ? shortMeasuringMs : undefined);
    adopt(profiler.measure([query], isShort ? undefined : halfMs), now, true);
    if (profiler?.isDone()) profiler = null;
    measuringMs = clock.now() - began;
    isTelling = false;
  };
  const decide = (slo: Slo | undefined, now: Live, query: QueryInput, passedMs: number): Decision => {
    const known = decisions.recall(slo);
    if (known) return known;
    // the signal is the caller's own, and a decision is kept for others who ask the same
    const { signal, ...asked } = slo === undefined ? {} : checkSlo(slo);
    const { latencyMs } = asked;
    if (latencyMs !== undefined && (profiler || !pacing.hasProfile())) measureWithin(latencyMs - passedMs, now, query);
    // until measuring is done, the next query with a deadline has to go on with it
    return decisions.of(slo && asked, latencyMs === undefined || !profiler);
  };
  /** Decides what a query runs and writes its input. @param isTimed whether anything depends on how long the query takes */
  const begin = (query: QueryInput, slo: Slo | undefined, waitedMs: number, reservedMs: number, isTimed: boolean): LevelRun => {
    times[START] = isTimed ? clock.now() : 0;
    const now = ready(slo);
    checkTimes(waitedMs, reservedMs);
    measuringMs = 0;
    isTelling = true;
    decision = decide(slo, now, query, waitedMs + reservedMs);
    times[LEFT_MS] = decision.latencyMs - waitedMs - reservedMs - measuringMs;
    times[DEADLINE] = times[START] + measuringMs + times[LEFT_MS];
    const level = now.runOf(pacing.choose(decision, ran, reservedMs));
    ran.row = writeInput(query, now.input, level.plan);
    ran.segment = times[RANK_MS] = 0;
    ran.isCut = false;
    limit(level, decision.slo.operations);
    last = null;
    lastQuery = query;
    if (isTimed) times[BEGAN] = times[END] = clock.now();
    return level;
  };
  const dispose = (): void => {
    live = last = lastQuery = profiler = null;
  };

  /** Learns from how long a query took. */
  const learn = (level: LevelRun): void => {
    times[TOOK_MS] = clock.now() - times[START];
    if (isTelling) pacing.learn(decision, level, ran);
  };
  /** The answer of a query that has run, and its report. */
  const conclude = (level: LevelRun, waitedMs: number): { output: Output; report: Report } => {
    last = live && level;
    const chosen = pacing.planOf(decision);
    const output = answerOf(level, ran.answer, outputs, missing);
    const work = countWork(level.plan, level.words, ran.row, widths);
    learn(level);
    return { output, report: reportOf(chosen, level, ran, work, waitedMs, nodeShare(work.nodes, thinned, widths)) };
  };

  function* pieces(
    query: QueryInput,
    slo?: Slo,
    isDue?: () => boolean,
    waitedMs = 0,
    reservedMs = 0,
  ): Generator<void, { output: Output; report: Report }> {
    const level = begin(query, slo, waitedMs, reservedMs, true);
    // made now, so that it reflects the load at the start
    pacing.planOf(decision);
    while (runSegments(level, level.segments, clock, ran, isDue)) {
      isTelling = false;
      yield;
      times[END] = clock.now();
    }
    return conclude(level, waitedMs);
  }

  const session: PausableSession = {
    backend,
    backendReason: reason,
    levels,
    memoryBytes,
    load: () => ready() && pacing.estimate(),
    activeNodes(layer) {
      ready();
      if (!last || !(Number.isInteger(layer) && layer in widths))
        throw refusal("bad-input", "layer", last ? show(layer) : "no query", `0 to ${widths.length - 1} after a query`);
      return activeNodes(last, ran.row, layer, widths[layer], layer === widths.length - 1 ? last.order : null);
    },
    measureLatency: alone<Session["measureLatency"]>((inputs) => {
      const now = ready();
      last = null;
      const profile = {
        origin: origin(),
        ...createProfiler(now, clock).measure(inputs ?? [lastQuery ?? new Float32Array(now.input.dense.length)]),
      };
      adopt(profile, now, true);
      profiler = null;
      return profile;
    }),
    pieces,
    ran,
    run: alone<Session["run"]>((query, slo, waitedMs = 0, reservedMs = 0) => {
      const level = begin(query, slo, waitedMs, reservedMs, true);
      runSegments(level, level.spans, clock, ran);
      return conclude(level, waitedMs);
    }),
    runInto: alone<Session["runInto"]>((query, out, slo, waitedMs = 0, reservedMs = 0) => {
      checkRoom(out, outputs);
      const level = begin(query, slo, waitedMs, reservedMs, pacing.hasProfile() || slo?.latencyMs !== undefined);
      const isTimed = pacing.hasProfile();
      if (isTimed) runSegments(level, level.stops, clock, ran);
      else ran.row = ran.answer = level.engine.execute(level.plan.address, ran.row, level.rows);
      const written = out instanceof Float32Array ? writeAll(level, ran.answer, out, missing) : writeBest(level, ran.answer, out);
      last = live && level;
      if (isTimed) learn(level);
      return written;
    }),
    dispose,
    [Symbol.dispose]: dispose,
  };
  return session;
}

/** Wraps calls that write to the engine's memory: one made from within another, by a getter of an input or by a clock, is refused. */
function createGuard(): <Call extends (...args: never[]) => unknown>(call: Call) => Call {
  let isRunning = false;
  return <Call extends (...args: never[]) => unknown>(call: Call) =>
    // one by one, as a list of them would be allocated
    ((a, b, c, d, e) => {
      if (isRunning) throw refusal("bad-input", "session", "a query within another", "one at a time");
      isRunning = true;
      try {
        return call(a, b, c, d, e);
      } finally {
        isRunning = false;
      }
    }) as Call;
}

/** Milliseconds. Where a deadline leaves less than this for measuring, going bit by bit would make many queries late: one query does it all. */
const leastMeasuringMs = 10;
/** Milliseconds that measuring takes in that case. */
const shortMeasuringMs = 100;
