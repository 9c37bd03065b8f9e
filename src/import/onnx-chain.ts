// Follows the one chain of an ONNX graph from input to output, node by node, and hands what it meets to the fold. Shapes are followed for
// a batch of one; what is not a straight chain is refused by node and operator.

import { SlonnError } from "../errors.ts";
import { maxWidth } from "../model/model.ts";
import { quoted } from "../model/quoted.ts";
import type { Fold } from "./fold.ts";
import { floatOf, intOf, intsOf, stringOf } from "./onnx-attributes.ts";
import { axesOf, broadcast, constantOf, foldConstants, integers } from "./onnx-constants.ts";
import { describeElementType, type OnnxNode, type OnnxNumbers } from "./onnx-file.ts";
import { geluOnlyOperators, matchGelu } from "./onnx-gelu.ts";
import { nodeSubject, type OnnxGraph } from "./onnx-graph.ts";
import {
  axisIn,
  type Dims,
  flattenDims,
  permutationOf,
  reshapeDims,
  showDims,
  sizeOfDims,
  squeezeDims,
  unsqueezeDims,
} from "./onnx-shapes.ts";

/** What stands on the way from input to output. */
export const chainOperators: readonly string[] = [
  "Gemm",
  "MatMul",
  "Add",
  "Sub",
  "Mul",
  "Div",
  "BatchNormalization",
  "Relu",
  "LeakyRelu",
  "Sigmoid",
  "Tanh",
  "Gelu",
  "Softmax",
  "LogSoftmax",
  "Flatten",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Transpose",
  "Identity",
  "Dropout",
  "Cast",
];

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
interface Walk extends ChainStart {
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

/** Where the chain starts: at the graph's input. */
function entry({ input }: OnnxGraph, name: string): Pick<Walk, "head" | "dims" | "integer" | "batch" | "shapes"> {
  const type = describeElementType(input.elementType);
  const subject = `${name}: input ${quoted(input.name)}`;
  if (!type || type.name === "bool")
    throw new SlonnError("unsupported", `${subject}: got element type ${input.elementType}, expected a tensor of floats or integers`);
  if (input.dims?.length === 0)
    throw new SlonnError("unsupported", `${subject}: got a single number, expected a vector or a batch of vectors`);
  const batched = (input.dims?.length ?? 0) > 1;
  const dims = batched ? [1, ...input.dims!.slice(1)] : input.dims;
  return {
    head: input.name,
    dims,
    integer: type.integer,
    shapes: new Map([[input.name, dims]]),
    batch: batched ? input.dims![0] : null,
  };
}

/**
 * Walks the chain, telling `fold` every step.
 * @throws SlonnError `unsupported`, `bad-file` or `bad-model` where it is none that can be run.
 */
export function followChain(start: ChainStart): void {
  const state: Walk = { ...start, ...entry(start.graph, start.file), layerNames: new Set() };
  const { graph, constants, file } = state;
  const isConstant = (value: string) => value === "" || constants.has(value);
  const rest = graph.nodes.filter((node) => {
    if (!node.inputs.every(isConstant)) return true;
    setConstant(state, node);
    return false;
  });
  const readers = (value: string) =>
    (graph.readers.get(value) ?? []).filter((node) => node.operator !== "Shape").length + (value === graph.output ? 1 : 0);

  const done = new Set<OnnxNode>();
  for (const [i, node] of rest.entries()) {
    if (done.has(node)) continue;
    const subject = nodeSubject(file, node);
    if (node.inputs.every(isConstant)) {
      setConstant(state, node);
      continue;
    }
    if (node.operator === "Shape" && state.shapes.has(node.inputs[0])) {
      setShape(state, node, subject);
      continue;
    }
    if (!node.inputs.includes(state.head)) throw branched(subject, node, state);

    if (readers(state.head) > 1 || node.inputs.filter((value) => value === state.head).length > 1) {
      const scalar = (value: string) => (constants.get(value)?.data.length === 1 ? constants.get(value) : undefined);
      const gelu = matchGelu(state.head, rest.slice(i, i + 64), scalar, readers);
      if (!gelu) throw branched(subject, node, state);
      state.fold.activation(subject, gelu.activation, 0);
      if (gelu.factor !== 1) state.fold.affine(subject, Float64Array.of(gelu.factor), new Float64Array(1));
      for (const part of gelu.nodes) done.add(part);
      advance(state, gelu.nodes[gelu.nodes.length - 1].outputs[0]);
      continue;
    }
    step(state, node, subject);
    for (const extra of node.outputs.slice(1))
      if (graph.readers.has(extra)) throw new SlonnError("unsupported", `${subject}: got a second output in use, expected the first only`);
    advance(state, node.outputs[0]);
  }
  if (state.head !== graph.output)
    throw new SlonnError(
      "unsupported",
      `${file}: got output ${quoted(graph.output)} that is not the end of the chain from ${quoted(graph.input.name)}`,
    );
}

function advance(state: Walk, value: string): void {
  state.head = value;
  state.shapes.set(value, state.dims);
}

/** Follows the chain over one node. */
function step(state: Walk, node: OnnxNode, subject: string): void {
  const { fold, constants, opset } = state;
  const others = node.inputs.map((value) => constants.get(value));
  const headFirst = node.inputs[0] === state.head;
  if (!headFirst && !["Add", "Sub", "Mul", "MatMul"].includes(node.operator))
    throw new SlonnError(
      "unsupported",
      `${subject}: got the chain as another input than the first, expected it first and constants after it`,
    );
  switch (node.operator) {
    case "Identity":
      break;
    case "Dropout":
      if (others[2]?.data.some((training) => training !== 0))
        throw new SlonnError("unsupported", `${subject}: got training mode, expected inference`);
      break;
    case "Cast":
      castHead(state, node, subject);
      break;
    case "Flatten":
      state.dims = state.dims ? flattenDims(state.dims, intOf(node, "axis", 1, subject), subject) : flattenUnknown(node, subject);
      break;
    case "Reshape":
      reshapeHead(state, node, others[1], subject);
      break;
    case "Squeeze":
      state.dims = state.dims && squeezeDims(state.dims, axesOf(node, others[1], subject), subject);
      break;
    case "Unsqueeze":
      state.dims = state.dims && unsqueezeDims(state.dims, axesOf(node, others[1], subject) ?? [], subject);
      break;
    case "Transpose":
      transposeHead(state, node, subject);
      break;
    case "Relu":
      fold.activation(subject, "relu", 0);
      break;
    case "LeakyRelu":
      fold.activation(subject, "leaky-relu", floatOf(node, "alpha", 0.01, subject));
      break;
    case "Sigmoid":
      fold.activation(subject, "sigmoid", 0);
      break;
    case "Tanh":
      fold.activation(subject, "tanh", 0);
      break;
    case "Gelu": {
      const form = stringOf(node, "approximate", "none", subject);
      if (form !== "none" && form !== "tanh")
        throw new SlonnError("unsupported", `${subject}: got approximate ${quoted(form)}, expected none or tanh`);
      fold.activation(subject, form === "tanh" ? "gelu-tanh" : "gelu", 0);
      break;
    }
    case "Softmax":
    case "LogSoftmax":
      checkSoftmaxAxis(state, intOf(node, "axis", opset < 13 ? 1 : -1, subject), subject);
      fold.activation(subject, node.operator === "Softmax" ? "softmax" : "log-softmax", 0);
      break;
    case "MatMul":
      if (headFirst) matMul(state, node, subject);
      else matMulFromLeft(state, node, subject);
      break;
    case "Gemm":
      gemm(state, node, subject);
      break;
    case "BatchNormalization":
      batchNormalization(state, node, subject);
      break;
    case "Add":
    case "Sub":
    case "Mul":
    case "Div": {
      const numbers = headFirst ? others[1] : others[0];
      if (!numbers) throw missing(subject, "a constant");
      arithmetic(state, node.operator, headFirst, numbers, subject);
      break;
    }
    default:
      throw unsupportedOperator(subject);
  }
}

/** head ∘ constant or constant ∘ head, elementwise. */
function arithmetic(state: Walk, operator: "Add" | "Sub" | "Mul" | "Div", headFirst: boolean, numbers: OnnxNumbers, subject: string): void {
  needFloats(state, subject);
  const values = spread(state, numbers, subject);
  const [one, zero] = [Float64Array.of(1), new Float64Array(1)];
  if (operator === "Add") state.fold.affine(subject, one, values);
  else if (operator === "Mul") state.fold.affine(subject, values, zero);
  else if (operator === "Div")
    state.fold.affine(
      subject,
      values.map((v) => 1 / v),
      zero,
    );
  else if (headFirst)
    state.fold.affine(
      subject,
      one,
      values.map((v) => -v),
    );
  else state.fold.affine(subject, Float64Array.of(-1), values);
}

function matMul(state: Walk, node: OnnxNode, subject: string): void {
  const b = weightOf(state, node.inputs[1], subject);
  if (b.shape.length !== 1 && b.shape.length !== 2) throw rankOf(b, subject);
  const [inputs, outputs = 1] = b.shape;
  enterDense(state, inputs, subject);
  state.fold.dense(subject, { name: layerName(state, node), inputs, outputs, weight: b.data, transposed: true });
  state.dims = [...(state.dims ?? [1, null]).slice(0, -1), ...(b.shape.length === 2 ? [outputs] : [])];
  state.integer = false;
}

/** W x of a column: the chain has shape [inputs] or [inputs, 1]. */
function matMulFromLeft(state: Walk, node: OnnxNode, subject: string): void {
  const w = weightOf(state, node.inputs[0], subject);
  if (w.shape.length !== 2) throw rankOf(w, subject);
  const [outputs, inputs] = w.shape;
  const dims = state.dims;
  if (!dims || dims[0] !== inputs || !(dims.length === 1 || (dims.length === 2 && dims[1] === 1)))
    throw new SlonnError(
      "unsupported",
      `${subject}: got weights ${showDims(w.shape)} times ${showDims(dims ?? [null])}, expected one column of ${inputs} numbers`,
    );
  needFloats(state, subject);
  state.fold.dense(subject, { name: layerName(state, node), inputs, outputs, weight: w.data, transposed: false });
  state.dims = [outputs, ...dims.slice(1)];
}

/** alpha A B + beta C, the chain being A. */
function gemm(state: Walk, node: OnnxNode, subject: string): void {
  const b = weightOf(state, node.inputs[1], subject);
  if (b.shape.length !== 2) throw rankOf(b, subject);
  const transB = intOf(node, "transB", 0, subject) !== 0;
  const [outputs, inputs] = transB ? b.shape : [b.shape[1], b.shape[0]];
  if (intOf(node, "transA", 0, subject) !== 0) {
    if (state.dims?.length !== 2) throw new SlonnError("unsupported", `${subject}: got transA of an unknown shape, expected a known one`);
    state.dims = [...state.dims].reverse();
  }
  if (state.dims && state.dims.length !== 2)
    throw new SlonnError("bad-model", `${subject}: got an input of shape ${showDims(state.dims)}, expected 2 dimensions`);
  enterDense(state, inputs, subject);
  state.fold.dense(subject, { name: layerName(state, node), inputs, outputs, weight: b.data, transposed: !transB });
  state.dims = [1, outputs];
  const c = node.inputs[2] ? weightOf(state, node.inputs[2], subject) : null;
  const beta = floatOf(node, "beta", 1, subject);
  state.fold.affine(
    subject,
    Float64Array.of(floatOf(node, "alpha", 1, subject)),
    c ? spread(state, c, subject).map((v) => beta * v) : new Float64Array(1),
  );
}

/** (x − mean) / √(variance + ε) · scale + bias, per channel: axis 1. */
function batchNormalization(state: Walk, node: OnnxNode, subject: string): void {
  needFloats(state, subject);
  if (intOf(node, "training_mode", 0, subject) !== 0 || intOf(node, "spatial", 1, subject) !== 1)
    throw new SlonnError("unsupported", `${subject}: got training mode or spatial 0, expected inference per channel`);
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => {
    const numbers = weightOf(state, node.inputs[i] ?? "", subject);
    if (numbers.shape.length !== 1) throw rankOf(numbers, subject);
    return numbers.data;
  });
  const channels = scale.length;
  if ([bias, mean, variance].some(({ length }) => length !== channels))
    throw new SlonnError(
      "bad-model",
      `${subject}: got ${[scale, bias, mean, variance].map(({ length }) => length).join(", ")} parameters, expected as many of each`,
    );
  if (state.dims && state.dims.length < 2)
    throw new SlonnError("unsupported", `${subject}: got shape ${showDims(state.dims)}, expected a batch of vectors`);
  const epsilon = floatOf(node, "epsilon", 1e-5, subject);
  state.spend(2 * channels);
  const factor = Float64Array.from(scale, (s, i) => s / Math.sqrt(variance[i] + epsilon));
  const offset = Float64Array.from(bias, (b, i) => b - mean[i] * factor[i]);
  const shape = [channels, ...new Array<number>(Math.max(0, (state.dims?.length ?? 2) - 2)).fill(1)];
  const perElement = (data: Float64Array) => spread(state, { data, shape, integer: false }, subject);
  state.fold.affine(subject, perElement(factor), perElement(offset));
}

