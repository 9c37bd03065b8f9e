// Reads and writes safetensors, the container of weights and of .slonn files, strictly as its specification says
// (https://github.com/huggingface/safetensors): 8 bytes of header length, a JSON header, then the tensors without holes.
// It knows nothing of what the tensors mean.

import { refusal, type SlonnError } from "../errors.ts";
import { isObject, quoted, show } from "../quoted.ts";
import type { ByteReader } from "./byte-reader.ts";
import { narrowToHalf, widenBfloat16, widenHalf } from "./half.ts";
import { type DType, sizeOf, type Tensor, type TensorData } from "./tensor.ts";

/** The longest header the specification allows, in bytes. */
const maxHeaderBytes = 100_000_000;

/** Element types of the format that are supported. */
export type StoredType = "F64" | "I64" | "U64" | "F32" | "I32" | "U32" | "F16" | "BF16" | "I16" | "U16" | "I8" | "U8" | "BOOL";

type ArrayOf = { new (buffer: ArrayBufferLike, byteOffset: number, length: number): TensorData; BYTES_PER_ELEMENT: number };
type Widen = (halves: Uint16Array) => Float32Array;

/** For each: its type in memory, the array that views its bytes, and what widens that array. */
const storedTypes: Record<StoredType, readonly [DType, ArrayOf, Widen?]> = {
  F64: ["float64", Float64Array],
  I64: ["int64", BigInt64Array],
  U64: ["uint64", BigUint64Array],
  F32: ["float32", Float32Array],
  I32: ["int32", Int32Array],
  U32: ["uint32", Uint32Array],
  F16: ["float32", Uint16Array, widenHalf],
  BF16: ["float32", Uint16Array, widenBfloat16],
  I16: ["int16", Int16Array],
  U16: ["uint16", Uint16Array],
  I8: ["int8", Int8Array],
  U8: ["uint8", Uint8Array],
  BOOL: ["uint8", Uint8Array],
};

const itemBytes = (dtype: StoredType): number => storedTypes[dtype][1].BYTES_PER_ELEMENT;

/** What the header says of a tensor; offsets count from its end. */
export interface TensorEntry {
  name: string;
  dtype: StoredType;
  shape: readonly number[];
  begin: number;
  end: number;
}

/** A tensor as it lies in the file. */
export interface StoredTensor {
  name: string;
  dtype: StoredType;
  shape: readonly number[];
  /** A view into the file: little-endian, row-major, `size * item size` bytes, at no particular alignment. */
  bytes: Uint8Array;
}

/**
 * The tensors of a safetensors file by name, in file order. F16 and BF16 are widened to float32; BOOL becomes uint8.
 * Data is a view into `bytes` where alignment allows, otherwise a copy.
 * @param name what messages call the file.
 * @throws SlonnError `bad-file` where the file breaks the specification, `unsupported` for other element types.
 */
export function readSafetensors(bytes: Uint8Array, name: string): { tensors: Map<string, Tensor>; metadata: Record<string, string> } {
  const { stored, metadata } = openSafetensors(bytes, name);
  return { tensors: new Map(stored.map((tensor) => [tensor.name, loadTensor(tensor)])), metadata };
}

/**
 * The tensors of a safetensors file as they are stored, in file order, without touching their content.
 * @throws SlonnError as `readSafetensors`.
 */
export function openSafetensors(bytes: Uint8Array, name: string): { stored: StoredTensor[]; metadata: Record<string, string> } {
  if (bytes.length < 8) throw refusal("bad-file", name, `${bytes.length} bytes`, "a safetensors file of at least 8");
  const begin = 8 + headerLength(bytes, bytes.length, name);
  const content = bytes.subarray(begin);
  const { entries, metadata } = readHeader(bytes.subarray(8, begin), content.length, name);
  return { stored: entries.map((entry) => withBytes(entry, content)), metadata };
}

/**
 * As `openSafetensors`, for a file that is still arriving. Tensors at its end whose names match `late` stay in the reader and are returned
 * without bytes.
 * @throws SlonnError as `openSafetensors` and as the reader.
 */
export async function openSafetensorsStream(
  reader: ByteReader,
  late: RegExp | null,
): Promise<{ stored: (StoredTensor | TensorEntry)[]; metadata: Record<string, string> }> {
  const { name, totalBytes } = reader;
  const length = headerLength(await reader.take(8), totalBytes, name);
  const { entries, metadata } = readHeader(await reader.take(length), totalBytes && totalBytes - 8 - length, name);
  const loaded = entries.findLastIndex((entry) => !late?.test(entry.name)) + 1;
  const content = await reader.take(loaded && entries[loaded - 1].end);
  if (loaded === entries.length) await reader.end();
  return { stored: entries.map((entry, i) => (i < loaded ? withBytes(entry, content) : entry)), metadata };
}

