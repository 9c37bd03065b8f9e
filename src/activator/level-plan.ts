// The one sparse forward pass: a level turned into rows of a plan, which both queries and calibration run. Every decision is
// made here, once; what runs later is the table.
//
// Per layer:  rank (activator → scores) → select (scores → list) → compute (rows or panels of the chosen nodes) → list of non-zeros.
// Per rung after the first, what an earlier rung computed stays: a layer whose input is the same computes only the nodes its wider
// selection adds; a layer whose input grew adds the new inputs to its pre-activations; layers after that are computed afresh.

import * as abi from "../engine/generated/abi.ts";
import type { MemoryPlan } from "../engine/memory-plan.ts";
import { type FloatArgument, type Row, reservePlan } from "../engine/plan-writer.ts";
import { refusal } from "../errors.ts";
import type { Activator, RankInput } from "./activator.ts";
import type { PlacedLayer, PlacedNetwork } from "./network.ts";
import type { LayerSetting, RankedSetting, Rung } from "./setting.ts";

/** What a row of a level's plan is for. */
export type Stage = "input" | "rank" | "select" | "rows" | "columns" | "output" | "compare";

export interface RowTag {
  stage: Stage;
  layer: number;
  rung: number;
  /** Whether the row's units are nodes of the layer, and whether they add to an earlier rung's. */
  nodes: "none" | "all" | "chosen" | "added";
}

/** A level ready to run: rows 0 … rungEnds[r] − 1 are rungs 0 … r. */
export interface LevelPlan {
  address: number;
  rungEnds: readonly number[];
  tags: readonly RowTag[];
  /** Where the outputs lie after the run, and the last layer's pre-activations, whose lead decides on growing. */
  output: number;
  logits: number;
}

const float = (value: number): FloatArgument => ({ float: value });

/** @throws SlonnError `bad-file` for a setting that leaves out output nodes, or an activator the model does not have. */
export function placeLevel(memory: MemoryPlan, network: PlacedNetwork, rungs: readonly Rung[]): LevelPlan {
  const rows: Row[] = [];
  const tags: RowTag[] = [];
  const rungEnds: number[] = [];
  const last = network.layers.length - 1;
  const denseMacs = network.layers.reduce((sum, { matrix }) => sum + matrix.inputs * matrix.panelCount * abi.PANEL, 0);
  const layers = network.layers.map((layer, l) => createLayerPass(network, layer, l));
  const input = createVector(network, "input", network.layers[0].matrix.inputs, { kind: "dense", at: network.input });
  let output = 0;
  let logits = 0;

  rungs.forEach((rung, r) => {
    const at =
      (l: number, stage: Stage, nodes: RowTag["nodes"] = "none"): Emit =>
      (row) => {
        rows.push(row);
        tags.push({ stage, layer: l, rung: r, nodes });
      };
    if (rung.layers[last].kind === "ranked")
      throw refusal("bad-file", `layer ${last + 1}`, "ranked nodes in the output layer", "exact or dense");
    let vector: Vector = input;
    let change: Change = r === 0 ? "new" : "same";
    rung.layers.forEach((setting, l) => {
      const next = layers[l](setting, vector, change, at);
      vector = next.vector;
      change = next.change;
    });
    output = vector.activated(at(last, "output"));
    logits = vector.preActivations;
    if (r < rungs.length - 1) {
      const most = rungs[r + 1].macs ?? denseMacs;
      at(last, "compare")([abi.MARGIN, logits, network.layers[last].matrix.outputs, float(rung.margin ?? 0), most, 0]);
    }
    rungEnds.push(rows.length);
  });
  return { address: reservePlan(memory, rows), rungEnds, tags, output, logits };
}

type Emit = (row: Row) => void;
type At = (layer: number, stage: Stage, nodes?: RowTag["nodes"]) => Emit;
/** How a layer's input stands to what the layer saw in the rung before. */
type Change = "new" | "same" | "extended";

/** What a vector is made from: dense numbers, pre-activations still to be activated, or lists of non-zeros. */
type Source =
  | { kind: "dense"; at: number }
  | { kind: "pre"; at: number; activation: number; alpha: number }
  | { kind: "parts"; parts: readonly number[] };

