// Placing a layer's weights into engine memory, each layout at most once and only if somebody asks for it.

import * as abi from "../engine/generated/abi.ts";
import { type MemoryPlan, paddedTo, reserveFloats } from "../engine/memory-plan.ts";
import { writePlan } from "../engine/plan-writer.ts";
import type { ByteWeights } from "./model.ts";

/** A matrix of `outputs` rows of `inputs` weights, row-major, with where its layouts lie. */
export interface PlacedMatrix {
  readonly outputs: number;
  readonly inputs: number;
  /** Weights from one row to the next in the `rows` layout. */
  readonly rowStride: number;
  /** Weights from one column to the next in the `columns` layout. */
  readonly columnStride: number;
  readonly panelCount: number;
  /** Address of the scale of each row where weights are bytes, else null. */
  readonly scales: number | null;
  /** [outputs][rowStride], each row padded with zeros. */
  rows(): number;
  /** [panel][input][16]; of bytes [panel][pair of inputs][16][2], the inputs padded to 16. */
  panels(): number;
  /** [input][columnStride] */
  columns(): number;
}

/**
 * @param stride weights from one row of `weight` to the next, of which the first `inputs` are placed
 * @param order [outputs], the row that comes to stand at each place; as they are unless given
 */
export function placeMatrix(
  memory: MemoryPlan,
  weight: Float32Array | ByteWeights,
  outputs: number,
  inputs: number,
  { stride = inputs, order = null }: { stride?: number; order?: Uint32Array | null } = {},
): PlacedMatrix {
  const rowOf = (place: number): number => (order ? order[place] : place) * stride;
  const panelCount = paddedTo(outputs, abi.PANEL) / abi.PANEL;
  if (!(weight instanceof Float32Array)) return placeBytes(memory, weight, outputs, inputs, rowOf);
  const rowStride = strideOf(paddedTo(inputs, abi.BLOCK));
  const columnStride = strideOf(paddedTo(outputs, abi.PANEL));

  const placeRows = (): number => {
    const at: number = memory.reserve(outputs * rowStride * 4, ({ buffer }) => {
      const to = new Float32Array(buffer, at, outputs * rowStride);
      for (let r = 0; r < outputs; r++) to.set(weight.subarray(rowOf(r), rowOf(r) + inputs), r * rowStride);
    });
    return at;
  };

  /** Sixteen nodes at a time: `line` floats from one input to the next, `panel` to the next sixteen nodes. */
  const packed = (floats: number, panel: number, line: number) => (): number => {
    const plan = memory.reserve(abi.ROW_BYTES);
    const scratch = memory.reserve(abi.PANEL * inputs * 4);
    const at: number = memory.reserve(floats * 4, (engine) => {
      const rows = new Float32Array(engine.buffer, scratch, abi.PANEL * inputs);
      for (let from = 0; from < outputs; from += abi.PANEL) {
        const count = Math.min(abi.PANEL, outputs - from);
        for (let r = 0; r < count; r++) rows.set(weight.subarray(rowOf(from + r), rowOf(from + r) + inputs), r * inputs);
        writePlan(engine, plan, [[abi.PACK, scratch, count, inputs, inputs, at + (from / abi.PANEL) * panel * 4, panel, line]]);
        engine.execute(plan, 0, 1);
      }
    });
    return at;
  };

  return {
    outputs,
    inputs,
    rowStride,
    columnStride,
    panelCount,
    scales: null,
    rows: once(placeRows),
    panels: once(packed(panelCount * inputs * abi.PANEL, inputs * abi.PANEL, abi.PANEL)),
    columns: once(packed(inputs * columnStride, abi.PANEL, columnStride)),
  };
}

function placeBytes(
  memory: MemoryPlan,
  { values, scale }: ByteWeights,
  outputs: number,
  inputs: number,
  rowOf: (place: number) => number,
): PlacedMatrix {
  const rowStride = paddedTo(inputs, 16);
  const columnStride = paddedTo(outputs, abi.PANEL);
  const stride = values.length / scale.length;
  /** Reserves bytes and writes weight i of the row at place r to `to(r, i)`. */
  const place = (bytes: number, to: (r: number, i: number) => number) => (): number => {
    const at: number = memory.reserve(bytes, ({ buffer }) => {
      const all = new Int8Array(buffer, at, bytes);
      for (let r = 0; r < outputs; r++) for (let i = 0, from = rowOf(r); i < inputs; i++) all[to(r, i)] = values[from + i];
    });
    return at;
  };
  return {
    outputs,
    inputs,
    rowStride,
    columnStride,
    panelCount: columnStride / abi.PANEL,
    scales: placeVector(
      memory,
      Float32Array.from({ length: outputs }, (_, r) => scale[rowOf(r) / stride]),
    ),
    rows: once(place(outputs * rowStride, (r, i) => r * rowStride + i)),
    panels: once(place(columnStride * rowStride, (r, i) => (r >> 4) * rowStride * abi.PANEL + (i >> 1) * 32 + (r & 15) * 2 + (i & 1))),
    columns: once(place(inputs * columnStride, (r, i) => i * columnStride + r)),
  };
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
