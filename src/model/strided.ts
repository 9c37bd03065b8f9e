// Reading a tensor in another order of its axes, or with numbers repeated along them.

import type { TensorData } from "./tensor.ts";

/**
 * out[i…] = data[Σ i · strides], for every index i below `shape`, in row-major order.
 * @param strides one per axis of `shape`; 0 repeats along it
 * @param out as many numbers as `shape` has, of the type of `data` or one that holds its numbers
 */
export function gatherStrided<T extends TensorData>(data: TensorData, shape: readonly number[], strides: readonly number[], out: T): T {
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0, at = 0; i < out.length; i++) {
    out[i] = data[at] as T[number];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}