function withBytes(entry: TensorEntry, content: Uint8Array): StoredTensor {
  return { ...entry, bytes: content.subarray(entry.begin, entry.end) };
}

/** The length of the JSON header, by the first 8 bytes. @param total bytes of the whole file, null where that is not known */
function headerLength(bytes: Uint8Array, total: number | null, name: string): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > maxHeaderBytes) {
    const got = bytes.includes(0x3c) ? "an HTML page" : `a header of ${headerBytes} bytes`;
    throw refusal("bad-file", name, got, "a .slonn file (slonn import) or safetensors");
  }
  if (total !== null && 8 + headerBytes > total)
    throw refusal("bad-file", name, `${total} bytes`, `at least ${8 + headerBytes}: the header is cut off`);
  return headerBytes;
}

/** The tensors of a header in file order. @param contentBytes behind the header, null where that is not known */
function readHeader(
  header: Uint8Array,
  contentBytes: number | null,
  name: string,
): { entries: TensorEntry[]; metadata: Record<string, string> } {
  const bad = (got: string, expected: string | number, tensor?: string) =>
    refusal("bad-file", tensor === undefined ? name : `${name}: tensor ${quoted(tensor)}`, got, expected);
  const { __metadata__: metadata = {}, ...fields } = parseHeader(header, bad);
  if (!isObject(metadata) || Object.values(metadata).some((value) => typeof value !== "string"))
    throw bad("other values than strings in __metadata__", "strings only");

  const entries = Object.entries(fields).map(([tensor, entry]): TensorEntry => {
    if (!isObject(entry)) throw bad("no object", "dtype, shape and data_offsets", tensor);
    const { dtype, shape, data_offsets: offsets } = entry;
    if (typeof dtype !== "string") throw bad("no dtype", "a string", tensor);
    if (!isStoredType(dtype))
      throw refusal(
        "unsupported",
        `${name}: tensor ${quoted(tensor)}`,
        `dtype ${quoted(dtype)}`,
        `one of ${Object.keys(storedTypes).join(", ")}`,
      );
    if (!isCounts(shape) || Number.isNaN(sizeOf(shape)))
      throw bad("an impossible shape", "whole numbers with a product below 2^53", tensor);
    if (!isCounts(offsets) || offsets.length !== 2) throw bad("impossible data_offsets", "[begin, end]", tensor);
    const [begin, end] = offsets;
    const expected = sizeOf(shape) * itemBytes(dtype);
    if (end - begin !== expected) throw bad(`${end - begin} bytes`, `${expected} for ${dtype} [${shape.slice(0, 8).join(", ")}]`, tensor);
    return { name: tensor, dtype, shape, begin, end };
  });

  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let filled = 0;
  for (const { name: tensor, begin, end } of entries) {
    if (begin !== filled) throw bad(`offset ${begin}`, `${filled}: ${begin > filled ? "a hole before it" : "it overlaps another"}`, tensor);
    if (contentBytes !== null && end > contentBytes) throw bad(`${contentBytes} bytes of data`, `at least ${end}`, tensor);
    filled = end;
  }
  if (filled !== (contentBytes ?? filled)) throw bad(`${contentBytes} bytes of data`, `${filled}, the end of the last tensor`);
  return { entries, metadata: metadata as Record<string, string> };
}

/** One stored tensor in memory: a view where alignment allows and the type needs no widening. */
export function loadTensor({ dtype: stored, shape, bytes }: StoredTensor): Tensor {
  const [dtype, View, widen] = storedTypes[stored];
  const { buffer, byteOffset } = bytes.byteOffset % View.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  const data = new View(buffer, byteOffset, bytes.length / View.BYTES_PER_ELEMENT);
  return { dtype, shape, data: widen ? widen(data as Uint16Array) : data };
}

/** What a type in memory is stored as when it is not narrowed: the first that becomes it; undefined for what is no such type. */
function storedAs(dtype: DType): StoredType | undefined {
  return (Object.keys(storedTypes) as StoredType[]).find((stored) => storedTypes[stored][0] === dtype);
}

/**
 * How a tensor lies in a file: its stored type and its bytes (a view of its data where nothing is narrowed).
 * @param half whether to store it as F16, rounded to nearest, ties to even
 * @throws SlonnError `bad-input` for what is no tensor and when data and shape do not fit, `bad-option` where what is to be stored as F16 is no float32.
 */
