// TensorFlow.js layers models (model.json with weight shards) → Model. It reads the manifest, fetches shards through the caller and
// undoes the quantisation of weights; what layers mean is known to keras-layers. Graph models are refused.
// Format: https://github.com/tensorflow/tfjs/blob/master/tfjs-core/src/io/types.ts (ModelJSON, WeightsManifestConfig).

import { refusal } from "../errors.ts";
import { widenHalf } from "../model/half.ts";
import type { Model } from "../model/model.ts";
import { sizeOf } from "../model/tensor.ts";
import { checkFunction, isObject } from "../quoted.ts";
import { checkArguments } from "./arguments.ts";
import { pathBeside } from "./beside.ts";
import { asArray, asNumber, asObject, asShape, asString, type JsonObject, parseJson, shown } from "./json-fields.ts";
import { buildKerasModel, type WeightLookup } from "./keras-layers.ts";
import type { StoredWeight } from "./keras-scalings.ts";

/** What the model is called, and how to read its shards. */
export interface TfjsOptions {
  /** The model's name, also the subject of error messages. */
  name: string;
  /** Reads a shard; `path` is relative to model.json, without `..`, never absolute, never a URL. */
  shard: (path: string) => Uint8Array | Promise<Uint8Array>;
}

/**
 * Reads a layers model of TensorFlow.js.
 * @param modelJson the content of model.json, as bytes or text
 * @throws (rejects) SlonnError `bad-file` (malformed, or shards that do not match the manifest), `unsupported` (graph models, layers or
 * dtypes outside what is supported), `bad-model`, `bad-option` for arguments of another form, `unreadable` where `shard` gives no bytes, and whatever it throws.
 */
export async function importTfjs(modelJson: Uint8Array | string, options: TfjsOptions): Promise<Model> {
  const encoded = typeof modelJson === "string" ? new TextEncoder().encode(modelJson) : modelJson;
  const text = checkArguments("importTfjs", encoded, options, { name: true, shard: true });
  const { name, shard } = options;
  checkFunction("shard", shard);
  const json = parseJson(text, name);
  if (isObject(json) && json.class_name !== undefined)
    throw refusal("unsupported", name, "a Keras model without its weights (to_json)", 'a whole model; save it with model.save("model.h5")');
  if (!isObject(json) || json.modelTopology === undefined)
    throw refusal("bad-file", name, "JSON without modelTopology", "a TensorFlow.js model.json");
  const topology = topologyOf(json, name);
  const groups = asArray(json.weightsManifest, `${name}: weightsManifest`).map((group, g) =>
    readGroup(group, `${name}: weight group ${g}`),
  );
  checkUnique(
    groups.flatMap(({ entries }) => entries.map((entry) => entry.name)),
    `${name}: weights`,
  );
  checkUnique(
    groups.flatMap(({ paths }) => paths),
    `${name}: weight shards`,
  );
  const weights = new Map<string, StoredWeight>();
  for (const group of groups) {
    const bytes = await fetchGroup(group, options);
    for (const entry of group.entries)
      weights.set(entry.name, { path: entry.name, shape: entry.shape, read: () => decode(entry, bytes, name) });
  }
  return buildKerasModel(name, topology, lookupIn(weights, name));
}

function topologyOf(json: JsonObject, name: string): unknown {
  const topology = json.modelTopology;
  const isGraph = json.format === "graph-model" || (typeof topology === "object" && topology !== null && "node" in topology);
  if (isGraph)
    throw refusal(
      "unsupported",
      name,
      "a TensorFlow.js graph model",
      'a layers model ("format": "layers-model"); export the original to ONNX or Keras .h5, or convert it with --output_format=tfjs_layers_model',
    );
  if (json.format !== undefined && json.format !== null && json.format !== "layers-model")
    throw refusal("unsupported", name, `format ${shown(json.format)}`, '"layers-model"');
  const model = asObject(topology, `${name}: modelTopology`);
  const config = model.model_config ?? model;
  return typeof config === "string" ? parseJson(config, `${name}: model_config`) : config;
}

// ---- Manifest

type StoredType = "float32" | "float16" | "uint16" | "uint8" | "int32" | "bool" | "complex64";

const bytesPer: Record<StoredType, number> = { float32: 4, float16: 2, uint16: 2, uint8: 1, int32: 4, bool: 1, complex64: 8 };

interface Entry {
  name: string;
  shape: readonly number[];
  count: number;
  stored: StoredType;
  /** value = stored · scale + min for quantised weights. */
  affine: { scale: number; min: number } | null;
  /** From the start of the group. */
  offset: number;
  sizeBytes: number;
}

interface Group {
  title: string;
  paths: readonly string[];
  entries: readonly Entry[];
  sizeBytes: number;
}

function readGroup(value: unknown, title: string): Group {
  const group = asObject(value, title);
  const paths = asArray(group.paths, `${title}: paths`).map((path) => checkPath(asString(path, `${title}: paths`), title));
  let offset = 0;
  const entries = asArray(group.weights, `${title}: weights`).map((weight): Entry => {
    const entry = readEntry(asObject(weight, `${title}: weights`), title, offset);
    offset += entry.sizeBytes;
    if (!Number.isSafeInteger(offset)) throw refusal("bad-file", title, "more than 2^53 bytes of weights", "fewer");
    return entry;
  });
  return { title, paths, entries, sizeBytes: offset };
}

