import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Activation, activations, createModel, floatWeights, type Model } from "../../src/model/model.ts";
import { openSafetensors, packSafetensors, readSafetensors, type StoredTensor } from "../../src/model/safetensors.ts";
import { decodeModel, encodeModel } from "../../src/model/slonn-file.ts";
import type { Tensor } from "../../src/model/tensor.ts";
import { seeded } from "../../src/random.ts";
import { mutate, mutateHeader, survives } from "./mutations.ts";

function modelOf(widths: readonly number[], kinds: readonly Activation[], seed: number, ladder?: unknown): Model {
  const random = seeded(seed);
  const numbers = (n: number) => Float32Array.from({ length: n }, () => random() - 0.5);
  const layers = widths.slice(1).map((outputs, l) => ({
    name: `layer ${l}`,
    inputs: widths[l],
    outputs,
    weight: numbers(outputs * widths[l]),
    bias: numbers(outputs),
    activation: kinds[l % kinds.length],
    alpha: kinds[l % kinds.length] === "leaky-relu" ? 0.01 : 0,
  }));
  const tensors = new Map([
    ["codes.0", { dtype: "uint32" as const, shape: [2, 2], data: Uint32Array.of(1, 2, 3, 4) }],
    ["thin", { dtype: "float32" as const, shape: [3], data: numbers(3) }],
    ["wide", { dtype: "int64" as const, shape: [1], data: BigInt64Array.of(-5n) }],
  ]);
  return createModel("a model", layers, ladder === undefined ? null : { ladder, tensors });
}

const plain = modelOf([3, 4, 2], ["relu", "softmax"], 1);
const calibrated = modelOf([3, 4, 2], ["relu", "softmax"], 1, { version: 1, levels: [{ bound: 0.003 }] });

test("decoding gives the model back and encoding it again the same bytes", () => {
  const hidden = activations.filter((activation) => !activation.endsWith("softmax"));
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 2, maxLength: 5 }),
      fc.constantFrom(...hidden),
      fc.nat(),
      fc.option(fc.jsonValue(), { nil: undefined }),
      (widths, activation, seed, ladder) => {
        const model = modelOf(widths, [activation], seed, ladder);
        const bytes = encodeModel(model);
        const back = decodeModel(bytes);
        // JSON has no -0: it is read back as 0.
        expect(back).toEqual(
          ladder === undefined ? model : { ...model, calibration: { ...model.calibration, ladder: JSON.parse(JSON.stringify(ladder)) } },
        );
        expect(Buffer.compare(encodeModel(back), bytes)).toBe(0);
      },
    ),
    { numRuns: 200 },
  );
});

test("it is a safetensors file with weights, biases and checksums by name", () => {
  const { tensors, metadata } = readSafetensors(encodeModel(calibrated), "f");
  expect([...tensors.keys()].sort()).toEqual([
    "calibration.codes.0",
    "calibration.thin",
    "calibration.wide",
    "layers.0.bias",
    "layers.0.weight",
    "layers.1.bias",
    "layers.1.weight",
  ]);
  expect(tensors.get("layers.0.weight")!.shape).toEqual([4, 3]);
  expect(JSON.parse(metadata.slonn)).toEqual({
    version: 1,
    name: "a model",
    layers: [
      { name: "layer 0", activation: "relu", alpha: 0 },
      { name: "layer 1", activation: "softmax", alpha: 0 },
    ],
    ladder: { version: 1, levels: [{ bound: 0.003 }] },
  });
  expect(Object.keys(JSON.parse(metadata.checksums)).sort()).toEqual([...tensors.keys(), "slonn"].sort());
});

