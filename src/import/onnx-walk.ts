// What is known while the chain of an ONNX graph is followed: the file's parts, and how far the walk has come.

import { SlonnError } from "../errors.ts";
import type { Fold } from "./fold.ts";
import type { OnnxNumbers } from "./onnx-file.ts";
import type { OnnxGraph } from "./onnx-graph.ts";
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
  /** Shapes of the values passed so far, for Shape. */
  shapes: Map<string, Dims | null>;
  /** The batch size the file fixes, where it does. */
  batch: number | null;
  layerNames: Set<string>;
}

/** Whether a first axis counts samples: the input is no single vector, and the file does not fix their number to one. */
export function countsSamples({ graph }: Walk): boolean {
  const { dims } = graph.input;
  return dims?.length !== 1 && dims?.[0] !== 1;
}

/** The refusal of an input that is no constant where one is needed. */
export function missing(subject: string, what: string): SlonnError {
  return new SlonnError("unsupported", `${subject}: got a value computed from the input or none, expected ${what}`);
}
