// The search: settings of single layers first, all else exact; then settings of later layers beside the best of earlier ones; then rules that
// grow. It returns everything tried and composed, for others to choose from.

import { isStatic } from "../activator/setting.ts";
import { firstLabelled, type Labelled, type Rows } from "../model/rows.ts";
import type { LayerSetting, RankedSetting, Rung } from "../profile/ladder.ts";
import { dense, everyLayer, exact, outputSettingsOf, settingsOf, staticOf, withLayer } from "./candidates.ts";
import { mostOf, type Promised } from "./choose.ts";
import { type Composed, composeFixed, composeGrowing, type Tried } from "./compose.ts";
import type { Outcome } from "./evaluate.ts";
import type { Fitted } from "./fit.ts";
import { type Answers, judge } from "./judge.ts";
import type { ExactRungs } from "./layouts.ts";
import { type Judged, thin, usable } from "./survivors.ts";
import { unique } from "./unique.ts";

/** Runs settings over rows, as the part from `from` to `to` of all work for one model; `what` tells people what is done. */
export type Run = (settings: readonly (readonly Rung[])[], on: Rows, from: number, to: number, what: string) => Promise<Outcome[]>;

/** Rows of the first look at every setting, how many settings survive it, and how many a later layer is tried beside. */
const firstLook = 500;
const survivors = 64;
const bases = 12;

/** What is searched, on which rows, and how an outcome is judged. */
export interface Searching extends Fitted {
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
  amongs,
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
      : settingsOf(layers[l], l === 0, fitted[l], kinds, (by, shares) => thresholds(l, by, shares), amongs[l]);
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

  /** The usable ones of these settings, by a first look at them. */
  const glanceAt = async (looked: readonly Rung[], from: number, to: number): Promise<Judged[]> => {
    const [whole, ...tried] = await tryAll([exactRungs.alone, ...looked], glance, from, to);
    return usable(tried, most, whole.cost);
  };

  /** The exact rung without the nodes of the first layer that hardly any input needs; empty where all are needed. */
  const nearlyWhole = (): Rung[] => {
    if (last === 0 || !kinds.includes("static")) return [];
    return staticOf(layers[0].outputs, amongs[0].slice(-1)).map((first) => withLayer(exactRungs.alone, 0, first));
  };

  let rungs: Rung[] = [];
  const share = 0.25 / layers.length;
  for (let l = 0; l <= last; l++) {
    const [from, middle, to] = [0.05 + l * share, 0.05 + (l + 0.2) * share, 0.05 + (l + 1) * share];
    const settings = settingsFor(l);
    if (settings.length === 0) continue;
    const found = rungs.length === 0 ? [] : thin(await glanceAt(rungs, from, middle), bases);
    // a layer may pay where none before it does
    const alone = { layers: exactRungs.beside.layers.map((setting, i) => (i < l ? exactRungs.alone.layers[i] : setting)) };
    // ranked hidden nodes read a row each, which takes longer than computing all of them where the layer before passes on little
    const cheap = l < last ? settings.filter(({ activator }) => activator !== "low-rank") : settings;
    const tried = [alone, ...found].flatMap((rung, i) => (i === 0 ? settings : cheap).map((setting) => withLayer(rung, l, setting)));
    rungs = thin(await glanceAt([...rungs, ...tried], middle, to), survivors);
  }
  const groups = [[exactRungs.alone, ...(growing ? nearlyWhole() : [])], growing ? unique(rungs.flatMap(wholeOf)) : [], rungs];
  const tried = await tryAll(groups.flat(), search, 0.3, 0.55);
  const [finals, wholes, others] = groups.map(({ length }) => tried.splice(0, length));
  const [exactTried] = finals;
  const cheaper = others.filter(({ cost }) => cost < exactTried.cost);
  const growingRules = growing ? composeGrowing(cheaper, finals, wholes) : [];
  return [composeFixed(exactTried), ...cheaper.map(composeFixed), ...growingRules];
}

/** Settings that leave out nothing but NaN and continue from what a rung of `all` computed: relu makes 0 of all that is not above 0. */
function wholeOf({ layers }: Rung): Rung[] {
  const whole = layers.map((setting): LayerSetting => {
    if (setting.kind !== "ranked") return setting;
    return isStatic(setting) ? exact : { ...setting, amount: 0 };
  });
  const ranked = whole.filter(({ kind }) => kind === "ranked") as RankedSetting[];
  return ranked.length > 0 && ranked.every(({ activator }) => activator === "all") ? [{ layers: whole }] : [];
}

/** The most a setting may lose, unless more is promised: no rule that lets fewer than half of the inputs grow makes up for a loss of a fifth. */
const mostLost = 0.2;