export function storeTensor(name: string, tensor: Tensor, half: boolean): StoredTensor {
  const { dtype, shape, data }: Tensor = tensor ?? {};
  const stored = storedAs(dtype);
  if (!stored || !Array.isArray(shape) || !ArrayBuffer.isView(data))
    throw refusal("bad-input", `tensor ${quoted(name)}`, show(tensor), "a dtype, a shape and data");
  const bytesOf = (array: TensorData) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const type = data[Symbol.toStringTag]; // not instanceof: an array of another realm holds the same numbers
  if (type !== storedTypes[stored][1].name)
    throw refusal("bad-input", `tensor ${quoted(name)}`, `${type} data`, `${storedTypes[stored][1].name} for ${dtype}`);
  if (sizeOf(shape) !== data.length)
    throw refusal("bad-input", `tensor ${quoted(name)}`, `${data.length} elements`, `[${shape.join(", ")}] of ${dtype}`);
  if (!half) return { name, dtype: stored, shape, bytes: bytesOf(data) };
  if (!(data instanceof Float32Array)) throw refusal("bad-option", `tensor ${quoted(name)}`, `${dtype} to store as F16`, "float32");
  return { name, dtype: "F16", shape, bytes: bytesOf(narrowToHalf(data)) };
}

/**
 * A safetensors file of tensors in their stored form: the widest elements first, so that every tensor is aligned to its own item size.
 * @throws SlonnError `bad-input` for a reserved name, and for more tensors than a header has room for.
 */
export function packSafetensors(tensors: readonly StoredTensor[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const ordered = [...tensors].sort((a, b) => itemBytes(b.dtype) - itemBytes(a.dtype)); // stable: equal widths stay as given
  const fields: string[] = [];
  if (Object.keys(metadata).length > 0) fields.push(`"__metadata__":${JSON.stringify(metadata)}`);
  let dataBytes = 0;
  for (const { name, dtype, shape, bytes } of ordered) {
    if (name === "__metadata__") throw refusal("bad-input", `tensor "__metadata__"`, "a reserved name", "another");
    fields.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [dataBytes, dataBytes + bytes.length] })}`);
    dataBytes += bytes.length;
  }
  const json = new TextEncoder().encode(`{${fields.join(",")}}`);
  const headerBytes = Math.ceil(json.length / 8) * 8; // padded with spaces: the data starts 8-aligned
  if (headerBytes > maxHeaderBytes) throw refusal("bad-input", "header", `${headerBytes} bytes`, `at most ${maxHeaderBytes}`);
  const out = new Uint8Array(8 + headerBytes + dataBytes).fill(0x20, 8 + json.length, 8 + headerBytes);
  new DataView(out.buffer).setUint32(0, headerBytes, true);
  out.set(json, 8);
  let at = 8 + headerBytes;
  for (const { bytes } of ordered) {
    out.set(bytes, at);
    at += bytes.length;
  }
  return out;
}

function isStoredType(dtype: string): dtype is StoredType {
  return Object.hasOwn(storedTypes, dtype);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function parseHeader(bytes: Uint8Array, bad: (got: string, expected: string) => SlonnError): Record<string, unknown> {
  let header: unknown;
  let twice: string | null = null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    twice = duplicateKey(text);
    if (text.startsWith("{")) header = JSON.parse(text);
  } catch {
    // no JSON
  }
  if (twice !== null) throw bad(`${quoted(twice)} twice in the header`, "each name once");
  if (!isObject(header)) throw bad("no JSON header", "a safetensors file");
  return header;
}

/**
 * The first key that an object has twice; JSON.parse would silently keep the last. Runs before JSON.parse, so the text need not be JSON:
 * throws where it is nested too deeply for the header of a safetensors file. A string that does not end takes all the rest, so that no quote
 * in it is tried again.
 */
function duplicateKey(json: string): string | null {
  const open: Set<string>[] = [];
  for (const [token, colon] of json.matchAll(/[{}[\]]|"[^"\\]*(?:\\.[^"\\]*)*"?(\s*:)?/gs)) {
    if ("{[".includes(token)) {
      if (open.push(new Set()) > 8) throw new SyntaxError();
    } else if (token[0] !== '"') open.pop();
    else if (colon) {
      const key: string = JSON.parse(token.slice(0, -colon.length));
      const seen = open.at(-1);
      if (seen?.has(key)) return key;
      seen?.add(key);
    }
  }
  return null;
}
