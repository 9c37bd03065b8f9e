// Small seeded networks and inputs that stand in for trained ones.

import type { LowRank } from "../src/activator/activator.ts";
import { type Activation, createModel, type FloatLayer, type Model } from "../src/model/model.ts";
import type { Rows } from "../src/model/rows.ts";
import { normal, seeded } from "../src/random.ts";

export interface FloatModel extends Model {
  layers: readonly FloatLayer[];
}

/** A network of `widths` nodes: inputs first, outputs last. Biases below zero leave many nodes inactive, as in trained networks. */
export function madeUpModel(
  widths: readonly number[],
  seed: number,
  hidden: Activation = "relu",
  output: Activation = "identity",
): FloatModel {
  const random = seeded(seed);
  const layers = widths.slice(1).map((outputs, l): FloatLayer => {
    const inputs = widths[l];
    const scale = Math.sqrt(2 / inputs);
    const activation = l === widths.length - 2 ? output : hidden;
    return {
      name: `layer ${l}`,
      inputs,
      outputs,
      weight: Float32Array.from({ length: inputs * outputs }, () => scale * normal(random)),
      bias: Float32Array.from({ length: outputs }, () => 0.3 * normal(random) - 0.2),
      activation,
      alpha: activation === "leaky-relu" ? 0.1 : 0,
    };
  });
  return { ...createModel("made up", layers), layers };
}

/** A low-rank activator of the numbers that `numbers` hands out. */
export function madeUpLowRank(inputs: number, outputs: number, rank: number, numbers: (n: number) => Float32Array): LowRank {
  return {
    rank,
    down: numbers(rank * inputs),
    center: numbers(rank),
    up: numbers(rank * outputs),
    mean: numbers(outputs),
  };
}

/** Rows of which a share is zero. */
export function madeUpRows(count: number, width: number, seed: number, zeros = 0.5): Rows & { kind: "dense" } {
  const random = seeded(seed);
  const data = Float32Array.from({ length: count * width }, () => (random() < zeros ? 0 : normal(random)));
  return { kind: "dense", count, width, data };
}

/** The same rows, their zeros left out. */
export function compressed({ count, width, data }: Rows & { kind: "dense" }): Rows & { kind: "csr" } {
  const indptr = new Uint32Array(count + 1);
  const indices: number[] = [];
  const values: number[] = [];
  for (let r = 0; r < count; r++) {
    for (let i = 0; i < width; i++)
      if (data[r * width + i] !== 0) {
        indices.push(i);
        values.push(data[r * width + i]);
      }
    indptr[r + 1] = indices.length;
  }
  return { kind: "csr", count, width, indptr, indices: Uint32Array.from(indices), values: Float32Array.from(values) };
}
