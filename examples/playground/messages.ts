// What the page and the Worker that holds a network say to each other.

import type { Certificate, Slo } from "slonn";

export type Subject = "digits" | "words";

/** A query, as posted: dense for digits, a bag of words for definitions. */
export type Query = Float32Array | { indices: Uint32Array; values: Float32Array };

export type Question =
  | { kind: "load"; subject: Subject }
  /** Answer one input under the objective, and say how. */
  | { kind: "ask"; query: Query; slo: Slo }
  /** Answer the next test rows both ways. */
  | { kind: "race"; slo: Slo };

/** One test row, answered under the objective and densely. */
export interface Raced {
  asked: Finish;
  dense: Finish;
  isSame: boolean;
}

export interface Finish {
  ms: number;
  macs: number;
  isRight: boolean;
}

export interface Guess {
  index: number;
  share: number;
}

export type Reply =
  | { kind: "loading"; share: number }
  | {
      kind: "loaded";
      /** Inputs of the first layer, then outputs of every layer. */
      widths: number[];
      backend: string;
      reason: string | null;
      levels: number;
      /** What the Worker's clock counts in. */
      tickMs: number;
      rows: number;
      names: string[];
      words: string[];
    }
  | {
      kind: "answer";
      best: Guess[];
      /** Dense's best answer. */
      dense: number;
      /** The inputs that are not zero, then per layer the nodes computed; null: all. */
      active: (Uint32Array | null)[];
      isDense: boolean;
      why: string;
      certificate: Certificate | null;
      gaveUp: readonly string[];
    }
  | { kind: "raced"; rows: Raced[]; stretch: number }
  | { kind: "failed"; message: string };
