// Which items train a network, which are held out from training, and which judge it: seeded, and equal texts never fall apart.

import { permutation, seeded } from "../../src/random.ts";

export interface Split<T> {
  test: T[];
  heldOut: T[];
  train: T[];
}

/**
 * Splits items into test, held out and train. Items with the same key stay together, so nothing held out was trained on under another
 * name. A part is filled group by group until it holds `wanted` or more.
 */
export function split<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  wanted: { test: number; heldOut: number },
  seed: number,
): Split<T> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  const list = [...groups.values()];
  const parts: Split<T> = { test: [], heldOut: [], train: [] };
  for (const i of permutation(list.length, seeded(seed))) {
    const part = parts.test.length < wanted.test ? parts.test : parts.heldOut.length < wanted.heldOut ? parts.heldOut : parts.train;
    part.push(...list[i]);
  }
  return parts;
}

/** The keys that occur at least `least` times, the most frequent first, then by code units. */
export function frequent<K extends string>(occurrences: Iterable<K>, least: number): K[] {
  const counts = new Map<K, number>();
  for (const key of occurrences) counts.set(key, (counts.get(key) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count >= least)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([key]) => key);
}
