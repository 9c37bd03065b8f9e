// Models whose weights stay in their stream until a session lays them out: the same memory bit for bit as from arrays, wherever the
// stream is cut, and nothing left behind by what goes wrong.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeActivators, type LayerActivators, noActivators } from "../../src/activator/activator.ts";
import { type LoadModelOptions, loadModel } from "../../src/adapters/load-model.ts";
import type { Source } from "../../src/adapters/read-source.ts";
import { calibrate } from "../../src/calibrate/calibrate.ts";
import { forward } from "../../src/model/forward.ts";
import { createModel, type Model, type StreamedModel } from "../../src/model/model.ts";
import { byteWeights } from "../../src/model/quantize.ts";
import { openSafetensors, packSafetensors } from "../../src/model/safetensors.ts";
import { encodeModel } from "../../src/model/slonn-file.ts";
import type { LayerSetting, Level, RankedSetting } from "../../src/profile/ladder.ts";
import { permutation, seeded } from "../../src/random.ts";
import { layOut } from "../../src/session/level-run.ts";
import { createSession } from "../../src/session/session.ts";
import { madeUpLowRank, madeUpModel, madeUpRows } from "../made-up-models.ts";
import { mutate, mutateHeader, survives } from "../model/mutations.ts";
import { serving } from "./serving.ts";

const stream = { stream: true } as const;

/** A stream of the file in pieces of these sizes, again and again. */
function inPieces(bytes: Uint8Array, sizes: readonly number[]): ReadableStream<Uint8Array> {
  let at = 0;
  let piece = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      const size = sizes[piece++ % sizes.length];
      controller.enqueue(bytes.slice(at, at + size));
      at += size;
    },
  });
}

/** A network with an ordered output layer that levels reach in every way: all layouts, a screen, routers. */
function network(widths: readonly number[], bytes: readonly boolean[], seed: number): Model {
  const plain = madeUpModel(widths, seed);
  const random = seeded(seed);
  const layers = plain.layers.map((layer, l) => (bytes[l % bytes.length] ? { ...layer, weight: byteWeights(layer) } : layer));
  const { inputs, outputs } = layers[layers.length - 1];
  const numbers = (n: number): Float32Array => Float32Array.from({ length: n }, () => random() - 0.5);
  const router = madeUpLowRank(inputs, Math.ceil(outputs / 16), 2, numbers);
  const fitted: LayerActivators[] = layers.map(() => noActivators);
  fitted[fitted.length - 1] = { ...noActivators, clusters: [{ panels: 1, router }], order: permutation(outputs, random) };
  return createModel("ordered", layers, { ladder: null, tensors: encodeActivators(fitted) });
}

function levelsOf({ layers }: Model): Level[] {
  const ranked: RankedSetting = { kind: "ranked", activator: "screen", variant: 2, unit: "node", by: "top-k", amount: 0.3 };
  const settings: LayerSetting[] = [
    { kind: "dense" },
    { kind: "exact", layout: "columns" },
    ranked,
    { ...ranked, activator: "clusters", variant: 1, rank: 2, unit: "cluster" },
  ];
  return settings.map((setting) => ({
    rungs: [{ layers: layers.map((_, l) => (l < layers.length - 1 ? { kind: "exact" } : setting)) }],
    cost: { macs: { mean: 0, p99: 0, max: 0 }, bytes: 0, nodes: [] },
    observed: { agreement: 1, accuracy: null, loss: null },
    certificates: [],
  }));
}

/** All bytes of an engine that the model was laid out in. */
async function memoryOf(model: Model | StreamedModel, levels: readonly Level[], backend: "js" | "simd"): Promise<Buffer> {
  const live = await layOut(model, levels, { backend });
  return Buffer.from(live.runs()[0].engine.buffer);
}

