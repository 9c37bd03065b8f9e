// Arithmetic on tensors known at import: elementwise with broadcasting, spread, transposed, reduced along axes.

import { refusal } from "../errors.ts";
import { gatherStrided } from "../model/strided.ts";
import { intOf } from "./onnx-attributes.ts";
import type { OnnxNode } from "./onnx-file.ts";
import { functionOf } from "./onnx-functions.ts";
import type { OnnxNumbers } from "./onnx-numbers.ts";
import { axisIn, showDims } from "./onnx-shapes.ts";

/** What a computation is allowed: `subject` names the node, `spend` is told of every number made and throws when they are too many. */
export interface Allowance {
  subject: string;
  spend(numbers: number): void;
}

/**
 * An elementwise operator of one input or of two, which are broadcast.
 * @throws SlonnError `bad-model` for shapes that do not broadcast, `unsupported` for integers where the operator takes floats.
 */
export function elementwise(operator: string, inputs: readonly OnnxNumbers[], allowance: Allowance): OnnxNumbers {
  const of = functionOf(operator)!;
  if (of.length === 1) return each(operator, inputs[0], of as (v: number) => number, allowance);
  const [a, b] = inputs;
  if (a.integer && !b.integer) throw refusal("unsupported", allowance.subject, "integers with floats", "one type");
  const shape = broadcastShape(a.shape, b.shape, allowance);
  const left = broadcast(a, shape, allowance);
  const right = broadcast(b, shape, allowance);
  for (let i = 0; i < left.length; i++) left[i] = a.integer ? ofSizes(left[i], right[i], of, allowance.subject) : of(left[i], right[i]);
  return { shape, data: left, integer: a.integer };
}

function each(operator: string, x: OnnxNumbers, of: (v: number) => number, { subject, spend }: Allowance): OnnxNumbers {
  if (x.integer && !(["Neg", "Abs"].includes(operator) && x.data.every(Number.isFinite)))
    throw refusal("unsupported", subject, "integers", "floats");
  spend(x.data.length);
  return { ...x, data: Float64Array.from(x.data).map((v) => of(v)) };
}

/** Expand: broadcast to a shape, which is itself broadcast to that of `x`. */
export function expand(x: OnnxNumbers, to: readonly number[], allowance: Allowance): OnnxNumbers {
  if (!to.every((n) => n >= 0 && Number.isFinite(n)))
    throw refusal("unsupported", allowance.subject, `shape [${to.join(", ")}]`, "known sizes");
  const shape = broadcastShape(x.shape, to, allowance);
  return { ...x, shape, data: broadcast(x, shape, allowance) };
}

/** How a reduction goes over the numbers of one result, and what it makes of what that comes to. */
interface Reduction {
  start: number;
  add(total: number, v: number): number;
  end?(total: number, count: number): number;
}

const reductionOf: Readonly<Record<string, Reduction>> = {
  ReduceSum: { start: 0, add: (total, v) => total + v },
  ReduceProd: { start: 1, add: (total, v) => total * v },
  ReduceMean: { start: 0, add: (total, v) => total + v, end: (total, count) => total / count },
  ReduceL1: { start: 0, add: (total, v) => total + Math.abs(v) },
  ReduceL2: { start: 0, add: (total, v) => total + v * v, end: Math.sqrt },
  ReduceSumSquare: { start: 0, add: (total, v) => total + v * v },
  ReduceMax: { start: Number.NEGATIVE_INFINITY, add: Math.max },
  ReduceMin: { start: Number.POSITIVE_INFINITY, add: Math.min },
};

/** Operators that `reduce` knows. */
export const reductions: readonly string[] = Object.keys(reductionOf);

/**
 * A reduction along axes; along all where none are named, unless the node says that it is along none then.
 * @throws SlonnError `bad-file` for an axis there is not, `unsupported` for integers but in sums and products.
 */
