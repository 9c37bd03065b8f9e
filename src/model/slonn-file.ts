// The .slonn file: a model and what calibration added to it, as a safetensors file any safetensors reader opens.
// Weights are tensors; the network, the levels and a checksum of every part are in the metadata. Calibration is passed through unread.
//
//   __metadata__  slonn      JSON: { version, name, layers: [{ name, activation, alpha }], ladder (absent where not calibrated) }
//                 checksums  JSON: CRC-32 in hex, per tensor of its stored bytes, and under "slonn" of the text above
//   tensors       layers.<i>.weight [outputs, inputs] F32, F16 or I8 (then layers.<i>.scale [outputs] F32), layers.<i>.bias [outputs] F32,
//                 calibration.<key>

import { refusal, SlonnError } from "../errors.ts";
import { checkNames } from "../option-names.ts";
import { isObject, quoted, show } from "../quoted.ts";
import type { ByteReader } from "./byte-reader.ts";
import { createCrc32 } from "./crc32.ts";
import { narrowToHalf, widenHalf } from "./half.ts";
import {
  type Activation,
  type AnyLayer,
  type AnyModel,
  checkModel,
  createModel,
  type DenseLayer,
  type Model,
  type StreamedModel,
} from "./model.ts";
import {
  loadTensor,
  openSafetensors,
  openSafetensorsStream,
  packSafetensors,
  type StoredTensor,
  storeTensor,
  type TensorEntry,
} from "./safetensors.ts";
import type { Tensor, TensorData } from "./tensor.ts";
import { createWeightStream, type WeightStream } from "./weight-stream.ts";

/** The version of the format written, and the only one read. */
const version = 1;

/**
 * A model as the bytes of a .slonn file.
 * @param options.half stores weights (not biases) as float16, rounded to nearest even; false unless given
 * @throws SlonnError `bad-model` for what is not a model, a name that is not text, and levels that cannot be written as JSON; `bad-input` for a
 * calibration tensor whose data do not fit its shape and type; `bad-option` for an unknown option, and where `half` would overflow, or would
 * change the weights of a calibrated model, whose certificates would then say nothing about it.
 */
export function encodeModel(model: Model, options: { half?: boolean | undefined } = {}): Uint8Array {
  checkNames("encodeModel", options, { half: true });
  checkModel(model);
  for (const { name } of [model, ...model.layers]) if (typeof name !== "string") throw refusal("bad-model", "name", show(name), "text");
  const half = options.half ?? false;
  if (half) for (const layer of model.layers) checkHalf(layer, model.calibration !== null);
  const tensors: StoredTensor[] = [];
  /** Written after all other tensors of their element size, so that they can stay in a stream until the others are read. */
  const weights: StoredTensor[] = [];
  model.layers.forEach(({ inputs, outputs, weight, bias }, i) => {
    const shape = [outputs, inputs];
    if (weight instanceof Float32Array) weights.push(storeTensor(`layers.${i}.weight`, { dtype: "float32", shape, data: weight }, half));
    else {
      weights.push(storeTensor(`layers.${i}.weight`, { dtype: "int8", shape, data: weight.values }, false));
      tensors.push(storeTensor(`layers.${i}.scale`, { dtype: "float32", shape: [outputs], data: weight.scale }, false));
    }
    tensors.push(storeTensor(`layers.${i}.bias`, { dtype: "float32", shape: [outputs], data: bias }, false));
  });
  const fitted = model.calibration ? model.calibration.tensors : new Map<string, Tensor>();
  if (typeof fitted?.get !== "function") throw refusal("bad-model", "calibration.tensors", show(fitted), "a Map");
  for (const [key, tensor] of fitted) tensors.push(storeTensor(`calibration.${key}`, tensor, false));
  tensors.push(...weights);

  const layers = model.layers.map(({ name, activation, alpha }) => ({ name, activation, alpha }));
  const ladder = model.calibration ? { ladder: model.calibration.ladder ?? null } : {};
  const slonn = textOf({ version, name: model.name, layers, ...ladder }, model.name);
  const crc32 = createCrc32();
  const checksums: [string, string][] = [["slonn", hex(crc32(new TextEncoder().encode(slonn)))]];
  for (const { name, bytes } of tensors) checksums.push([name, hex(crc32(bytes))]);
  checksums.sort(([a], [b]) => (a < b ? -1 : 1)); // the same bytes however the calibration tensors were ordered
  return packSafetensors(tensors, { slonn, checksums: JSON.stringify(Object.fromEntries(checksums)) });
}

