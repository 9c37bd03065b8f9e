// Scores of which a threshold chooses a certain share, at random: what kernels for chosen units are measured on.

import { permutation, type Random } from "../src/random.ts";

/** How many of `n` units a share of them is, at least one. */
export function chosenOf(n: number, share: number): number {
  return Math.max(1, Math.round(share * n));
}

/** 1 for the chosen units, 0 for the others. */
export function chosenScores(n: number, share: number, random: Random): Float32Array {
  const scores = new Float32Array(n);
  for (const unit of permutation(n, random).subarray(0, chosenOf(n, share))) scores[unit] = 1;
  return scores;
}
