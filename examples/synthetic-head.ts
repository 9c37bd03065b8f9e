// SYNTHETIC: an output layer of Delicious-200K's shape (128 -> 205,443) made by a generator, for measuring speed and memory only. No data
// set stands behind it, so its answers mean nothing and no accuracy may be quoted from it. What it copies from trained heads is structure:
// labels lie in clusters of Zipf-like sizes, label frequencies are Zipf-like and show in the biases, hidden values are ReLU outputs of
// which few are large, and a query lies near a label with a part of another and noise mixed in.

import { createModel, type Model } from "../src/model/model.ts";
import type { Labels, Rows } from "../src/model/rows.ts";
import { normal, permutation, type Random, seeded } from "../src/random.ts";

export interface SyntheticHeadOptions {
  labels?: number;
  /** Inputs of the head: the width of the hidden layer it would stand on. */
  hidden?: number;
  clusters?: number;
  seed?: number;
}

export interface SyntheticHead {
  /** One layer, float32: labels x hidden x 4 bytes, the only large array. */
  model: Model;
  /** [labels] */
  clusterOf: Uint32Array;
  /** `count` queries, dense, and the label each was drawn near. The same seed gives the same queries. */
  queries(count: number, seed: number): { rows: Rows; labels: Labels };
}

/** Standard deviation of a label's own part, of each number, in units of its cluster's; and how much the noise of a query is of it. */
const [withinCluster, queryNoise] = [0.6, 0.7];
/** Share of a second label in a query. */
const mixed = 0.3;
/** Exponents of the Zipf laws: cluster sizes, label frequencies. */
const [clusterLaw, labelLaw] = [0.7, 0.9];
/** How far a label's log frequency shows in its bias. */
const biasOfFrequency = 0.5;
/**
 * Added to a query before its ReLU. With it and the noise above, 67 % of hidden values are active and the strongest 5, 10 and 20 % hold 34,
 * 54 and 77 % of the squared sum; in the WordNet network it is 69 %, and 31, 51 and 74 %.
 */
const shift = 0.5;

/** @returns a head whose arrays are made at once: about labels x (4 hidden + 16) bytes */
export function syntheticHead({ labels = 205_443, hidden = 128, clusters = 2048, seed = 1 }: SyntheticHeadOptions = {}): SyntheticHead {
  const random = seeded(seed);
  const centres = Float32Array.from({ length: clusters * hidden }, () => heavyTailed(random));
  const sizes = zipf(clusters, clusterLaw);
  const clusterOf = Uint32Array.from({ length: labels }, () => draw(sizes, random()));
  const frequencies = zipf(labels, labelLaw);
  const rankOf = permutation(labels, random);
  const labelAt = new Uint32Array(labels);
  for (let label = 0; label < labels; label++) labelAt[rankOf[label]] = label;

  // A label's vector has unit length on average, times a gain that makes scores differ by some nats, as trained ones do.
  const gain = 4 / Math.sqrt(hidden * (1 + withinCluster ** 2));
  const weight = new Float32Array(labels * hidden);
  const bias = new Float32Array(labels);
  for (let label = 0, at = 0; label < labels; label++) {
    const centre = clusterOf[label] * hidden;
    for (let i = 0; i < hidden; i++, at++) weight[at] = gain * (centres[centre + i] + withinCluster * normal(random));
    bias[label] = -biasOfFrequency * labelLaw * Math.log((rankOf[label] + zipfOffset) / (labels / 2));
  }
  const model = createModel("synthetic-head", [
    { name: "labels", inputs: hidden, outputs: labels, weight, bias, activation: "identity", alpha: 0 },
  ]);

  const queries: SyntheticHead["queries"] = (count, querySeed) => {
    const draws = seeded(querySeed);
    const data = new Float32Array(count * hidden);
    const classes = new Uint32Array(count);
    for (let q = 0, at = 0; q < count; q++) {
      classes[q] = labelAt[draw(frequencies, draws())];
      const other = labelAt[draw(frequencies, draws())];
      for (let i = 0; i < hidden; i++, at++) {
        const near = (1 - mixed) * weight[classes[q] * hidden + i] + mixed * weight[other * hidden + i];
        data[at] = Math.max(0, near / gain + queryNoise * normal(draws) + shift);
      }
    }
    return { rows: { kind: "dense", count, width: hidden, data }, labels: { kind: "class", count, classes } };
  };
  return { model, clusterOf, queries };
}

/** Flattens the head of a Zipf law, as real frequencies are: the first is not twice the second. */
const zipfOffset = 10;

/** Cumulative shares of `n` things whose weights fall as (rank + offset)^-law. */
function zipf(n: number, law: number): Float64Array {
  const cumulative = new Float64Array(n);
  for (let i = 0, sum = 0; i < n; i++) cumulative[i] = sum += (i + zipfOffset) ** -law;
  return cumulative.map((sum) => sum / cumulative[n - 1]);
}

/** The first position whose cumulative share exceeds `u` in [0, 1). */
function draw(cumulative: Float64Array, u: number): number {
  let [low, high] = [0, cumulative.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle] > u) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Unit variance, Laplace: few large numbers, many small ones. */
function heavyTailed(random: Random): number {
  const u = random() - 0.5;
  return (-Math.sign(u) * Math.log(1 - 2 * Math.abs(u))) / Math.SQRT2;
}
