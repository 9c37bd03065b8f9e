// Fits a hash activator: tables of sign projections over training inputs. A bucket votes for the nodes that were active on average for the
// training inputs in it. (Hashing the weight rows themselves, as maximum-inner-product search does, ranks far worse here: activity depends on
// the bias and on the data's own directions.)

import type { Hash } from "../activator/activator.ts";
import { normal } from "../random.ts";
import type { Fitting } from "./fitting.ts";

/** The size of a `hash` activator. */
export interface HashShape {
  /** How many hash tables there are, 256 at most. */
  tables: number;
  /** How many signs make the key of a table, 20 at most: it has 2^bits buckets. */
  bits: number;
  /** The most nodes a bucket votes for. */
  votes: number;
}

/**
 * @param x inputs of the layer [n, inputs]
 * @param h activations of the layer [n, outputs]; those below 0 count against a node
 * Planes are Gaussian with their component along the mean input removed, so that each splits the inputs about evenly
 * (Charikar 2002, sign random projections).
 */
export async function fitHash(
  x: Float32Array,
  h: Float32Array,
  n: number,
  inputs: number,
  outputs: number,
  shape: HashShape,
  { random, turn }: Pick<Fitting, "random" | "turn">,
): Promise<Hash> {
  const { tables, bits } = shape;
  const planes = Float32Array.from({ length: tables * bits * inputs }, () => normal(random));
  const mean = new Float64Array(inputs);
  for (let r = 0; r < n; r++) for (let i = 0; i < inputs; i++) mean[i] += x[r * inputs + i] / n;
  const square = mean.reduce((sum, v) => sum + v * v, 0);
  for (let p = 0; p < tables * bits && square > 0; p++) {
    let dot = 0;
    for (let i = 0; i < inputs; i++) dot += planes[p * inputs + i] * mean[i];
    for (let i = 0; i < inputs; i++) planes[p * inputs + i] -= (dot / square) * mean[i];
  }
  const starts = new Uint32Array(tables * 2 ** bits + 1);
  const nodes: number[] = [];
  const votes: number[] = [];
  for (let t = 0; t < tables; t++) {
    const members = Array.from({ length: 2 ** bits }, (): number[] => []);
    for (let r = 0; r < n; r++) {
      if (r % 64 === 0) await turn();
      members[codeOf(planes, x.subarray(r * inputs, (r + 1) * inputs), t * bits, bits)].push(r);
    }
    for (const [bucket, rows] of members.entries()) {
      starts[t * 2 ** bits + bucket] = nodes.length;
      if (rows.length === 0) continue;
      await turn();
      const activity = new Float64Array(outputs);
      for (const r of rows) for (let o = 0; o < outputs; o++) activity[o] += h[r * outputs + o];
      const best = Array.from({ length: outputs }, (_, o) => o)
        .filter((o) => activity[o] > 0)
        .sort((a, b) => activity[b] - activity[a] || a - b)
        .slice(0, shape.votes);
      for (const o of best) {
        nodes.push(o);
        votes.push(activity[o] / rows.length);
      }
    }
  }
  starts[starts.length - 1] = nodes.length;
  return { tables, bits, planes, starts, nodes: Uint32Array.from(nodes), votes: Float32Array.from(votes) };
}

function codeOf(planes: Float32Array, x: Float32Array, first: number, bits: number): number {
  let code = 0;
  for (let b = 0; b < bits; b++) {
    const at = (first + b) * x.length;
    let dot = 0;
    for (let i = 0; i < x.length; i++) dot += x[i] * planes[at + i];
    if (dot > 0) code |= 1 << b;
  }
  return code;
}
