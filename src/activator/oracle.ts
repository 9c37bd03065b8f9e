// The oracle activator: ranks nodes by their true pre-activations, which it computes in full. It bounds what any activator can
// reach; it saves nothing and is for tests and benches only.

import * as abi from "../engine/generated/abi.ts";
import { type MemoryPlan, paddedTo, reserveFloats } from "../engine/memory-plan.ts";
import type { Row } from "../engine/plan-writer.ts";
import type { PlacedMatrix } from "../model/place.ts";
import type { Activator, RankInput } from "./activator.ts";

export function placeOracle(memory: MemoryPlan, matrix: PlacedMatrix, bias: number): Activator {
  const scores = reserveFloats(memory, paddedTo(matrix.outputs, abi.PANEL));
  return {
    rank(input: RankInput, emit: (row: Row) => void): number {
      emit([abi.PANELS, matrix.panels(), bias, input.dense(), matrix.inputs, matrix.panelCount, scores]);
      return scores;
    },
  };
}
