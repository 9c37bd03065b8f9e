// Placing a layer's weights into engine memory, each layout at most once and only if somebody asks for it. Rows of weights are handed
// over one by one, from arrays or from a stream, and written into the layout on the way: no layout has a copy beside it.

import type { Engine } from "../engine/engine.ts";
import * as abi from "../engine/generated/abi.ts";
import { type MemoryPlan, paddedTo } from "../engine/memory-plan.ts";
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

/** A layout, in bytes from its address `at`: item i of the row at place p stands at start(p) + i · line. */
interface Layout {
  at: number;
  start: (place: number) => number;
  /** 0 where the items of a row stand side by side. */
  line: number;
  /** Bytes of an item: a weight, or a pair of them. */
  size: number;
  items: number;
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
  const Weights = bytes ? Int8Array : Float32Array;
  const unit = Weights.BYTES_PER_ELEMENT;
  /** From one row to the next where sixteen wait for the kernel that packs them; the line of distance is `strideOf`'s. */
  const waitingBytes = paddedTo(inputs * unit, 64) + 64;
  /** Those rows, and behind them the kernel's plan. */
  let waiting = 0;

  /** @param alone whether rows come in any order, so that each is packed when it comes */
  const writer = (engine: Engine, { at, start, line, size, items }: Layout, alone: boolean): WriteRow => {
    const { buffer } = engine;
    const plan = waiting + abi.PANEL * waitingBytes;
    const to = line ? new Weights(buffer, waiting, (plan + abi.ROW_BYTES - waiting) / unit) : new Weights(buffer, at, outputs * rowStride);
    const scaleOf = bytes && !scale ? new Float32Array(buffer, scales ?? 0, outputs) : null;
    return (values, from, place) => {
      const nth = alone ? 0 : place % abi.PANEL;
      const first = line ? (nth * waitingBytes) / unit : place * rowStride;
      if (scaleOf) scaleOf[place] = quantizeRow(values as Float32Array, from, to.subarray(first, first + inputs) as Int8Array);
      else to.set(values.subarray(from, from + inputs), first);
      if (line === 0 || !(alone || nth === abi.PANEL - 1 || place === outputs - 1)) return;
      writePlan(engine, plan, [[abi.PACK, waiting, nth + 1, items, waitingBytes, at + start(place - nth), line, size]]);
      engine.execute(plan, 0, 1);
      // what waited is cleared, so that memory does not show whether rows came in order
      if (order) to.fill(0, 0, first + inputs).fill(0, (plan - waiting) / unit);
    };
  };

  /** Reserved when it is first asked for, and filled then or with what was reserved about then. */
  const layout = (count: number, start: Layout["start"], line = 0, size = unit, items = inputs): (() => number) => {
    let at = 0;
    const fill = (engine: Engine): void => {
      const one = { at, start, line, size, items };
      if ("deliverTo" in weight) {
        const places = inverse(order);
        const write = writer(engine, one, places !== null);
        weight.deliverTo(places ? (values, from, row) => write(values, from, places[row]) : write);
      } else {
        const values = weight instanceof Float32Array ? weight : weight.values;
        const write = writer(engine, one, false);
        for (let place = 0; place < outputs; place++) write(values, (order ? order[place] : place) * inputs, place);
      }
    };
    return () => {
      if (at === 0) {
        if (line > 0) waiting ||= memory.reserve(abi.PANEL * waitingBytes + abi.ROW_BYTES);
        at = memory.reserve(count * size, fill);
      }
      return at;
    };
  };
  /** What panels are made of: weights, or pairs of bytes. */
  const [item, items] = bytes ? [2, rowStride / 2] : [4, inputs];
  const panelBytes = items * abi.PANEL * item;
  return {
    outputs,
    inputs,
    rowStride,
    columnStride,
    panelCount: padded / abi.PANEL,
    scales,
    rows: layout(outputs * rowStride, (place) => place * rowStride * unit),
    panels: layout(padded * items, (place) => (place >> 4) * panelBytes + (place % abi.PANEL) * item, abi.PANEL * item, item, items),
    columns: layout(inputs * columnStride, (place) => place * unit, columnStride * unit),
  };
}

/** Where each row comes to stand. */
export function inverse(order: Uint32Array | null): Uint32Array | null {
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
  const at: number = memory.reserve(paddedTo(values.length, abi.PANEL) * 4, ({ buffer }) =>
    inOrder(values, order, 1, new Float32Array(buffer, at, values.length)),
  );
  return at;
}

/** Rows of `width` numbers, the one of node order[i] at place i. */
export function inOrder(
  rows: Float32Array,
  order: Uint32Array | null,
  width = 1,
  out: Float32Array = order ? new Float32Array(rows.length) : rows,
): Float32Array {
  if (!order) out.set(rows);
  else
    for (let place = 0; place < order.length; place++)
      for (let i = 0; i < width; i++) out[place * width + i] = rows[order[place] * width + i];
  return out;
}
