// ONNX operators on values known at import: weights that are transposed, cast or scaled before use, and shapes put together from pieces.

import { refusal } from "../errors.ts";
import { narrowToHalf, widenHalf } from "../model/half.ts";
import { type Allowance, elementwise, expand, reduce, reductions, transpose } from "./onnx-arithmetic.ts";
import { intOf, intsOf } from "./onnx-attributes.ts";
import { dequantize } from "./onnx-dequantize.ts";
import type { OnnxNode } from "./onnx-file.ts";
import { decodeTensor, elementTypes, type OnnxNumbers } from "./onnx-numbers.ts";
import { axisIn, flattenDims, permutationOf, reshapeDims, showDims, squeezedAxes, unsqueezeDims } from "./onnx-shapes.ts";

/** Operators that `foldConstants` knows. */
export const constantOperators: readonly string[] = [
  "Identity",
  "Cast",
  "Transpose",
  "Reshape",
  "Flatten",
  "Squeeze",
  "Unsqueeze",
  "Add",
  "Sub",
  "Mul",
  "Div",
  "Pow",
  "Sqrt",
  "Reciprocal",
  "Exp",
  "Neg",
  "Abs",
  ...reductions,
  "Expand",
  "DequantizeLinear",
  "Concat",
  "Gather",
  "Slice",
  "Shape",
];

/**
 * The value of a node all of whose inputs are known. Arrays are shared with the inputs where nothing moves.
 * @throws SlonnError `bad-file` and `bad-model` where operator and inputs do not fit, `unsupported` for other operators.
 */
export function foldConstants(node: OnnxNode, inputs: readonly OnnxNumbers[], allowance: Allowance): OnnxNumbers {
  const { subject } = allowance;
  const { operator } = node;
  const needed = ["Add", "Sub", "Mul", "Div", "Pow", "Reshape", "Expand", "DequantizeLinear", "Gather"].includes(operator) ? 2 : 1;
  if (inputs.length < needed) throw refusal("bad-file", subject, `${inputs.length} inputs`, `at least ${needed}`);
  const [x] = inputs;
  switch (operator) {
    case "Identity":
      return x;
    case "Cast":
      return cast(x, intOf(node, "to", 0, subject), allowance);
    case "Transpose":
      return transpose(x, permutationOf(intsOf(node, "perm", subject), x.shape.length, subject), allowance);
    case "Reshape":
      return {
        ...x,
        shape: known(reshapeDims(x.shape, integers(inputs[1], subject), intOf(node, "allowzero", 0, subject) === 1, subject)),
      };
    case "Flatten":
      return { ...x, shape: known(flattenDims(x.shape, intOf(node, "axis", 1, subject), subject)) };
    case "Squeeze":
      return { ...x, shape: squeezed(x.shape, axesOf(node, inputs[1], subject), subject) };
    case "Unsqueeze":
      return { ...x, shape: known(unsqueezeDims(x.shape, axesOf(node, inputs[1], subject) ?? [], subject)) };
    case "Add":
    case "Sub":
    case "Mul":
    case "Div":
    case "Pow":
    case "Sqrt":
    case "Reciprocal":
    case "Exp":
    case "Neg":
    case "Abs":
      return elementwise(operator, inputs, allowance);
    case "Expand":
      return expand(x, integers(inputs[1], subject), allowance);
    case "DequantizeLinear":
      return dequantize(node, inputs, allowance);
    case "Concat":
      return concat(node, inputs, allowance);
    case "Gather":
      return gather(node, inputs, allowance);
    case "Slice":
      return slice(node, inputs, allowance);
    case "Shape":
      return shapeNumbers(node, x.shape, subject);
    default:
      if (reductions.includes(operator)) return reduce(node, x, axesOf(node, inputs[1], subject), allowance);
      throw refusal("unsupported", subject, "it on constants", `one of ${constantOperators.join(", ")}`);
  }
}

/** The value of a Constant node. */
export function constantOf(node: OnnxNode, externals: ReadonlyMap<string, Uint8Array>, { subject, spend }: Allowance): OnnxNumbers {
  const tensor = node.attributes.get("value")?.tensor;
  if (tensor) {
    const numbers = decodeTensor(tensor, subject, externals);
    spend(numbers.data.length);
    return numbers;
  }
  for (const key of ["float", "int", "floats", "ints"] as const) {
    const held = node.attributes.get(`value_${key}`)?.[key];
    if (held !== undefined)
      return { shape: Array.isArray(held) ? [held.length] : [], data: Float64Array.from([held].flat()), integer: key.startsWith("int") };
  }
  const got = node.attributes.has("sparse_value") ? "a sparse tensor" : "no value";
  throw refusal("unsupported", subject, got, "a tensor, floats or integers");
}

/** What a Shape node tells of `shape`: all of it or, since operator set 15, the part from `start` to `end`. */
export function shapeNumbers(node: OnnxNode, shape: readonly number[], subject: string): OnnxNumbers {
  const data = Float64Array.from(shape.slice(intOf(node, "start", 0, subject), intOf(node, "end", shape.length, subject)));
  return { shape: [data.length], data, integer: true };
}

