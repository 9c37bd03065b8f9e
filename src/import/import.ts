/**
 * The door `slonn/import`: any supported model file → Model. Decides by content, and by name only where content cannot tell; what is in
 * each format is known to its own reader.
 * @module
 */

import { checkSignal, messageOf, refusal, SlonnError, throwIfAborted } from "../errors.ts";
import type { Activation, Model } from "../model/model.ts";
import { decodeModel } from "../model/slonn-file.ts";
import { asTwoClasses } from "../model/two-classes.ts";
import { checkNames } from "../option-names.ts";
import { checkFunction, quoted, show } from "../quoted.ts";
import { asBytes } from "./arguments.ts";
import { hdf5Signature } from "./hdf5.ts";
import { importKeras } from "./keras.ts";
import { importOnnx } from "./onnx.ts";
import { importSafetensors } from "./pytorch.ts";
import { importTfjs } from "./tfjs.ts";

export type { OnnxOptions } from "./onnx.ts";
export type { TfjsOptions } from "./tfjs.ts";
export { asTwoClasses, importKeras, importOnnx, importSafetensors, importTfjs };

/** A model's file, and how to read those beside it. */
export interface ImportSource {
  /** The file's name or path: the model's name, the subject of messages, and a hint at the format. */
  name: string;
  /** All of the file. */
  bytes: Uint8Array | ArrayBuffer;
  /** Reads a file beside this one (weight shards, external data), where there are any; paths are relative and never lead upwards. */
  read?: ((relativePath: string) => Promise<Uint8Array | ArrayBuffer>) | undefined;
}

/** What a file does not say itself. */
export interface ImportOptions {
  /**
   * For safetensors in PyTorch naming, which do not say what stands between the linear layers: one activation for every hidden layer, or one per
   * layer; relu and at the end identity unless given.
   */
  activations?: readonly Activation[] | undefined;
  /** Looked at before the import and around every file it reads beside the model; what lies between runs in one piece. */
  signal?: AbortSignal | undefined;
}

const optionNames: Record<keyof ImportOptions, true> = { activations: true, signal: true };

/** The formats that can be read: `tfjs` is a layers model's model.json, `keras` an .h5 file. */
export type ModelFormat = "onnx" | "tfjs" | "keras" | "safetensors" | "slonn";

/**
 * Reads a model: ONNX, TensorFlow.js layers (model.json), Keras .h5, safetensors in PyTorch naming, or .slonn.
 * @returns the network; of a .slonn with its calibration
 * @throws (rejects) SlonnError `unsupported` where the format or something in the file is outside what is supported, `bad-file` where the file
 * contradicts its format, `bad-model` where the network cannot run, `bad-option` for a source of another form, unknown options and
 * options the format does not take, `unreadable` where a file beside it is needed and cannot be read, `aborted`.
 */
export async function importModel(source: ImportSource, options: ImportOptions = {}): Promise<Model> {
  const { name, bytes } = checkedSource(source);
  checkNames("importModel", options, optionNames);
  const { signal } = options;
  checkSignal(signal, "bad-option");
  const format = formatOf(name, bytes);
  if (options.activations !== undefined && format !== "safetensors")
    throw refusal("bad-option", "activations", `them for a file of format ${format}`, "them for safetensors only");
  const read = async (path: string): Promise<Uint8Array> => {
    if (!source.read) throw refusal("unreadable", name, `no way to read ${quoted(path)}`, "the files beside it");
    throwIfAborted(signal);
    let content: unknown;
    try {
      content = await source.read(path);
    } catch (cause) {
      if (cause instanceof SlonnError) throw cause;
      const reason = messageOf(cause);
      throw new SlonnError("unreadable", `${name}: could not read ${quoted(path)} beside it (${reason}), expected the file`, { cause });
    }
    throwIfAborted(signal);
    const part = asBytes(content);
    if (!part) throw refusal("bad-option", "read", `${show(content)} for ${quoted(path)}`, "a Uint8Array or ArrayBuffer");
    return part;
  };
  switch (format) {
    case "onnx":
      return importOnnx(bytes, { name, external: read });
    case "tfjs":
      return importTfjs(bytes, { name, shard: read });
    case "keras":
      return importKeras(bytes, { name });
    case "safetensors":
      return importSafetensors(bytes, { name, activations: options.activations });
    case "slonn":
      return decodeModel(bytes, name);
    default:
      throw format satisfies never;
  }
}