test("checksums are CRC-32 as zlib computes it, at any alignment and length", () => {
  for (const widths of [
    [1, 1],
    [3, 5],
    [7, 3, 1],
  ])
    for (const shift of [0, 1, 2, 3]) {
      const bytes = encodeModel(modelOf(widths, ["relu"], widths.length), { half: true });
      const shifted = new Uint8Array(bytes.length + shift);
      shifted.set(bytes, shift);
      const { stored, metadata } = openSafetensors(shifted.subarray(shift), "f");
      const checksums = JSON.parse(metadata.checksums);
      for (const tensor of stored) expect(checksums[tensor.name]).toBe(crc32(tensor.bytes).toString(16).padStart(8, "0"));
      expect(checksums.slonn).toBe(crc32(metadata.slonn).toString(16).padStart(8, "0"));
      decodeModel(shifted.subarray(shift));
    }
});

test("half halves the weights, keeps the biases, and is stable from then on", () => {
  const bytes = encodeModel(plain, { half: true });
  const back = decodeModel(bytes);
  plain.layers.forEach((layer, l) => {
    expect(back.layers[l].bias).toEqual(layer.bias);
    const largest = Math.max(...floatWeights(layer).map((w, i) => Math.abs(floatWeights(back.layers[l])[i] - w)));
    expect(largest).toBeLessThanOrEqual(2 ** -12);
  });
  expect(Buffer.compare(encodeModel(back, { half: true }), bytes)).toBe(0);
});

test.each([
  null,
  5,
  {},
  { dtype: "float32", shape: null, data: new Float32Array(2) },
  { dtype: "float32", shape: [2], data: null },
  { dtype: "float32", shape: [2], data: [1, 2] },
  { dtype: "float16", shape: [2], data: new Float32Array(2) },
  { dtype: "float32", shape: [3], data: new Float32Array(2) },
])("refuses to write a calibration with a tensor that is none: %j", (tensor) => {
  const tensors = new Map([["odd", tensor as unknown as Tensor]]);
  expect(() => encodeModel({ ...plain, calibration: { ladder: null, tensors } })).toThrow(
    expect.objectContaining({ code: "bad-input", message: expect.stringMatching(/^tensor "calibration\.odd": got .+, expected /) }),
  );
});

test("refuses to write names that no reader takes, tensors in no Map, and options that are none", () => {
  const [first, last] = plain.layers;
  for (const model of [
    { ...plain, name: 5 },
    { ...plain, layers: [first, { ...last, name: undefined }] },
    { ...calibrated, calibration: { ...calibrated.calibration, tensors: {} } }, // as JSON leaves a Map
  ])
    expect(() => encodeModel(model as unknown as Model)).toThrow(expect.objectContaining({ code: "bad-model" }));
  for (const odd of [{ halves: true }, null, true])
    expect(() => encodeModel(plain, odd as object)).toThrow(expect.objectContaining({ code: "bad-option" }));
});

test("half neither overflows nor changes what certificates are about", () => {
  const [first, last] = plain.layers;
  expect(() => encodeModel(createModel("m", [{ ...first, weight: floatWeights(first).map(() => 1e5) }, last]), { half: true })).toThrow(
    'half: got weight 100000 in "layer 0", expected at most 65504 in magnitude',
  );
  expect(() => encodeModel(calibrated, { half: true })).toThrow(
    /^half: got weight .* which F16 rounds: expected it before calibration, not after$/,
  );
  const rounded = decodeModel(encodeModel(plain, { half: true }));
  const exact = createModel("m", rounded.layers, calibrated.calibration);
  expect(decodeModel(encodeModel(exact, { half: true }))).toEqual(exact);
});

test("a ladder of numbers that JSON cannot hold is not written", () => {
  expect(() => encodeModel(modelOf([1, 1], ["relu"], 1, { amount: Infinity }))).toThrow(
    '"a model": got "amount" = Infinity, expected a finite number',
  );
});

