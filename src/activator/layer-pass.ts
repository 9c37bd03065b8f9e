// One layer's side of a level: rank (activator → scores) → select (scores → list) → compute (rows or panels of the chosen nodes).
// Between rungs it remembers what it has computed, so that growing only adds.

import * as abi from "../engine/generated/abi.ts";
import { paddedTo } from "../engine/memory-plan.ts";
import type { Emit, Row } from "../engine/plan-writer.ts";
import type { PlacedMatrix } from "../model/place.ts";
import { type Activator, mostInFull, type RankInput } from "./activator.ts";
import type { RowTag, Stage } from "./level-plan.ts";
import type { PlacedNetwork } from "./network.ts";
import { isStatic, type LayerSetting, type RankedSetting, sameRanking, sameSetting, widens } from "./setting.ts";
import { type Codes, createVector, float, type Vector } from "./vector.ts";

/** Where the rows of a layer go, by what they are for. */
export type At = (stage: Stage, nodes?: RowTag["nodes"]) => Emit;
/** How a layer's input compares with what the layer saw in the rung before. */
export type Change = "new" | "same" | "extended";

type LayerPass = (setting: LayerSetting, input: Vector, change: Change) => { vector: Vector; change: Change };

/**
 * One layer's side of the forward pass; it remembers between rungs what it has computed.
 * A ranked output layer leaves its candidates, by their pre-activations, in one list that every rung adds to.
 */
