// Teaches as-bind 0.8.2 how AssemblyScript 0.28 lays out strings, buffers and typed arrays, through as-bind's own table of
// converters. Knows no kernel. Values are copied both ways: nothing handed out is a view into WebAssembly memory.
//
//   object      … │ class id (u32, at −8) │ size in bytes (u32, at −4) │ payload …       a pointer names the payload
//   string      payload = UTF-16 code units
//   typed array payload = buffer (u32) │ first byte (u32) │ length in bytes (u32)

import { asBind, type BoundModule, type Converter } from "./generated/as-bind.ts";

const arrayBuffer = "~lib/arraybuffer/ArrayBuffer";
const string = "~lib/string/String";

/** Puts converters for the 0.28 layout into as-bind's table, in place of those of the same name. Doing it twice changes nothing. */
export function extendConverters(): void {
  asBind.converters.set(string, stringConverter);
  asBind.converters.set(arrayBuffer, bufferConverter);
  for (const [name, type] of typedArrays) asBind.converters.set(`~lib/typedarray/${name}`, typedArrayConverter(type));
}

type TypedArray = ArrayLike<unknown> & { readonly byteLength: number; set(from: ArrayLike<unknown>): void; slice(): TypedArray };
type TypedArrayType = { readonly BYTES_PER_ELEMENT: number; new (buffer: ArrayBuffer, byteOffset: number, length: number): TypedArray };

const typedArrays = [
  ["Int8Array", Int8Array],
  ["Uint8Array", Uint8Array],
  ["Uint8ClampedArray", Uint8ClampedArray],
  ["Int16Array", Int16Array],
  ["Uint16Array", Uint16Array],
  ["Int32Array", Int32Array],
  ["Uint32Array", Uint32Array],
  ["Int64Array", BigInt64Array],
  ["Uint64Array", BigUint64Array],
  ["Float32Array", Float32Array],
  ["Float64Array", Float64Array],
] as unknown as readonly (readonly [string, TypedArrayType])[];

const stringConverter: Converter = {
  jsToAsc(module: BoundModule, value: unknown, type: string): number {
    const text = value as string;
    const at = allocate(module, 2 * text.length, type);
    const units = new Uint16Array(memory(module), at, text.length);
    for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i);
    return at;
  },
  ascToJs(module: BoundModule, value: number): unknown {
    if (value === 0) return null;
    const at = value >>> 0;
    const units = new Uint16Array(memory(module), at, sizeBytes(module, at) >>> 1);
    let text = "";
    // in pieces, since every unit becomes an argument
    for (let i = 0; i < units.length; i += 4096) text += String.fromCharCode(...units.subarray(i, i + 4096));
    return text;
  },
};

const bufferConverter: Converter = {
  jsToAsc(module: BoundModule, value: unknown, type: string): number {
    const bytes = new Uint8Array(value as ArrayBuffer);
    const at = allocate(module, bytes.length, type);
    new Uint8Array(memory(module), at, bytes.length).set(bytes);
    return at;
  },
  ascToJs(module: BoundModule, value: number): unknown {
    if (value === 0) return null;
    const at = value >>> 0;
    return memory(module).slice(at, at + sizeBytes(module, at));
  },
};

function typedArrayConverter(Type: TypedArrayType): Converter {
  return {
    jsToAsc(module: BoundModule, value: unknown, type: string): number {
      const array = value as TypedArray;
      const bytes = array.length * Type.BYTES_PER_ELEMENT;
      const buffer = allocate(module, bytes, arrayBuffer);
      // the header's allocation may collect what nobody holds yet
      module.exports.__pin(buffer);
      const header = allocate(module, module.getTypeSize(type), type);
      module.exports.__unpin(buffer);
      new Uint32Array(memory(module), header, 3).set([buffer, buffer, bytes]);
      new Type(memory(module), buffer, array.length).set(array);
      return header;
    },
    ascToJs(module: BoundModule, value: number): unknown {
      if (value === 0) return null;
      const [, start, bytes] = new Uint32Array(memory(module), value >>> 0, 3);
      return new Type(memory(module), start, bytes / Type.BYTES_PER_ELEMENT).slice();
    },
  };
}

/** A pointer above 2 GiB arrives negative; `>>> 0` makes it an address. */
function allocate(module: BoundModule, bytes: number, type: string): number {
  return module.exports.__new(bytes, module.getTypeId(type)) >>> 0;
}

/** Read anew each time: growth replaces it. */
function memory(module: BoundModule): ArrayBuffer {
  return module.exports.memory.buffer;
}

function sizeBytes(module: BoundModule, at: number): number {
  return new Uint32Array(memory(module), at - 4, 1)[0];
}
