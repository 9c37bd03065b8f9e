// Whether certificates hold: calibration rows are drawn again and again from a population that is known to the last row, levels are
// chosen and certified on each draw by the code calibration itself uses, and what the chosen level truly loses is looked up. Beside it
// the same choice without a certificate: the fastest rule that lost no more than allowed on the rows it was tuned on.
//
// Nothing is run again for a draw: what each setting answers to each row of the population was recorded once, and what a rule that
// grows answers follows from that. Activators are fitted on other rows and stay the same.

import { encodeActivators } from "../../src/activator/activator.ts";
import { dense, everyLayer, exact as exactSetting, settingsOf, withLayer } from "../../src/calibrate/candidates.ts";
import { type Aim, choose, lossRate } from "../../src/calibrate/choose.ts";
import { type Composed, composeFixed, composeGrowing, type Tried } from "../../src/calibrate/compose.ts";
import { evaluate, type Outcome } from "../../src/calibrate/evaluate.ts";
import { fitActivators } from "../../src/calibrate/fit.ts";
import { judge, sum } from "../../src/calibrate/judge.ts";
import { certifiedLevels, sequence } from "../../src/calibrate/levels.ts";
import { split } from "../../src/calibrate/survivors.ts";
import { systemClock } from "../../src/clock.ts";
import { createArrayKernels } from "../../src/engine/array-kernels.ts";
import { createModel } from "../../src/model/model.ts";
import { type Labels, takeLabels } from "../../src/model/rows.ts";
import type { Rung } from "../../src/profile/ladder.ts";
import { type Random, seeded } from "../../src/random.ts";
import { median } from "../statistics.ts";
import type { CertificatePart, Circumstances } from "./evaluation.ts";
import { confidence, promised, type Subject } from "./network.ts";

/** Settings of the first layer: the low-rank activators of these ranks, single nodes. */
const ranks = [16, 32];
const fitRows = 4096;
/** Rows of a draw that choose; as many as the population has certify. */
const searchRows = 3000;

/** What every setting does to every row of the population, dense and exact first. */
export interface Recorded {
  rungs: readonly Rung[];
  outcomes: readonly Outcome[];
  labels: Labels;
  widths: readonly number[];
}

export async function checkCertificates(
  { name, model, fit, heldOut }: Subject,
  resamples: number,
  log: (line: string) => void,
): Promise<Omit<CertificatePart, keyof Circumstances>> {
  const { rows, labels } = heldOut;
  if (labels === null) throw new Error(`${name}: got no labels, expected some to lose`);
  log(`${name}: recording settings on ${rows.count} rows`);
  const kinds = ["low-rank"];
  const { layers, fitted, thresholds } = await fitActivators(
    model,
    fit,
    { kinds, rows: fitRows, random: seeded(1) },
    await createArrayKernels(),
  );
  const plain = everyLayer(layers.length, exactSetting);
  const settings = settingsOf(layers[0], true, fitted[0], kinds, (by, shares) => thresholds(0, by, shares), [layers[0].outputs]).filter(
    ({ variant }) => ranks.includes(variant),
  );
  const rungs = [everyLayer(layers.length, dense), plain, ...settings.map((setting) => withLayer(plain, 0, setting))];
  const withActivators = createModel(name, layers, { ladder: null, tensors: encodeActivators(fitted) });
  const outcomes = await evaluate(
    withActivators,
    rungs.map((rung) => [rung]),
    rows,
    { clock: systemClock },
  );
  const recorded: Recorded = { rungs, outcomes, labels, widths: layers.map(({ outputs }) => outputs) };
  log(`${name}: ${resamples} draws`);
  const found = resample(recorded, rows.count, resamples, seeded(2));
  return { network: name, population: rows.count, drawn: searchRows + rows.count, resamples, promised, confidence, ...found };
}

/** @param count rows of the population, of which as many certify in each draw */
export function resample(
  recorded: Recorded,
  count: number,
  resamples: number,
  random: Random,
): Pick<CertificatePart, "broken" | "trueLoss" | "speedUp"> {
  const every = Uint32Array.from({ length: count }, (_, r) => r);
  const draw = (n: number): Uint32Array => Uint32Array.from({ length: n }, () => Math.floor(random() * count));
  const whole = median(Float64Array.from(recorded.outcomes[0].timesMs));
  const kinds = ["certified", "uncertified"] as const;
  const trueLoss: CertificatePart["trueLoss"] = { certified: [], uncertified: [] };
  const speedUps: CertificatePart["trueLoss"] = { certified: [], uncertified: [] };
  const note = (kind: (typeof kinds)[number], rungs: readonly Rung[]): void => {
    const outcome = outcomeOf(recorded, rungs, every);
    const { differences } = judge(outcome, recorded.outcomes[0], recorded.labels);
    trueLoss[kind].push(sum(differences) / count);
    speedUps[kind].push(whole / median(Float64Array.from(outcome.timesMs)));
  };
  for (let n = 0; n < resamples; n++) {
    note("certified", certifiedRule(recorded, draw(searchRows), draw(count)));
    note("uncertified", tunedRule(recorded, draw(count)));
  }
  const broken = (kind: (typeof kinds)[number]): number => trueLoss[kind].filter((loss) => loss > promised).length;
  const middle = (kind: (typeof kinds)[number]): number => median(Float64Array.from(speedUps[kind]));
  return {
    broken: { certified: broken("certified"), uncertified: broken("uncertified") },
    trueLoss,
    speedUp: { certified: middle("certified"), uncertified: middle("uncertified") },
  };
}