/** A constant as one number per element of the head, or a single number for all. Adding dimensions or pinning unknown sizes changes `dims`. */
function spread(state: Walk, numbers: OnnxNumbers, subject: string): Float64Array {
  const { data, shape } = numbers;
  const width = state.fold.width();
  if (!state.dims && width !== null) state.dims = [1, width];
  if (state.dims) state.dims = [...new Array<number>(Math.max(0, shape.length - state.dims.length)).fill(1), ...state.dims];
  if (data.length === 1) return Float64Array.from(data);
  const vector = shape.length > 0 && shape[shape.length - 1] === data.length;
  const dims = state.dims ?? [1, null];
  const refuse = () =>
    new SlonnError(
      "unsupported",
      `${subject}: got a constant ${showDims(shape)} on values of shape ${showDims(dims)}, expected one that fits each sample`,
    );
  if (vector && dims[dims.length - 1] === null) {
    if (dims.slice(0, -1).some((n) => n !== 1)) throw refuse();
    if (state.dims) state.dims = [...dims.slice(0, -1), data.length];
    state.spend(data.length);
    return Float64Array.from(data);
  }
  const size = sizeOfDims(dims);
  if (size === null || size > maxWidth || shape.some((n, i) => n !== 1 && n !== dims[dims.length - shape.length + i])) throw refuse();
  return broadcast(numbers, dims as number[], { subject, spend: state.spend });
}

