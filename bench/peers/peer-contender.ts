// A peer as a contender of a race. It knows how to hand inputs over and read the best answers, not how either is timed.

import type { Contender } from "../../src/cli/measure.ts";
import { createOutput } from "../../src/session/output.ts";
import { type Peer, writtenOut } from "./peers.ts";

/**
 * @param width inputs of the model: a peer that takes no sparse inputs gets them written out in full, which counts as its user would
 * have to.
 */
export function peerContender(peer: Peer, width: number): Contender {
  const dense = new Float32Array(peer.sparse ? 0 : width);
  let last: Float32Array = new Float32Array(0);
  return {
    name: peer.name,
    run(input) {
      const output = peer.run(peer.sparse ? input : writtenOut(input, dense));
      if (output instanceof Float32Array) last = output;
      else
        return output.then((values) => {
          last = values;
        });
    },
    top: () => bestOf(last, 1)[0] ?? -1,
    best: (k) => bestOf(last, k),
  };
}

/** Indices of the greatest values, ties to the lower one. */
function bestOf(values: Float32Array, k: number): number[] {
  return createOutput(values)
    .top(k)
    .map(({ index }) => index);
}
