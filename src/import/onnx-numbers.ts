// The numbers of an ONNX tensor, wherever the file has them: raw, as fields, or in another file. It does not know what they are for.

import { refusal } from "../errors.ts";
import { widenBfloat16, widenHalf } from "../model/half.ts";
import { quoted } from "../model/quoted.ts";
import { sizeOf } from "../model/tensor.ts";
import type { OnnxTensor } from "./onnx-file.ts";
import { visitFields, visitVarints } from "./protobuf.ts";

/** A decoded tensor. float16 and bfloat16 are float32; integers and booleans are float64, exact to 2^53. */
export interface OnnxNumbers {
  shape: readonly number[];
  data: Float32Array | Float64Array;
  integer: boolean;
}

interface ElementType {
  name: string;
  bytes: number;
  integer: boolean;
  /** The TensorProto field numbers stand in when they are not raw, and how one is wired: packed or one by one. */
  field: number;
  wire: 0 | 1 | 5;
  read(view: DataView, at: number): number;
}

/** The element types that are read, by TensorProto.DataType. */
function elementTypeOf(dataType: number): ElementType | null {
  const type = (name: string, bytes: number, integer: boolean, field: number, wire: 0 | 1 | 5, read: ElementType["read"]): ElementType => ({
    name,
    bytes,
    integer,
    field,
    wire,
    read,
  });
  switch (dataType) {
    case 1:
      return type("float", 4, false, 4, 5, (view, at) => view.getFloat32(at, true));
    case 2:
      return type("uint8", 1, true, 5, 0, (view, at) => view.getUint8(at));
    case 3:
      return type("int8", 1, true, 5, 0, (view, at) => view.getInt8(at));
    case 4:
      return type("uint16", 2, true, 5, 0, (view, at) => view.getUint16(at, true));
    case 5:
      return type("int16", 2, true, 5, 0, (view, at) => view.getInt16(at, true));
    case 6:
      return type("int32", 4, true, 5, 0, (view, at) => view.getInt32(at, true));
    case 7:
      return type("int64", 8, true, 7, 0, (view, at) => Number(view.getBigInt64(at, true)));
    case 9:
      return type("bool", 1, true, 5, 0, (view, at) => view.getUint8(at));
    case 10: // float16 and bfloat16 are read as their bits and widened afterwards
      return type("float16", 2, false, 5, 0, (view, at) => view.getUint16(at, true));
    case 11:
      return type("double", 8, false, 10, 1, (view, at) => view.getFloat64(at, true));
    case 12:
      return type("uint32", 4, true, 11, 0, (view, at) => view.getUint32(at, true));
    case 13:
      return type("uint64", 8, true, 11, 0, (view, at) => Number(view.getBigUint64(at, true)));
    case 16:
      return type("bfloat16", 2, false, 5, 0, (view, at) => view.getUint16(at, true));
    default:
      return null;
  }
}

/** How an element type is called, for messages and to tell integers from floats; null for those that are not read. */
export function describeElementType(dataType: number): { name: string; integer: boolean } | null {
  return elementTypeOf(dataType);
}

/**
 * The numbers of a tensor. Allocates only after the bytes are known to be there.
 * @param externals the files of `external.location`.
 * @throws SlonnError `bad-file` where content and shape do not fit, `unsupported` for other element types.
 */
export function decodeTensor(tensor: OnnxTensor, name: string, externals: ReadonlyMap<string, Uint8Array>): OnnxNumbers {
  const subject = `${name}: tensor ${quoted(tensor.name)}`;
  const type = elementTypeOf(tensor.elementType);
  if (!type)
    throw refusal("unsupported", subject, `element type ${tensor.elementType}`, "float, float16, bfloat16, double or an integer type");
  const n = sizeOf(tensor.dims);
  const expected = `${n} of ${type.name} [${tensor.dims.join(", ")}]`;
  const wrong = (got: string) => refusal("bad-file", subject, got, expected);

  let raw = tensor.raw;
  if (tensor.external) {
    const { location, offset, length } = tensor.external;
    const file = externals.get(location);
    if (!file) throw refusal("unreadable", subject, `no external data ${quoted(location)}`, `${expected} there`);
    const end = offset + (length ?? n * type.bytes);
    if (offset > end || end > file.length) throw wrong(`bytes ${offset} to ${end} of ${quoted(location)}, which has ${file.length}`);
    raw = file.subarray(offset, end);
  }

  let bits: Float32Array | Float64Array | Uint16Array;
  const allocate = () =>
    type.name === "float" ? new Float32Array(n) : type.name.endsWith("float16") ? new Uint16Array(n) : new Float64Array(n);
  if (raw) {
    if (raw.length !== n * type.bytes) throw wrong(`${raw.length} bytes`);
    bits = allocate();
    if (type.name === "float" && raw.byteOffset % 4 === 0) (bits as Float32Array).set(new Float32Array(raw.buffer, raw.byteOffset, n));
    else {
      const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
      for (let i = 0; i < n; i++) bits[i] = type.read(view, i * type.bytes);
    }
  } else {
    if (n > tensor.message.length) throw wrong(`a tensor of ${tensor.message.length} bytes in all`); // each number takes at least one
    bits = allocate();
    let filled = 0;
    const view = new DataView(tensor.message.buffer, tensor.message.byteOffset, tensor.message.byteLength);
    const take = (value: number) => {
      if (filled >= n) throw wrong("more numbers");
      bits[filled++] = value;
    };
    const item = type.wire === 1 ? 8 : 4;
    visitFields(tensor.message, subject, (field, wire, start, end, value) => {
      if (field !== type.field) return;
      if (type.wire === 0 && wire === 0) take(value);
      else if (type.wire === 0 && wire === 2) visitVarints(tensor.message.subarray(start, end), subject, take);
      else if (type.wire !== 0 && (wire === type.wire || wire === 2)) {
        if ((end - start) % item !== 0) throw wrong(`a list of ${end - start} bytes`);
        for (let at = start; at < end; at += item) take(type.read(view, at));
      } else throw wrong(`wire type ${wire}`);
    });
    if (filled !== n) throw wrong(`${filled} numbers`);
  }
  const data = bits instanceof Uint16Array ? (type.name === "bfloat16" ? widenBfloat16(bits) : widenHalf(bits)) : bits;
  return { shape: tensor.dims, data, integer: type.integer };
}
