// The second binary: kernels that take and return whole typed arrays, for the few large calls of calibration and for `slonn/kernels`.
// It only unwraps arrays; the arithmetic is in batch/. The host has checked every length.
import { SOFTMAX } from "./abi";
import { activate } from "./kernels/activate";
import { addGram } from "./batch/gram";
import { addProduct, addProductTransposed } from "./batch/multiply";
import { rank } from "./batch/rank";
import { everyRow, someRows } from "./batch/rows";
import { signs } from "./batch/signs";

/** weight [n, d], bias [n], x [d] -> [n] */
export function denseRows(weight: Float32Array, bias: Float32Array, x: Float32Array): Float32Array {
  const out = new Float32Array(bias.length);
  everyRow(weight.dataStart, bias.dataStart, x.dataStart, x.length, bias.length, out.dataStart);
  return out;
}

/** weight [n, d], bias [n], x [d], rows [s] of numbers below n -> [s] */
export function selectedRows(weight: Float32Array, bias: Float32Array, x: Float32Array, rows: Uint32Array): Float32Array {
  const out = new Float32Array(rows.length);
  someRows(weight.dataStart, bias.dataStart, x.dataStart, x.length, rows.dataStart, rows.length, out.dataStart);
  return out;
}

/** x [n] -> [n] */
export function softmax(x: Float32Array): Float32Array {
  const out = new Float32Array(x.length);
  activate(x.dataStart, x.length, out.dataStart, SOFTMAX, 0);
  return out;
}

/** scores [n], k <= n -> [k] */
export function topK(scores: Float32Array, k: i32): Uint32Array {
  const out = new Uint32Array(k);
  rank(scores.dataStart, scores.length, k, out.dataStart);
  return out;
}

/** planes [bits, d], x [d] -> [bits / 32 rounded up] */
export function hashCodes(planes: Float32Array, x: Float32Array, bits: i32): Uint32Array {
  const out = new Uint32Array((bits + 31) >> 5);
  signs(planes.dataStart, x.dataStart, x.length, bits, out.dataStart);
  return out;
}

/** a [m, k], b [n, k] -> [m, n] */
export function matmulTransposed(a: Float32Array, b: Float32Array, m: i32, n: i32, k: i32): Float32Array {
  const out = new Float32Array(m * n);
  addProductTransposed(a.dataStart, b.dataStart, m, n, k, out.dataStart);
  return out;
}

/** a [m, k], b [k, n] -> [m, n] */
export function matmul(a: Float32Array, b: Float32Array, m: i32, n: i32, k: i32): Float32Array {
  const out = new Float32Array(m * n);
  addProduct(a.dataStart, b.dataStart, m, n, k, out.dataStart);
  return out;
}

/** a [m, k] -> [k, k] */
export function gram(a: Float32Array, m: i32, k: i32): Float32Array {
  const out = new Float32Array(k * k);
  addGram(a.dataStart, m, k, out.dataStart);
  return out;
}
