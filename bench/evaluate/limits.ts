// How far a query is from what bounds it: an oracle that names the nodes for nothing, memory read as fast as it goes, time that falls
// with the work. All three are timed here, stage by stage and in turns, on the same inputs.

import { dense, everyLayer } from "../../src/calibrate/candidates.ts";
import { denseBytes } from "../../src/cli/session-contenders.ts";
import { systemClock } from "../../src/clock.ts";
import type { Model } from "../../src/model/model.ts";
import type { Input } from "../../src/model/rows.ts";
import type { Level, Rung } from "../../src/profile/ladder.ts";
import { measureBandwidth } from "../../src/session/bandwidth.ts";
import { type Breakdown, breakdown, type StageCost } from "../../src/session/breakdown.ts";
import { quantile } from "../statistics.ts";
import type { Limits } from "./evaluation.ts";

const rounds = 3;

/** @param ours the level that keeps the promise; @param oracle the rung that keeps it with the oracle */
export async function findLimits(
  model: Model,
  ours: readonly Rung[],
  oracle: Rung,
  inputs: readonly Input[],
): Promise<Limits & { oracleMacs: number }> {
  const bytesPerUs = await measureBandwidth(denseBytes(model), systemClock);
  const levels = [[everyLayer(model.layers.length, dense)], ours, [oracle]];
  const found: Breakdown[][] = levels.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const [i, rungs] of levels.entries()) found[i].push(await breakdown(model, asLevel(rungs), inputs));
  const middle = (i: number, of: (one: Breakdown) => number): number => quantile(Float64Array.from(found[i], of).sort(), 0.5);
  const query = ({ queryUs }: Breakdown): number => queryUs;
  const bytes = ({ stages }: Breakdown): number => stages.reduce((total, stage) => total + stage.bytes, 0);
  const macs = ({ stages }: Breakdown): number => stages.reduce((total, stage) => total + stage.macs, 0);
  // an oracle names the nodes: what ranking and selecting take comes for nothing
  const named = ({ stages }: Breakdown): StageCost[] => stages.filter(({ stage }) => stage !== "rank" && stage !== "select");
  const unranked = (one: Breakdown): number => named(one).reduce((total, { us }) => total + us, 0);
  const [denseUs, oursUs, oracleUs] = [middle(0, query), middle(1, query), Math.min(middle(2, unranked), middle(0, query))];
  return {
    denseUs,
    oursUs,
    oracleUs,
    bandwidthUs: { dense: middle(0, bytes) / bytesPerUs, ours: middle(1, bytes) / bytesPerUs },
    ideal: middle(0, macs) / middle(1, macs),
    oracleMacs: middle(2, (one) => named(one).reduce((total, stage) => total + stage.macs, 0)) / middle(0, macs),
  };
}

/** A level of which only the rungs matter. */
function asLevel(rungs: readonly Rung[]): Level {
  const nothing = { mean: 0, p99: 0, max: 0 };
  return {
    rungs,
    cost: { macs: nothing, bytes: 0, nodes: rungs[0].layers.map(() => 0) },
    observed: { agreement: 1, accuracy: null, loss: null },
    certificates: [],
  };
}
