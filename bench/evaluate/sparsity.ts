// How much of a network is at work for one input: inputs and nodes that are not zero, counted in plain arithmetic.

import type { Model } from "../../src/model/model.ts";
import { type Input, type Rows, rowOf } from "../../src/model/rows.ts";
import { createPlain } from "../peers/plain.ts";

/** Rows looked at, spread evenly. */
const most = 1000;

/** The share of inputs that are zero, and per layer the mean share of nodes that are not. */
export function measureSparsity(model: Model, rows: Rows): { zeroInputs: number; active: number[] } {
  const network = createPlain(model);
  const count = Math.min(most, rows.count);
  const active = model.layers.map(() => 0);
  let nonZero = 0;
  for (let n = 0; n < count; n++) {
    const input = rowOf(rows, Math.floor((n * rows.count) / count));
    nonZero += nonZeros(input) / rows.width;
    network.run(input);
    for (let l = 0; l < active.length; l++) active[l] += nonZeros(network.layerOutput(l)) / model.layers[l].outputs / count;
  }
  return { zeroInputs: 1 - nonZero / count, active };
}

function nonZeros(input: Input): number {
  const values = input instanceof Float32Array ? input : input.values;
  let n = 0;
  for (const v of values) if (v !== 0) n++;
  return n;
}
