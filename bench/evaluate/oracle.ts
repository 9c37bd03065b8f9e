// What an activator could save at the most: nodes ranked by what they truly give, at the least share that still keeps the promise. It
// is chosen on held-out rows by the very bound a certificate takes.

import { lossUpper } from "../../src/calibrate/bounds.ts";
import { dense, everyLayer, exact, withLayer } from "../../src/calibrate/candidates.ts";
import { evaluate, type Outcome } from "../../src/calibrate/evaluate.ts";
import { judge, sum } from "../../src/calibrate/judge.ts";
import type { Model } from "../../src/model/model.ts";
import type { Labelled, Labels } from "../../src/model/rows.ts";
import type { LayerSetting, Rung } from "../../src/profile/ladder.ts";

/** Shares of nodes tried. */
const shares = [0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.2, 0.35, 0.6];
/** Best answers that have to be right of a wide output layer. */
const answers = 5;

export interface Oracle {
  rung: Rung;
  /** Share of each layer's nodes that alone keeps the promise, every other layer exact; 1 for an output layer of few nodes. */
  shares: number[];
}

const keep = (amount: number): LayerSetting => ({ kind: "ranked", activator: "oracle", variant: 0, unit: "node", by: "top-k", amount });

/**
 * An oracle of a wide output layer names the best answers themselves, so nothing is lost and nothing has to be tried. Which nodes are
 * computed makes no difference to the time: here a screen names some, and what that takes is not counted (limits.ts).
 */
const named = (amount: number): LayerSetting => ({ kind: "ranked", activator: "screen", variant: 8, unit: "node", by: "top-k", amount });

/**
 * @param ranked whether a layer may be ranked at all
 * @param promised the loss (without labels: disagreement) that may be promised at most, at `confidence`
 */
export async function findOracle(
  model: Model,
  ranked: (layer: number) => boolean,
  heldOut: Labelled,
  promised: number,
  confidence: number,
): Promise<Oracle> {
  const { layers } = model;
  const last = layers.length - 1;
  const plain = everyLayer(layers.length, exact);
  const outcomesOf = (rungs: readonly Rung[]): Promise<Outcome[]> =>
    evaluate(
      model,
      rungs.map((rung) => [rung]),
      heldOut.rows,
      { clock: null },
    );
  const [whole] = await outcomesOf([everyLayer(layers.length, dense)]);
  const keeps = async (rung: Rung): Promise<boolean> =>
    upper((await outcomesOf([rung]))[0], whole, heldOut.labels, 1 - confidence) <= promised;
  const least: number[] = [];
  for (let l = 0; l < layers.length; l++) {
    if (l === last && ranked(l)) least.push(answers / layers[l].outputs);
    else if (l === last || !ranked(l)) least.push(1);
    else least.push(await leastShare((share) => keeps(withLayer(plain, l, keep(share)))));
  }
  const hidden = (steps: number): Rung => ({
    layers: least.map((share, l): LayerSetting => {
      const wider = share < 1 && l < last ? (shares[shares.indexOf(share) + steps] ?? 1) : 1;
      return wider < 1 ? keep(wider) : exact;
    }),
  });
  const ranks = hidden(0).layers.some(({ kind }) => kind === "ranked");
  let steps = 0;
  while (ranks && steps < shares.length && !(await keeps(hidden(steps)))) steps++;
  const rung = hidden(steps);
  return { rung: least[last] < 1 ? withLayer(rung, last, named(least[last])) : rung, shares: least };
}

/** The least share that does, by halving: what a share does, larger ones do. 1 where none does. */
async function leastShare(does: (share: number) => Promise<boolean>): Promise<number> {
  let [low, high] = [0, shares.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (await does(shares[middle])) high = middle;
    else low = middle + 1;
  }
  return shares[low] ?? 1;
}

function upper(outcome: Outcome, whole: Outcome, labels: Labels | null, delta: number): number {
  const { differences, disagreements } = judge(outcome, whole, labels);
  const verdicts = labels ? differences : disagreements;
  const [losses, gains] = [verdicts.filter((d) => d > 0).length, verdicts.filter((d) => d < 0).length];
  return sum(disagreements) === 0 ? 0 : lossUpper(losses, gains, verdicts.length, delta);
}