/** A layer's input or output in whichever form is asked for; a form is made once, by rows emitted when it is first asked for. */
interface Vector {
  width: number;
  dense(emit: Emit): number;
  parts(emit: Emit): readonly number[];
  blocks(emit: Emit): number;
  /** The address of the activated outputs, for the end of the network. */
  activated(emit: Emit): number;
  preActivations: number;
}

function createVector(network: PlacedNetwork, name: string, width: number, source: Source): Vector {
  let dense: number | null = source.kind === "dense" ? source.at : null;
  let parts: readonly number[] | null = source.kind === "parts" ? source.parts : null;
  let blocks: number | null = null;
  const vector: Vector = {
    width,
    preActivations: source.kind === "pre" ? source.at : 0,
    dense(emit) {
      if (dense !== null) return dense;
      dense = network.floats(`${name}.dense`, width);
      if (source.kind === "pre") emit([abi.ACTIVATE, source.at, width, dense, source.activation, float(source.alpha)]);
      else for (const [i, part] of (parts ?? []).entries()) emit([abi.SCATTER, part, width, dense, i > 0 ? 1 : 0]);
      return dense;
    },
    parts(emit) {
      if (parts !== null) return parts;
      const list = network.list(`${name}.active`, width);
      if (source.kind === "pre") emit([abi.COMPACT, source.at, width, list, source.activation, float(source.alpha), 0]);
      else emit([abi.COMPACT, dense ?? 0, width, list, abi.IDENTITY, float(0), 0]);
      parts = [list];
      return parts;
    },
    blocks(emit) {
      if (blocks !== null) return blocks;
      const from = vector.dense(emit);
      blocks = network.list(`${name}.blocks`, Math.ceil(width / abi.BLOCK));
      emit([abi.BLOCKS, from, width, blocks]);
      return blocks;
    },
    activated(emit) {
      return source.kind === "pre" && source.activation === abi.IDENTITY ? source.at : vector.dense(emit);
    },
  };
  return vector;
}

type LayerPass = (setting: LayerSetting, input: Vector, change: Change, at: At) => { vector: Vector; change: Change };

/** One layer's side of the forward pass; it remembers between rungs what it has computed. */
function createLayerPass(network: PlacedNetwork, layer: PlacedLayer, l: number): LayerPass {
  const { matrix, bias, activation, alpha } = layer;
  const { inputs, outputs, panelCount } = matrix;
  let done: { setting: LayerSetting; vector: Vector } | null = null;
  let ranking: Ranking | null = null;

  const fromPre = (): Vector =>
    createVector(network, `${l}`, outputs, { kind: "pre", at: network.floats(`${l}.pre`, outputs), activation, alpha });

  const every: LayerPass = (setting, input, change, at) => {
    const pre = network.floats(`${l}.pre`, outputs);
    const emit = at(l, "columns", "all");
    if (setting.kind === "dense") {
      const x = input.dense(at(l, "input"));
      emit([abi.PANELS, matrix.panels(), bias, x, inputs, panelCount, pre]);
    } else {
      const parts = input.parts(at(l, "input"));
      const grown = change === "extended" && done?.setting.kind === "exact";
      for (let i = grown ? parts.length - 1 : 0; i < parts.length; i++)
        if (layoutOf(setting, l, outputs) === "panels")
          emit([abi.PANELS_ACTIVE, matrix.panels(), i === 0 ? bias : pre, parts[i], inputs, panelCount, pre]);
        else emit([abi.COLUMNS, matrix.columns(), i === 0 ? bias : pre, parts[i], matrix.columnStride, outputs, pre]);
    }
    return { vector: fromPre(), change: "new" };
  };

  const ranked = (setting: RankedSetting, input: Vector, change: Change, at: At): { vector: Vector; change: Change } => {
    const continues = change === "same" && done !== null && ranking !== null && widens(done.setting, setting);
    if (!continues) {
      const activator: Activator = network.activator(l, setting);
      const rankInput: RankInput = {
        width: inputs,
        dense: () => input.dense(at(l, "input")),
        parts: () => input.parts(at(l, "input")),
        extended: change === "extended" && done !== null && sameRanking(done.setting, setting),
      };
      ranking = { scores: activator.rank(rankInput, at(l, "rank")), parts: [], chosen: null, threshold: Number.POSITIVE_INFINITY };
      if (setting.unit === "panel") {
        const panels = network.floats(`${l}.panel-scores`, panelCount);
        at(l, "rank")([abi.PANEL_SCORES, ranking.scores, panelCount, panels]);
        ranking.scores = panels;
      }
    }
    const state = ranking as Ranking;
    const step = state.parts.length;
    const units = setting.unit === "panel" ? panelCount : outputs;
    const chosen = select(network, l, setting, state, units, at(l, "select"));
    const part = network.list(`${l}.part.${step}`, panelCount * abi.PANEL);
    if (setting.unit === "node") {
      const x = input.dense(at(l, "input"));
      const blocks = input.blocks(at(l, "input"));
      at(
        l,
        "rows",
        continues ? "added" : "chosen",
      )([abi.ROWS_SELECTED, matrix.rows(), bias, x, matrix.rowStride, blocks, chosen, part, activation, float(alpha), 0]);
    } else {
      const pre = network.floats(`${l}.pre`, outputs);
      const parts = input.parts(at(l, "input"));
      parts.forEach((list, i) => {
        at(l, "columns")([abi.PANELS_SELECTED, matrix.panels(), i === 0 ? bias : pre, list, inputs, chosen, pre]);
      });
      at(l, "select", continues ? "added" : "chosen")([abi.COMPACT_PANELS, chosen, pre, outputs, part, activation, float(alpha)]);
    }
    state.parts.push(part);
    const vector = createVector(network, `${l}`, outputs, { kind: "parts", parts: [...state.parts] });
    return { vector, change: continues ? "extended" : "new" };
  };

  return (setting, input, change, at) => {
    const complete = setting.kind === "ranked" && setting.by === "top-k" && setting.amount >= 1;
    const used: LayerSetting = complete ? { kind: "exact" } : setting;
    if (done !== null && change === "same" && sameSetting(done.setting, used)) return { vector: done.vector, change: "same" };
    const result = used.kind === "ranked" ? ranked(used, input, change, at) : every(used, input, change, at);
    done = { setting: used, vector: result.vector };
    return result;
  };
}

