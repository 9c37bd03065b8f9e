// The low-rank activator: two thin products predict every pre-activation of the layer. r (active inputs + outputs) multiply-adds.

import * as abi from "../engine/generated/abi.ts";
import { type MemoryPlan, paddedTo, reserveFloats } from "../engine/memory-plan.ts";
import { placeMatrix } from "../model/place.ts";
import type { Activator, LowRank } from "./activator.ts";

/**
 * Places the first `rank` components of a fitted low-rank activator, which ranks the first `among` nodes. The wide half is kept in eight bits, a scale per component:
 * scores only rank, and the narrow half, which gathers over many inputs, stays in f32.
 */
export function placeLowRank(
  memory: MemoryPlan,
  all: LowRank,
  rank: number,
  order: Uint32Array | null,
  scores: number,
  among: number = all.mean.length,
): Activator {
  const inputs = all.down.length / all.rank;
  const padded = paddedTo(rank, 4);
  const panelCount = Math.ceil(among / abi.PANEL);
  const down = placeMatrix(memory, all.down.subarray(0, rank * inputs), rank, inputs);
  const scales = reserveFloats(memory, padded);
  const size = panelCount * abi.PANEL * padded;
  const up: number = memory.reserve(size, ({ buffer }) =>
    quantize(all, order, among, rank, new Float32Array(buffer, scales, padded), new Int8Array(buffer, up, size)),
  );
  const center = reserveFloats(memory, rank, all.center.subarray(0, rank));
  const mean = reserveFloats(memory, all.mean.length, all.mean, order);
  const code = reserveFloats(memory, padded);
  const scratch = memory.reserve(paddedTo(padded, 8) * 2);
  return {
    units: among,
    rank(input, emit) {
      const parts = input.parts();
      const from = input.extended ? parts.length - 1 : 0;
      for (let i = from; i < parts.length; i++)
        emit([abi.PANELS_ACTIVE, down.panels(), i === 0 ? center : code, parts[i], inputs, down.panelCount, code]);
      emit([abi.PREDICT, up, scales, mean, code, padded, panelCount, scores, scratch]);
      return scores;
    },
  };
}

/**
 * Writes `up`, its rows in the order of the layer's nodes, into `weights`, blank so far, as assembly/kernels/predict.ts reads it, and the
 * size of one step of each of its first `rank` components into `scales`.
 */
function quantize(
  { up, rank: stride }: LowRank,
  order: Uint32Array | null,
  among: number,
  rank: number,
  scales: Float32Array,
  weights: Int8Array,
): void {
  for (let row = 0; row < up.length; row += stride)
    for (let c = 0; c < rank; c++) {
      const size = Math.abs(up[row + c]);
      if (size > scales[c]) scales[c] = size;
    }
  for (let c = 0; c < rank; c++) scales[c] /= 127;
  for (let place = 0; place < among; place++) {
    const row = (order ? order[place] : place) * stride;
    const first = (place >> 4) * scales.length * abi.PANEL + (place % abi.PANEL) * 2;
    // rounds to nearest in a third of the time Math.round takes; where all are 0, so is what NaN is written as
    for (let c = 0; c < rank; c++) weights[first + (c >> 1) * 32 + (c & 1)] = Math.floor(up[row + c] / scales[c] + 0.5);
  }
}
