// The best nodes of an output layer for every row, by dense pre-activations.

import type { FloatLayer } from "../model/model.ts";
import type { Fitting } from "./fitting.ts";

/** Rows and nodes of a product: what it reads and writes stays in the cache. */
const [blockRows, slice] = [256, 1024];

/**
 * The `depth` best nodes of each row, best first; of equal ones the first.
 * @param h [rows, inputs], or more rows, which are not looked at
 * @returns [rows, depth]
 */
export async function bestNodes(
  h: Float32Array,
  rows: number,
  { inputs, outputs, weight, bias }: FloatLayer,
  depth: number,
  { kernels, turn }: Fitting,
): Promise<Uint32Array> {
  const best = new Uint32Array(rows * depth);
  const kept = new Float32Array(depth);
  for (let from = 0; from < rows; from += blockRows) {
    await turn();
    const count = Math.min(blockRows, rows - from);
    const x = h.subarray(from * inputs, (from + count) * inputs);
    const scores = new Float32Array(count * depth).fill(Number.NEGATIVE_INFINITY);
    for (let first = 0; first < outputs; first += slice) {
      const nodes = Math.min(slice, outputs - first);
      const z = kernels.matmulTransposed(x, weight.subarray(first * inputs, (first + nodes) * inputs), count, nodes, inputs);
      for (let r = 0; r < count; r++) {
        kept.set(scores.subarray(r * depth, (r + 1) * depth));
        const names = best.subarray((from + r) * depth, (from + r + 1) * depth);
        for (let o = 0; o < nodes; o++) {
          const score = Math.fround(z[r * nodes + o] + bias[first + o]);
          if (!(score > kept[depth - 1])) continue;
          let place = depth - 1;
          for (; place > 0 && kept[place - 1] < score; place--) {
            kept[place] = kept[place - 1];
            names[place] = names[place - 1];
          }
          kept[place] = score;
          names[place] = first + o;
        }
        scores.set(kept, r * depth);
      }
    }
  }
  return best;
}
