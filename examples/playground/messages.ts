// What the page and the Worker that holds a network say to each other.

import type { Slo } from "slonn";

export type Subject = "digits" | "words";

/** A query, as posted: dense for digits, a bag of words for definitions. */
export type Query = Float32Array | { indices: Uint32Array; values: Float32Array };

export type Question =
  | { kind: "load"; subject: Subject }
  /** Answer under the objective, and densely. */
  | { kind: "ask"; query: Query; slo: Slo }
  /** Answer the test rows both ways. */
  | { kind: "examine"; slo: Slo };

/** One way to answer. */
export interface Answered {
  best: { index: number; share: number }[];
  ms: number;
  macs: number;
}

export type Reply =
  | { kind: "loading"; share: number }
  | {
      kind: "loaded";
      widths: number[];
      backend: string;
      reason: string | null;
      levels: number;
      promise: number | null;
      names: string[];
      words: string[];
    }
  | {
      kind: "answer";
      asked: Answered;
      dense: Answered;
      /** Per layer: the nodes computed; null: all. */
      active: (Uint32Array | null)[];
      level: number;
      why: string;
      gaveUp: string[];
      stretch: number;
    }
  | { kind: "examined"; rows: number; right: { asked: number; dense: number }; same: number }
  | { kind: "failed"; message: string };
