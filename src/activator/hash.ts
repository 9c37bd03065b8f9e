// The hash activator: locality-sensitive hash tables, the kind the field's earlier work uses and the baseline here.

import * as abi from "../engine/generated/abi.ts";
import { type MemoryPlan, paddedTo, reserveFloats, reserveWords } from "../engine/memory-plan.ts";
import { inverse, placeMatrix } from "../model/place.ts";
import type { Activator, Hash } from "./activator.ts";

export function placeHash(memory: MemoryPlan, fitted: Hash, outputs: number, order: Uint32Array | null, scores: number): Activator {
  const { tables, bits, planes } = fitted;
  const matrix = placeMatrix(memory, planes, tables * bits, planes.length / (tables * bits));
  const starts = reserveWords(memory, fitted.starts);
  const places = inverse(order);
  const nodes = reserveWords(memory, places ? fitted.nodes.map((node) => places[node]) : fitted.nodes);
  const votes = reserveFloats(memory, fitted.votes.length, fitted.votes);
  const codes = memory.reserve(tables * 4);
  return {
    units: outputs,
    rank(input, emit) {
      emit([abi.HASH, matrix.rows(), input.dense(), matrix.inputs, matrix.rowStride, tables, bits, codes]);
      // whole panels, as their sums are read, of room that every ranking shares
      emit([abi.VOTE, codes, starts, nodes, votes, tables, bits, paddedTo(outputs, abi.PANEL), scores]);
      return scores;
    },
  };
}
