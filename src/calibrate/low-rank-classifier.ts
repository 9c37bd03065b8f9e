// A linear classifier of low rank, p = softmax((x downᵀ + center) up + mean), and how its error changes with each of its numbers.

import type { ArrayKernels } from "../engine/array-kernels.ts";
import { transposed } from "../model/transposed.ts";
import { weightedSums } from "./pre-activations.ts";

/** [rank, inputs], [rank], [rank, count], [count]: a classifier of a lower rank is a leading part of the first three. */
export type Classifier = readonly [down: Float32Array, center: Float32Array, up: Float32Array, mean: Float32Array];

/**
 * The gradient of the mean cross-entropy against what is expected, of a classifier of which only the first `rank` components are used.
 * @param x [n, inputs]
 * @param expected [n, count], each row a distribution
 * @returns as `Classifier`, of that rank
 */
export function gradientOf(
  [down, center, up, mean]: Classifier,
  rank: number,
  x: Float32Array,
  expected: Float32Array,
  kernels: ArrayKernels,
): Classifier {
  const [inputs, count] = [down.length / center.length, mean.length];
  const n = expected.length / count;
  const wide = up.subarray(0, rank * count);
  const code = weightedSums(x, down.subarray(0, rank * inputs), center.subarray(0, rank), kernels);
  const error = kernels.matmul(code, wide, n, count, rank);
  softmaxRows(error, mean);
  for (let i = 0; i < error.length; i++) error[i] = (error[i] - expected[i]) / n;
  const codeError = kernels.matmulTransposed(error, wide, n, rank, count);
  return [
    kernels.matmul(transposed(codeError, n, rank), x, rank, inputs, n),
    columnSums(codeError, rank),
    kernels.matmul(transposed(code, n, rank), error, rank, count, n),
    columnSums(error, count),
  ];
}

/** Each row becomes softmax(row + bias), in place; rows are as long as the bias. */
export function softmaxRows(rows: Float32Array, bias: Float32Array): void {
  const count = bias.length;
  for (let from = 0; from < rows.length; from += count) {
    const row = rows.subarray(from, from + count);
    let most = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < count; c++) {
      row[c] += bias[c];
      if (row[c] > most) most = row[c];
    }
    let total = 0;
    for (let c = 0; c < count; c++) {
      row[c] = Math.exp(row[c] - most);
      total += row[c];
    }
    for (let c = 0; c < count; c++) row[c] /= total;
  }
}

function columnSums(a: Float32Array, columns: number): Float32Array {
  const sums = new Float32Array(columns);
  for (let from = 0; from < a.length; from += columns) for (let c = 0; c < columns; c++) sums[c] += a[from + c];
  return sums;
}
