// A peer as a contender of a race. It knows how to hand inputs over and read the best answer, not how either is timed.

import type { Contender } from "../../src/cli/measure.ts";
import type { Input } from "../../src/model/rows.ts";
import type { Peer } from "./peers.ts";

/** @param width inputs of the model: no peer takes sparse inputs, so those are written out in full, which counts as its user would have to. */
export function peerContender(peer: Peer, width: number): Contender {
  const dense = new Float32Array(width);
  let last: Float32Array = new Float32Array(0);
  const answer = (input: Input): Float32Array | Promise<Float32Array> =>
    peer.run(input instanceof Float32Array ? input : writeOut(input, dense));
  return {
    name: peer.name,
    run(input) {
      const output = answer(input);
      if (output instanceof Float32Array) last = output;
      else
        return output.then((values) => {
          last = values;
        });
    },
    top: () => indexOfBest(last),
  };
}

function writeOut({ indices, values }: Exclude<Input, Float32Array>, dense: Float32Array): Float32Array {
  dense.fill(0);
  for (let i = 0; i < indices.length; i++) dense[indices[i]] = values[i];
  return dense;
}

/** The lowest index of the greatest value; −1 of none. */
function indexOfBest(values: Float32Array): number {
  let best = -1;
  for (let i = 0; i < values.length; i++) if (best < 0 || values[i] > values[best]) best = i;
  return best;
}
