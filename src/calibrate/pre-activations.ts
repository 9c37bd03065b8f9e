// Pre-activations of a layer for rows of a batch, dense or sparse.

import type { ArrayKernels } from "../engine/array-kernels.ts";
import { type DenseLayer, floatWeights } from "../model/model.ts";
import type { Rows } from "../model/rows.ts";
import type { Fitting } from "./fitting.ts";
import type { Turn } from "./turn.ts";

/** Multiply-adds of one product without a turn. */
const stepMacs = 2e9;

/** x Wᵀ + b for the first n rows of a CSR batch. */
export async function sparsePreActivations(rows: Rows & { kind: "csr" }, n: number, layer: DenseLayer, turn: Turn): Promise<Float32Array> {
  const { inputs, outputs, bias } = layer;
  const weight = floatWeights(layer);
  const z = new Float32Array(n * outputs);
  for (let r = 0; r < n; r++) {
    if (r % 64 === 0) await turn();
    for (let o = 0; o < outputs; o++) {
      let sum = bias[o];
      for (let i = rows.indptr[r]; i < rows.indptr[r + 1]; i++) sum += rows.values[i] * weight[o * inputs + rows.indices[i]];
      z[r * outputs + o] = sum;
    }
  }
  return z;
}

/** The first n rows as dense ones, [n, width]. */
export function denseRows(rows: Rows, n: number): Float32Array {
  if (rows.kind === "dense") return rows.data.subarray(0, n * rows.width);
  const x = new Float32Array(n * rows.width);
  const { indptr, indices, values, width } = rows;
  for (let r = 0; r < n; r++) for (let i = indptr[r]; i < indptr[r + 1]; i++) x[r * width + indices[i]] += values[i];
  return x;
}

/** x Wᵀ + b for a batch: [n, outputs]. */
export async function preActivations(x: Float32Array, n: number, layer: DenseLayer, { kernels, turn }: Fitting): Promise<Float32Array> {
  const { inputs, outputs } = layer;
  const weight = floatWeights(layer);
  const z = new Float32Array(n * outputs);
  const step = Math.ceil(stepMacs / (inputs * outputs));
  for (let from = 0; from < n; from += step) {
    await turn();
    const count = Math.min(step, n - from);
    z.set(weightedSums(x.subarray(from * inputs, (from + count) * inputs), weight, layer.bias, kernels), from * outputs);
  }
  return z;
}

/** x Wᵀ + b in one product: x [n, inputs], W [outputs, inputs], b [outputs] → [n, outputs]. */
export function weightedSums(x: Float32Array, weight: Float32Array, bias: Float32Array, kernels: ArrayKernels): Float32Array {
  const outputs = bias.length;
  const inputs = weight.length / outputs;
  const z = kernels.matmulTransposed(x, weight, x.length / inputs, outputs, inputs);
  for (let i = 0; i < z.length; i++) z[i] += bias[i % outputs];
  return z;
}