/** The axes of Squeeze and Unsqueeze: an attribute before operator set 13, an input since. */
export function axesOf(node: OnnxNode, input: OnnxNumbers | undefined, subject: string): number[] | undefined {
  return input ? integers(input, subject) : intsOf(node, "axes", subject);
}

/** A short list of integers: a shape or axes. */
export function integers({ data, shape, integer }: OnnxNumbers, subject: string): number[] {
  if (!integer || shape.length > 1 || data.length > 64)
    throw refusal("bad-file", subject, `${data.length} numbers ${showDims(shape)} for a shape or axes`, "a short list of integers");
  return Array.from(data);
}

function squeezed(shape: readonly number[], axes: readonly number[] | undefined, subject: string): number[] {
  const gone = squeezedAxes(shape, axes, subject);
  return shape.filter((_, axis) => !gone.has(axis));
}

function known(dims: (number | null)[]): number[] {
  return dims.map((n) => n ?? 0); // sizes of constants are never null
}

function cast(x: OnnxNumbers, to: number, { subject, spend }: Allowance): OnnxNumbers {
  const type = elementTypes[to];
  if (!type || type.name === "bool" || type.name === "bfloat16")
    throw refusal(
      "unsupported",
      subject,
      `a cast of constants to ${type?.name ?? `element type ${to}`}`,
      "float, float16, double or an integer type",
    );
  if (!type.integer && x.integer && !x.data.every(Number.isFinite))
    // see shapeOf
    throw refusal("unsupported", subject, "an open size as a value", "one sample's own values and constants");
  if (type.integer) {
    spend(x.data.length);
    const [least, most] = rangeOf(type.name);
    const fits = (v: number) => (x.integer && !Number.isFinite(v)) || (Math.trunc(v) >= least && Math.trunc(v) <= most);
    const outside = x.data.find((v) => !fits(v));
    if (outside !== undefined) throw refusal("unsupported", subject, `${outside} cast to ${type.name}`, `${least} to ${most}`);
    return x.integer ? x : { shape: x.shape, data: Float64Array.from(x.data, Math.trunc), integer: true };
  }
  if (type.name === "double" || (type.name === "float" && x.data instanceof Float32Array)) return { ...x, integer: false };
  spend(x.data.length);
  const data = Float32Array.from(x.data);
  return { shape: x.shape, data: type.name === "float16" ? widenHalf(narrowToHalf(data)) : data, integer: false };
}

/** The integers a type holds, as far as doubles tell them apart. */
function rangeOf(name: string): [least: number, most: number] {
  const bits = Number(/\d+$/.exec(name)?.[0] ?? 64);
  if (bits === 64) return [name.startsWith("u") ? 0 : Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
  return name.startsWith("u") ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

function concat(node: OnnxNode, inputs: readonly OnnxNumbers[], { subject, spend }: Allowance): OnnxNumbers {
  if (inputs.some(({ shape }) => shape.length !== 1)) throw refusal("unsupported", subject, "tensors of several dimensions", "lists");
  axisIn(intOf(node, "axis", 0, subject), 1, subject);
  const length = inputs.reduce((sum, { data }) => sum + data.length, 0);
  spend(length);
  const data = new Float64Array(length);
  let at = 0;
  for (const part of inputs) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { shape: [length], data, integer: inputs.every(({ integer }) => integer) };
}

function gather(node: OnnxNode, [x, indices]: readonly OnnxNumbers[], { subject, spend }: Allowance): OnnxNumbers {
  if (x.shape.length !== 1 || indices.shape.length > 1) throw refusal("unsupported", subject, "tensors of several dimensions", "lists");
  axisIn(intOf(node, "axis", 0, subject), 1, subject);
  spend(indices.data.length);
  const data = Float64Array.from(indices.data, (index) => x.data[axisIn(index, x.data.length, subject)]);
  return { shape: indices.shape, data, integer: x.integer };
}

/** A part of a list: where it starts and ends are attributes before operator set 10, inputs since. */
function slice(node: OnnxNode, [x, from, to, axes, steps]: readonly OnnxNumbers[], { subject, spend }: Allowance): OnnxNumbers {
  const one = (input: OnnxNumbers | undefined, key: string): number | undefined =>
    (input ? integers(input, subject) : intsOf(node, key, subject))?.[0];
  const [start, end] = [one(from, "starts"), one(to, "ends")];
  if (start === undefined || end === undefined) throw refusal("bad-file", subject, "no starts or ends", "both");
  // sizes that are no numbers here: see shapeOf
  if (x.shape.length !== 1 || node.inputs.includes("") || (one(steps, "") ?? 1) !== 1 || !Number.isFinite(start + end))
    throw refusal("unsupported", subject, "more than a list or other than neighbours", "a plain part of a list");
  axisIn(one(axes, "axes") ?? 0, 1, subject);
  const data = x.data.slice(start, end);
  spend(data.length);
  return { shape: [data.length], data, integer: x.integer };
}
