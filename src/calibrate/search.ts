// The search: single layers first, everything else exact; then later layers greedily beside the best of the first; then rules
// that grow. What comes back is everything tried and composed, for others to choose from.

import type { LayerActivators } from "../activator/activator.ts";
import type { DenseLayer } from "../model/model.ts";
import { type Labels, type Rows, takeLabels, takeRows } from "../model/rows.ts";
import type { RankedSetting, Rung } from "../profile/ladder.ts";
import { dense, everyLayer, outputSettingsOf, settingsOf, withLayer } from "./candidates.ts";
import { type Composed, composeFixed, composeGrowing, type Tried } from "./compose.ts";
import type { Outcome } from "./evaluate.ts";
import { type Answers, judge, sum } from "./judge.ts";
import type { ExactRungs } from "./layouts.ts";

export type Run = (settings: readonly (readonly Rung[])[], on: Rows, from: number, to: number, what: string) => Promise<Outcome[]>;
/** The scores of layer `l` that each share of its nodes exceeds on average, for low-rank activators of `rank`. */
export type Thresholds = (l: number, rank: number, shares: readonly number[]) => readonly number[];

/** Rows for the first look at every setting, settings that survive it, and settings that later layers are tried beside. */
const firstLook = 500;
const survivors = 40;
const bases = 4;

export async function searchLevels(
  network: readonly DenseLayer[],
  kinds: readonly string[],
  exactRungs: ExactRungs,
  fitted: readonly LayerActivators[],
  thresholds: Thresholds,
  search: { rows: Rows; labels: Labels | null },
  run: Run,
  reference: (rows: Rows) => Promise<Answers | null>,
  costOf: (outcome: Outcome) => number,
  depth: number,
  growing: boolean,
): Promise<Composed[]> {
  const layers = network.length;
  const denseRung = everyLayer(layers, dense);
  const grid = (l: number): RankedSetting[] =>
    l === layers - 1
      ? outputSettingsOf(network[l], fitted[l], kinds)
      : settingsOf(fitted[l], (rank, shares) => thresholds(l, rank, shares));
  const look = Uint32Array.from({ length: Math.min(firstLook, search.rows.count) }, (_, i) => i);
  const glance = takeRows(search.rows, look);
  const glanceLabels = search.labels && takeLabels(search.labels, look);

  const tryAll = async (
    rungs: readonly Rung[],
    on: Rows,
    labels: Labels | null,
    from: number,
    to: number,
    what: string,
  ): Promise<Tried[]> => {
    const outcomes = await run([[denseRung], ...rungs.map((rung) => [rung])], on, from, to, what);
    const against = (await reference(on)) ?? outcomes[0];
    return rungs.map((rung, i) => {
      const { margins } = outcomes[i + 1];
      const { differences, disagreements } = judge(outcomes[i + 1], against, labels, depth);
      return { rung, differences, disagreements, margins, cost: costOf(outcomes[i + 1]) };
    });
  };

  let rungs: Rung[] = [];
  const share = 0.25 / layers;
  for (let l = 0; l < layers; l++) {
    const [from, middle, to] = [0.05 + l * share, 0.05 + (l + 0.2) * share, 0.05 + (l + 1) * share];
    const settings = grid(l);
    if (settings.length === 0) continue;
    const found = rungs.length === 0 ? [] : thin(await tryAll(rungs, glance, glanceLabels, from, middle, "trying settings"), bases);
    // a layer may pay where none before it does
    const alone = { layers: exactRungs.beside.layers.map((setting, i) => (i < l ? exactRungs.alone.layers[i] : setting)) };
    const tried = [alone, ...found].flatMap((rung) => settings.map((setting) => withLayer(rung, l, setting)));
    rungs = thin(await tryAll([...rungs, ...tried], glance, glanceLabels, middle, to, "trying settings"), survivors);
  }
  const [exactTried, ...all] = await tryAll([exactRungs.alone, ...rungs], search.rows, search.labels, 0.3, 0.55, "trying settings");
  const cheaper = all.filter(({ cost }) => cost < exactTried.cost);
  return [composeFixed(exactTried), ...cheaper.map(composeFixed), ...(growing ? composeGrowing(cheaper, exactTried) : [])];
}

/** At most `n` settings, those that disagree least for what they cost: non-dominated fronts, one after another. */
function thin(tried: readonly Tried[], n: number): Rung[] {
  const kept: Rung[] = [];
  let left = tried.map(({ rung, cost, disagreements }) => ({ rung, cost, disagreed: sum(disagreements) })).sort((a, b) => a.cost - b.cost);
  while (kept.length < n && left.length > 0) {
    let best = Number.POSITIVE_INFINITY;
    const rest: typeof left = [];
    for (const one of left) {
      if (one.disagreed < best && kept.length < n) {
        best = one.disagreed;
        kept.push(one.rung);
      } else rest.push(one);
    }
    left = rest;
  }
  return kept;
}