/** Checks that the head is one vector of `inputs` numbers, its last axis. */
function enterDense(state: Walk, inputs: number, subject: string): void {
  needFloats(state, subject);
  const { dims } = state;
  if (!dims) return;
  const last = dims[dims.length - 1];
  if (dims.length === 0 || (last !== null && last !== inputs))
    throw new SlonnError("bad-model", `${subject}: got values of shape ${showDims(dims)}, expected ${inputs} numbers, as the weights have`);
  if (dims.slice(0, -1).some((n) => n !== 1))
    throw new SlonnError(
      "unsupported",
      `${subject}: got the same weights for several rows of ${showDims(dims)}, expected one vector per sample`,
    );
}

function checkSoftmaxAxis(state: Walk, axis: number, subject: string): void {
  const width = state.fold.width();
  const dims = state.dims ?? [1, width];
  const at = axisIn(axis, dims.length, subject);
  // Before operator set 13 everything from the axis on was one vector.
  const over = state.opset < 13 ? sizeOfDims(dims.slice(at)) : dims[at];
  if (width !== null && over !== width)
    throw new SlonnError(
      "unsupported",
      `${subject}: got axis ${axis} of values of shape ${showDims(dims)}, expected the one with all ${width} of them`,
    );
}

function castHead(state: Walk, node: OnnxNode, subject: string): void {
  const to = intOf(node, "to", 0, subject);
  const type = describeElementType(to);
  if (!type || type.name === "bool" || (type.integer && !state.integer))
    throw new SlonnError("unsupported", `${subject}: got a cast to ${type?.name ?? `element type ${to}`}, expected one to floats`);
  state.integer = type.integer;
}

