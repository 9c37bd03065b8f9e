// Text as the text networks read it: words, and bags of them as sparse inputs. The data makers and the demo share it, so that what is
// typed is read exactly as what was trained on. It knows no corpus and no network.

import type { SparseInput } from "../src/model/rows.ts";

/** Position of each known word. */
export type Vocabulary = ReadonlyMap<string, number>;

/** The words of a text: lower case, runs of letters and digits, accents dropped; an apostrophe stays inside a word, a hyphen parts two. */
export function wordsOf(text: string): string[] {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").replaceAll("’", "'").toLowerCase();
  return plain.match(/[\p{L}\p{N}]+(?:'[\p{L}\p{N}]+)*/gu) ?? [];
}

export function createVocabulary(words: readonly string[]): Vocabulary {
  return new Map(words.map((word, i) => [word, i]));
}

/**
 * A bag of words as a unit vector: each of the n different known words counts 1 / √n, however often it occurs; unknown words count
 * nothing. Ascending indices. Empty where no word is known.
 */
export function bagOf(words: readonly string[], vocabulary: Vocabulary): SparseInput {
  const known = new Set<number>();
  for (const word of words) {
    const index = vocabulary.get(word);
    if (index !== undefined) known.add(index);
  }
  const indices = Uint32Array.from(known).sort();
  return { indices, values: new Float32Array(indices.length).fill(1 / Math.sqrt(indices.length)) };
}

/** Words before the next that a context reaches back to. */
export const contextWords = 8;

/**
 * The words before a next word, the last one nearest: the word at distance d counts 1 / d, repeated words their sum, unknown words
 * nothing; only the last `contextWords` are read. Ascending indices.
 */
export function contextOf(before: readonly string[], vocabulary: Vocabulary): SparseInput {
  const weights = new Map<number, number>();
  for (let d = 1; d <= Math.min(contextWords, before.length); d++) {
    const index = vocabulary.get(before[before.length - d]);
    if (index !== undefined) weights.set(index, (weights.get(index) ?? 0) + 1 / d);
  }
  const indices = Uint32Array.from(weights.keys()).sort();
  return { indices, values: Float32Array.from(indices, (i) => weights.get(i)!) };
}
