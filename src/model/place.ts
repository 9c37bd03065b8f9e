// Placing a layer's weights into engine memory, each layout at most once and only if somebody asks for it. Rows of weights are handed
// over one by one, from arrays or from a stream, and written into the layout on the way: no layout has a copy beside it.

import type { Engine } from "../engine/engine.ts";
import * as abi from "../engine/generated/abi.ts";
import { type MemoryPlan, paddedTo, reserveFloats } from "../engine/memory-plan.ts";
import { writePlan } from "../engine/plan-writer.ts";
import type { AnyLayer, WriteRow } from "./model.ts";
import { quantizeRow } from "./quantize.ts";

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

/** A layout: weight i of the row at place p stands at start(p) + (i >> pair) · step + (i & pair). */
interface Layout {
  at: number;
  size: number;
  start: (place: number) => number;
  step: number;
  pair: 0 | 1;
}

export interface PlaceOptions {
  /** [outputs], the row that comes to stand at each place; as they are unless given. */
  order?: Uint32Array | null;
  /** Whether float weights are brought to eight bits on the way, a scale per row. */
  quantize?: boolean;
}

export function placeMatrix(
  memory: MemoryPlan,
  weight: AnyLayer["weight"],
  outputs: number,
  inputs: number,
  { order = null, quantize = false }: PlaceOptions = {},
): PlacedMatrix {
  const scale = weight instanceof Float32Array ? null : weight.scale;
  const bytes = quantize || scale !== null;
  const padded = paddedTo(outputs, abi.PANEL);
  const rowStride = bytes ? paddedTo(inputs, 16) : strideOf(paddedTo(inputs, abi.BLOCK));
  const columnStride = bytes ? padded : strideOf(padded);
  const scales = bytes ? placeVector(memory, scale ?? new Float32Array(outputs), order) : null;
  /** Floats in their own order are packed by a kernel, sixteen rows at a time: room for the rows and for the kernel's plan. */
  let packing: { rows: number; plan: number } | null = null;

  const packer = (engine: Engine, { rows, plan }: { rows: number; plan: number }, { at, start, step }: Layout): WriteRow => {
    const block = new Float32Array(engine.buffer, rows, abi.PANEL * inputs);
    return (values, from, row) => {
      const nth = row % abi.PANEL;
      block.set((values as Float32Array).subarray(from, from + inputs), nth * inputs);
      if (nth < abi.PANEL - 1 && row < outputs - 1) return;
      writePlan(engine, plan, [[abi.PACK, rows, nth + 1, inputs, inputs, at + start(row - nth) * 4, 0, step]]);
      engine.execute(plan, 0, 1);
    };
  };

  const writer = ({ buffer }: Engine, { at, size, start, step, pair }: Layout): WriteRow => {
    const placeOf = inverse(order);
    const to = new (bytes ? Int8Array : Float32Array)(buffer, at, size);
    const scaleOf = bytes && !scale ? new Float32Array(buffer, scales ?? 0, outputs) : null;
    const codes = new Int8Array(inputs);
    return (values, from, row) => {
      const place = placeOf ? placeOf[row] : row;
      if (scaleOf && values instanceof Float32Array) {
        scaleOf[place] = quantizeRow(values, from, codes);
        values = codes;
        from = 0;
      }
      if (to instanceof Float32Array) spreadFloats(values as Float32Array, from, inputs, to, start(place), step);
      else spreadBytes(values as Int8Array, from, inputs, to as Int8Array, start(place), step, pair);
    };
  };

  /** Reserved when it is first asked for, and filled then or with what was reserved about then. */
  const layout = (size: number, start: (place: number) => number, step: number, pair: 0 | 1 = 0): (() => number) => {
    let at = 0;
    const fill = (engine: Engine): void => {
      const one = { at, size, start, step, pair };
      const write = packing && step > 1 ? packer(engine, packing, one) : writer(engine, one);
      if ("deliverTo" in weight) weight.deliverTo(write);
      else {
        const values = weight instanceof Float32Array ? weight : weight.values;
        for (let row = 0; row < outputs; row++) write(values, row * inputs, row);
      }
    };
    return () => {
      if (at === 0) {
        if (!bytes && !order && step > 1) packing ??= { rows: memory.reserve(abi.PANEL * inputs * 4), plan: memory.reserve(abi.ROW_BYTES) };
        at = memory.reserve(size * (bytes ? 1 : 4), fill);
      }
      return at;
    };
  };
  const panel = (bytes ? rowStride : inputs) * abi.PANEL;
  return {
    outputs,
    inputs,
    rowStride,
    columnStride,
    panelCount: padded / abi.PANEL,
    scales,
    rows: layout(outputs * rowStride, (place) => place * rowStride, 1),
    panels: bytes
      ? layout((padded / 16) * panel, (place) => (place >> 4) * panel + (place & 15) * 2, 32, 1)
      : layout((padded / 16) * panel, (place) => (place >> 4) * panel + (place & 15), 16),
    columns: layout(inputs * columnStride, (place) => place, columnStride),
  };
}

// One function for each type, because a loop over both is several times slower.

function spreadFloats(values: Float32Array, from: number, n: number, to: Float32Array, start: number, step: number): void {
  if (step === 1) to.set(values.subarray(from, from + n), start);
  else for (let i = 0, at = start; i < n; i++, at += step) to[at] = values[from + i];
}

function spreadBytes(values: Int8Array, from: number, n: number, to: Int8Array, start: number, step: number, pair: 0 | 1): void {
  if (step === 1) to.set(values.subarray(from, from + n), start);
  else for (let i = 0; i < n; i++) to[start + (i >> pair) * step + (i & pair)] = values[from + i];
}

/** Where each row comes to stand. */
function inverse(order: Uint32Array | null): Uint32Array | null {
  const places = order && new Uint32Array(order.length);
  order?.forEach((row, place) => {
    (places as Uint32Array)[row] = place;
  });
  return places;
}

/**
 * Floats from one row to the next. Kernels read several rows side by side; rows a multiple of 4096 bytes apart would all fall into
 * the same set of a first-level cache (64 sets of 64-byte lines) and push each other out, so such rows get a line of distance.
 */
function strideOf(floats: number): number {
  return floats % 1024 === 0 ? floats + 16 : floats;
}

/** A vector of one float per node, the one of node order[p] at place p, padded with zeros to whole panels. */
export function placeVector(memory: MemoryPlan, values: Float32Array, order: Uint32Array | null = null): number {
  if (!order) return reserveFloats(memory, values.length, values);
  const at: number = memory.reserve(paddedTo(values.length, abi.PANEL) * 4, ({ buffer }) => {
    const to = new Float32Array(buffer, at, values.length);
    order.forEach((node, place) => {
      to[place] = values[node];
    });
  });
  return at;
}