describe("memory", () => {
  test("is the same to the bit as from arrays, wherever the stream is cut, in every format and layout", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 2, maxLength: 4 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 }),
        fc.nat(1000),
        async (widths, bytes, rounded, sizes, seed) => {
          // floats stored as F16 come back rounded: certificates would not allow it, so it is a model without
          const model = rounded ? madeUpModel(widths, seed) : network(widths, bytes, seed);
          const levels = rounded ? levelsOf(model).slice(0, 2) : levelsOf(model);
          const file = encodeModel(model, { half: rounded });
          const expected = await memoryOf(await loadModel(file), levels, "js");
          const streamed = await loadModel(inPieces(file, sizes), stream);
          expect(streamed.layers.some(({ weight }) => "deliverTo" in weight)).toBe(true);
          expect(Buffer.compare(await memoryOf(streamed, levels, "js"), expected)).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  }, 120_000);

  test("of tensors longer than what is on its way at once, and of rows longer than that", async () => {
    for (const widths of [
      [300, 500],
      [70_000, 2],
      [20_000, 17, 9],
    ]) {
      const model = madeUpModel(widths, 1);
      const levels = levelsOf(model).slice(0, 2);
      for (const half of [false, true]) {
        const file = encodeModel(model, { half });
        const expected = await memoryOf(await loadModel(file), levels, "simd");
        for (const size of [1000, 65_536, 65_537, file.length])
          expect(Buffer.compare(await memoryOf(await loadModel(inPieces(file, [size]), stream), levels, "simd"), expected)).toBe(0);
      }
    }
  });

  test("from every kind of source", async () => {
    const model = network([12, 30, 50], [true], 3);
    const levels = levelsOf(model);
    const file = encodeModel(model);
    const expected = await memoryOf(model, levels, "simd");
    const sources: Source[] = [file, file.slice().buffer, new Blob([file.slice()]), new Response(file.slice()), await served(file)];
    for (const source of sources) expect(Buffer.compare(await memoryOf(await loadModel(source, stream), levels, "simd"), expected)).toBe(0);
  });

  test("of weights that stand before other tensors: they are loaded, the others streamed", async () => {
    const model = madeUpModel([5, 6, 7], 2);
    const { stored, metadata } = openSafetensors(encodeModel(model), "f");
    const last = stored.filter(({ name }) => name !== "layers.0.weight");
    const first = stored.filter(({ name }) => name === "layers.0.weight");
    const streamed = await loadModel(packSafetensors([...first, ...last], metadata), stream);
    expect(streamed.layers.map(({ weight }) => "deliverTo" in weight)).toEqual([false, true]);
    const levels = levelsOf(model).slice(0, 2);
    expect(Buffer.compare(await memoryOf(streamed, levels, "js"), await memoryOf(model, levels, "js"))).toBe(0);
  });
});

/** An address that answers with the file, as far as `upTo`, and breaks off or waits there. */
const served = (file: Uint8Array, upTo = file.length, waits = false): Promise<string> =>
  serving((_, response) => {
    response.writeHead(200, { "content-length": file.length });
    if (upTo === file.length) response.end(file);
    else response.write(file.subarray(0, upTo), () => waits || response.destroy());
  });

