// Of several forms of one peer, the one that answers fastest here: all answer the same inputs in turns, and the least median counts.

import { type Clock, systemClock } from "../../src/clock.ts";
import type { Input } from "../../src/model/rows.ts";
import { median } from "../statistics.ts";
import type { Peer } from "./peers.ts";

const warmUp = 30;
const rounds = 8;
/** Counted queries of a turn; those before them bring the form's weights back into the caches. */
const [turn, settle] = [25, 5];

/** Median milliseconds of a query, one per peer. @param inputs at least one, as the peers take them */
export async function medianTimes(peers: readonly Peer[], inputs: readonly Input[], clock: Clock = systemClock): Promise<number[]> {
  const times = peers.map((): number[] => []);
  let next = 0;
  const answer = async (peer: Peer): Promise<number> => {
    const input = inputs[next++ % inputs.length];
    const start = clock.now();
    const pending = peer.run(input);
    if (!(pending instanceof Float32Array)) await pending;
    return clock.now() - start;
  };
  for (const peer of peers) for (let i = 0; i < warmUp; i++) await answer(peer);
  for (let round = 0; round < rounds; round++) {
    const from = next;
    for (const [p, peer] of peers.entries()) {
      next = from;
      for (let i = -settle; i < turn; i++) {
        const time = await answer(peer);
        if (i >= 0) times[p].push(time);
      }
    }
  }
  return times.map((all) => median(Float64Array.from(all)));
}
