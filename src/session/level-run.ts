// A level laid out in an engine, with the views and cuts that a query needs, made once. It runs rows and reads what they left; it
// chooses nothing.

import { type LevelPlan, placeLevel, type Stage } from "../activator/level-plan.ts";
import { placeNetwork } from "../activator/network.ts";
import { createNetworkInput, type NetworkInput } from "../activator/network-input.ts";
import type { Clock } from "../clock.ts";
import type { Backend, Engine, EngineOptions } from "../engine/engine.ts";
import { ROW_WORDS, WORD_BUDGET, WORD_UNITS } from "../engine/generated/abi.ts";
import { type ListViews, listViews } from "../engine/list.ts";
import { createMemoryPlan, type MemoryPlan } from "../engine/memory-plan.ts";
import { checkModel, type Model, type StreamedModel } from "../model/model.ts";
import type { Level } from "../profile/ladder.ts";
import { type LevelLatency, p97Of } from "../profile/latency.ts";

export interface Live {
  input: NetworkInput;
  /** The run of a level that is about to run. The first time this is another level than the one made ready at once, the rest of memory is filled. */
  runOf(level: number): LevelRun;
  /** All of them, made ready. */
  runs(): readonly LevelRun[];
}

/** Where a run may be cut: the end of a layer in a rung. */
export interface Point {
  /** The row after the layer's last. */
  row: number;
  rung: number;
  layer: number;
  /** Whether an earlier rung's answer still stands in the output there, so that growth may be given up. */
  answered: boolean;
}

/** Rows that are run in one go. */
export interface Segment {
  /** The row after its last. */
  end: number;
  /** Whether its rows rank or select; else they compute. */
  ranks: boolean;
  /** Whether its last row may end the run: that row decides on growth. */
  compares: boolean;
  /** The index of the point it ends at, or −1 where it ends at none. */
  point: number;
}

/** A level in engine memory, ready to run. */
export interface LevelRun {
  engine: Engine;
  plan: LevelPlan;
  /** Rows of all rungs together. */
  rows: number;
  /** [rows of the plan · ROW_WORDS] The plan's table; runs leave their counts in it. */
  words: Uint32Array;
  /** One per rung: all outputs, or the list of candidates. */
  answers: readonly (Float32Array | ListViews)[];
  /** [outputs] The output node at each place in memory; null where they stand in the model's order. */
  order: Uint32Array | null;
  /** The list that the best answers are left in. */
  best: ListViews;
  points: readonly Point[];
  /** Cut at points, where a run may pause, where ranking begins and ends, and where the run may end. */
  segments: readonly Segment[];
  /** Cut where ranking begins and ends, for the report's time split, and where the run may end. */
  spans: readonly Segment[];
  /** Cut only where the run may end. */
  stops: readonly Segment[];
  /**
   * [points] Milliseconds when idle: the median from the start, and p97 from there to the end of the rung that follows. NaN where unknown.
   */
  sinceMs: Float64Array;
  restMs: Float64Array;
}

/**
 * Lays the model out in an engine of its own. It stands apart from `createSession` so that nothing but `Live` keeps that engine alive.
 * @param first the level that is made ready at once. Everything that only other levels need is filled when one of them first runs; the
 * model's weights are kept until then. Weights in a stream can be read only once, so then everything is filled at once.
 * @throws (rejects) SlonnError `bad-file` for an activator the model does not have, `no-engine` as `createEngine`, and what reading a stream finds
 */
export async function layOut(
  model: Model | StreamedModel,
  levels: readonly Level[],
  options: EngineOptions,
  first = 0,
): Promise<Live & { backend: Backend; reason: string | null; memoryBytes: number }> {
  const memory = createMemoryPlan();
  const network = placeNetwork(memory, model);
  const plans: LevelPlan[] = [];
  const place = (level: number): void => void (plans[level] = placeLevel(memory, network, levels[level].rungs));
  place(first);
  if (!("stream" in model)) {
    memory.defer();
    // arrays that were transferred to another thread in the meantime are empty
    memory.reserve(0, () => checkModel(model));
  }
  for (let level = 0; level < levels.length; level++) if (level !== first) place(level);
  const engine = await memory.create(options);
  if ("stream" in model) await model.stream.deliver();
  const outputs = model.layers[model.layers.length - 1].outputs;
  return {
    backend: engine.backend,
    reason: engine.reason,
    memoryBytes: engine.buffer.byteLength,
    input: createNetworkInput(engine, network),
    ...readyFirst(memory, engine, plans, first, outputs, network.order, network.best),
  };
}

/** This stands apart as well, so that it keeps what is not filled yet, but not the model. */
function readyFirst(
  memory: MemoryPlan,
  engine: Engine,
  plans: readonly LevelPlan[],
  first: number,
  outputs: number,
  order: number,
  best: number,
): Pick<Live, "runOf" | "runs"> {
  const run = (plan: LevelPlan): LevelRun => createLevelRun(engine, plan, outputs, order, best);
  const ready = run(plans[first]);
  let all: readonly LevelRun[] | null = null;
  const runs = (): readonly LevelRun[] => {
    if (!all) {
      memory.complete(engine);
      all = plans.map((plan, level) => (level === first ? ready : run(plan)));
    }
    return all;
  };
  return { runOf: (level) => (level === first ? ready : runs()[level]), runs };
}

