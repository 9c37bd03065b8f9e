// Rows go on as soon as they are there, so that little is left to do when the last of them arrives.
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { ByteReader } from "../../src/model/byte-reader.ts";
import type { TensorEntry } from "../../src/model/safetensors.ts";
import { createWeightStream } from "../../src/model/weight-stream.ts";

/** Matrices of floats one behind the other, and what happened to them, in order. */
function deliveryOf(shapes: readonly [outputs: number, inputs: number][], damage: (bytes: Buffer) => void = () => {}) {
  const events: string[] = [];
  const weights = shapes.map(([outputs, inputs], m) => Float32Array.from({ length: outputs * inputs }, (_, i) => (i % 251) - m));
  const bytes = Buffer.concat(weights.map(({ buffer }) => Buffer.from(buffer)));
  damage(bytes);
  let at = 0;
  const reader: ByteReader = {
    name: "made up",
    totalBytes: bytes.length,
    async take(count, into = new Uint8Array(count)) {
      events.push(`take ${count}`);
      into.set(bytes.subarray(at, at + count));
      at += count;
      return into;
    },
    some: () => Promise.reject(new Error("not asked for")),
    end: async () => void events.push("end"),
    close: () => void events.push("close"),
  };
  let begin = 0;
  const entries = shapes.map((shape, m): TensorEntry => {
    const entry: TensorEntry = { name: `m${m}`, dtype: "F32", shape, begin, end: begin + weights[m].byteLength };
    begin = entry.end;
    return entry;
  });
  const check = (tensor: string, crc: number): void => {
    const { begin, end } = entries.find(({ name }) => name === tensor) as TensorEntry;
    expect(crc).toBe(crc32(bytes.subarray(begin, end)));
    events.push(`check ${tensor}`);
  };
  return { events, weights, entries, stream: createWeightStream(reader, crc32, check) };
}

describe("a stream of weights", () => {
  test("hands rows on a block at a time, before it asks for more", async () => {
    const { events, weights, entries, stream } = deliveryOf([[300, 100]]);
    const written = new Float32Array(300 * 100);
    stream.weightsOf(entries[0], null).deliverTo((values, row) => {
      events.push(`write ${values.length / 100} from ${row}`);
      written.set(values as Float32Array, row * 100);
    });
    await stream.deliver();
    // 64 kB are 164 rows of 400 bytes, rounded up to whole panels
    expect(events).toEqual(["take 70400", "write 176 from 0", "take 49600", "write 124 from 176", "check m0", "end", "close"]);
    expect(written).toEqual(weights[0]);
  });

  test("takes whole panels of rows that are longer than a block", async () => {
    const { events, entries, stream } = deliveryOf([[40, 20_000]]);
    stream.weightsOf(entries[0], null).deliverTo((values, row) => void events.push(`write ${values.length / 20_000} from ${row}`));
    await stream.deliver();
    expect(events.filter((event) => event.startsWith("write"))).toEqual(["write 16 from 0", "write 16 from 16", "write 8 from 32"]);
  });

  test("holds no more rows at once than there are", async () => {
    const { events, entries, stream } = deliveryOf([[1, 20_000]]);
    stream.weightsOf(entries[0], null).deliverTo((values) => void events.push(`of ${values.buffer.byteLength} bytes`));
    await stream.deliver();
    expect(events).toContain("of 80000 bytes");
  });

  test("tells a weight that is not finite by its place in the tensor, and lets go of the stream", async () => {
    const { events, entries, stream } = deliveryOf([[300, 100]], (bytes) => bytes.writeFloatLE(Number.NaN, 4 * 20_001));
    stream.weightsOf(entries[0], null).deliverTo(() => {});
    await expect(stream.deliver()).rejects.toThrow("m0: got weight[20001] = NaN, expected finite numbers");
    expect(events.at(-1)).toBe("close");
  });

  test("hands every block to all who asked, matrix after matrix as they stand in the file", async () => {
    const { events, entries, stream } = deliveryOf([
      [16, 8],
      [8, 4],
    ]);
    for (const m of [1, 0]) {
      const weights = stream.weightsOf(entries[m], null);
      for (const layout of ["panels", "columns"]) weights.deliverTo(() => void events.push(`${layout} of m${m}`));
    }
    await stream.deliver();
    expect(events.filter((event) => event.includes("of"))).toEqual(["panels of m0", "columns of m0", "panels of m1", "columns of m1"]);
  });
});
