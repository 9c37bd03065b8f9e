// Numbers of one element type, in either byte order, from the body of a binary array file. It knows no header.

import { endianness } from "node:os";
import { widenHalf } from "../../model/half.ts";
import type { DType, TensorData } from "../../model/tensor.ts";

/** An element type by its NumPy code: kind and size in bytes. `f2` is widened to float32, `b1` read as uint8. */
export type ElementCode = "f2" | "f4" | "f8" | "i1" | "i2" | "i4" | "i8" | "u1" | "u2" | "u4" | "u8" | "b1";

type Make = { new (buffer: ArrayBuffer): TensorData; readonly BYTES_PER_ELEMENT: number };

const elements: Readonly<Record<ElementCode, { dtype: DType; make: Make }>> = {
  f2: { dtype: "float32", make: Uint16Array },
  f4: { dtype: "float32", make: Float32Array },
  f8: { dtype: "float64", make: Float64Array },
  i1: { dtype: "int8", make: Int8Array },
  i2: { dtype: "int16", make: Int16Array },
  i4: { dtype: "int32", make: Int32Array },
  i8: { dtype: "int64", make: BigInt64Array },
  u1: { dtype: "uint8", make: Uint8Array },
  u2: { dtype: "uint16", make: Uint16Array },
  u4: { dtype: "uint32", make: Uint32Array },
  u8: { dtype: "uint64", make: BigUint64Array },
  b1: { dtype: "uint8", make: Uint8Array },
};

export function isElementCode(code: string): code is ElementCode {
  return Object.hasOwn(elements, code);
}

export function dtypeOf(code: ElementCode): DType {
  return elements[code].dtype;
}

/** Bytes of one element in the file. */
export function elementBytes(code: ElementCode): number {
  return elements[code].make.BYTES_PER_ELEMENT;
}

/** `count` elements starting at `offset`, copied. The caller has checked that they lie inside `bytes`. */
export function readElements(bytes: Uint8Array, offset: number, count: number, code: ElementCode, order: "LE" | "BE"): TensorData {
  const { make } = elements[code];
  const size = make.BYTES_PER_ELEMENT;
  const copy = Buffer.from(new ArrayBuffer(count * size));
  copy.set(bytes.subarray(offset, offset + count * size));
  if (order !== endianness()) {
    if (size === 2) copy.swap16();
    else if (size === 4) copy.swap32();
    else if (size === 8) copy.swap64();
  }
  const data = new make(copy.buffer);
  return code === "f2" ? widenHalf(data as Uint16Array) : data;
}
