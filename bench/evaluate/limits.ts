// How far a query is from what bounds it: an oracle that names the nodes for nothing, memory read as fast as it goes, time that falls
// with the work. All three are timed here, in turns, on the same inputs.

import { dense, everyLayer } from "../../src/calibrate/candidates.ts";
import { denseBytes } from "../../src/cli/session-contenders.ts";
import { systemClock } from "../../src/clock.ts";
import type { Model } from "../../src/model/model.ts";
import type { Input } from "../../src/model/rows.ts";
import type { Rung } from "../../src/profile/ladder.ts";
import { measureBandwidth } from "../../src/session/bandwidth.ts";
import { type Breakdown, breakdown } from "../../src/session/breakdown.ts";
import { median } from "../statistics.ts";
import { asLevel } from "./as-level.ts";
import type { Limits } from "./evaluation.ts";
import { type NamedRung, nameNodes } from "./named.ts";

const rounds = 3;
/** Times an oracle answers every input in a round; odd, and the median counts, as in a breakdown. */
const answers = 7;
const emptyRuns = 501;

/**
 * @param ours the level that keeps the promise
 * @param exact the level that skips zeros alone, which an oracle may fall back on
 * @param oracle the rung that keeps the promise with the oracle
 */
export async function findLimits(
  model: Model,
  { ours, exact, oracle }: { ours: readonly Rung[]; exact: readonly Rung[]; oracle: Rung },
  inputs: readonly Input[],
): Promise<Limits & { oracleMacs: number }> {
  const bytesPerUs = await measureBandwidth(denseBytes(model), systemClock);
  const levels = [[everyLayer(model.layers.length, dense)], ours, exact];
  const named = await nameNodes(model, oracle);
  const found: Breakdown[][] = levels.map(() => []);
  const namedUs: number[] = [];
  let namedMacs = 0;
  for (let round = 0; round < rounds; round++) {
    for (const [i, rungs] of levels.entries()) found[i].push(await breakdown(model, asLevel(rungs), inputs));
    const timed = timeNamed(named, inputs);
    namedUs.push(timed.us);
    namedMacs = timed.macs;
  }
  const middle = (i: number, of: (one: Breakdown) => number): number => median(Float64Array.from(found[i], of));
  const query = ({ queryUs }: Breakdown): number => queryUs;
  const bytes = ({ stages }: Breakdown): number => stages.reduce((total, stage) => total + stage.bytes, 0);
  const macs = ({ stages }: Breakdown): number => stages.reduce((total, stage) => total + stage.macs, 0);
  const [denseUs, oursUs, exactUs] = [middle(0, query), middle(1, query), middle(2, query)];
  return {
    denseUs,
    oursUs,
    oracleUs: Math.min(median(Float64Array.from(namedUs)), exactUs, denseUs),
    bandwidthUs: { dense: middle(0, bytes) / bytesPerUs, ours: middle(1, bytes) / bytesPerUs },
    ideal: middle(0, macs) / middle(1, macs),
    oracleMacs: namedMacs / middle(0, macs),
  };
}

/** Means over the inputs of what a query takes whose nodes are handed over before it is timed. */
function timeNamed(named: NamedRung, inputs: readonly Input[]): { us: number; macs: number } {
  const names = inputs.map((input) => named.find(input));
  const timed = (body: () => void): number => {
    const start = systemClock.now();
    body();
    return systemClock.now() - start;
  };
  const emptyMs = median(Float64Array.from({ length: emptyRuns }, () => timed(named.runNothing)));
  const timesMs = inputs.map(() => new Float64Array(answers));
  let macs = 0;
  // the first time round is not counted: finding the names has read all weights
  for (let time = -1; time < answers; time++)
    for (const [q, input] of inputs.entries()) {
      named.hand(names[q]);
      const ms = timed(() => void named.run(input));
      if (time >= 0) timesMs[q][time] = ms;
      else macs += named.macs();
    }
  const sum = timesMs.reduce((total, times) => total + median(times) - emptyMs, 0);
  return { us: Math.max(0, (1000 * sum) / inputs.length), macs: macs / inputs.length };
}