describe("createSession", () => {
  const model = madeUpModel([40, 300, 5], 1);
  const file = encodeModel(model);
  const most = file.length - 1000;
  const refuse = async (source: Source, code: string, message: RegExp, options: LoadModelOptions = {}) => {
    const streamed = await loadModel(source, { ...options, stream: true });
    const expected = { name: "SlonnError", code, message: expect.stringMatching(message) };
    await expect(createSession(streamed)).rejects.toMatchObject(expected);
    await expect(createSession(streamed)).rejects.toMatchObject({
      code: "bad-model",
      message: expect.stringMatching(/got weights in a stream/),
    });
  };

  test("answers as a session of the whole model does, and reads nothing before it is called", async () => {
    let pulled = 0;
    const counted = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, to) {
        pulled++;
        to.enqueue(chunk);
      },
    });
    const slow = inPieces(file, [4000]).pipeThrough(counted);
    const streamed = await loadModel(slow, stream);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(pulled).toBeLessThan(6);
    const session = await createSession(streamed);
    const whole = await createSession(model);
    const { data } = madeUpRows(4, 40, 2);
    for (let r = 0; r < 4; r++) {
      const x = data.slice(r * 40, (r + 1) * 40);
      expect(session.run(x).output.data).toEqual(whole.run(x).output.data);
    }
    expect(session.memoryBytes).toBe(whole.memoryBytes);
  });

  test("tells progress from the first byte to the last", async () => {
    const seen: [number, number | null][] = [];
    const url = await served(file);
    await createSession(await loadModel(url, { ...stream, onProgress: (loaded, total) => seen.push([loaded, total]) }));
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every(([loaded, total], i) => total === file.length && loaded > (i > 0 ? seen[i - 1][0] : 0))).toBe(true);
    expect(seen[seen.length - 1][0]).toBe(file.length);
  });

  test("refuses a wrong checksum, a weight that is not finite, a stream that is short, long or breaks", async () => {
    const damaged = file.slice();
    damaged[most] ^= 1;
    await refuse(inPieces(damaged, [5000]), "checksum", /^stream: "layers\.\d\.weight": got checksum/);
    const infinite = file.slice();
    infinite.set([0, 0, 0x80, 0x7f], file.length - 4);
    await refuse(inPieces(infinite, [5000]), "bad-model", /^layers\.1\.weight: got weight\[1499\] = Infinity, expected finite numbers$/);
    await refuse(inPieces(file.subarray(0, most), [5000]), "bad-file", /^stream: got \d+ bytes, expected at least \d+$/);
    await refuse(
      inPieces(Buffer.concat([file, Buffer.from([1, 2])]), [5000]),
      "bad-file",
      new RegExp(`got ${file.length + 2} bytes, expected ${file.length}$`),
    );
    await refuse(await served(file, most), "unreadable", /net\.slonn: could not be read/);
    const short = { headers: { "content-length": `${file.length}` } };
    await refuse(
      new Response(inPieces(file.subarray(0, most), [5000]), short),
      "unreadable",
      new RegExp(`got ${most} bytes, expected ${file.length}$`),
    );
  });

  test("is given up by the signal the model was loaded with, while it waits and before", async () => {
    const waiting = new AbortController();
    const streamed = await loadModel(await served(file, most, true), { ...stream, signal: waiting.signal });
    const creating = createSession(streamed);
    setTimeout(() => waiting.abort(), 20);
    await expect(creating).rejects.toMatchObject({ code: "aborted" });

    const before = new AbortController();
    let cancelled = false;
    const source = new ReadableStream<Uint8Array>({ pull: (to) => to.enqueue(file.slice()), cancel: () => void (cancelled = true) });
    const later = await loadModel(source, { ...stream, signal: before.signal });
    before.abort();
    expect(cancelled).toBe(true);
    await expect(createSession(later)).rejects.toMatchObject({ code: "aborted" });
  });

  test("lets the source go when it fails, and so does loadModel", async () => {
    for (const at of [most, 20]) {
      let cancelled = false;
      const damaged = file.slice();
      damaged[at] ^= 0xff;
      const source = new ReadableStream<Uint8Array>({ pull: (to) => to.enqueue(damaged.slice()), cancel: () => void (cancelled = true) });
      await expect(loadModel(source, stream).then(createSession)).rejects.toMatchObject({ name: "SlonnError" });
      expect(cancelled).toBe(true);
    }
  });

  test("that found no engine leaves the stream as it was", async () => {
    const streamed = await loadModel(file, stream);
    await expect(createSession(streamed, { backend: "scalar" })).rejects.toMatchObject({ code: "no-engine" });
    expect((await createSession(streamed)).run(new Float32Array(40)).output.data).toHaveLength(5);
    await expect(createSession(streamed)).rejects.toMatchObject({
      code: "bad-model",
      message: "bytes: got weights in a stream, for one session to take, expected a model loaded for this use",
    });
  });
});

test("who needs the weights themselves is refused, and the compiler says so", async () => {
  for (const model of [madeUpModel([40, 64, 10], 1), network([40, 64, 10], [true], 1)]) {
    const streamed = await loadModel(encodeModel(model), stream);
    const refused = {
      code: "bad-model",
      message: expect.stringMatching(/got weights in a stream, for one session to take, expected a model loaded for this use$/),
    };
    // @ts-expect-error: a StreamedModel is no Model
    expect(() => forward(streamed, new Float32Array(40))).toThrow(expect.objectContaining(refused));
    // @ts-expect-error
    expect(() => encodeModel(streamed)).toThrow(expect.objectContaining(refused));
    // @ts-expect-error
    await expect(calibrate(streamed, { rows: madeUpRows(1200, 40, 1), maxLoss: 0.05, cost: "macs" })).rejects.toMatchObject(refused);
  }
});

test("2,000 damaged files give a session or a SlonnError", async () => {
  const random = seeded(4);
  const seeds = [encodeModel(network([6, 9, 20], [true, false], 1)), encodeModel(madeUpModel([3, 4, 2], 1), { half: true })];
  const files = Array.from({ length: 2000 }, (_, i) => (i % 2 ? mutate : mutateHeader)(seeds[(i >> 1) % 2], random));
  const load = async (bytes: Uint8Array) => createSession(await loadModel(inPieces(bytes, [100, 7, 1]), stream), { backend: "js" });
  expect(await survives(files, load)).toBeGreaterThan(1500);
});
