// The numbers of an ONNX tensor, wherever the file has them: raw, as fields, or in another file. It does not know what they are for.

import { refusal } from "../errors.ts";
import { widenBfloat16, widenHalf } from "../model/half.ts";
import { sizeOf } from "../model/tensor.ts";
import { quoted } from "../quoted.ts";
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

type Getter = Exclude<Extract<keyof DataView, `get${string}`>, "getFloat16">;

/** A type that `getter` reads, which tells its size. `field` and `wire` are those of its list in TensorProto. */
const type = (name: string, field: number, wire: 0 | 1 | 5, getter: Getter): ElementType => ({
  name,
  bytes: Number(/\d+/.exec(getter)) / 8,
  integer: !/float|double/.test(name),
  field,
  wire,
  read: (view, at) => Number(view[getter](at, true)),
});

/** The element types that are read, by TensorProto.DataType. float16 and bfloat16 are read as their bits and widened afterwards. */
export const elementTypes: Readonly<Record<number, ElementType | undefined>> = {
  1: type("float", 4, 5, "getFloat32"),
  2: type("uint8", 5, 0, "getUint8"),
  3: type("int8", 5, 0, "getInt8"),
  4: type("uint16", 5, 0, "getUint16"),
  5: type("int16", 5, 0, "getInt16"),
  6: type("int32", 5, 0, "getInt32"),
  7: type("int64", 7, 0, "getBigInt64"),
  9: type("bool", 5, 0, "getUint8"),
  10: type("float16", 5, 0, "getUint16"),
  11: type("double", 10, 1, "getFloat64"),
  12: type("uint32", 11, 0, "getUint32"),
  13: type("uint64", 11, 0, "getBigUint64"),
  16: type("bfloat16", 5, 0, "getUint16"),
};

/**
 * The numbers of a tensor. Allocates only after the bytes are known to be there.
 * @param externals the files of `external.location`.
 * @throws SlonnError `bad-file` where content and shape do not fit, `unsupported` for other element types.
 */
export function decodeTensor(tensor: OnnxTensor, name: string, externals: ReadonlyMap<string, Uint8Array>): OnnxNumbers {
  const subject = `${name}: tensor ${quoted(tensor.name)}`;
  const type = elementTypes[tensor.elementType];
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
    if (type.name === "float") bits = new Float32Array(new Uint8Array(raw).buffer);
    else {
      bits = allocate();
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
