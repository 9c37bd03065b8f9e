// What is known while the chain of an ONNX graph is followed: the file's parts, and how far the walk has come.

import { refusal, type SlonnError } from "../errors.ts";
import type { Fold } from "./fold.ts";
import type { OnnxGraph } from "./onnx-graph.ts";
import type { OnnxNumbers } from "./onnx-numbers.ts";
import type { Dims } from "./onnx-shapes.ts";

/** What the walk is given. */
export interface ChainStart {
  /** What messages call the file. */
  file: string;
  opset: number;
  graph: OnnxGraph;
  externals: ReadonlyMap<string, Uint8Array>;
  /** The initializers; computed constants are added. */
  constants: Map<string, OnnxNumbers>;
  /** Told of every number made; throws when they are too many. */
  spend(numbers: number): void;
  /** Takes the steps of the chain. */
  fold: Fold;
}

/** Where the walk along the chain is. */
export interface Walk extends ChainStart {
  /** The name of the value the chain has reached, its shape for a batch of one (null: not said), and whether it holds integers. */
  head: string;
  dims: Dims | null;
  integer: boolean;
  /** The axis of the head that counts samples; −1 where none does: the input is a single vector, or the file is for one sample. */
  samples: number;
  /** What Shape tells of the values passed so far, as `shapeOf` says it. */
  shapes: Map<string, readonly number[] | null>;
  /** The batch size the file fixes, where it does. */
  batch: number | null;
  layerNames: Set<string>;
}

/** What an input that the file gives no shape is taken for: a batch of vectors. */
export const unshaped: Dims = [1, null];

/**
 * A shape as Shape tells it. The batch is one here and another number elsewhere: NaN stands for it, which Reshape understands and
 * arithmetic does not lose. Infinity stands for another size that is not known; the number of samples is never part of it.
 */
export function shapeOf(dims: Dims | null, samples: number): readonly number[] | null {
  return dims?.map((n, axis) => (axis === samples && n === 1 ? Number.NaN : (n ?? Number.POSITIVE_INFINITY))) ?? null;
}

/** The refusal of an input that is no constant where one is needed. */
export function missing(subject: string, what: string): SlonnError {
  return refusal("unsupported", subject, "a value computed from the input or none", what);
}
