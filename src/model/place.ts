// Placing a layer's weights into engine memory, each layout at most once and only if somebody asks for it.

import * as abi from "../engine/generated/abi.ts";
import { type MemoryPlan, paddedTo, reserveFloats } from "../engine/memory-plan.ts";
import { writePlan } from "../engine/plan-writer.ts";

/** A matrix of `outputs` rows of `inputs` floats, row-major, with where its layouts lie. */
export interface PlacedMatrix {
  readonly outputs: number;
  readonly inputs: number;
  /** Floats of one row in the `rows` layout. */
  readonly rowStride: number;
  /** Floats of one column in the `columns` layout. */
  readonly columnStride: number;
  readonly panelCount: number;
  /** [outputs][rowStride], each row padded with zeros. */
  rows(): number;
  /** [panel][input][16] */
  panels(): number;
  /** [input][columnStride] */
  columns(): number;
}

/** @param stride floats from one row of `weight` to the next, of which the first `inputs` are placed */
export function placeMatrix(
  memory: MemoryPlan,
  weight: Float32Array,
  outputs: number,
  inputs: number,
  stride: number = inputs,
): PlacedMatrix {
  const rowStride = strideOf(paddedTo(inputs, abi.BLOCK));
  const columnStride = strideOf(paddedTo(outputs, abi.PANEL));
  const panelCount = paddedTo(outputs, abi.PANEL) / abi.PANEL;

  const placeRows = (): number => {
    const at: number = memory.reserve(outputs * rowStride * 4, ({ buffer }) => {
      const to = new Float32Array(buffer, at, outputs * rowStride);
      if (rowStride === inputs && stride === inputs) to.set(weight);
      else for (let r = 0; r < outputs; r++) to.set(weight.subarray(r * stride, r * stride + inputs), r * rowStride);
    });
    return at;
  };

  const placePanels = (): number => {
    const plan = memory.reserve(abi.ROW_BYTES);
    const scratch = memory.reserve(abi.PANEL * stride * 4);
    const at: number = memory.reserve(panelCount * inputs * abi.PANEL * 4, (engine) => {
      const rows = new Float32Array(engine.buffer, scratch, abi.PANEL * stride);
      for (let p = 0; p < panelCount; p++) {
        const from = p * abi.PANEL;
        const count = Math.min(abi.PANEL, outputs - from);
        rows.set(weight.subarray(from * stride, (from + count) * stride));
        writePlan(engine, plan, [[abi.PACK, scratch, count, inputs, stride, at + from * inputs * 4]]);
        engine.execute(plan, 0, 1);
      }
    });
    return at;
  };

  const placeColumns = (): number => {
    const at: number = memory.reserve(inputs * columnStride * 4, ({ buffer }) => {
      const to = new Float32Array(buffer, at, inputs * columnStride);
      for (let r = 0; r < outputs; r++) for (let i = 0; i < inputs; i++) to[i * columnStride + r] = weight[r * stride + i];
    });
    return at;
  };

  const [rows, panels, columns] = [once(placeRows), once(placePanels), once(placeColumns)];
  return { outputs, inputs, rowStride, columnStride, panelCount, rows, panels, columns };
}

/**
 * Floats from one row to the next. Kernels read eight rows side by side; rows a multiple of 4096 bytes apart would all fall into
 * the same set of a first-level cache (64 sets of 64-byte lines) and push each other out, so such rows get a line of distance.
 */
function strideOf(floats: number): number {
  return floats % 1024 === 0 ? floats + 16 : floats;
}

/** A vector of one float per node, padded with zeros to whole panels. */
export function placeVector(memory: MemoryPlan, values: Float32Array): number {
  return reserveFloats(memory, values.length, values);
}

function once(place: () => number): () => number {
  let at = 0;
  return () => {
    at ||= place();
    return at;
  };
}