/** As `calibrate` goes about it: choose on the search rows, put in order, certify on the others; the fastest level certified for the promise. */
function certifiedRule(recorded: Recorded, search: Uint32Array, certify: Uint32Array): readonly Rung[] {
  const composed = composedOn(recorded, search);
  const aim: Aim = { promise: { kind: "loss", bound: promised }, samples: certify.length, lossRate: lossRate(composed) };
  const chosen = choose(composed, aim);
  const [whole, exact] = recorded.rungs;
  const ladder = [
    [whole],
    [exact],
    ...chosen.map(({ rungs }) => rungs).filter((rungs) => !(rungs.length === 1 && sameLayers(rungs[0], exact))),
  ];
  const on = (which: Uint32Array, rules: readonly (readonly Rung[])[]): Outcome[] =>
    rules.map((rungs) => outcomeOf(recorded, rungs, which));
  const kept = sequence(ladder, on(search, ladder), {
    labels: takeLabels(recorded.labels, search),
    costOf,
    exact: [exact],
    always: [],
    ...aim,
  });
  const rules = kept.map(({ rungs }) => rungs);
  const { widths } = recorded;
  const levels = certifiedLevels(kept, on(certify, rules), { labels: takeLabels(recorded.labels, certify), widths, confidence });
  const level = levels.find(({ certificates }) => certificates.some(({ kind, bound }) => kind === "loss" && bound <= promised));
  return level?.rungs ?? [whole];
}

/** The fastest rule that lost no more than promised on the very rows it is chosen by. */
function tunedRule(recorded: Recorded, tuning: Uint32Array): readonly Rung[] {
  const good = composedOn(recorded, tuning).filter(({ lost, rows }) => lost / rows <= promised);
  return good.reduce<Composed | null>((best, one) => (best && best.cost <= one.cost ? best : one), null)?.rungs ?? [recorded.rungs[0]];
}

function composedOn({ rungs, outcomes, labels }: Recorded, which: Uint32Array): Composed[] {
  const drawnLabels = takeLabels(labels, which);
  const drawn = outcomes.map((outcome) => drawnOutcome(outcome, which));
  const [, exact, ...others] = rungs.map((rung, i): Tried => {
    const { differences, disagreements } = judge(drawn[i], drawn[0], drawnLabels);
    return { rung, differences, disagreements, margins: drawn[i].margins, cost: costOf(drawn[i]) };
  });
  const cheaper = front(others.filter(({ cost }) => cost < exact.cost));
  return [composeFixed(exact), ...cheaper.map(composeFixed), ...composeGrowing(cheaper, [exact])];
}

/** Settings that no other beats in both cost and disagreement. */
function front(tried: readonly Tried[]): Tried[] {
  const byCost = tried
    .map((one) => ({ one, cost: one.cost, disagreed: sum(one.disagreements) }))
    .sort((a, b) => a.cost - b.cost || a.disagreed - b.disagreed);
  return split(byCost)[0].map(({ one }) => one);
}

const costOf = ({ timesMs }: Outcome): number => median(Float64Array.from(timesMs));

const sameLayers = (a: Rung, b: Rung): boolean => JSON.stringify(a.layers) === JSON.stringify(b.layers);

function drawnOutcome(outcome: Outcome, which: Uint32Array): Outcome {
  const taken = <T extends Uint32Array | Float32Array | Float64Array | Uint8Array>(values: T): T => {
    const out = new (values.constructor as new (n: number) => T)(which.length);
    for (let i = 0; i < which.length; i++) out[i] = values[which[i]];
    return out;
  };
  const { answers, margins, macs, bytes, rungs, timesMs } = outcome;
  return {
    ...outcome,
    answers: taken(answers),
    tops: new Uint32Array(0),
    margins: taken(margins),
    macs: taken(macs),
    bytes: taken(bytes),
    rungs: taken(rungs),
    timesMs: taken(timesMs),
  };
}

/** What a rule answers and takes on these rows, from what its rungs did one by one. What growing saves by keeping work is not counted. */
export function outcomeOf({ rungs: known, outcomes }: Recorded, rule: readonly Rung[], which: Uint32Array): Outcome {
  const parts = rule.map((rung) => drawnOutcome(outcomes[known.findIndex((one) => sameLayers(one, rung))], which));
  const whole = drawnOutcome(
    parts[0],
    Uint32Array.from(which, (_, i) => i),
  );
  for (let r = 0; r < which.length; r++)
    for (let p = 1; p < rule.length && parts[p - 1].margins[r] < (rule[p - 1].margin ?? 0); p++) {
      whole.answers[r] = parts[p].answers[r];
      whole.margins[r] = parts[p].margins[r];
      whole.macs[r] += parts[p].macs[r];
      whole.bytes[r] += parts[p].bytes[r];
      whole.timesMs[r] += parts[p].timesMs[r];
      whole.rungs[r] = p + 1;
    }
  return whole;
}
