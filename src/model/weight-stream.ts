// Weights that stay in their stream until a session has laid out its memory, then go there a few rows at a time, so that they are never all
// in an array. Every row is checked on the way, and every tensor's checksum after its last row.

import { PANEL } from "../engine/generated/abi.ts";
import { paddedTo } from "../engine/memory-plan.ts";
import { refusal, type SlonnError } from "../errors.ts";
import type { ByteReader } from "./byte-reader.ts";
import { checkFinite, type StreamedModel, type StreamedWeights, type WriteRows } from "./model.ts";
import { loadTensor, type TensorEntry } from "./safetensors.ts";

/** Bytes handed over at a time, at least sixteen rows: few enough to stay in the cache between arriving and being written. */
const blockBytes = 65536;

export interface WeightStream {
  /** A tensor that is still in the reader. */
  weightsOf(tensor: TensorEntry, scale: Float32Array | null): StreamedWeights;
  deliver: StreamedModel["stream"]["deliver"];
}

/**
 * @param reader stands at the first of the tensors asked for, and holds nothing else after them
 * @param crc32 as `createCrc32` gives it
 * @param check throws unless a tensor has this CRC-32
 */
export function createWeightStream(
  reader: ByteReader,
  crc32: (bytes: Uint8Array, before?: number) => number,
  check: (tensor: string, crc: number) => void,
): WeightStream {
  /** Null once delivered. */
  let parts: { tensor: TensorEntry; writes: WriteRows[] }[] | null = [];
  const refused = (name: string): SlonnError =>
    refusal("bad-model", name, "weights in a stream, for one session to take", "a model loaded for this use");
  return {
    weightsOf(tensor, scale) {
      const part = parts ? parts.push({ tensor, writes: [] }) - 1 : 0;
      return {
        scale,
        get values(): never {
          throw refused(tensor.name);
        },
        deliverTo: (write) => void parts?.[part].writes.push(write),
      };
    },
    async deliver() {
      const all = parts;
      if (!all) throw refused(reader.name);
      parts = null;
      try {
        for (const { tensor, writes } of all.sort((a, b) => a.tensor.begin - b.tensor.begin)) {
          const { name, shape, begin, end } = tensor;
          const [outputs, inputs] = shape;
          const rowBytes = (end - begin) / outputs;
          const block = new Uint8Array(Math.min(outputs, paddedTo(Math.ceil(blockBytes / rowBytes), PANEL)) * rowBytes);
          let crc = 0;
          for (let row = 0; row < outputs; ) {
            const into = block.subarray(0, (outputs - row) * rowBytes);
            const bytes = await reader.take(into.length, into);
            crc = crc32(bytes, crc);
            const data = loadTensor({ ...tensor, bytes }).data as Float32Array | Int8Array;
            if (data instanceof Float32Array) checkFinite(name, "weight", data, row * inputs);
            for (const write of writes) write(data, row);
            row += data.length / inputs;
          }
          check(name, crc);
        }
        await reader.end();
      } finally {
        reader.close();
      }
    },
  };
}
