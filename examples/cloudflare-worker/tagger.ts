// A text → the tags a network gives its bag of words, within a budget of multiply-adds. It knows no request and no runtime.

import { createSession, type Model, type Session, type StreamedModel } from "slonn";
import { bagOf, createVocabulary, wordsOf } from "../text.ts";

export interface Tags {
  /** Best first; `share` is a softmax over what was computed. */
  tags: { name: string; share: number }[];
  /** Words the network never saw. */
  unknown: string[];
  /** Multiply-adds done, the budget, and those of the whole network for these words: nobody computes with words that are not there. */
  operations: { done: number; budget: number; dense: number };
  /** Whether the budget was kept. */
  kept: boolean;
}

export interface Tagger {
  readonly session: Session;
  /** Null where no word is known. */
  tag(text: string, count: number): Tags | null;
}

/**
 * @param words names of the model's inputs
 * @param labels names of its outputs
 * @param budget multiply-adds an answer may take
 */
export async function createTagger(
  model: Model | StreamedModel,
  words: readonly string[],
  labels: readonly string[],
  budget: number,
): Promise<Tagger> {
  const { layers } = model;
  const [inputs, outputs] = [layers[0].inputs, layers[layers.length - 1].outputs];
  if (words.length !== inputs || labels.length !== outputs)
    throw new Error(`${model.name}: got ${words.length} words and ${labels.length} labels, expected ${inputs} and ${outputs}`);
  const [first, ...later] = layers;
  const denseLater = later.reduce((sum, layer) => sum + layer.inputs * layer.outputs, 0);
  const vocabulary = createVocabulary(words);
  const session = await createSession(model);
  const slo = { operations: budget };
  return {
    session,
    tag(text, count) {
      const typed = wordsOf(text);
      const input = bagOf(typed, vocabulary);
      if (input.indices.length === 0) return null;
      const { output, report } = session.run(input, slo);
      const best = output.top(count);
      const largest = best[0].score;
      const sum = output.scores.reduce((total, score) => total + Math.exp(score - largest), 0);
      return {
        tags: best.map(({ index, score }) => ({ name: labels[index], share: Math.exp(score - largest) / sum })),
        unknown: [...new Set(typed)].filter((word) => !vocabulary.has(word)),
        operations: { done: report.macs, budget, dense: input.indices.length * first.outputs + denseLater },
        kept: report.met,
      };
    },
  };
}
