// The screen activator: partial scores of all nodes from the strongest inputs alone, by weights in eight bits. It needs no fitting.

import * as abi from "../engine/generated/abi.ts";
import { reserveList } from "../engine/list.ts";
import { type MemoryPlan, paddedTo, reserveFloats } from "../engine/memory-plan.ts";
import type { PlacedMatrix } from "../model/place.ts";
import type { Activator } from "./activator.ts";

/**
 * @param matrix the layer in eight bits
 * @param strongest how many inputs it looks at
 */
export function placeScreen(memory: MemoryPlan, matrix: PlacedMatrix, bias: number, strongest: number, scores: number): Activator {
  const { inputs, outputs, scales, columnStride } = matrix;
  const kept = reserveList(memory, inputs);
  const sizes = reserveFloats(memory, paddedTo(inputs, 4) + abi.SELECT_SCRATCH);
  const scratch = reserveFloats(memory, 2 * inputs);
  return {
    units: outputs,
    rank(input, emit) {
      emit([abi.STRONGEST, input.dense(), inputs, Math.min(strongest, inputs), kept, sizes]);
      emit([abi.COLUMNS_8, matrix.columns(), scales ?? 0, bias, kept, columnStride, outputs, scores, scratch]);
      return scores;
    },
  };
}
