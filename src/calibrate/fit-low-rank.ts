// Fits a low-rank activator: the principal components of a layer's pre-activations on training inputs.

import type { LowRank } from "../activator/activator.ts";
import { type DenseLayer, floatWeights } from "../model/model.ts";
import { normal } from "../random.ts";
import type { Fitting } from "./fitting.ts";
import type { Turn } from "./turn.ts";

/** Extra components in the iteration, which make the wanted ones converge faster. */
const oversampling = 8;
const iterations = 6;

/**
 * Fits up to `rank` components to pre-activations `z` [n, outputs] of `layer`.
 * Errors are weighted by `importance` [outputs], how much the next layer reads of a node. Prediction of all pre-activations from the
 * input x: D⁻¹(V(Vᵀ D (W x + b) − Vᵀ m) + m) with D = diag(importance), m the mean of D z and V its leading principal
 * components, found by randomized subspace iteration (Halko, Martinsson & Tropp 2011, algorithm 4.4) and ordered by variance.
 */
export async function fitLowRank(
  z: Float32Array,
  n: number,
  layer: DenseLayer,
  importance: Float32Array,
  rank: number,
  { kernels, random, turn }: Fitting,
): Promise<LowRank> {
  const { outputs, inputs } = layer;
  const width = Math.min(rank + oversampling, outputs, n);
  const kept = Math.min(rank, width);
  const mean = new Float32Array(outputs);
  for (let r = 0; r < n; r++) for (let o = 0; o < outputs; o++) mean[o] += (z[r * outputs + o] * importance[o]) / n;
  const centered = new Float32Array(n * outputs);
  const transposed = new Float32Array(n * outputs);
  for (let r = 0; r < n; r++)
    for (let o = 0; o < outputs; o++) {
      const v = z[r * outputs + o] * importance[o] - mean[o];
      centered[r * outputs + o] = v;
      transposed[o * n + r] = v;
    }
  let basis: Float32Array = Float32Array.from({ length: outputs * width }, () => normal(random));
  await orthonormalize(basis, outputs, width, turn);
  for (let i = 0; i < iterations; i++) {
    const projected = kernels.matmul(centered, basis, n, width, outputs);
    await turn();
    basis = kernels.matmul(transposed, projected, outputs, width, n);
    await orthonormalize(basis, outputs, width, turn);
  }
  // Rayleigh–Ritz: rotate the basis so that its columns are the components themselves, largest variance first
  const projected = kernels.matmul(centered, basis, n, width, outputs);
  const rotation = symmetricEigenvectors(kernels.gram(projected, n, width), width);
  await turn();
  const components = kernels.matmul(basis, rotation, outputs, width, width);

  const weighted = new Float32Array(kept * outputs);
  const up = new Float32Array(outputs * kept);
  const center = new Float32Array(kept);
  for (let c = 0; c < kept; c++)
    for (let o = 0; o < outputs; o++) {
      const v = components[o * width + c];
      weighted[c * outputs + o] = v * importance[o];
      up[o * kept + c] = v / importance[o];
      center[c] += v * (importance[o] * layer.bias[o] - mean[o]);
    }
  await turn();
  const down = kernels.matmul(weighted, floatWeights(layer), kept, inputs, outputs);
  return { rank: kept, down, center, up, mean: mean.map((m, o) => m / importance[o]) };
}

/** Gram–Schmidt, twice over, on the columns of a [rows, columns] matrix, in place. */
async function orthonormalize(a: Float32Array, rows: number, columns: number, turn: Turn): Promise<void> {
  const column = (c: number): Float64Array => Float64Array.from({ length: rows }, (_, r) => a[r * columns + c]);
  const done: Float64Array[] = [];
  for (let c = 0; c < columns; c++) {
    await turn();
    const v = column(c);
    for (let pass = 0; pass < 2; pass++)
      for (const q of done) {
        let dot = 0;
        for (let r = 0; r < rows; r++) dot += q[r] * v[r];
        for (let r = 0; r < rows; r++) v[r] -= dot * q[r];
      }
    let norm = 0;
    for (let r = 0; r < rows; r++) norm += v[r] * v[r];
    norm = Math.sqrt(norm);
    for (let r = 0; r < rows; r++) {
      v[r] = norm > 1e-30 ? v[r] / norm : 0;
      a[r * columns + c] = v[r];
    }
    done.push(v);
  }
}

/** Eigenvectors of a symmetric matrix as columns, largest eigenvalue first (cyclic Jacobi; Golub & Van Loan, 8.5). */
function symmetricEigenvectors(matrix: Float32Array, n: number): Float32Array {
  const a = Float64Array.from(matrix);
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0;
    let diagonal = 0;
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++)
        if (i === j) diagonal += a[i * n + i] ** 2;
        else off += a[i * n + j] ** 2;
    if (off <= 1e-20 * diagonal) break;
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        const apq = a[p * n + q];
        if (apq === 0) continue;
        const theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
        const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        rotateColumns(a, n, p, q, c, t * c);
        rotateRows(a, n, p, q, c, t * c);
        rotateColumns(v, n, p, q, c, t * c);
      }
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j] - a[i * n + i]);
  const out = new Float32Array(n * n);
  for (let i = 0; i < n; i++) for (let c = 0; c < n; c++) out[i * n + c] = v[i * n + order[c]];
  return out;
}

function rotateColumns(a: Float64Array, n: number, p: number, q: number, c: number, s: number): void {
  for (let i = 0; i < n; i++) {
    const [x, y] = [a[i * n + p], a[i * n + q]];
    a[i * n + p] = c * x - s * y;
    a[i * n + q] = s * x + c * y;
  }
}

function rotateRows(a: Float64Array, n: number, p: number, q: number, c: number, s: number): void {
  for (let i = 0; i < n; i++) {
    const [x, y] = [a[p * n + i], a[q * n + i]];
    a[p * n + i] = c * x - s * y;
    a[q * n + i] = s * x + c * y;
  }
}
