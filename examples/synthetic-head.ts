// SYNTHETIC: an output layer of Delicious-200K's shape (128 -> 205,443) made by a generator, for measuring speed and memory only. No data
// set stands behind it, so its answers mean nothing and no accuracy may be quoted from it. What it copies from trained heads is structure:
// labels lie in clusters within topics, directions matter unequally, label frequencies are Zipf-like and show in the biases, hidden values
// are ReLU outputs of which few are large, and a query lies near a label with a part of another and noise mixed in. How near it comes to
// the trained ones is in docs/decisions/synthetic-head.md.

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

const topics = 64;
/** Sizes of what a label's vector is made of, in units of its topic's: its cluster's part and its own; and of the noise of a query. */
const [clusterPart, ownPart, queryNoise] = [0.9, 0.5, 0.6];
/** How much of a label's own part, and of a query's noise, has no direction; the rest is spread as clusters are. */
const [ownEven, noiseEven] = [0.3, 0.5];
/** Share of a second label in a query. */
const mixed = 0.3;
/** Exponents of the Zipf laws: cluster and topic sizes, label frequencies. */
const [clusterLaw, labelLaw] = [0.7, 1.1];
/** How far a label's log frequency shows in its bias. */
const biasOfFrequency = 0.4;
/** Added to a query before its ReLU. */
const shift = 0.4;
/** Variance along the k-th direction falls as (k + 4)^-law. */
const directionLaw = 0.9;

/** @returns a head whose arrays are made at once: about labels x (4 hidden + 16) bytes */
export function syntheticHead({ labels = 205_443, hidden = 128, clusters = 2048, seed = 1 }: SyntheticHeadOptions = {}): SyntheticHead {
  const random = seeded(seed);
  const directions = spreadDirections(hidden, random);
  const topicVectors = spread(topics, directions, random);
  const clusterVectors = spread(clusters, directions, random);
  const topicSizes = zipf(topics, clusterLaw);
  const topicOf = Uint32Array.from({ length: clusters }, () => draw(topicSizes, random()));
  const sizes = zipf(clusters, clusterLaw);
  const clusterOf = Uint32Array.from({ length: labels }, () => draw(sizes, random()));
  const frequencies = zipf(labels, labelLaw);
  const rankOf = permutation(labels, random);
  const labelAt = new Uint32Array(labels);
  for (let label = 0; label < labels; label++) labelAt[rankOf[label]] = label;
  /** Writes a vector of unit variance spread as the differences of clusters are, a share of it evenly. */
  const scatter = (out: Float32Array, even: number, from: Random): void => {
    const [one, other] = [0, 0].map(() => Math.floor(from() * clusters) * hidden);
    const [uneven, size] = [Math.sqrt((1 - even) / 2), Math.sqrt(even)];
    for (let i = 0; i < hidden; i++) out[i] = uneven * (clusterVectors[one + i] - clusterVectors[other + i]) + size * normal(from);
  };

  // A label's vector has unit length on average, times a gain that makes scores differ by some nats, as trained ones do.
  const total = Math.sqrt(1 + clusterPart ** 2 + ownPart ** 2);
  const gain = 4 / Math.sqrt(hidden);
  const weight = new Float32Array(labels * hidden);
  const bias = new Float32Array(labels);
  const own = new Float32Array(hidden);
  for (let label = 0, at = 0; label < labels; label++) {
    scatter(own, ownEven, random);
    const [cluster, topic] = [clusterOf[label] * hidden, topicOf[clusterOf[label]] * hidden];
    for (let i = 0; i < hidden; i++, at++)
      weight[at] = (gain / total) * (topicVectors[topic + i] + clusterPart * clusterVectors[cluster + i] + ownPart * own[i]);
    bias[label] = -biasOfFrequency * labelLaw * Math.log((rankOf[label] + zipfOffset) / (labels / 2));
  }
  const model = createModel("synthetic-head", [
    { name: "labels", inputs: hidden, outputs: labels, weight, bias, activation: "identity", alpha: 0 },
  ]);

  const queries: SyntheticHead["queries"] = (count, querySeed) => {
    const draws = seeded(querySeed);
    const data = new Float32Array(count * hidden);
    const classes = new Uint32Array(count);
    const noise = new Float32Array(hidden);
    for (let q = 0, at = 0; q < count; q++) {
      classes[q] = labelAt[draw(frequencies, draws())];
      const other = labelAt[draw(frequencies, draws())];
      scatter(noise, noiseEven, draws);
      for (let i = 0; i < hidden; i++, at++) {
        const near = (1 - mixed) * weight[classes[q] * hidden + i] + mixed * weight[other * hidden + i];
        data[at] = Math.max(0, near / gain + queryNoise * noise[i] + shift);
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

/** [hidden, hidden] orthogonal rows, each as long as the spread along it; the mean square of their lengths is 1. */
function spreadDirections(hidden: number, random: Random): Float32Array {
  const rows = Float32Array.from({ length: hidden * hidden }, () => normal(random));
  const lengths = Float32Array.from({ length: hidden }, (_, k) => (k + 4) ** (-directionLaw / 2));
  const mean = Math.sqrt(lengths.reduce((sum, v) => sum + v * v, 0) / hidden);
  for (let k = 0; k < hidden; k++) {
    const row = rows.subarray(k * hidden, (k + 1) * hidden);
    for (let j = 0; j < k; j++) {
      let dot = 0;
      for (let i = 0; i < hidden; i++) dot += row[i] * rows[j * hidden + i];
      for (let i = 0; i < hidden; i++) row[i] -= dot * rows[j * hidden + i];
    }
    const norm = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0));
    for (let i = 0; i < hidden; i++) row[i] /= norm;
  }
  return rows.map((v, at) => (v * lengths[Math.floor(at / hidden)]) / mean);
}

/** [n, hidden] vectors along these directions, heavy-tailed along each, so that some labels are far from all others. */
function spread(n: number, directions: Float32Array, random: Random): Float32Array {
  const hidden = Math.sqrt(directions.length);
  const out = new Float32Array(n * hidden);
  for (let v = 0; v < n; v++)
    for (let k = 0; k < hidden; k++) {
      const along = heavyTailed(random);
      for (let i = 0; i < hidden; i++) out[v * hidden + i] += along * directions[k * hidden + i];
    }
  return out;
}

/** Unit variance, Laplace: few large numbers, many small ones. */
function heavyTailed(random: Random): number {
  const u = random() - 0.5;
  return (-Math.sign(u) * Math.log(1 - 2 * Math.abs(u))) / Math.SQRT2;
}
