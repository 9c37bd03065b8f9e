// Places a layer's weights in engine memory, in each layout that is asked for, once. Rows of weights, from an array or a stream, are written
// into a layout block by block, so that no second copy of it is needed.

import type { Engine } from "../engine/engine.ts";
import * as abi from "../engine/generated/abi.ts";
import { type MemoryPlan, paddedTo, reserveFloats } from "../engine/memory-plan.ts";
import { writePlan } from "../engine/plan-writer.ts";
import { type AnyLayer, scaleOf, type WriteRows } from "./model.ts";
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

/** Rows are collected until they make this many bytes, and at least sixteen rows, before the kernel packs them. */
const blockBytes = 16384;

export interface PlaceOptions {
  /** [outputs] The row at each place; in their own order unless given. */
  order?: Uint32Array | null;
  /** Whether float weights are quantised to 8 bits on the way, with a scale per row. */
  quantize?: boolean;
}

export function placeMatrix(
  memory: MemoryPlan,
  weight: AnyLayer["weight"],
  outputs: number,
  inputs: number,
  { order = null, quantize = false }: PlaceOptions = {},
): PlacedMatrix {
  const scale = scaleOf(weight);
  const bytes = quantize || scale !== null;
  const padded = paddedTo(outputs, abi.PANEL);
  const rowStride = bytes ? paddedTo(inputs, 16) : strideOf(paddedTo(inputs, abi.BLOCK));
  const columnStride = bytes ? padded : strideOf(padded);
  const scales = bytes ? reserveFloats(memory, outputs, scale, order) : null;
  const Weights = bytes ? Int8Array : Float32Array;
  const unit = Weights.BYTES_PER_ELEMENT;
  const rowBytes = inputs * unit;
  const quantizes = bytes && !scale;
  /** Whether collected rows may lie without gaps: the kernel reads nothing past them, and sixteen do not share a set of the cache. */
  const sideBySide = !quantizes && rowBytes % 16 === 0 && rowBytes % 4096 !== 0;
  const waitingBytes = sideBySide ? rowBytes : paddedTo(rowBytes, 64) + 64;
  /** How many rows are collected. */
  const most = Math.min(outputs, paddedTo(Math.ceil(blockBytes / waitingBytes), abi.PANEL));
  /** The address of those rows; the kernel's plan and the rows' places follow them. */
  let waiting = 0;

  /**
   * A layout is reserved when it is first asked for, and filled with the others that are needed at the same time. Item i of the row at place p is
   * (p / 16) · step + (p mod 16) · size + i · line bytes from its address; where line is 0, the items of a row are contiguous.
   * @param size bytes of an item: a weight, or a pair of them
   */
  const layout = (count: number, step = 0, line = 0, size = unit, items = inputs): (() => number) => {
    let at = 0;
    const fill = (engine: Engine): void => {
      const { buffer } = engine;
      const places = inverse(order);
      const plan = waiting + most * waitingBytes;
      const [to, stride] = line
        ? [new Weights(buffer, waiting, (plan - waiting) / unit), waitingBytes / unit]
        : [new Weights(buffer, at, outputs * rowStride), rowStride];
      const toScales = quantizes ? new Float32Array(buffer, scales ?? 0, outputs) : null;
      const write: WriteRows = (values, row) => {
        const end = row + values.length / inputs;
        for (let first = row; first < end; first += most) {
          const count = Math.min(most, end - first);
          if (line && sideBySide) to.set(values.subarray((first - row) * inputs, (first + count - row) * inputs));
          else
            for (let i = 0; i < count; i++) {
              const from = (first + i - row) * inputs;
              const place = places ? places[first + i] : first + i;
              const start = (line ? i : place) * stride;
              if (toScales) toScales[place] = quantizeRow(values as Float32Array, from, to.subarray(start, start + inputs) as Int8Array);
              else to.set(values.subarray(from, from + inputs), start);
            }
          if (line === 0) continue;
          const placesAt = plan + abi.ROW_BYTES;
          if (places) new Uint32Array(buffer, placesAt, count).set(places.subarray(first, first + count));
          writePlan(engine, plan, [[abi.PACK, waiting, count, items, waitingBytes, at, line, size, step, first, places ? placesAt : 0]]);
          engine.execute(plan, 0, 1);
        }
      };
      if ("deliverTo" in weight) weight.deliverTo(write);
      else write(weight instanceof Float32Array ? weight : weight.values, 0);
    };
    return () => {
      if (at === 0) {
        if (line > 0) waiting ||= memory.reserve(most * (waitingBytes + 4) + abi.ROW_BYTES);
        at = memory.reserve(count * size, fill);
      }
      return at;
    };
  };
  /** What panels are made of: weights, or pairs of bytes. */
  const [item, items] = bytes ? [2, rowStride / 2] : [4, inputs];
  const panelLine = abi.PANEL * item;
  return {
    outputs,
    inputs,
    rowStride,
    columnStride,
    panelCount: padded / abi.PANEL,
    scales,
    rows: layout(outputs * rowStride),
    panels: layout(padded * items, items * panelLine, panelLine, item, items),
    columns: layout(inputs * columnStride, abi.PANEL * unit, columnStride * unit),
  };
}

/** The place of each row. */
export function inverse(order: Uint32Array | null): Uint32Array | null {
  if (!order) return null;
  const places = new Uint32Array(order.length);
  for (let place = 0; place < order.length; place++) places[order[place]] = place;
  return places;
}

/**
 * Floats from one row to the next. Kernels read several rows side by side; rows a multiple of 4096 bytes apart would fall into the same set of
 * an L1 cache (64 sets of 64-byte lines) and evict each other, so such rows are moved a line apart.
 */
function strideOf(floats: number): number {
  return floats % 1024 === 0 ? floats + 16 : floats;
}