export function createLayerPass(network: PlacedNetwork, l: number, at: At): LayerPass {
  const { matrix, bias, activation, alpha } = network.layers[l];
  const { inputs, outputs, panelCount, scales } = matrix;
  const isOutput = l === network.layers.length - 1;
  /** Whether the layer reads its input as a list even where every node is asked for: of very many inputs few are not 0. */
  const sparse = l === 0 && network.sparse;
  const takeIn = at("input");
  let done: { setting: LayerSetting; vector: Vector } | null = null;
  /** Of the last ranking: the address of its scores, how many units there are to choose from, and the lists of what was computed, by rung. */
  let scores = 0;
  let units = 0;
  let computed: number[] = [];
  /** How many selections were made from it so far, the list of all units they chose (unless by threshold), and the last threshold. */
  let steps = 0;
  let chosenBefore = 0;
  let threshold = 0;
  /** How many panels have pre-activations in memory that were summed from the active inputs. */
  let summed = 0;

  /** Where the pre-activations stand. */
  const pre = (): number => network.floats(`${l}.pre`, outputs);

  /** In eight bits: the chosen panels (0: the first `count`) from the pairs of `codes`. */
  const panels8 = ({ at: codes, pairs }: Codes, chosen: number, count = panelCount): Row => [
    abi.PANELS_8,
    matrix.panels(),
    scales ?? 0,
    bias,
    codes,
    pairs,
    paddedTo(inputs, 16),
    chosen,
    count,
    pre(),
  ];

  /** Adds what a list of inputs gives to panels `from` … `to` − 1, which start from the bias where the list is the first. */
  const sum = (emit: Emit, layout: "panels" | "columns", list: number, isFirst: boolean, from: number, to: number): void => {
    const skipped = from * abi.PANEL;
    const [init, out] = [(isFirst ? bias : pre()) + 4 * skipped, pre() + 4 * skipped];
    const { columnStride } = matrix;
    const nodes = Math.min(outputs, to * abi.PANEL) - skipped;
    if (layout === "panels") emit([abi.PANELS_ACTIVE, matrix.panels() + 4 * skipped * inputs, init, list, inputs, to - from, out]);
    else if (scales === null) emit([abi.COLUMNS, matrix.columns() + 4 * skipped, init, list, columnStride, nodes, out]);
    else {
      const columns = matrix.columns() + skipped;
      const codes = network.floats(`${l}.column-codes`, 2 * inputs);
      emit([abi.COLUMNS_8, columns, scales + 4 * skipped, init, list, columnStride, nodes, out, codes]);
    }
  };

  /** Leaves the pre-activations of the first `panels`, of all unless given; adds to those that are in memory already. Returns their address. */
  const compute = (setting: LayerSetting, input: Vector, change: Change, nodes: RowTag["nodes"], panels = panelCount): number => {
    const emit = at("columns", nodes);
    const layout = layoutOf(setting, l, matrix, sparse);
    // where nothing is to be added, all are computed again: the rows that compute them carry the tag of what they count as
    const stand = change === "new" || (change === "same" && summed >= panels) ? 0 : Math.min(summed, panels);
    summed = 0;
    const isDense = setting.kind === "dense" && !sparse;
    if (scales !== null && (isDense || layout === "panels")) emit(panels8(input.codes(takeIn, isDense), 0, panels));
    else if (isDense) emit([abi.PANELS, matrix.panels(), bias, input.dense(takeIn), inputs, panels, pre()]);
    else {
      const parts = input.parts(takeIn);
      if (stand > 0 && change === "extended") sum(emit, layout, parts[parts.length - 1], false, 0, stand);
      if (stand < panels) parts.forEach((list, i) => void sum(emit, layout, list, i === 0, stand, panels));
      summed = panels;
    }
    return pre();
  };

  const every: LayerPass = (setting, input, change) => {
    const from = compute(setting, input, change, outputs);
    return { vector: createVector(network, `${l}`, outputs, { at: from, activation, alpha }), change: "new" };
  };

  /** The first nodes alone. */
  const some = ({ amount }: RankedSetting, input: Vector, change: Change): ReturnType<LayerPass> => {
    const panels = Math.max(1, Math.round(amount * panelCount));
    const nodes = Math.min(outputs, panels * abi.PANEL);
    const from = compute({ kind: "exact" }, input, change, nodes, panels);
    const list = network.list(`${l}.active`, outputs);
    at("columns")([abi.COMPACT, from, nodes, list, activation, float(alpha)]);
    return { vector: createVector(network, `${l}`, outputs, { parts: [list] }), change: "new" };
  };

  /** Emits the rows that choose units not chosen before; returns the list of them. */
  const select = ({ by, amount }: RankedSetting, step: number, emit: Emit): number => {
    const chosen = network.list(`${l}.${units}.chosen.${step}`, units);
    if (by === "threshold") {
      emit([abi.THRESHOLD, scores, units, float(amount), float(threshold), chosen]);
      threshold = amount;
      return chosen;
    }
    if (by === "within") emit([abi.WITHIN, scores, units, float(amount), chosen]);
    else {
      const k = Math.max(1, Math.round(amount * units));
      emit([abi.TOP_K, scores, units, k, chosen, network.floats("top-k.scratch", abi.SELECT_SCRATCH)]);
    }
    const before = chosenBefore;
    chosenBefore = chosen;
    if (before === 0) return chosen;
    const added = network.list(`${l}.${units}.added.${step}`, units);
    emit([abi.SUBTRACT, chosen, before, added]);
    return added;
  };

  const ranked = (setting: RankedSetting, input: Vector, change: Change): ReturnType<LayerPass> => {
    const continues = change === "same" && done !== null && widens(done.setting, setting);
    const all = setting.activator === "all";
    if (!continues) {
      units = outputs;
      if (all) scores = compute({ kind: setting.variant ? "dense" : "exact" }, input, change, "none");
      else {
        summed = 0;
        const activator: Activator = network.activator(l, setting);
        const rankInput: RankInput = {
          dense: () => input.dense(takeIn),
          parts: () => input.parts(takeIn),
          extended: change === "extended" && done !== null && sameRanking(done.setting, setting),
        };
        scores = activator.rank(rankInput, at("rank"));
        units = activator.units;
        if (setting.unit === "panel") {
          const panels = network.floats(`${l}.panel-scores`, panelCount);
          units = Math.ceil(units / abi.PANEL);
          at("rank")([abi.PANEL_SCORES, scores, units, panels]);
          scores = panels;
        }
      }
      computed = [];
      steps = chosenBefore = 0;
      threshold = Number.NaN; // none yet: what is NaN is chosen now, so that none is dropped unseen
    }
    const step = steps++;
    const nodes = continues ? "added" : "chosen";
    // these scores are the layer's own pre-activations, so choosing from them counts as computing
    const emitSelect = all ? at("columns", nodes) : at("select");
    let chosen = select(setting, step, emitSelect);
    if (setting.unit === "cluster") {
      const panels = network.list(`${l}.cluster-panels.${step}`, panelCount);
      emitSelect([abi.EXPAND, chosen, setting.variant, panelCount, panels]);
      chosen = panels;
    }
    const part = all ? chosen : network.list(isOutput ? `${l}.candidates` : `${l}.part.${step}`, panelCount * abi.PANEL);
    const kept = isOutput ? [abi.KEEP, float(0), continues ? 1 : 0] : [activation, float(alpha), 0];
    // with `all`, the list has each chosen node with its score, a pre-activation that relu leaves unchanged
    if (!all && setting.unit === "node") {
      const emit = at("rows", nodes);
      if (scales !== null) {
        const { at: codes, blocks } = input.codes(takeIn, false);
        emit([abi.ROWS_8, matrix.rows(), scales, bias, codes, matrix.rowStride, blocks, chosen, part, ...kept]);
      } else {
        const x = input.dense(takeIn);
        const blocks = input.blocks(takeIn);
        emit([abi.ROWS_SELECTED, matrix.rows(), bias, x, matrix.rowStride, blocks, chosen, part, ...kept]);
      }
    } else if (!all) {
      const emit = at("columns");
      if (scales !== null) emit(panels8(input.codes(takeIn, false), chosen));
      else
        input.parts(takeIn).forEach((list, i) => {
          emit([abi.PANELS_SELECTED, matrix.panels(), i === 0 ? bias : pre(), list, inputs, chosen, pre()]);
        });
      at("select", nodes)([abi.COMPACT_PANELS, chosen, pre(), outputs, part, ...kept]);
    }
    if (!(isOutput && continues)) computed = [...computed, part];
    const vector = createVector(network, `${l}`, outputs, { parts: computed });
    return { vector, change: continues ? "extended" : "new" };
  };

  return (setting, input, change) => {
    // whether no node is left out: `all` leaves out only small outputs of hidden relus, `static` only nodes of hidden layers
    const complete =
      setting.kind === "ranked" &&
      (setting.activator === "all"
        ? isOutput || activation !== abi.RELU || setting.by !== "threshold" || setting.amount < 0
        : isStatic(setting)
          ? isOutput || setting.amount >= 1
          : setting.by === "top-k" && setting.amount >= 1 && !setting.among);
    const used: LayerSetting = complete ? { kind: "exact" } : setting;
    if (done !== null && change === "same" && sameSetting(done.setting, used)) return { vector: done.vector, change: "same" };
    const pass = used.kind !== "ranked" ? every : isStatic(used) ? some : ranked;
    const result = pass(used as RankedSetting, input, change);
    done = { setting: used, vector: result.vector };
    return result;
  };
}

/** The layout of an exact layer: the one that calibration measured, else columns behind a hidden layer, where few inputs are active. */
function layoutOf(setting: LayerSetting, l: number, matrix: PlacedMatrix, sparse: boolean): "panels" | "columns" {
  const { inputs, outputs, scales } = matrix;
  if (sparse) return "columns";
  // columns code the non-zeros alone, which is finer than how dense codes so many inputs: no longer the same result
  if (scales !== null && inputs > mostInFull) return "panels";
  if (setting.kind === "exact" && setting.layout) return setting.layout;
  return l > 0 && outputs >= 64 && scales === null ? "columns" : "panels";
}
