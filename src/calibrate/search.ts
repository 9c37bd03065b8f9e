// The search: single layers first, everything else exact; then later layers greedily beside the best of the first; then rules
// that grow. What comes back is everything tried and composed, for others to choose from.

import type { LayerActivators } from "../activator/activator.ts";
import type { DenseLayer } from "../model/model.ts";
import { firstLabelled, type Labelled, type Rows } from "../model/rows.ts";
import type { RankedSetting, Rung } from "../profile/ladder.ts";
import { dense, everyLayer, outputSettingsOf, settingsOf, withLayer } from "./candidates.ts";
import { type Composed, composeFixed, composeGrowing, type Tried } from "./compose.ts";
import type { Outcome } from "./evaluate.ts";
import { type Answers, judge, sum } from "./judge.ts";
import type { ExactRungs } from "./layouts.ts";

/** Runs settings over rows, `what` being the part from `from` to `to` of all that is done for one model. */
export type Run = (settings: readonly (readonly Rung[])[], on: Rows, from: number, to: number, what: string) => Promise<Outcome[]>;
/** The scores of layer `l` that each share of its nodes exceeds on average, for low-rank activators of a rank or `all`. */
export type Thresholds = (l: number, by: number | "all", shares: readonly number[]) => readonly number[];

/** Rows for the first look at every setting, settings that survive it, and settings that later layers are tried beside. */
const firstLook = 500;
const survivors = 40;
const bases = 4;

/** What is searched, on which rows, and how an outcome is judged. */
export interface Searching {
  layers: readonly DenseLayer[];
  fitted: readonly LayerActivators[];
  thresholds: Thresholds;
  /** Activators to try. */
  kinds: readonly string[];
  exactRungs: ExactRungs;
  search: Labelled;
  run: Run;
  /** Whose answers are to be given for these rows; null for the model's own dense ones. */
  reference(rows: Rows): Promise<Answers | null>;
  costOf(outcome: Outcome): number;
  /** How many of the best answers the promise looks at. */
  depth: number;
  growing: boolean;
}

export async function searchLevels({
  layers,
  fitted,
  thresholds,
  kinds,
  exactRungs,
  search,
  run,
  reference,
  costOf,
  depth,
  growing,
}: Searching): Promise<Composed[]> {
  const last = layers.length - 1;
  const denseRung = everyLayer(layers.length, dense);
  const settingsFor = (l: number): RankedSetting[] =>
    l === last
      ? outputSettingsOf(layers[l], fitted[l], kinds)
      : settingsOf(layers[l], fitted[l], kinds, (by, shares) => thresholds(l, by, shares));
  const glance = firstLabelled(search, firstLook);

  const tryAll = async (rungs: readonly Rung[], on: Labelled, from: number, to: number): Promise<Tried[]> => {
    const outcomes = await run([[denseRung], ...rungs.map((rung) => [rung])], on.rows, from, to, "trying settings");
    const against = (await reference(on.rows)) ?? outcomes[0];
    return rungs.map((rung, i) => {
      const outcome = outcomes[i + 1];
      const { differences, disagreements } = judge(outcome, against, on.labels, depth);
      return { rung, differences, disagreements, margins: outcome.margins, cost: costOf(outcome) };
    });
  };

  let rungs: Rung[] = [];
  const share = 0.25 / layers.length;
  for (let l = 0; l <= last; l++) {
    const [from, middle, to] = [0.05 + l * share, 0.05 + (l + 0.2) * share, 0.05 + (l + 1) * share];
    const settings = settingsFor(l);
    if (settings.length === 0) continue;
    const found = rungs.length === 0 ? [] : thin(await tryAll(rungs, glance, from, middle), bases);
    // a layer may pay where none before it does
    const alone = { layers: exactRungs.beside.layers.map((setting, i) => (i < l ? exactRungs.alone.layers[i] : setting)) };
    const tried = [alone, ...found].flatMap((rung) => settings.map((setting) => withLayer(rung, l, setting)));
    rungs = thin(await tryAll([...rungs, ...tried], glance, middle, to), survivors);
  }
  const [exactTried, ...all] = await tryAll([exactRungs.alone, ...rungs], search, 0.3, 0.55);
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
