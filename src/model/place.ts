// Placing a layer's weights into engine memory, each layout at most once and only if somebody asks for it. Rows of weights are handed
// over one by one, from arrays or from a stream, and each is written into every layout on the way: no layout has a copy beside it.

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
  const layouts: Layout[] = [];
  /** Floats in their own order are packed by a kernel, sixteen rows at a time: room for the rows and for the kernel's plan. */
  const packs = !bytes && !order;
  let packing: { rows: number; plan: number } | null = null;
  const layout = (size: number, start: (place: number) => number, step: number, pair: 0 | 1 = 0): (() => number) => {
    let at = 0;
    return () => {
      if (at === 0) {
        at = memory.reserve(size * (bytes ? 1 : 4));
        if (packs && step > 1) packing ??= { rows: memory.reserve(abi.PANEL * inputs * 4), plan: memory.reserve(abi.ROW_BYTES) };
        layouts.push({ at, size, start, step, pair });
      }
      return at;
    };
  };

  const packer = (engine: Engine, { rows, plan }: { rows: number; plan: number }): WriteRow => {
    const block = new Float32Array(engine.buffer, rows, abi.PANEL * inputs);
    const whole = layouts
      .filter(({ step }) => step === 1)
      .map((one) => ({ ...one, to: new Float32Array(engine.buffer, one.at, one.size) }));
    return (values, from, row) => {
      const nth = row % abi.PANEL;
      const source = (values as Float32Array).subarray(from, from + inputs);
      block.set(source, nth * inputs);
      for (const { to, start } of whole) to.set(source, start(row));
      if (nth < abi.PANEL - 1 && row < outputs - 1) return;
      for (const { at, start, step } of layouts) {
        if (step === 1) continue;
        writePlan(engine, plan, [[abi.PACK, rows, nth + 1, inputs, inputs, at + start(row - nth) * 4, 0, step]]);
        engine.execute(plan, 0, 1);
      }
    };
  };

  const writer = ({ buffer }: Engine): WriteRow => {
    const placeOf = inverse(order);
    const targets = layouts.map((one) => ({ ...one, to: new (bytes ? Int8Array : Float32Array)(buffer, one.at, one.size) }));
    const scaleOf = bytes && !scale ? new Float32Array(buffer, scales ?? 0, outputs) : null;
    const codes = new Int8Array(inputs);
    return (values, from, row) => {
      const place = placeOf ? placeOf[row] : row;
      if (scaleOf && values instanceof Float32Array) {
        scaleOf[place] = quantizeRow(values, from, codes);
        values = codes;
        from = 0;
      }
      for (const { to, start, step, pair } of targets)
        if (to instanceof Float32Array) spreadFloats(values as Float32Array, from, inputs, to, start(place), step);
        else spreadBytes(values as Int8Array, from, inputs, to as Int8Array, start(place), step, pair);
    };
  };
  memory.reserve(0, (engine) => {
    if (layouts.length === 0) return;
    const write = packing ? packer(engine, packing) : writer(engine);
    if ("deliverTo" in weight) return weight.deliverTo(write);
    const values = weight instanceof Float32Array ? weight : weight.values;
    for (let row = 0; row < outputs; row++) write(values, row * inputs, row);
  });
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
 * Floats from one row to the next. Kernels read eight rows side by side; rows a multiple of 4096 bytes apart would all fall into
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
