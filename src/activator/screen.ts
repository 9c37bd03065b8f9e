// The screen activator: partial scores of all nodes from the strongest inputs alone, by weights in eight bits. It needs no fitting.

import * as abi from "../engine/generated/abi.ts";
import { reserveList } from "../engine/list.ts";
import { type MemoryPlan, paddedTo, reserveFloats } from "../engine/memory-plan.ts";
import type { Row } from "../engine/plan-writer.ts";
import type { DenseLayer } from "../model/model.ts";
import { placeMatrix, placeVector } from "../model/place.ts";
import { byteWeights } from "../model/quantize.ts";
import { type Activator, inOrder, type RankInput } from "./activator.ts";

/** @param strongest how many inputs it looks at */
export function placeScreen(memory: MemoryPlan, layer: DenseLayer, order: Uint32Array | null, strongest: number): Activator {
  const { inputs, outputs } = layer;
  const matrix = placeMatrix(memory, byteWeights(layer), outputs, inputs, { order });
  const bias = placeVector(memory, inOrder(layer.bias, order));
  const kept = reserveList(memory, inputs);
  const sizes = reserveFloats(memory, paddedTo(inputs, 4) + 2048);
  const scratch = reserveFloats(memory, inputs);
  const scores = reserveFloats(memory, paddedTo(outputs, abi.PANEL));
  return {
    rank(input: RankInput, emit: (row: Row) => void): number {
      emit([abi.STRONGEST, input.dense(), inputs, strongest, kept, sizes]);
      emit([abi.COLUMNS_8, matrix.columns(), matrix.scales ?? 0, bias, kept, matrix.columnStride, outputs, scores, scratch]);
      return scores;
    },
  };
}