function createLevelRun(engine: Engine, levelPlan: LevelPlan, outputs: number, order: number, best: number): LevelRun {
  const { address, rungEnds } = levelPlan;
  const rows = rungEnds[rungEnds.length - 1];
  const tags = levelPlan.tags.slice(0, rows);
  const points: Point[] = [];
  const segments: Segment[] = [];
  tags.forEach(({ stage, rung, layer }, row) => {
    const next = tags[row + 1];
    const end = row + 1;
    const isRanked = ranks(stage);
    // a row that compares is the last of its rung and belongs to the output layer, whose rows overwrite the answer
    const isPoint = !next || next.rung !== rung || next.layer !== layer;
    if (isPoint) points.push({ row: end, rung, layer, answered: !!next && (next.rung !== rung || rung > 0) });
    if (isPoint || isRanked !== ranks(next.stage))
      segments.push({ end, ranks: isRanked, compares: stage === "compare", point: isPoint ? points.length - 1 : -1 });
  });
  const isStop = ({ end, point }: Segment): boolean => points[point]?.answered || end === rows;
  return {
    engine,
    plan: levelPlan,
    rows,
    words: new Uint32Array(engine.buffer, address, levelPlan.tags.length * ROW_WORDS),
    answers: levelPlan.answers.map(({ candidates, output }) =>
      candidates ? listViews(engine, candidates) : new Float32Array(engine.buffer, output, outputs),
    ),
    order: order ? new Uint32Array(engine.buffer, order, outputs) : null,
    best: listViews(engine, best),
    points,
    segments,
    spans: segments.filter((segment, i) => isStop(segment) || segment.ranks !== segments[i + 1].ranks),
    stops: segments.filter(isStop),
    sinceMs: new Float64Array(points.length).fill(Number.NaN),
    restMs: new Float64Array(points.length).fill(Number.NaN),
  };
}

const ranks = (stage: Stage): boolean => stage === "rank" || stage === "select";

/** Takes over what a profile says of the level's points; where it says nothing, a run is expected to take its median. */
export function setLatency({ points, sinceMs, restMs }: LevelRun, { rungs, p50 }: LevelLatency): void {
  points.forEach(({ rung, layer }, i) => {
    const ends = points[i + 1]?.rung !== rung;
    const here = rungs?.[rung];
    sinceMs[i] = (ends ? here?.p50 : here?.layers[layer]) || p50;
    const next = rungs?.[ends ? rung + 1 : rung];
    restMs[i] = (next ? p97Of(next) : Number.NaN) - sinceMs[i];
  });
}

/** Sets the number of multiply-adds at which growth stops; without one there is no limit. */
export function limit({ words, plan: { rungEnds } }: LevelRun, operations?: number): void {
  // each rung but the last ends with the row that decides whether another follows
  for (let rung = 0; rung < rungEnds.length - 1; rung++)
    words[(rungEnds[rung] - 1) * ROW_WORDS + WORD_BUDGET] = operations === undefined ? 0 : Math.min(Math.max(operations, 1), 0x7fffffff);
}

/** Where a run is to begin, and where it ended. */
export interface Ran {
  /** The row to begin at, and the row after the last one. */
  row: number;
  /** The segment to begin with. */
  segment: number;
  /** The row after the last one that its answer rests on: rows after it may belong to growth that was given up. */
  answer: number;
  /** Index of the point it ended at. */
  point: number;
  /** Whether growth was given up for lack of time. */
  isCut: boolean;
  /** Numbers named below. In a typed array, because engines may allocate an object for each fraction that is passed or kept by itself. */
  times: Float64Array;
}

// places in `times`
/** Milliseconds of the deadline that are left when the query comes; infinite without one. */
export const LEFT_MS = 0;
/** When the deadline is over, by the clock. */
export const DEADLINE = 1;
/** How many times as long as on an idle machine the next rung is expected to take. */
export const STRETCH = 2;
/** Milliseconds spent on ranking. */
export const RANK_MS = 3;
/** When the rows that ran last ended, by the clock; before any, when they may begin. */
export const END = 4;
/** All of the query, as the caller sees it, in milliseconds. */
export const TOOK_MS = 5;
/** Milliseconds within which 99 of 100 queries that keep their core were expected to end, where a deadline was asked. */
export const EXPECTED_P99_MS = 6;
/** When the query came, and when its rows began to run, by the clock. */
export const START = 7;
export const BEGAN = 8;
const timeCount = 9;

export const createRan = (): Ran => ({ row: 0, segment: 0, answer: 0, point: 0, isCut: false, times: new Float64Array(timeCount) });

/**
 * Runs a level from where `ran` says, looking at the clock behind each segment: where an answer stands and the rest of the next rung would hardly
 * be done by the deadline, the run ends. A clock that stands still or tells nothing ends no run. Returns true where the run paused because
 * `isDue` said so, to go on where it stopped when called again.
 */
export function runSegments(
  { engine, plan: { address, rungEnds }, words, points, restMs }: LevelRun,
  segments: readonly Segment[],
  clock: Clock,
  ran: Ran,
  isDue?: () => boolean,
): boolean {
  const { times } = ran;
  let { row } = ran;
  let before = times[END];
  for (let i = ran.segment; i < segments.length; i++) {
    const { end, ranks, compares, point } = segments[i];
    if (end > row) row = engine.execute(address, row, end);
    const now = clock.now();
    if (ranks) times[RANK_MS] += now - before;
    before = now;
    ran.point = point;
    if (compares && words[(end - 1) * ROW_WORDS + WORD_UNITS] !== 0) break;
    if (point >= 0 && points[point].answered && now + restMs[point] * times[STRETCH] > times[DEADLINE]) {
      ran.isCut = true;
      break;
    }
    if (i + 1 < segments.length && isDue?.()) {
      ran.row = row;
      ran.segment = i + 1;
      return true;
    }
  }
  ran.row = row;
  const { rung } = points[ran.point];
  ran.answer = row < rungEnds[rung] ? rungEnds[rung - 1] : row;
  times[END] = before;
  return false;
}