/**
 * The model in a .slonn file. Arrays are views into `bytes` where alignment allows, so `bytes` must not change afterwards.
 * @param name what messages call the file.
 * @throws SlonnError `bad-file` for anything that is not such a file, `unsupported` for another version, `checksum` where a part
 * does not match its checksum, `bad-model` for a network that cannot run.
 */
export function decodeModel(bytes: Uint8Array, name = "model"): Model {
  return decode(openSafetensors(bytes, name), name, null).model as Model;
}

/**
 * The model in a .slonn file that is still arriving.
 * @param stream whether the weights, which come last in it, are left in `reader`
 * @throws SlonnError as `decodeModel` and as the reader, which is closed then.
 */
export async function decodeModelFrom(reader: ByteReader, stream: boolean): Promise<Model | StreamedModel> {
  try {
    const file = await openSafetensorsStream(reader, stream ? /^layers\..*weight$/ : null);
    const decoded = decode(file, reader.name, reader);
    return stream ? { ...decoded.model, stream: decoded.stream as WeightStream } : (decoded.model as Model);
  } catch (cause) {
    reader.close();
    throw cause;
  }
}

/** @param reader holds the tensors that have no bytes */
function decode(
  { stored, metadata }: { stored: (StoredTensor | TensorEntry)[]; metadata: Record<string, string> },
  name: string,
  reader: ByteReader | null,
): { model: AnyModel; stream: WeightStream | null } {
  const bad: Refuse = (got, expected, part) => refusal("bad-file", part === undefined ? name : `${name}: ${part}`, got, expected);
  if (metadata.slonn === undefined) throw bad("no slonn metadata", "a .slonn file from slonn import");
  const header = parseObject(metadata.slonn, () => bad("slonn metadata that is no JSON object", "a .slonn file"));
  if (header.version !== version) throw refusal("unsupported", name, `version ${show(header.version)} of the .slonn format`, version);

  const checksums = parseObject(metadata.checksums ?? "", () => bad("no checksums", "one per tensor"));
  const crc32 = reader?.crc32 ?? createCrc32();
  const check = (part: string, crc: number) => {
    const expected = checksums[part];
    if (typeof expected !== "string") throw bad(`no checksum of ${quoted(part)}`, "one per tensor");
    const got = hex(crc);
    if (got !== expected) throw refusal("checksum", `${name}: ${quoted(part)}`, `checksum ${got}`, show(expected));
  };
  check("slonn", crc32(new TextEncoder().encode(metadata.slonn)));
  for (const tensor of stored) if ("bytes" in tensor) check(tensor.name, crc32(tensor.bytes));
  const stream = reader && createWeightStream(reader, crc32, check);

  if (typeof header.name !== "string" || !Array.isArray(header.layers)) throw bad("no name or no layers", "both");
  const tensors = new Map(stored.map((tensor) => [tensor.name, tensor]));
  const layers = header.layers.map((entry: unknown, i) => readLayer(entry, i, tensors, stream, bad));
  const calibrationTensors = new Map<string, Tensor>();
  for (const [key, tensor] of tensors) {
    if (!key.startsWith("calibration.") || header.ladder === undefined)
      throw bad(`tensor ${quoted(key)}`, `layers.<i>.weight and .bias of ${layers.length} layers, and calibration.<key> beside a ladder`);
    calibrationTensors.set(key.slice("calibration.".length), loadTensor(tensor as StoredTensor));
  }
  const calibration = header.ladder === undefined ? null : { ladder: header.ladder, tensors: calibrationTensors };
  return { model: createModel(header.name, layers, calibration), stream };
}

