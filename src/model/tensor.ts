// Tensors and vectors as plain data, which every reader returns and every writer takes.

/** Numbers of a tensor in memory. float16 and bfloat16 are widened to float32 when they are read. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Types of numbers, by the names of numpy. */
export type DType = "float32" | "float64" | "int8" | "uint8" | "int16" | "uint16" | "int32" | "uint32" | "int64" | "uint64";

/** A dense row-major tensor. `data.length` is the product of `shape`. */
export interface Tensor {
  dtype: DType;
  shape: readonly number[];
  data: TensorData;
}

/** A vector by its non-zeros, in any order. */
export interface NonZeros {
  /** Whole numbers from 0, below the width; the values of one that occurs more than once are added up. */
  indices: ArrayLike<number>;
  /** As many as `indices`. */
  values: ArrayLike<number>;
}

/** The number of elements of a shape, or NaN where it is not a shape (negative or fractional sizes, or past 2^53). */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const n of shape) {
    if (!Number.isSafeInteger(n) || n < 0) return Number.NaN;
    size *= n;
  }
  return Number.isSafeInteger(size) ? size : Number.NaN;
}

/** A copy of a typed array's content, also of a Node Buffer, whose own `slice` shares its memory. */
export function copyOfView<View extends ArrayBufferView>(view: View): View {
  return Uint8Array.prototype.slice.call(view) as unknown as View;
}

/** The data as float32: the same array where it already is, otherwise a converted copy. */
export function toFloat32(data: TensorData): Float32Array {
  if (data instanceof Float32Array) return data;
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = Number(data[i]);
  return out;
}
