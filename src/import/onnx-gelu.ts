// Recognizes Gelu where an exporter wrote it as single operators: any arrangement of a value and scalars that computes the same function.

import { activate } from "../model/forward.ts";
import type { OnnxNode } from "./onnx-file.ts";
import { functionOf } from "./onnx-functions.ts";
import type { OnnxNumbers } from "./onnx-numbers.ts";

export interface GeluMatch {
  activation: "gelu" | "gelu-tanh";
  /** The nodes compute this many times Gelu: some exporters halve afterwards. */
  factor: 1 | 2;
  /** The nodes that belong to it; the last one's first output is the result. */
  nodes: OnnxNode[];
}

/** Another function of the same make, which no layer has: told by name, for the refusal. */
export interface ForeignMatch {
  foreign: string;
}

/** What exporters write as x times a sigmoid. */
const foreign: readonly (readonly [name: string, of: (x: number) => number])[] = [
  ["SiLU (x times its sigmoid)", (x) => x / (1 + Math.exp(-x))],
  ["quick Gelu (x times the sigmoid of 1.702 x)", (x) => x / (1 + Math.exp(-1.702 * x))],
];

/** Operators that occur only inside the pattern. */
export const geluOnlyOperators: readonly string[] = ["Erf", "Pow"];

/** More nodes than any known way of writing it. */
const mostNodes = 16;

/** Both forms differ by up to 5e-4; constants rounded to float16 move them by up to 1e-4. */
const tolerance = 1e-4;

/**
 * The nodes from `head` to where its branches meet again, when together they compute Gelu of it or another function known by name. The function is compared by its values
 * at points from −6 to 6, which tells it from every other one that so few arithmetic operators make.
 * @param nodes the rest of the graph, each after those it reads.
 * @param scalar the value of a name when it is one known number.
 * @param readers how many nodes read a value, the graph's output counting as one.
 */
export function matchGelu(
  head: string,
  nodes: readonly OnnxNode[],
  scalar: (name: string) => OnnxNumbers | undefined,
  readers: (name: string) => number,
): GeluMatch | ForeignMatch | null {
  const points = Float32Array.from({ length: 97 }, (_, i) => (i - 48) / 8);
  const values = new Map<string, Float64Array>([[head, Float64Array.from(points)]]);
  /** For each value made so far, how many of its readers are still to come. */
  const open = new Map<string, number>([[head, readers(head)]]);
  const taken: OnnxNode[] = [];
  for (const node of nodes) {
    if (!node.inputs.some((name) => values.has(name))) continue;
    if (taken.push(node) > mostNodes) return null;
    const operands = node.inputs.map((name) => values.get(name) ?? scalar(name)?.data);
    const result = operands.every((operand) => operand !== undefined) ? evaluate(node, operands as Operand[], points.length) : null;
    if (!result) return null;
    for (const name of new Set(node.inputs)) {
      if (!values.has(name)) continue;
      const left = open.get(name)! - 1;
      if (left === 0) open.delete(name);
      else open.set(name, left);
    }
    const [output] = node.outputs;
    if (open.size === 0) return identify(result, points, taken);
    values.set(output, result);
    open.set(output, readers(output));
  }
  return null;
}

type Operand = Float32Array | Float64Array;

function identify(result: Float64Array, points: Float32Array, nodes: OnnxNode[]): GeluMatch | ForeignMatch | null {
  const near = (expected: (i: number) => number) =>
    result.every((y, i) => Math.abs(y - expected(i)) <= tolerance * Math.max(1, Math.abs(y)));
  for (const activation of ["gelu", "gelu-tanh"] as const)
    for (const factor of [1, 2] as const) {
      const expected = activate(activation, points, 0);
      if (near((i) => factor * expected[i])) return { activation, factor, nodes };
    }
  const other = foreign.find(([, of]) => near((i) => of(points[i])));
  return other ? { foreign: other[0] } : null;
}

/** One elementwise operator on values at the points; a single number counts for all of them. */
function evaluate(node: OnnxNode, operands: readonly Operand[], n: number): Float64Array | null {
  const of = functionOf(node.operator);
  if (!of || node.domain !== "" || operands.length !== of.length) return null;
  const steps = operands.map(({ length }) => (length === 1 ? 0 : 1));
  return Float64Array.from({ length: n }, (_, i) => of(operands[0][i * steps[0]], operands[1]?.[i * steps[1]]));
}