function flattenUnknown(node: OnnxNode, subject: string): Dims {
  if (intOf(node, "axis", 1, subject) !== 1)
    throw new SlonnError("unsupported", `${subject}: got another axis than 1 of an unknown shape, expected 1`);
  return [1, null];
}

function reshapeHead(state: Walk, node: OnnxNode, shape: OnnxNumbers | undefined, subject: string): void {
  if (!shape) throw missing(subject, "a constant shape");
  const target = integers(shape, subject);
  if (state.batch !== null && target[0] === state.batch) target[0] = 1; // written for the whole batch
  if (!state.dims || state.dims.includes(null)) {
    // The first size is the batch; only later ones tell something.
    if (target.length === 0 || target[0] > 1)
      throw new SlonnError("unsupported", `${subject}: got shape ${showDims(target)} for an unknown one, expected the batch first`);
    const allowZero = intOf(node, "allowzero", 0, subject) === 1;
    const later = target.slice(1).map((n, i) => (n === -1 ? null : n === 0 && !allowZero ? (state.dims?.[i + 1] ?? null) : n));
    if (later.some((n) => n !== null && n < 0))
      throw new SlonnError("bad-model", `${subject}: got shape ${showDims(target)}, expected sizes of -1 or more`);
    state.dims = [1, ...later];
  } else state.dims = reshapeDims(state.dims, target, intOf(node, "allowzero", 0, subject) === 1, subject);
}

