// The oracle activator: ranks nodes by their true pre-activations, which it computes in full. It bounds what any activator can
// reach; it saves nothing and is for tests and benches only.

import * as abi from "../engine/generated/abi.ts";
import type { PlacedMatrix } from "../model/place.ts";
import type { Activator } from "./activator.ts";

export function placeOracle(matrix: PlacedMatrix, bias: number, scores: number): Activator {
  return {
    units: matrix.outputs,
    rank(input, emit) {
      emit([abi.PANELS, matrix.panels(), bias, input.dense(), matrix.inputs, matrix.panelCount, scores]);
      return scores;
    },
  };
}