/** The layout of an exact layer where calibration did not measure which is faster: few inputs are active behind a hidden layer. */
function layoutOf(setting: LayerSetting, l: number, outputs: number): "panels" | "columns" {
  if (setting.kind === "exact" && setting.layout) return setting.layout;
  return l > 0 && outputs >= 64 ? "columns" : "panels";
}

/** What a layer remembers of its ranking between rungs. */
interface Ranking {
  scores: number;
  /** Lists of what was computed, in the order of the rungs. */
  parts: number[];
  /** All units chosen so far (top-k). */
  chosen: number | null;
  /** The threshold so far. */
  threshold: number;
}

/** Emits the rows that choose units not chosen before; returns the list of them. */
function select(network: PlacedNetwork, l: number, setting: RankedSetting, state: Ranking, units: number, emit: Emit): number {
  const step = state.parts.length;
  const chosen = network.list(`${l}.${setting.unit}.chosen.${step}`, units);
  if (setting.by === "threshold") {
    emit([abi.THRESHOLD, state.scores, units, float(setting.amount), float(state.threshold), chosen]);
    state.threshold = setting.amount;
    return chosen;
  }
  const k = Math.max(1, Math.round(setting.amount * units));
  const scratch = network.floats("top-k.scratch", 2048);
  emit([abi.TOP_K, state.scores, units, k, chosen, scratch]);
  const before = state.chosen;
  state.chosen = chosen;
  if (before === null) return chosen;
  const added = network.list(`${l}.${setting.unit}.added.${step}`, units);
  emit([abi.SUBTRACT, chosen, before, added]);
  return added;
}

/** Whether `b` chooses all that `a` chooses, by the same scores: then what `a` computed can stay. */
export function widens(a: LayerSetting, b: LayerSetting): boolean {
  if (a.kind !== "ranked" || b.kind !== "ranked") return a.kind === b.kind;
  return sameRanking(a, b) && (a.by === "top-k" ? b.amount >= a.amount : b.amount <= a.amount);
}

function sameSetting(a: LayerSetting, b: LayerSetting): boolean {
  return widens(a, b) && widens(b, a);
}

/** Whether two settings rank a layer alike, whatever they choose from the ranking. */
export function sameRanking(a: LayerSetting, b: LayerSetting): boolean {
  if (a.kind !== "ranked" || b.kind !== "ranked") return false;
  return a.activator === b.activator && a.variant === b.variant && a.unit === b.unit && a.by === b.by;
}
