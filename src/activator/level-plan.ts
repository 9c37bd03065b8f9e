// The one sparse forward pass: a level turned into rows of a plan, which both queries and calibration run. Every decision is
// made here, once; what runs later is the table.
//
// Per layer:  rank (activator → scores) → select (scores → list) → compute (rows or panels of the chosen nodes) → list of non-zeros.
// Per rung after the first, what an earlier rung computed stays: a layer whose input is the same computes only the nodes its wider
// selection adds; a layer whose input grew adds the new inputs to its pre-activations; layers after that are computed afresh.
// After the rungs come rows that find the best answers, run only where those are asked for: one for the two best by pre-activation, whose
// difference calibration uses, then those of `Answer`.

import * as abi from "../engine/generated/abi.ts";
import type { MemoryPlan } from "../engine/memory-plan.ts";
import { type Row, reservePlan } from "../engine/plan-writer.ts";
import { type At, type Change, createLayerPass } from "./layer-pass.ts";
import type { PlacedNetwork } from "./network.ts";
import type { Rung } from "./setting.ts";
import { createVector, float, type Vector } from "./vector.ts";

/** How many best answers are found unless another number is written into the plan. */
export const topDepth = 5;

/** What a row of a level's plan is for. */
export type Stage = "input" | "rank" | "select" | "rows" | "columns" | "output" | "compare";

export interface RowTag {
  stage: Stage;
  layer: number;
  rung: number;
  /** Whether the row's units are nodes of the layer, and whether they add to an earlier rung's. A number: after this row, that many first nodes are computed. */
  nodes: "none" | number | "chosen" | "added";
}

/** Where a run that ended with a certain rung left its answer. */
export interface Answer {
  /** The list of candidates (index by place, value), where the output layer was ranked, else 0. */
  candidates: number;
  /** [outputs] activated, where it was not, else 0. */
  output: number;
  /** Rows `begin` … `end` − 1 activate candidates and leave the best answers in the network's best list. The last one's word 3 says how many are found. */
  begin: number;
  end: number;
}

/** How a plan takes the input. */
export interface InputUse {
  /** Whether row 0 lists the non-zeros of the dense input, which no other row reads: a query that brings such a list starts at row 1. */
  readsNonZerosOnly: boolean;
}

/** A level ready to run: rows 0 … rungEnds[r] − 1 are rungs 0 … r. */
export interface LevelPlan extends InputUse {
  address: number;
  rungEnds: readonly number[];
  tags: readonly RowTag[];
  /** One per rung. */
  answers: readonly Answer[];
}

/** @throws SlonnError `bad-file` for an activator the model does not have. */
export function placeLevel(memory: MemoryPlan, network: PlacedNetwork, rungs: readonly Rung[]): LevelPlan {
  const rows: Row[] = [];
  const tags: RowTag[] = [];
  const rungEnds: number[] = [];
  const last = network.layers.length - 1;
  const { activation, alpha, matrix } = network.layers[last];
  /** What a dense run counts: whole panels. */
  const paddedMacs = network.layers.reduce((sum, layer) => sum + layer.matrix.inputs * layer.matrix.panelCount * abi.PANEL, 0);
  let rung = 0;
  const at = (layer: number): At => {
    return (stage, nodes = "none") =>
      (row) => {
        rows.push(row);
        tags.push({ stage, layer, rung, nodes });
      };
  };
  const layers = network.layers.map((_, l) => createLayerPass(network, l, at(l)));
  const emit = at(last)("output");
  let readsDense = false;
  const source = { at: network.input, activation: abi.IDENTITY, alpha: 0 };
  const input = createVector(network, "input", network.layers[0].matrix.inputs, source);
  // blocks and codes are made from the dense input as well
  input.dense = () => {
    readsDense = true;
    return network.input;
  };
  const compactsInput = network.sparse || rungs.some(({ layers: [first] }) => first.kind !== "dense");
  if (compactsInput) input.parts(at(0)("input"));
  /** Per rung: its pre-activations, or the list of its candidates (and n is −1), and where their activations stand, if all were made. */
  const ends: { src: number; n: number; output: number }[] = [];

  rungs.forEach((one, r) => {
    rung = r;
    let vector: Vector = input;
    let change: Change = r === 0 ? "new" : "same";
    one.layers.forEach((setting, l) => {
      const next = layers[l](setting, vector, change);
      vector = next.vector;
      change = next.change;
    });
    const src = vector.preActivations || vector.parts(emit)[0];
    const n = vector.preActivations ? matrix.outputs : -1;
    let output = 0;
    if (vector.preActivations) {
      output = vector.activated(emit);
      if (network.order !== 0) {
        const ordered = network.floats("output.ordered", matrix.outputs);
        emit([abi.PERMUTE, output, matrix.outputs, network.order, ordered]);
        output = ordered;
      }
    }
    ends.push({ src, n, output });
    if (r < rungs.length - 1) {
      const most = Math.min(rungs[r + 1].macs ?? paddedMacs, 0x7fffffff); // what a word holds
      at(last)("compare")([abi.MARGIN, src, n, float(one.margin ?? 0), most, 0]);
    }
    rungEnds.push(rows.length);
  });

  const answers = ends.map(({ src, n, output }): Answer => {
    emit([abi.BEST, src, n, 2, 0, network.best]);
    const begin = rows.length;
    // found by the values that are returned: activation may make unequal values equal, or reverse their order
    if (!output && activation !== abi.IDENTITY) emit([abi.ACTIVATE, src, n, 0, activation, float(alpha)]);
    emit([abi.BEST, output || src, n, topDepth, output ? 0 : network.order, network.best]);
    return { candidates: output ? 0 : src, output, begin, end: rows.length };
  });
  return { address: reservePlan(memory, rows), rungEnds, tags, answers, readsNonZerosOnly: compactsInput && !readsDense };
}