/** A transpose that leaves every number where it is: only axes of size 1 move. */
function transposeHead(state: Walk, node: OnnxNode, subject: string): void {
  if (!state.dims) throw new SlonnError("unsupported", `${subject}: got a transpose of an unknown shape, expected a known one`);
  const dims = state.dims;
  const order = permutationOf(intsOf(node, "perm", subject), dims.length, subject);
  const long = order.filter((axis) => dims[axis] !== 1);
  if (long.some((axis, i) => i > 0 && axis < long[i - 1]))
    throw new SlonnError(
      "unsupported",
      `${subject}: got a transpose that reorders values of shape ${showDims(dims)}, expected transposes of constants only`,
    );
  state.dims = order.map((axis) => dims[axis]);
}

function needFloats({ integer, opset }: Walk, subject: string): void {
  if (integer) throw new SlonnError("unsupported", `${subject}: got integers, expected a Cast to floats before it (operator set ${opset})`);
}

function weightOf({ constants }: Walk, value: string, subject: string): OnnxNumbers {
  const numbers = constants.get(value);
  if (!numbers) throw missing(subject, value === "" ? "constants" : `${quoted(value)} to be a constant`);
  return numbers;
}

/** A layer's name: its node's, or that of its output; made unique. */
function layerName({ layerNames }: Walk, node: OnnxNode): string {
  const wanted = node.name || node.outputs[0];
  let name = wanted;
  for (let n = layerNames.size; layerNames.has(name); n++) name = `${wanted}#${n}`;
  layerNames.add(name);
  return name;
}

function setConstant(state: Walk, node: OnnxNode): void {
  const { file, constants, externals, spend } = state;
  const subject = nodeSubject(file, node);
  if (node.operator === "Constant") constants.set(node.outputs[0], constantOf(node, externals, { subject, spend }));
  else {
    const inputs = node.inputs.filter((value) => value !== "").map((value) => constants.get(value)!);
    constants.set(node.outputs[0], foldConstants(node, inputs, { subject, spend }));
  }
}

function setShape(state: Walk, node: OnnxNode, subject: string): void {
  const dims = state.shapes.get(node.inputs[0]) as number[] | null;
  if (!dims || sizeOfDims(dims) === null) throw new SlonnError("unsupported", `${subject}: got an unknown shape, expected a known one`);
  const [start, end] = [intOf(node, "start", 0, subject), intOf(node, "end", dims.length, subject)];
  const data = Float64Array.from(dims.slice(start, end));
  state.constants.set(node.outputs[0], { shape: [data.length], data, integer: true });
}

/** The refusal of an operator that cannot stand in a chain. */
export function unsupportedOperator(subject: string): SlonnError {
  return new SlonnError(
    "unsupported",
    `${subject}: got an operator that is not supported here, expected one of ${chainOperators.join(", ")}`,
  );
}

function branched(subject: string, node: OnnxNode, { head, graph }: Walk): SlonnError {
  if (geluOnlyOperators.includes(node.operator) && (graph.readers.get(head)?.length ?? 0) < 2)
    return new SlonnError("unsupported", `${subject}: got it on its own, expected it as part of Gelu only`);
  return new SlonnError(
    "unsupported",
    `${subject}: got a branch at ${quoted(head)}, expected a straight chain (the only branches read are those of Gelu)`,
  );
}

function missing(subject: string, what: string): SlonnError {
  return new SlonnError("unsupported", `${subject}: got a value computed from the input or none, expected ${what}`);
}

function rankOf({ shape }: OnnxNumbers, subject: string): SlonnError {
  return new SlonnError(
    "unsupported",
    `${subject}: got constants of shape ${showDims(shape)}, expected weights of 2 dimensions or vectors of 1`,
  );
}