export function reduce(node: OnnxNode, x: OnnxNumbers, named: readonly number[] | undefined, allowance: Allowance): OnnxNumbers {
  const { subject } = allowance;
  const { start, add, end = (total) => total } = reductionOf[node.operator];
  const isSum = node.operator === "ReduceSum" || node.operator === "ReduceProd";
  if (x.integer && !isSum) throw refusal("unsupported", subject, "integers", "floats");
  const axes = [...x.shape.keys()];
  const none = intOf(node, "noop_with_empty_axes", 0, subject) === 1 ? [] : axes;
  const gone = new Set(named?.length ? named.map((axis) => axisIn(axis, axes.length, subject)) : none);
  const kept = axes.filter((axis) => !gone.has(axis));
  const count = [...gone].reduce((product, axis) => product * x.shape[axis], 1);
  const size = kept.reduce((product, axis) => product * x.shape[axis], 1);
  const { data } = transpose(x, [...kept, ...gone], allowance);
  allowance.spend(size);
  const totals = new Float64Array(size).fill(start);
  for (let r = 0, at = 0; r < size; r++) {
    for (let i = 0; i < count; i++, at++) totals[r] = x.integer ? ofSizes(totals[r], data[at], add, subject) : add(totals[r], data[at]);
    totals[r] = end(totals[r], count);
  }
  const keepsAxes = intOf(node, "keepdims", 1, subject) !== 0;
  const shape = keepsAxes ? axes.map((axis) => (gone.has(axis) ? 1 : x.shape[axis])) : kept.map((axis) => x.shape[axis]);
  return { shape, data: totals, integer: x.integer };
}

export function transpose(x: OnnxNumbers, order: readonly number[], { spend }: Allowance): OnnxNumbers {
  spend(x.data.length);
  const strides = new Array<number>(x.shape.length);
  for (let axis = x.shape.length - 1, stride = 1; axis >= 0; stride *= x.shape[axis--]) strides[axis] = stride;
  const shape = order.map((axis) => x.shape[axis]);
  const out = x.data instanceof Float32Array ? new Float32Array(x.data.length) : new Float64Array(x.data.length);
  return {
    ...x,
    shape,
    data: gatherStrided(
      x.data,
      shape,
      order.map((axis) => strides[axis]),
      out,
    ),
  };
}

function broadcastShape(a: readonly number[], b: readonly number[], { subject }: Allowance): number[] {
  const rank = Math.max(a.length, b.length);
  const sizeAt = (shape: readonly number[], axis: number) => shape[shape.length - rank + axis] ?? 1;
  return Array.from({ length: rank }, (_, axis) => {
    const [m, n] = [sizeAt(a, axis), sizeAt(b, axis)];
    if (m !== n && m !== 1 && n !== 1)
      throw refusal("bad-model", subject, `shapes ${showDims(a)} and ${showDims(b)}`, "shapes that broadcast");
    return m === 1 ? n : m;
  });
}

/** The numbers of a tensor spread over a larger shape of known size, by the rules of broadcasting; the shapes must fit. */
export function broadcast({ data, shape }: OnnxNumbers, to: readonly number[], allowance: Allowance): Float64Array {
  const size = to.reduce((product, n) => product * n, 1);
  allowance.spend(size);
  const strides = new Array<number>(to.length).fill(0);
  for (let axis = shape.length - 1, stride = 1; axis >= 0; stride *= shape[axis--])
    if (shape[axis] !== 1) strides[to.length - shape.length + axis] = stride;
  return gatherStrided(data, to, strides, new Float64Array(size));
}

/** `of` two integers, towards zero; they may be sizes: NaN the number of samples, Infinity one that is not known (`shapeOf`). */
function ofSizes(a: number, b: number, of: (a: number, b: number) => number, subject: string): number {
  if (Number.isNaN(a) || Number.isNaN(b)) {
    // What comes of the number of samples must be that number again, however many they are.
    const keeps = (samples: number) => Math.trunc(of(Number.isNaN(a) ? samples : a, Number.isNaN(b) ? samples : b)) === samples;
    if (!keeps(2) || !keeps(3)) throw refusal("unsupported", subject, "arithmetic with the number of samples", "that number as it is");
    return Number.NaN;
  }
  if (a === Number.POSITIVE_INFINITY || b === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  const result = Math.trunc(of(a, b));
  if (!(Math.abs(result) < 2 ** 31))
    throw refusal("unsupported", subject, "integers past 31 bits, which may not fit their type", "smaller ones");
  return result;
}
