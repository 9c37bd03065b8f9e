// The array kernels in plain JavaScript, for where WebAssembly or its SIMD is missing. Floats are added in the order
// assembly/batch/ adds them, so both give the same bits (softmax may differ in the last one). Lengths are checked by the caller.

import type { ArrayFunctions } from "./array-kernels.ts";

const { fround } = Math;

/** How many steps are summed before their sum is added to the result: as in assembly/batch/tile.ts and gram.ts. */
const productSlice = 256;
const gramSlice = 128;

export const plainArrays: ArrayFunctions = {
  denseRows: (weight, bias, x) => bias.map((b, row) => dot(weight, row * x.length, x) + b),

  selectedRows: (weight, bias, x, rows) => Float32Array.from(rows, (row) => dot(weight, row * x.length, x) + bias[row]),

  softmax(x) {
    const top = x.reduce((most, v) => Math.max(most, v), -Infinity);
    const powers = Float64Array.from(x, (v) => Math.exp(v - top));
    const total = powers.reduce((sum, v) => sum + v, 0);
    return Float32Array.from(powers, (v) => v / total);
  },

  topK(scores, k) {
    const key = scores.map((v) => (Number.isNaN(v) ? -Infinity : v));
    const nan = (i: number) => Number(Number.isNaN(scores[i]));
    // subtracting would make NaN of two infinities
    const order = (a: number, b: number) => nan(a) - nan(b) || Number(key[a] < key[b]) - Number(key[a] > key[b]) || a - b;
    return Uint32Array.from(scores.keys()).sort(order).slice(0, k);
  },

  hashCodes(planes, x, bits) {
    const out = new Uint32Array(Math.ceil(bits / 32));
    for (let b = 0; b < bits; b++) if (dot(planes, b * x.length, x) > 0) out[b >> 5] |= 1 << (b & 31);
    return out;
  },

  matmulTransposed(a, b, m, n, k) {
    const out = new Float32Array(m * n);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        for (let from = 0; from < k; from += productSlice) {
          const end = Math.min(from + productSlice, k);
          let sum = 0;
          for (let t = from; t < end; t++) sum = fround(sum + fround(a[i * k + t] * b[j * k + t]));
          out[i * n + j] += sum;
        }
      }
    }
    return out;
  },

  matmul(a, b, m, n, k) {
    const out = new Float32Array(m * n);
    const sums = new Float32Array(n);
    for (let i = 0; i < m; i++) {
      for (let from = 0; from < k; from += productSlice) {
        const end = Math.min(from + productSlice, k);
        sums.fill(0);
        for (let t = from; t < end; t++) addScaled(sums, a[i * k + t], b, t * n, 0);
        for (let j = 0; j < n; j++) out[i * n + j] += sums[j];
      }
    }
    return out;
  },

  gram(a, m, k) {
    const out = new Float32Array(k * k);
    const sums = new Float32Array(k);
    for (let from = 0; from < m; from += gramSlice) {
      const end = Math.min(from + gramSlice, m);
      for (let i = 0; i < k; i++) {
        sums.fill(0);
        for (let row = from; row < end; row++) addScaled(sums, a[row * k + i], a, row * k, i);
        for (let j = i; j < k; j++) out[i * k + j] += sums[j];
      }
    }
    for (let i = 0; i < k; i++) for (let j = 0; j < i; j++) out[i * k + j] = out[j * k + i];
    return out;
  },
};

/** sums[j] += factor · row[j], from column `first` on. */
function addScaled(sums: Float32Array, factor: number, matrix: Float32Array, row: number, first: number): void {
  for (let j = first; j < sums.length; j++) sums[j] += fround(factor * matrix[row + j]);
}

/** In four lanes over ascending inputs, then (0 + 1) + (2 + 3). */
function dot(weight: Float32Array, row: number, x: Float32Array): number {
  const lanes = [0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) lanes[i & 3] = fround(lanes[i & 3] + fround(x[i] * weight[row + i]));
  return fround(fround(lanes[0] + lanes[1]) + fround(lanes[2] + lanes[3]));
}
