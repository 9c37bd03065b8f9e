// A model's ladder before it is certified: fits activators, searches settings, and measures the rules that will probably be certified. It sees
// the search rows only.

import { encodeActivators } from "../activator/activator.ts";
import { createArrayKernels } from "../engine/array-kernels.ts";
import { throwIfAborted } from "../errors.ts";
import { createModel, denseMacs, type Model } from "../model/model.ts";
import { firstRows, type Rows } from "../model/rows.ts";
import type { Tensor } from "../model/tensor.ts";
import type { Rung } from "../profile/ladder.ts";
import { dense, everyLayer, exact as plainExact, uniformShares, withShare } from "./candidates.ts";
import { type Aim, choose, lossRate, promisedCost } from "./choose.ts";
import type { Outcome } from "./evaluate.ts";
import { type FitOptions, fitActivators } from "./fit.ts";
import type { Answers } from "./judge.ts";
import { chooseLayouts, refineLayouts } from "./layouts.ts";
import { type Sequenced, sequence } from "./levels.ts";
import { type Run, type Searching, searchLevels } from "./search.ts";
import { unique } from "./unique.ts";
import { usedActivators } from "./used.ts";

/** What is looked for, whichever form the weights have. */
export interface Seeking extends Pick<Searching, "search" | "costOf" | "depth" | "growing" | "promise"> {
  fitRows: Rows;
  fit: FitOptions;
  /** Rows that will certify. */
  certifying: number;
  /** Whether costs are times: counted ones say nothing of layouts. */
  timed: boolean;
}

export interface Found {
  of: Model;
  /** The model's, in the order they were fitted in. */
  layers: Model["layers"];
  /** The activators that `kept` uses. */
  tensors: ReadonlyMap<string, Tensor>;
  /** Rules worth certifying, as measured on the search rows. */
  kept: readonly Sequenced[];
  /** What a query under the promise will probably cost. */
  promisedCost: number;
}

/** Layouts are timed on at least so many rows, and on at least as many as come to so many multiply-adds of dense queries. */
const timedRows = 300;
const timedMacs = 3e8;
/** Rules measured for one promise. */
const alternatives = 3;

/**
 * @param runner of the model once it has activators
 * @param reference whose answers are to be given for these rows; null for the model's own dense ones
 */
export async function findLadder(
  of: Model,
  seeking: Seeking,
  runner: (of: Model) => Run,
  reference: (on: Rows) => Promise<Answers | null>,
): Promise<Found> {
  const { search, fitRows, fit, depth, certifying, promise, timed, costOf } = seeking;
  const found = await fitActivators(of, fitRows, fit, await createArrayKernels());
  const { layers, fitted } = found;
  const run = runner(createModel(of.name, layers, { ladder: null, tensors: encodeActivators(fitted) }));
  const few = firstRows(search.rows, Math.max(timedRows, Math.ceil(timedMacs / denseMacs(of))));
  const plain = everyLayer(layers.length, plainExact);
  const timeOf =
    (from: number, to: number) =>
    async (settings: readonly (readonly Rung[])[]): Promise<number[]> =>
      (await run(settings, few, from, to, "choosing layouts")).map(medianMs);
  const exactRungs = timed ? await chooseLayouts(layers.length, fitted, timeOf(0.03, 0.05)) : { alone: plain, beside: plain };
  const composed = await searchLevels({ ...seeking, ...found, kinds: fit.kinds, exactRungs, run, reference });
  const exact = [exactRungs.alone];
  const uniform = fitted.slice(0, -1).some(({ lowRank }) => lowRank)
    ? uniformShares.map((amount) => [withShare(exactRungs.beside, fitted, amount)])
    : [];
  const aim: Aim = { promise, samples: certifying, lossRate: lossRate(composed) };
  const chosen = choose(composed, aim, alternatives).map(({ rungs }) => rungs);
  const refined = timed ? await refineLayouts(chosen, timeOf(0.55, 0.6)) : chosen;
  const ladder = unique([[everyLayer(layers.length, dense)], exact, ...uniform, ...refined]);
  throwIfAborted(fit.signal);
  const measured = await run(ladder, search.rows, 0.6, 1, "measuring levels");
  const kept = sequence(ladder, measured, {
    ...aim,
    labels: search.labels,
    depth,
    costOf,
    exact,
    always: uniform,
    reference: await reference(search.rows),
  });
  return { of, layers, tensors: encodeActivators(usedActivators(fitted, kept)), kept, promisedCost: promisedCost(kept, aim) };
}

/** Layouts read the same weights for every row and differ little, so the median: a lost time slice or a slow block must not decide. */
function medianMs({ timesMs }: Outcome): number {
  return timesMs.slice().sort()[timesMs.length >> 1];
}
