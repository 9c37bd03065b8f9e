// Where a query's input is written: a dense vector, and a list of its non-zeros. A sparse input fills the list alone where its plan reads
// nothing else. It knows what to write, and leaves checking it to its callers.

import type { Engine } from "../engine/engine.ts";
import { type ListViews, listViews } from "../engine/list.ts";
import type { NonZeros } from "../model/tensor.ts";
import type { InputUse } from "./level-plan.ts";
import type { PlacedNetwork } from "./network.ts";

export interface NetworkInput {
  /** [inputs of the first layer] */
  dense: Float32Array;
  /** The list every plan begins with; its capacity is the width. */
  list: ListViews;
}

export function createNetworkInput(engine: Engine, network: PlacedNetwork): NetworkInput {
  const { inputs } = network.layers[0].matrix;
  return { dense: new Float32Array(engine.buffer, network.input, inputs), list: listViews(engine, network.active) };
}

/**
 * Writes a sparse input, ascending, repeated indices summed, zeros left out, for a query by `plan`. Returns the row the plan is to be
 * run from.
 * @param values as many as `indices`, each index below the width
 */
export function writeSparse({ dense, list }: NetworkInput, { indices, values }: NonZeros, { readsNonZerosOnly }: InputUse): number {
  if (!readsNonZerosOnly || indices.length > dense.length) {
    dense.fill(0);
    for (let i = 0; i < indices.length; i++) dense[indices[i]] += Math.fround(values[i]);
    return 0;
  }
  const { count, indices: at, values: to } = list;
  const given = indices.length;
  // only the copy is looked at: memory that is shared may have changed since it was checked
  at.set(indices);
  to.set(values);
  let n = given;
  if (!isInOrder(list, n, dense.length)) {
    n = 0;
    for (let i = 0; i < given; i++)
      if (to[i] !== 0 && at[i] < dense.length) {
        at[n] = at[i];
        to[n++] = to[i];
      }
    if (!isInOrder(list, n, dense.length)) n = order(at, to, n, dense);
  }
  count[0] = n;
  return 1;
}

/** Whether the first n pairs are ascending, below the width, and without zeros, as most are that come. */
function isInOrder({ indices, values }: ListViews, n: number, width: number): boolean {
  let last = -1;
  for (let i = 0; i < n; i++) {
    if (indices[i] <= last || values[i] === 0) return false;
    last = indices[i];
  }
  return last < width;
}

/**
 * Brings the first n pairs into order, repeated indices summed as a dense input would be: rounded at every step, in the order given. Returns
 * how many are left that are not 0.
 * @param scratch [width]
 */
function order(at: Uint32Array, to: Float32Array, n: number, scratch: Float32Array): number {
  for (let i = 0; i < n; i++) scratch[at[i]] = 0;
  for (let i = 0; i < n; i++) scratch[at[i]] += to[i];
  sort(at, n);
  let found = 0;
  for (let i = 0; i < n; i++) {
    const index = at[i];
    if (scratch[index] === 0) continue;
    at[found] = index;
    to[found++] = scratch[index];
    scratch[index] = 0; // once
  }
  return found;
}

/** Sorts the first n numbers (Shell's sort), in place, because nothing on the query path allocates. */
function sort(at: Uint32Array, n: number): void {
  for (let gap = n >> 1; gap > 0; gap = gap === 2 ? 1 : Math.floor(gap / 2.2))
    for (let i = gap; i < n; i++) {
      const index = at[i];
      let j = i;
      for (; j >= gap && at[j - gap] > index; j -= gap) at[j] = at[j - gap];
      at[j] = index;
    }
}
