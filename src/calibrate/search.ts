// The search: single layers first, everything else exact; then later layers beside several of the first, from cheap to sure; then rules
// that grow. What comes back is everything tried and composed, for others to choose from.

import type { LayerActivators } from "../activator/activator.ts";
import { isStatic } from "../activator/setting.ts";
import type { DenseLayer } from "../model/model.ts";
import { firstLabelled, type Labelled, type Rows } from "../model/rows.ts";
import type { LayerSetting, RankedSetting, Rung } from "../profile/ladder.ts";
import { dense, everyLayer, exact, outputSettingsOf, settingsOf, withLayer } from "./candidates.ts";
import { mostOf, type Promised } from "./choose.ts";
import { type Composed, composeFixed, composeGrowing, type Tried } from "./compose.ts";
import type { Outcome } from "./evaluate.ts";
import { type Answers, judge, sum } from "./judge.ts";
import type { ExactRungs } from "./layouts.ts";
import { unique } from "./unique.ts";

/** Runs settings over rows, `what` being the part from `from` to `to` of all that is done for one model. */
export type Run = (settings: readonly (readonly Rung[])[], on: Rows, from: number, to: number, what: string) => Promise<Outcome[]>;
/** The scores of layer `l` that each share of its nodes exceeds on average, for low-rank activators of a rank or `all`. */
export type Thresholds = (l: number, by: number | "all", shares: readonly number[]) => readonly number[];

/** Rows for the first look at every setting, settings that survive it, and settings that later layers are tried beside. */
const firstLook = 500;
const survivors = 40;
const bases = 6;

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
  promise: Promised;
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
  promise,
}: Searching): Promise<Composed[]> {
  const last = layers.length - 1;
  const denseRung = everyLayer(layers.length, dense);
  const settingsFor = (l: number): RankedSetting[] =>
    l === last
      ? outputSettingsOf(layers[l], fitted[l], kinds)
      : settingsOf(layers[l], l === 0, fitted[l], kinds, (by, shares) => thresholds(l, by, shares));
  const glance = firstLabelled(search, firstLook);
  const most = Math.max(mostLost, mostOf(promise));

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
    const found = rungs.length === 0 ? [] : spread(usable(await tryAll(rungs, glance, from, middle), most), bases);
    // a layer may pay where none before it does
    const alone = { layers: exactRungs.beside.layers.map((setting, i) => (i < l ? exactRungs.alone.layers[i] : setting)) };
    const tried = [alone, ...found].flatMap((rung) => settings.map((setting) => withLayer(rung, l, setting)));
    rungs = thin(usable(await tryAll([...rungs, ...tried], glance, middle, to), most), survivors);
  }
  const wholes = growing ? unique(rungs.flatMap(wholeOf)) : [];
  const [exactTried, ...all] = await tryAll([exactRungs.alone, ...wholes, ...rungs], search, 0.3, 0.55);
  const cheaper = all.slice(wholes.length).filter(({ cost }) => cost < exactTried.cost);
  const growingRules = growing ? composeGrowing(cheaper, [exactTried, ...all.slice(0, wholes.length)]) : [];
  return [composeFixed(exactTried), ...cheaper.map(composeFixed), ...growingRules];
}

/** What leaves nothing but NaN out and goes on from what a rung of `all` computed: relu leaves nothing of what is not above 0. */
function wholeOf({ layers }: Rung): Rung[] {
  const whole = layers.map((setting): LayerSetting => {
    if (setting.kind !== "ranked") return setting;
    return isStatic(setting) ? exact : { ...setting, amount: 0 };
  });
  const ranked = whole.filter(({ kind }) => kind === "ranked") as RankedSetting[];
  return ranked.length > 0 && ranked.every(({ activator }) => activator === "all") ? [{ layers: whole }] : [];
}

/** What a setting may lose, unless more is promised: no rule is sure of a fifth of the inputs by letting a third grow. */
const mostLost = 0.2;

interface Judged {
  rung: Rung;
  cost: number;
  disagreed: number;
}

/** Settings that a level may begin with, cheapest first: those that lose at most `most` on average. */
function usable(tried: readonly Tried[], most: number): Judged[] {
  return tried
    .filter(({ differences }) => sum(differences) <= most * differences.length)
    .map(({ rung, cost, disagreements }) => ({ rung, cost, disagreed: sum(disagreements) }))
    .sort((a, b) => a.cost - b.cost);
}

/** Of settings, cheapest first, those that disagree less than every cheaper one, and the others. */
export function split<T extends Omit<Judged, "rung">>(settings: readonly T[]): [front: T[], others: T[]] {
  let least = Number.POSITIVE_INFINITY;
  const [front, others]: [T[], T[]] = [[], []];
  for (const one of settings) {
    (one.disagreed < least ? front : others).push(one);
    least = Math.min(least, one.disagreed);
  }
  return [front, others];
}

/** At most `n` settings, those that disagree least for what they cost: non-dominated fronts, one after another. */
function thin(settings: readonly Judged[], n: number): Rung[] {
  const kept: Judged[] = [];
  let left = settings;
  while (kept.length < n && left.length > 0) {
    const [front, others] = split(left);
    kept.push(...front);
    left = others;
  }
  return kept.slice(0, n).map(({ rung }) => rung);
}

/** At most `n` settings from the cheapest to the surest of those that no other beats in both. */
function spread(settings: readonly Judged[], n: number): Rung[] {
  const [front] = split(settings);
  const count = Math.min(n, front.length);
  return Array.from({ length: count }, (_, i) => front[Math.round((i * (front.length - 1)) / Math.max(1, count - 1))].rung);
}