/** The source's name and bytes. @throws SlonnError `bad-option` where it is no `ImportSource`. */
function checkedSource(source: unknown): { name: string; bytes: Uint8Array } {
  const form = "{ name: text, bytes: a Uint8Array or ArrayBuffer }";
  const bare = ArrayBuffer.isView(source) || asBytes(source) !== null;
  if (typeof source !== "object" || source === null || bare)
    throw refusal("bad-option", "importModel", bare ? "bytes alone" : show(source), form);
  const { name, bytes, read } = source as Record<keyof ImportSource, unknown>;
  if (typeof name !== "string") throw refusal("bad-option", "importModel", `${show(name)} as name`, form);
  const checked = asBytes(bytes);
  if (!checked) throw refusal("bad-option", "importModel", `${show(bytes)} as bytes`, form);
  if (read != null) checkFunction("read", read);
  return { name, bytes: checked };
}

/** What is handed over for a model: how it begins, from which byte on, what it is, and what to do about it. */
const foreign: readonly (readonly [signature: string, at: number, what: string, advice: string, name?: RegExp])[] = [
  ["PK\x03\x04", 0, "a zip archive (.keras, .pt, .npz)", "save a Keras .h5, or a PyTorch state as safetensors"],
  ...["\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05"].map(
    (begin) =>
      [
        begin,
        0,
        "a Python pickle (.pkl, .joblib, older .pt)",
        "save a scikit-learn network as ONNX, or a PyTorch state as safetensors",
      ] as const,
  ),
  ["TFL3", 4, "a TensorFlow Lite model", "save the original as ONNX or Keras .h5"],
  ["ORTM", 4, "an ONNX Runtime model (.ort)", "import the .onnx it was made from"],
  ["GGUF", 0, "a GGUF file", "save the original as ONNX or safetensors"],
  ["\x08\x01\x12", 0, "a TensorFlow SavedModel", "save the original as ONNX or Keras .h5"],
  ["\x0a", 0, "a TensorFlow graph", "save the original as ONNX or Keras .h5", /\.pb$/i],
  ["\x08", 0, "a Core ML model", "save the original as ONNX", /\.mlmodel$/i], // begins as ONNX may
  ["\x93NUMPY", 0, "numbers of numpy (.npy)", "hand over the network's file"],
  ["\x1f\x8b", 0, "a gzip archive", "unpack it"],
  ["version https://git-lfs", 0, "a pointer of Git LFS", "fetch the file itself (git lfs pull)"],
];

const supported = "ONNX, TensorFlow.js model.json, Keras .h5, .safetensors or .slonn";

/**
 * The format of a file, by its first bytes.
 * @param name the file's name or path, for where its content cannot tell, and for messages
 * @param bytes the file, or its beginning up to the end of a safetensors header
 * @throws SlonnError `unsupported` where it is none of the supported ones, `bad-file` where it is empty.
 */
export function formatOf(name: string, bytes: Uint8Array): ModelFormat {
  const begin = String.fromCharCode(...bytes.subarray(0, 64));
  if (bytes.length === 0) throw refusal("bad-file", name, "an empty file", supported);
  if (begin.startsWith(String.fromCharCode(...hdf5Signature))) return "keras";
  // safetensors and .slonn: 8 bytes of header size, then JSON. The size's upper bytes are zero in any file that fits in memory.
  if (bytes[8] === 0x7b && begin.startsWith("\0\0", 6)) return /\.slonn$/i.test(name) || isSlonn(bytes) ? "slonn" : "safetensors";
  const text = begin.replace(/^\xef\xbb\xbf/, "").trimStart();
  if (/^[{[]/.test(text)) return "tfjs"; // a list is refused there, for what it lacks
  for (const [signature, at, what, advice, named] of foreign)
    if (begin.startsWith(signature, at) && (!named || named.test(name)))
      throw refusal("unsupported", name, what, `${supported}; ${advice}`);
  if (text.startsWith("<"))
    throw refusal("unsupported", name, "a page (HTML, XML)", `${supported}; fetch the file again, if it should be another`);
  // ONNX has no signature; the IR version usually comes first (field 1, a varint from 1 to 127).
  if (/\.onnx$/i.test(name) || (bytes[0] === 0x08 && bytes[1] >= 1 && bytes[1] < 0x80)) return "onnx";
  const extension = /\.(json|h5|hdf5|keras|safetensors|slonn)$/i.exec(name);
  if (extension) throw refusal("bad-file", name, `bytes that are not what ${extension[0]} files begin with`, supported);
  throw refusal("unsupported", name, "a file of an unknown format", supported);
}

/** Whether a safetensors header has the entry `slonn` among its metadata. */
function isSlonn(bytes: Uint8Array): boolean {
  const size = new DataView(bytes.buffer, bytes.byteOffset, 8).getUint32(0, true); // the rest is checked by the readers
  try {
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + size)));
    return typeof header?.__metadata__?.slonn === "string";
  } catch {
    return false;
  }
}
