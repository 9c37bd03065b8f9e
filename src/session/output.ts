// What a query gives back: the outputs that were computed, and the best of them.

import { refusal } from "../errors.ts";
import { show } from "../quoted.ts";

/** One output and its score. */
export interface Answer {
  index: number;
  score: number;
}

/** What the network answered. To send it elsewhere, send `top(k)`, or `indices` and `scores`: a function cannot be cloned. */
export interface Output {
  /**
   * [outputs], a copy of its own. Where only some outputs of the last layer were computed, it is made when first read, and the others hold 0 behind
   * softmax or sigmoid, else −Infinity.
   */
  readonly data: Float32Array;
  /** Which outputs were computed, in no order; null: all of them. */
  readonly indices: Uint32Array | null;
  /** The score of each of `indices`; of all outputs where that is null. */
  readonly scores: Float32Array;
  /**
   * The k best outputs, best first, or all that were computed where those are fewer; ties go to the lower index, NaN is never among them.
   * @throws SlonnError `bad-input` where k is not a number
   */
  top(k: number): Answer[];
}

/** Room for the best answers of a query: which outputs, and their scores. Both of one length, which is how many are looked for. */
export interface BestAnswers {
  indices: Uint32Array;
  scores: Float32Array;
}

/** What stands for an output that was not computed: less than any score, and as a probability 0. */
export function dropped(activation: string): number {
  return activation === "softmax" || activation === "sigmoid" ? 0 : Number.NEGATIVE_INFINITY;
}

/**
 * All outputs, kept as plain numbers until somebody asks for the array: V8 puts a typed array of more than 64 bytes outside its heap, and
 * allocating there takes longer than some networks take to answer. A class, because object literals with getters take even longer to make.
 */
class AllOutputs implements Output {
  readonly indices = null;
  #all: Float32Array | number[];
  readonly top = (k: number): Answer[] => top(null, this.#all, k);

  constructor(all: Float32Array | number[]) {
    this.#all = all;
  }

  get data(): Float32Array {
    const all = this.#all;
    return (this.#all = Array.isArray(all) ? Float32Array.from(all) : all);
  }

  get scores(): Float32Array {
    return this.data;
  }
}

export const createOutput = (all: Float32Array | number[]): Output => new AllOutputs(all);

/** An output of candidates. @param outputs how many outputs there are @param missing what stands for the others */
export function createCandidates(indices: Uint32Array, scores: Float32Array, outputs: number, missing: number): Output {
  let data: Float32Array | null = null;
  return {
    indices,
    scores,
    get data() {
      if (data === null) {
        data = new Float32Array(outputs).fill(missing);
        for (let i = 0; i < indices.length; i++) data[indices[i]] = scores[i];
      }
      return data;
    },
    top: (k) => top(indices, scores, k),
  };
}

function top(indices: Uint32Array | null, scores: Float32Array | number[], k: number): Answer[] {
  if (typeof k !== "number") throw refusal("bad-input", "k", show(k), "a number");
  const most = Math.max(0, Math.floor(k)) || 0;
  const best: Answer[] = [];
  /** The worst of the best so far: most outputs lie below it, and one comparison is all they cost. */
  let bar = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i];
    if (!(score >= bar)) continue;
    const one = { index: indices ? indices[i] : i, score };
    let at = best.length;
    // putting a few in their places takes a fifth of the time of sorting them
    while (most <= few && at > 0 && bestFirst(best[at - 1], one) > 0) best[at] = best[--at];
    best[at] = one;
    if (most > few || best.length < most) continue;
    best.length = most;
    bar = best[most - 1]?.score;
  }
  return most > few ? best.sort(bestFirst).slice(0, most) : best;
}

/** The most numbers that are copied or moved one by one. */
export const few = 1024;

/** The difference of two equal infinities is NaN, which also leaves the order to the index. */
const bestFirst = (a: Answer, b: Answer): number => b.score - a.score || a.index - b.index;
