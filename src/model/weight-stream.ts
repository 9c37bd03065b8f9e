// Weights that stay in their stream until a session has laid its memory out, and then go there row by row: never is there an array of
// them. Every row is checked on the way, every tensor's checksum behind its last row.

import { refusal } from "../errors.ts";
import type { ByteReader } from "./byte-reader.ts";
import { checkFinite, type StreamedModel, type StreamedWeights, type WriteRow } from "./model.ts";
import { loadTensor, type TensorEntry } from "./safetensors.ts";

/** Bytes on their way at once, at least a row: few enough to stay in the cache between arriving and being written. */
const blockBytes = 65536;

export interface WeightStream {
  weightsOf(tensor: TensorEntry, scale: Float32Array | null): StreamedWeights;
  deliver: StreamedModel["stream"]["deliver"];
}

/**
 * @param reader stands before the first of `tensors`, which follow each other to its end
 * @param crc32 of bytes behind bytes whose CRC-32 is `before`
 * @param check throws unless a tensor has this CRC-32
 */
export function createWeightStream(
  reader: ByteReader,
  tensors: readonly TensorEntry[],
  crc32: (bytes: Uint8Array, before?: number) => number,
  check: (tensor: string, crc: number) => void,
): WeightStream {
  /** By tensor; null once delivered. */
  let writers: Map<string, WriteRow[]> | null = new Map(tensors.map(({ name }) => [name, []]));
  return {
    weightsOf: ({ name }, scale) => ({
      scale,
      get values(): never {
        throw refusal("bad-model", name, "weights in a stream", "a model loaded without `stream`");
      },
      deliverTo: (write) => void writers?.get(name)?.push(write),
    }),
    async deliver() {
      const to = writers;
      if (!to) throw refusal("bad-model", reader.name, "weights that another session took from their stream", "a model loaded again");
      writers = null;
      try {
        for (const tensor of tensors) {
          const { name, shape, begin, end } = tensor;
          const [outputs, inputs] = shape;
          const rowBytes = (end - begin) / outputs;
          const most = Math.ceil(blockBytes / rowBytes);
          const block = new Uint8Array(Math.min(most, outputs) * rowBytes);
          let crc = 0;
          for (let row = 0; row < outputs; ) {
            const into = block.subarray(0, (outputs - row) * rowBytes);
            const bytes = await reader.take(into.length, into);
            crc = crc32(bytes, crc);
            const data = loadTensor({ ...tensor, bytes }).data as Float32Array | Int8Array;
            checkFinite(name, "weight", data, row * inputs);
            for (let from = 0; from < data.length; from += inputs, row++) for (const write of to.get(name) ?? []) write(data, from, row);
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
