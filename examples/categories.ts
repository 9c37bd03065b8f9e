// A definition → the categories it names, by the WordNet network, and how little of the network was computed for them. It prints nothing
// and reads no file; define.ts does.

import { systemClock } from "../src/clock.ts";
import type { Model } from "../src/model/model.ts";
import type { Slo } from "../src/policy/slo.ts";
import { createSession, type Session } from "../src/session/session.ts";
import { bagOf, createVocabulary, wordsOf } from "./text.ts";

export interface Category {
  /** The synset's names, joined by commas. */
  name: string;
  /** The logit. */
  score: number;
  /** Its share of a softmax over the categories that were computed. */
  share: number;
}

export interface Categories {
  /** Best first. */
  categories: Category[];
  /** Words the network never saw, as typed but in lower case. */
  unknown: string[];
  known: number;
  /** Active nodes of each layer, and how many there are. */
  nodes: number[];
  widths: number[];
  /** Multiply-adds: of this answer; from every node, zeros skipped; from every node, absent words skipped. */
  macs: { asked: number; exact: number; dense: number };
  /** Medians of interleaved runs. */
  timeMs: { asked: number; exact: number; dense: number };
  /** Why this level of effort was chosen. */
  reason: string;
}

export interface Categorizer {
  /** Null where no word is known. */
  categorize(definition: string, count: number): Categories | null;
  dispose(): void;
}

const timedRuns = 31;
const [exact, dense]: Slo[] = [{ exact: true }, { dense: true }];

/**
 * @param words names of the model's inputs
 * @param labels names of its outputs
 * @param slo what each answer is asked to keep; absent: what the model was calibrated for
 * @throws Error where names and model do not fit; SlonnError as `createSession` and `run`
 */
export async function createCategorizer(
  model: Model,
  words: readonly string[],
  labels: readonly string[],
  slo?: Slo,
): Promise<Categorizer> {
  const widths = model.layers.map(({ outputs }) => outputs);
  const inputs = model.layers[0].inputs;
  if (words.length !== inputs || labels.length !== widths.at(-1))
    throw new Error(`${model.name}: got ${words.length} words and ${labels.length} labels, expected ${inputs} and ${widths.at(-1)}`);
  const vocabulary = createVocabulary(words);
  const session = await createSession(model);
  return {
    categorize(definition, count) {
      const typed = wordsOf(definition);
      const input = bagOf(typed, vocabulary);
      if (input.indices.length === 0) return null;
      const { output, report } = session.run(input, slo);
      const macsOf = (way: Slo): number => session.run(input, way).report.macs;
      const timeMs = medians(session, input, [slo, exact, dense]);
      return {
        categories: shares(output.top(count), output.scores).map(({ index, score, share }) => ({ name: labels[index], score, share })),
        unknown: [...new Set(typed)].filter((word) => !vocabulary.has(word)),
        known: input.indices.length,
        nodes: report.nodes,
        widths,
        macs: { asked: report.macs, exact: macsOf(exact), dense: macsOf(dense) },
        timeMs: { asked: timeMs[0], exact: timeMs[1], dense: timeMs[2] },
        reason: report.plan.reason,
      };
    },
    dispose: () => session.dispose(),
  };
}

function shares<A extends { score: number }>(best: readonly A[], scores: Float32Array): (A & { share: number })[] {
  const top = best[0]?.score ?? 0;
  const sum = scores.reduce((total, score) => total + Math.exp(score - top), 0);
  return best.map((answer) => ({ ...answer, share: Math.exp(answer.score - top) / sum }));
}

/** Median time of each way to answer, in turn, after one warm-up each. */
function medians(session: Session, input: ReturnType<typeof bagOf>, slos: readonly (Slo | undefined)[]): number[] {
  const times = slos.map(() => new Float64Array(timedRuns));
  for (let i = -1; i < timedRuns; i++)
    for (const [s, slo] of slos.entries()) {
      const began = systemClock.now();
      session.run(input, slo);
      if (i >= 0) times[s][i] = systemClock.now() - began;
    }
  return times.map((all) => all.sort()[timedRuns >> 1]);
}

/** The answer as lines of text. */
export function categoriesText({ categories, unknown, known, nodes, widths, macs, timeMs, reason }: Categories): string {
  const best = categories.map(
    ({ name, score, share }) => `${(100 * share).toFixed(1).padStart(5)} % ${score.toFixed(2).padStart(7)}  ${name}`,
  );
  const count = (n: number): string => Math.round(n).toLocaleString("en");
  const ways = (["asked", "exact", "dense"] as const).map((way) => {
    const what = { asked: "this answer", exact: "every node, zeros skipped", dense: "every node" }[way];
    return `  ${what.padEnd(32)} ${count(macs[way]).padStart(10)} multiply-adds ${timeMs[way].toFixed(4).padStart(9)} ms`;
  });
  return [
    ...best,
    "",
    ...(unknown.length > 0 ? [`not in the vocabulary: ${unknown.join(", ")}`] : []),
    `${known} words; nodes computed: ${nodes.map((n, l) => `${count(n)} of ${count(widths[l])}`).join(", ")} (${reason})`,
    ...ways,
    "",
  ].join("\n");
}