/** An error about the file, or a part of it. */
type Refuse = (got: string, expected: string | number, part?: string) => SlonnError;

/** Takes the tensors of layer `i` out of `tensors`. */
function readLayer(
  entry: unknown,
  i: number,
  tensors: Map<string, StoredTensor | TensorEntry>,
  stream: WeightStream | null,
  bad: Refuse,
): AnyLayer {
  const { name, activation, alpha } = (entry ?? {}) as Partial<AnyLayer>;
  if (typeof name !== "string") throw bad("no name", "a string", `layer ${i}`);
  const take = (part: string, rank: number, dtypes: readonly string[]): StoredTensor | TensorEntry => {
    const tensor = tensors.get(part);
    if (!tensor) throw bad(`no tensor ${part}`, "one");
    if (!dtypes.includes(tensor.dtype)) throw bad(`dtype ${tensor.dtype}`, dtypes.join(" or "), part);
    if (tensor.shape.length !== rank) throw bad(`${tensor.shape.length} dimensions`, rank, part);
    tensors.delete(part);
    return tensor;
  };
  const weight = take(`layers.${i}.weight`, 2, ["F32", "F16", "I8"]);
  const load = <Data extends TensorData>(tensor: StoredTensor | TensorEntry): Data => loadTensor(tensor as StoredTensor).data as Data;
  const bias = take(`layers.${i}.bias`, 1, ["F32"]);
  const [outputs, inputs] = weight.shape;
  if (bias.shape[0] !== outputs) throw bad(`shape [${bias.shape[0]}]`, `[${outputs}], the rows of the weight`, `layers.${i}.bias`);
  const scale = weight.dtype === "I8" ? load<Float32Array>(take(`layers.${i}.scale`, 1, ["F32"])) : null;
  return {
    name,
    inputs,
    outputs,
    weight: !("bytes" in weight)
      ? (stream as WeightStream).weightsOf(weight, scale)
      : scale
        ? { values: load<Int8Array>(weight), scale }
        : load<Float32Array>(weight),
    bias: load(bias),
    activation: activation as Activation, // createModel checks both
    alpha: alpha as number,
  };
}

function checkHalf({ name, weight }: DenseLayer, calibrated: boolean): void {
  if (!(weight instanceof Float32Array)) return;
  const rounded = widenHalf(narrowToHalf(weight));
  for (let i = 0; i < weight.length; i++) {
    if (Number.isFinite(weight[i]) && !Number.isFinite(rounded[i]))
      throw refusal("bad-option", "half", `weight ${weight[i]} in ${quoted(name)}`, "at most 65504 in magnitude");
    if (calibrated && rounded[i] !== weight[i])
      throw new SlonnError(
        "bad-option",
        `half: got weight ${weight[i]} in ${quoted(name)}, which F16 rounds: expected it before calibration, not after`,
      );
  }
}

/** @throws SlonnError `bad-model` for what JSON cannot hold: numbers that are not finite, circles, lists in lists without end. */
function textOf(value: object, name: string): string {
  try {
    return JSON.stringify(value, (key, part) => {
      if (typeof part === "number" && !Number.isFinite(part))
        throw refusal("bad-model", show(name), `${show(key)} = ${part}`, "a finite number");
      return part;
    });
  } catch (cause) {
    if (cause instanceof SlonnError) throw cause;
    throw new SlonnError("bad-model", `${show(name)}: got a ladder that JSON cannot hold, expected plain data`, { cause });
  }
}

/** A checksum as the file writes it. */
function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}

function parseObject(text: string, refuse: () => SlonnError): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // no object either
  }
  if (!isObject(value)) throw refuse();
  return value;
}