test("a ladder in circles, of big integers or nested without end is not written", () => {
  const circle: unknown[] = [];
  circle.push(circle);
  let deep: unknown = [];
  for (let i = 0; i < 1e5; i++) deep = [deep];
  for (const ladder of [circle, { amount: 1n }, deep])
    expect(() => encodeModel(modelOf([1, 1], ["relu"], 1, ladder))).toThrow(
      expect.objectContaining({ code: "bad-model", message: '"a model": got a ladder that JSON cannot hold, expected plain data' }),
    );
});

// biome-ignore lint/suspicious/noExplicitAny: JSON to be broken in any way
type Json = Record<string, any>;

/** The calibrated model's file with its parts changed and every checksum right. */
function forge(change: (slonn: Json, tensors: Map<string, StoredTensor>, checksums: Json) => void, model = calibrated): Uint8Array {
  const { stored, metadata } = openSafetensors(encodeModel(model), "f");
  const slonn = JSON.parse(metadata.slonn);
  const tensors = new Map(stored.map((tensor) => [tensor.name, tensor]));
  const checksums: Json = {};
  change(slonn, tensors, checksums);
  const text = JSON.stringify(slonn);
  const right = Object.fromEntries([...tensors].map(([name, { bytes }]) => [name, crc32(bytes).toString(16).padStart(8, "0")]));
  return packSafetensors([...tensors.values()], {
    slonn: text,
    checksums: JSON.stringify({ ...right, slonn: crc32(text).toString(16).padStart(8, "0"), ...checksums }),
  });
}

const reshape = (tensors: Map<string, StoredTensor>, name: string, shape: number[]) => tensors.set(name, { ...tensors.get(name)!, shape });

