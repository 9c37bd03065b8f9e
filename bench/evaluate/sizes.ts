// How much an evaluation measures. `full` is what is quoted; `quick` answers the same questions in minutes; `tiny` only shows that
// everything still works, and is what the tests run.

import { type NetworkName, networkNames } from "../../examples/networks.ts";
import type { HashShape } from "../../src/calibrate/fit-hash.ts";
import type { SizeName } from "./evaluation.ts";

export interface Size {
  networks: readonly NetworkName[];
  /** Whether networks that others trained are there too. */
  others: boolean;
  /** Rows of each kind taken of a network's at most; an oracle is held to its promise on so many of the held-out ones. */
  most: { fit: number; heldOut: number; report: number; oracle: number };
  /** Counted queries of a race of networks that read all inputs, of the large ones among them, and of those that read bags of words. */
  queries: { dense: number; large: number; text: number };
  /** Inputs that work is counted and stages are timed on. */
  counted: number;
  hashShapes: readonly HashShape[];
  peers: boolean;
  /** Processes started per contender. */
  coldStarts: number;
  /** At most so many held-out rows are the population drawn from: a draw takes time in proportion. */
  certificates: { networks: readonly NetworkName[]; resamples: number; population: number };
  interference: { networks: readonly NetworkName[]; loads: readonly string[]; multiples: readonly number[]; queries: number };
  scaling: { labels: readonly number[]; widths: readonly number[]; queries: number };
  /** The made-up output layer that is raced beside the peers. */
  head: { labels: number; queries: number } | null;
  /** The network that is raced in a browser. */
  browser: NetworkName | null;
}

/** Held-out rows that the shape of hash tables is chosen by. */
export const choosingRows = 2500;

const shape = (tables: number, bits: number, votes: number): HashShape => ({ tables, bits, votes });
const everything = Number.POSITIVE_INFINITY;

export const sizes: Record<SizeName, Size> = {
  full: {
    networks: networkNames,
    others: true,
    most: { fit: everything, heldOut: everything, report: everything, oracle: 5000 },
    queries: { dense: 3000, large: 1200, text: 2500 },
    counted: 200,
    hashShapes: [shape(8, 8, 256), shape(16, 8, 256), shape(8, 6, 512)],
    peers: true,
    coldStarts: 3,
    certificates: { networks: ["mnist", "fashion-mnist"], resamples: 200, population: 4000 },
    interference: {
      networks: ["fashion-mnist"],
      loads: ["none", "compute 2", "memory 2", "both 2"],
      multiples: [0.25, 0.5, 1, 2],
      queries: 3000,
    },
    scaling: { labels: [10_000, 20_000, 50_000, 100_000, 205_443], widths: [512, 1024, 2048, 4096], queries: 200 },
    head: { labels: 205_443, queries: 250 },
    browser: "fashion-mnist",
  },
  quick: {
    networks: ["fashion-mnist-l1", "letters", "brown"],
    others: false,
    most: { fit: 4000, heldOut: 6000, report: 4000, oracle: everything },
    queries: { dense: 1200, large: 1000, text: 800 },
    counted: 50,
    hashShapes: [shape(8, 8, 256)],
    peers: true,
    coldStarts: 1,
    certificates: { networks: ["fashion-mnist-l1"], resamples: 60, population: 6000 },
    interference: { networks: ["fashion-mnist-l1"], loads: ["none", "both 2"], multiples: [0.5, 1], queries: 1000 },
    scaling: { labels: [10_000, 20_000, 50_000], widths: [512, 1024], queries: 100 },
    head: null,
    browser: null,
  },
  tiny: {
    networks: ["letters"],
    others: false,
    most: { fit: 400, heldOut: 2400, report: 300, oracle: everything },
    queries: { dense: 100, large: 100, text: 100 },
    counted: 5,
    hashShapes: [shape(4, 4, 64)],
    peers: false,
    coldStarts: 1,
    certificates: { networks: ["letters"], resamples: 10, population: 6000 },
    interference: { networks: ["letters"], loads: ["none", "compute 1"], multiples: [1], queries: 100 },
    scaling: { labels: [512, 1024], widths: [64, 128], queries: 10 },
    head: { labels: 1024, queries: 50 },
    browser: null,
  },
};
