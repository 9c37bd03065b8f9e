// The low-rank activator: two thin products predict every pre-activation of the layer. r (active inputs + outputs) multiply-adds.

import * as abi from "../engine/generated/abi.ts";
import { type MemoryPlan, paddedTo, reserveFloats } from "../engine/memory-plan.ts";
import type { Row } from "../engine/plan-writer.ts";
import { placeMatrix, placeVector } from "../model/place.ts";
import { type Activator, inOrder, type LowRank, type RankInput } from "./activator.ts";

/**
 * Places the first `rank` components of a fitted low-rank activator. The wide half is kept in eight bits, a scale per component:
 * scores only rank, and the narrow half, which gathers over many inputs, stays in f32.
 */
export function placeLowRank(memory: MemoryPlan, all: LowRank, rank: number, order: Uint32Array | null, scores: number): Activator {
  const fitted = { ...all, up: inOrder(all.up, order, all.rank), mean: inOrder(all.mean, order) };
  const inputs = fitted.down.length / fitted.rank;
  const outputs = fitted.mean.length;
  const even = paddedTo(rank, 2);
  const panelCount = Math.ceil(outputs / abi.PANEL);
  const down = placeMatrix(memory, fitted.down.subarray(0, rank * inputs), rank, inputs);
  const { scales, weights } = quantize(fitted, rank, even, panelCount);
  const up: number = memory.reserve(weights.length, ({ buffer }) => new Int8Array(buffer, up, weights.length).set(weights));
  const scalesAt = placeVector(memory, scales);
  const center = placeVector(memory, fitted.center.subarray(0, rank));
  const mean = placeVector(memory, fitted.mean);
  const code = reserveFloats(memory, even);
  const scratch = memory.reserve(paddedTo(even, 8) * 2);
  return {
    rank(input: RankInput, emit: (row: Row) => void): number {
      const parts = input.parts();
      const from = input.extended ? parts.length - 1 : 0;
      for (let i = from; i < parts.length; i++)
        emit([abi.PANELS_ACTIVE, down.panels(), i === 0 ? center : code, parts[i], inputs, down.panelCount, code]);
      emit([abi.PREDICT, up, scalesAt, mean, code, even, panelCount, scores, scratch]);
      return scores;
    },
  };
}

/** `up` in the order assembly/kernels/predict.ts reads it, with the size of one step per component. */
function quantize(
  { up, rank: stride, mean }: LowRank,
  rank: number,
  even: number,
  panelCount: number,
): { scales: Float32Array; weights: Int8Array } {
  const outputs = mean.length;
  const scales = new Float32Array(even);
  for (let o = 0; o < outputs; o++) for (let c = 0; c < rank; c++) scales[c] = Math.max(scales[c], Math.abs(up[o * stride + c]) / 127);
  const weights = new Int8Array(panelCount * abi.PANEL * even);
  for (let o = 0; o < outputs; o++)
    for (let c = 0; c < rank; c++) {
      const at = Math.floor(o / abi.PANEL) * even * abi.PANEL + (c >> 1) * 32 + (o % abi.PANEL) * 2 + (c & 1);
      weights[at] = scales[c] > 0 ? Math.round(up[o * stride + c] / scales[c]) : 0;
    }
  return { scales, weights };
}