test.each<[string, Uint8Array, string, string]>([
  ["a foreign safetensors file", packSafetensors([], {}), "bad-file", "f: got no slonn metadata, expected a .slonn file from slonn import"],
  [
    "metadata that is no JSON",
    packSafetensors([], { slonn: "{" }),
    "bad-file",
    "f: got slonn metadata that is no JSON object, expected a .slonn file",
  ],
  [
    "metadata that is a list",
    packSafetensors([], { slonn: "[]" }),
    "bad-file",
    "f: got slonn metadata that is no JSON object, expected a .slonn file",
  ],
  ["no name", forge((slonn) => delete slonn.name), "bad-file", "f: got no name or no layers, expected both"],
  ["a later version", forge((slonn) => (slonn.version = 2)), "unsupported", "f: got version 2 of the .slonn format, expected 1"],
  ["no version", forge((slonn) => delete slonn.version), "unsupported", "f: got version nothing of the .slonn format, expected 1"],
  ["no checksums", packSafetensors([], { slonn: '{"version":1}' }), "bad-file", "f: got no checksums, expected one per tensor"],
  [
    "a missing checksum",
    forge((_, __, checksums) => (checksums["layers.0.bias"] = undefined)),
    "bad-file",
    'f: got no checksum of "layers.0.bias", expected one per tensor',
  ],
  [
    "a wrong checksum",
    forge((_, __, checksums) => (checksums["layers.0.bias"] = "00000000")),
    "checksum",
    expect.stringMatching(/^f: "layers\.0\.bias": got checksum [0-9a-f]{8}, expected "00000000"$/),
  ],
  [
    "a wrong checksum of the header",
    forge((_, __, checksums) => (checksums.slonn = "00000000")),
    "checksum",
    expect.stringMatching(/^f: "slonn": got checksum/),
  ],
  ["no layers", forge((slonn) => delete slonn.layers), "bad-file", "f: got no name or no layers, expected both"],
  ["a layer too many", forge((slonn) => slonn.layers.push(slonn.layers[0])), "bad-file", "f: got no tensor layers.2.weight, expected one"],
  ["a layer that is none", forge((slonn) => (slonn.layers[0] = null)), "bad-file", "f: layer 0: got no name, expected a string"],
  [
    "an unknown activation",
    forge((slonn) => (slonn.layers[1].activation = "swish")),
    "bad-model",
    `"a model": layer "layer 1": got activation "swish", expected one of ${activations.join(", ")}`,
  ],
  [
    "a slope that is no number",
    forge((slonn) => (slonn.layers[1].alpha = "0")),
    "bad-model",
    '"a model": layer "layer 1": got alpha "0", expected a finite number',
  ],
  ["a missing tensor", forge((_, tensors) => tensors.delete("layers.1.bias")), "bad-file", "f: got no tensor layers.1.bias, expected one"],
  [
    "a wrong rank",
    forge((_, tensors) => reshape(tensors, "layers.0.weight", [12])),
    "bad-file",
    "f: layers.0.weight: got 1 dimensions, expected 2",
  ],
  [
    "a rank too high",
    forge((_, tensors) => reshape(tensors, "layers.0.weight", [4, 3, 1])),
    "bad-file",
    "f: layers.0.weight: got 3 dimensions, expected 2",
  ],
  [
    "a wrong shape",
    forge((_, tensors) => reshape(tensors, "layers.0.weight", [3, 4])),
    "bad-file",
    "f: layers.0.bias: got shape [4], expected [3], the rows of the weight",
  ],
  [
    "a wrong dtype",
    forge((_, tensors) => tensors.set("layers.0.bias", { ...tensors.get("layers.0.bias")!, dtype: "I32" })),
    "bad-file",
    "f: layers.0.bias: got dtype I32, expected F32",
  ],
  [
    "sizes that do not chain",
    forge((_, tensors) => {
      const bias = tensors.get("layers.1.bias")!;
      tensors.set("layers.1.bias", { ...bias, bytes: new Uint8Array(16), shape: [4] });
      reshape(tensors, "layers.1.weight", [4, 2]);
    }),
    "bad-model",
    expect.stringMatching(/got 2 inputs, expected 4/),
  ],
  [
    "a NaN",
    forge((_, tensors) =>
      tensors.set("layers.1.bias", {
        ...tensors.get("layers.1.bias")!,
        bytes: new Uint8Array(new Float32Array(2).fill(Number.NaN).buffer),
      }),
    ),
    "bad-model",
    expect.stringMatching(/got bias\[0\] = NaN, expected finite numbers/),
  ],
  [
    "an unexpected tensor",
    forge((_, tensors) => tensors.set("x", { ...tensors.get("layers.1.bias")!, name: "x" })),
    "bad-file",
    'f: got tensor "x", expected layers.<i>.weight and .bias of 2 layers, and calibration.<key> beside a ladder',
  ],
  [
    "calibration without a ladder",
    forge((slonn) => delete slonn.ladder),
    "bad-file",
    'f: got tensor "calibration.wide", expected layers.<i>.weight and .bias of 2 layers, and calibration.<key> beside a ladder',
  ],
  ["a cut-off file", encodeModel(calibrated).slice(0, -1), "bad-file", expect.stringMatching(/bytes of data, expected at least/)],
])("%s is refused", (_, bytes, code, message) => {
  expect(() => decodeModel(bytes, "f")).toThrow(expect.objectContaining({ name: "SlonnError", code, message }));
});

test("any single flipped bit in the tensors or the network is noticed", () => {
  const bytes = encodeModel(calibrated);
  const header = new DataView(bytes.buffer).getUint32(0, true);
  for (let at = 8 + header; at < bytes.length; at++) {
    const damaged = bytes.slice();
    damaged[at] ^= 1 << (at % 8);
    expect(() => decodeModel(damaged)).toThrow(expect.objectContaining({ code: "checksum" }));
  }
});

test("10,000 damaged files give a model or a SlonnError", async () => {
  const random = seeded(2);
  const seeds = [encodeModel(calibrated), encodeModel(plain, { half: true })];
  const files = Array.from({ length: 10_000 }, (_, i) => (i % 2 ? mutate : mutateHeader)(seeds[(i >> 1) % 2], random));
  expect(await survives(files, (bytes) => decodeModel(bytes, "f"))).toBeGreaterThan(2000);
});