function readEntry(weight: JsonObject, title: string, offset: number): Entry {
  const name = asString(weight.name, `${title}: weight name`);
  const what = `${title}: weight ${shown(name)}`;
  const shape = asShape(weight.shape, `${what}: shape`);
  const count = sizeOf(shape);
  if (Number.isNaN(count)) throw refusal("bad-file", what, `shape ${shown(shape)}`, "fewer than 2^53 numbers");
  let stored = asString(weight.dtype, `${what}: dtype`);
  let affine: Entry["affine"] = null;
  if (weight.quantization !== undefined && weight.quantization !== null) {
    const quantization = asObject(weight.quantization, `${what}: quantization`);
    stored = asString(quantization.dtype, `${what}: quantization dtype`);
    if (!["float16", "uint8", "uint16"].includes(stored))
      throw refusal("unsupported", what, `quantization to ${shown(stored)}`, "uint8, uint16 or float16");
    if (stored !== "float16")
      affine = {
        scale: asNumber(quantization.scale, `${what}: quantization scale`),
        min: asNumber(quantization.min, `${what}: quantization min`),
      };
  }
  if (!Object.hasOwn(bytesPer, stored))
    throw refusal("unsupported", what, `dtype ${shown(stored)}`, `one of ${Object.keys(bytesPer).join(", ")}`);
  const sizeBytes = count * bytesPer[stored as StoredType];
  return { name, shape, count, stored: stored as StoredType, affine, offset, sizeBytes };
}

function checkPath(path: string, title: string): string {
  const checked = pathBeside(path);
  if (checked === null) throw refusal("bad-file", title, `shard path ${shown(path)}`, 'a relative path without "..", ":" or "\\"');
  return checked;
}

function checkUnique(names: readonly string[], what: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw refusal("bad-file", what, `${shown(name)} twice`, "different names");
    seen.add(name);
  }
}

// ---- Shards

/** The bytes of a group, shard after shard. A weight may begin in one shard and end in the next. */
async function fetchGroup(group: Group, options: TfjsOptions): Promise<Uint8Array> {
  const { title, sizeBytes } = group;
  const shards: Uint8Array[] = [];
  let total = 0;
  for (const path of group.paths) {
    const shard = await options.shard(path);
    if (!(shard instanceof Uint8Array)) throw refusal("unreadable", title, `no bytes for shard ${shown(path)}`, "a Uint8Array");
    total += shard.length;
    if (total > sizeBytes) throw refusal("bad-file", title, `at least ${total} bytes in its shards`, sizeBytes);
    shards.push(shard);
  }
  if (total !== sizeBytes) throw refusal("bad-file", title, `${total} bytes in its shards`, sizeBytes);
  if (shards.length === 1) return shards[0];
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const shard of shards) {
    bytes.set(shard, at);
    at += shard.length;
  }
  return bytes;
}

function decode({ name, count, stored, affine, offset, sizeBytes }: Entry, bytes: Uint8Array, file: string): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, sizeBytes);
  const out = new Float32Array(count);
  switch (stored) {
    case "float16":
      return widenHalf(Uint16Array.from({ length: count }, (_, i) => view.getUint16(2 * i, true)));
    case "float32":
    case "int32":
    case "uint16":
    case "uint8": {
      const getter = ({ float32: "getFloat32", int32: "getInt32", uint16: "getUint16", uint8: "getUint8" } as const)[stored];
      for (let i = 0; i < count; i++) out[i] = view[getter](bytesPer[stored] * i, true);
      return affine ? out.map((v) => v * affine.scale + affine.min) : out;
    }
    case "bool":
    case "complex64":
      throw refusal("unsupported", `${file}: weight ${shown(name)}`, `dtype ${stored}`, "numbers");
    default:
      throw stored satisfies never;
  }
}

// ---- Names

/**
 * Weights are named layer/weight. Inside nested models a prefix may come before, and some converters put one more
 * name between the two; exact names win, and a looser name counts only when it is the only one.
 */
function lookupIn(weights: ReadonlyMap<string, StoredWeight>, file: string): WeightLookup {
  const byLayerAndWeight = new Map<string, StoredWeight[]>();
  const add = (key: string, weight: StoredWeight): void => {
    const list = byLayerAndWeight.get(key);
    if (list) list.push(weight);
    else byLayerAndWeight.set(key, [weight]);
  };
  for (const [name, weight] of weights) {
    const parts = name.split("/");
    const last = parts[parts.length - 1].replace(/:\d+$/, "");
    if (parts.length >= 2) add(`${parts[parts.length - 2]}/${last}`, weight);
    if (parts.length >= 3) add(`${parts[parts.length - 3]}/${last}`, weight);
  }
  return (path, weight) => {
    const layer = path[path.length - 1];
    const exact = weights.get(`${path.join("/")}/${weight}`) ?? weights.get(`${layer}/${weight}`);
    if (exact) return exact;
    const loose = byLayerAndWeight.get(`${layer}/${weight}`) ?? [];
    if (loose.length > 1)
      throw refusal("unsupported", file, `${loose.length} weights that may be ${shown(weight)} of layer ${shown(layer)}`, "one");
    return loose[0];
  };
}
