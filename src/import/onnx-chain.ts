// Follows the one chain of an ONNX graph from input to output, node by node, and hands what it meets to the fold. Shapes are followed for
// a batch of one; what is not a straight chain is refused by node and operator.

import { refusal, SlonnError } from "../errors.ts";
import { type Activation, activations } from "../model/model.ts";
import { quoted } from "../quoted.ts";
import { floatOf, intOf, stringOf } from "./onnx-attributes.ts";
import { makeTwoClasses } from "./onnx-classes.ts";
import { axesOf, constantOf, foldConstants, shapeNumbers } from "./onnx-constants.ts";
import { fullName, type OnnxNode } from "./onnx-file.ts";
import { geluOnlyOperators, matchGelu } from "./onnx-gelu.ts";
import { nodeSubject, type OnnxGraph } from "./onnx-graph.ts";
import { elementTypes, type OnnxNumbers } from "./onnx-numbers.ts";
import { arithmetic, batchNormalization, gemm, matMul, matMulFromLeft, scaler, spread } from "./onnx-products.ts";
import { castHead, flattenHead, reshapeHead, squeezeHead, transposeHead, unsqueezeHead } from "./onnx-rearrange.ts";
import { axisIn, showDims, sizeOfDims } from "./onnx-shapes.ts";
import { type ChainStart, missing, shapeOf, unshaped, type Walk } from "./onnx-walk.ts";

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
  "Max",
  "Clip",
  "LeakyRelu",
  "PRelu",
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
  "ai.onnx.ml.Scaler",
];

/** Operators that stand where others stood: what is told instead of the list. */
const later: readonly (readonly [operator: RegExp, what: string])[] = [
  [
    /quantize|\bQLinear|\bQGemm$|Integer|NBits$|Bnb4$/i,
    "an operator of a quantised network, expected one that computes in floats: import the network from before",
  ],
  [/^com\.microsoft\./, "an operator that ONNX Runtime writes where it optimises, expected those of ONNX: import the network from before"],
];

/** The largest float32: some exporters write it for "no bound". */
const mostFloat = Math.fround(3.4028234e38);

/** Where the chain starts: at the graph's input. */
function entry({ input }: OnnxGraph, name: string): Pick<Walk, "head" | "dims" | "integer" | "batch" | "samples" | "shapes"> {
  const type = elementTypes[input.elementType];
  const subject = `${name}: input ${quoted(input.name)}`;
  if (!type || type.name === "bool")
    throw refusal("unsupported", subject, `element type ${input.elementType}`, "a tensor of floats or integers");
  if (input.dims?.length === 0) throw refusal("unsupported", subject, "a single number", "a vector or a batch of vectors");
  const batched = (input.dims?.length ?? 0) > 1;
  const dims = batched ? [1, ...input.dims!.slice(1)] : input.dims;
  const samples = input.dims?.length === 1 || input.dims?.[0] === 1 ? -1 : 0;
  return {
    head: input.name,
    dims,
    integer: type.integer,
    samples,
    shapes: new Map([[input.name, shapeOf(dims ?? unshaped, samples)]]),
    batch: batched ? input.dims![0] : null,
  };
}

/**
 * Walks the chain, telling `fold` every step.
 * @returns whether its end makes two classes of one score.
 * @throws SlonnError `unsupported`, `bad-file` or `bad-model` where it is none that can be run.
 */
export function followChain(start: ChainStart): boolean {
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
      const oneScore = state.fold.width() === 1 && state.dims?.length === 2 && state.samples < 1;
      if (oneScore && makeTwoClasses(rest.slice(i - 1), (value) => scalar(value)?.data[0] === 1)) return true;
      const gelu = matchGelu(state.head, rest.slice(i, i + 64), scalar, readers);
      if (!gelu) throw branched(subject, node, state);
      if ("foreign" in gelu) throw refusal("unsupported", subject, `the activation ${gelu.foreign}`, `one of ${activations.join(", ")}`);
      state.fold.activation(subject, gelu.activation, 0);
      if (gelu.factor !== 1) state.fold.affine(subject, Float64Array.of(gelu.factor), new Float64Array(1));
      for (const part of gelu.nodes) done.add(part);
      advance(state, gelu.nodes[gelu.nodes.length - 1].outputs[0]);
      continue;
    }
    step(state, node, subject);
    for (const extra of node.outputs.slice(1))
      if (graph.readers.has(extra)) throw refusal("unsupported", subject, "a second output in use", "the first only");
    advance(state, node.outputs[0]);
  }
  if (state.head !== graph.output)
    throw new SlonnError(
      "unsupported",
      `${file}: got output ${quoted(graph.output)} that is not the end of the chain from ${quoted(graph.input.name)}`,
    );
  return false;
}

function advance(state: Walk, value: string): void {
  state.head = value;
  state.shapes.set(value, shapeOf(state.dims, state.samples));
}

/** Follows the chain over one node. */
function step(state: Walk, node: OnnxNode, subject: string): void {
  const { fold, constants, opset } = state;
  const others = node.inputs.map((value) => constants.get(value));
  const headFirst = node.inputs[0] === state.head;
  if (!headFirst && !["Add", "Sub", "Mul", "Max", "MatMul"].includes(node.operator))
    throw refusal("unsupported", subject, "the chain as another input than the first", "it first and constants after it");
  switch (node.operator) {
    case "Identity":
      break;
    case "Dropout":
      if (others[2]?.data.some((training) => training !== 0)) throw refusal("unsupported", subject, "training mode", "inference");
      break;
    case "Cast":
      castHead(state, node, subject);
      break;
    case "Flatten":
      flattenHead(state, node, subject);
      break;
    case "Reshape":
      reshapeHead(state, node, others[1], subject);
      break;
    case "Squeeze":
      squeezeHead(state, axesOf(node, others[1], subject), subject);
      break;
    case "Unsqueeze":
      unsqueezeHead(state, axesOf(node, others[1], subject) ?? [], subject);
      break;
    case "Transpose":
      transposeHead(state, node, subject);
      break;
    case "Relu":
    case "Sigmoid":
    case "Tanh":
      fold.activation(subject, node.operator.toLowerCase() as Activation, 0);
      break;
    case "Max":
    case "Clip":
      checkFromZero(state, node, others, subject);
      fold.activation(subject, "relu", 0);
      break;
    case "LeakyRelu":
      fold.activation(subject, "leaky-relu", floatOf(node, "alpha", 0.01, subject));
      break;
    case "PRelu": {
      const slopes = others[1]?.data ?? [];
      if (slopes.length !== 1)
        throw refusal("unsupported", subject, `${slopes.length} constant slopes`, "one for all numbers, which is LeakyRelu");
      fold.activation(subject, "leaky-relu", slopes[0]);
      break;
    }
    case "Gelu": {
      const form = stringOf(node, "approximate", "none", subject);
      if (form !== "none" && form !== "tanh") throw refusal("unsupported", subject, `approximate ${quoted(form)}`, "none or tanh");
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
    case "Scaler":
      scaler(state, node, subject);
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
      throw unsupportedOperator(subject, node);
  }
}

/** Max with 0 or zeros, and Clip from 0 without an upper bound, are how Relu is written by hand; other bounds are refused. */
function checkFromZero(state: Walk, node: OnnxNode, others: readonly (OnnxNumbers | undefined)[], subject: string): void {
  const expected = "expected a bound of 0 from below alone, which is Relu";
  const max = node.operator === "Max";
  const bound = (i: number, key: string, open: number) => {
    if (!node.inputs[i]) return state.opset < 11 ? floatOf(node, key, open, subject) : open; // attributes became inputs
    const numbers = others[i];
    const data = max && numbers ? spread(state, numbers, subject) : numbers?.data; // Max takes one for each element too
    if (!data?.length || data.some((v) => v !== data[0]) || (data.length > 1 && !max))
      throw new SlonnError("unsupported", `${subject}: got a bound that is no single constant, ${expected}`);
    return data[0];
  };
  if (max && node.inputs.length !== 2) throw new SlonnError("unsupported", `${subject}: got ${node.inputs.length} inputs, ${expected}`);
  const from = max ? bound(node.inputs[0] === state.head ? 1 : 0, "", 0) : bound(1, "min", Number.NEGATIVE_INFINITY);
  const to = max ? Number.POSITIVE_INFINITY : bound(2, "max", Number.POSITIVE_INFINITY);
  if (from !== 0 || to < mostFloat) throw new SlonnError("unsupported", `${subject}: got a range from ${from} to ${to}, ${expected}`);
}

function checkSoftmaxAxis(state: Walk, axis: number, subject: string): void {
  const width = state.fold.width();
  const dims = state.dims ?? [1, width];
  const at = axisIn(axis, dims.length, subject);
  // Before operator set 13 everything from the axis on was one vector.
  const end = state.opset < 13 ? dims.length : at + 1;
  const over = sizeOfDims(dims.slice(at, end));
  if (width !== null && over !== width)
    throw refusal("unsupported", subject, `axis ${axis} of values of shape ${showDims(dims)}`, `the one with all ${width} of them`);
  if (at <= state.samples && state.samples < end)
    throw refusal("unsupported", subject, `axis ${axis}, which runs over the batch`, "one within each sample");
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
  const shape = state.shapes.get(node.inputs[0]);
  if (!shape) throw refusal("unsupported", subject, "an unknown shape", "a known one");
  state.constants.set(node.outputs[0], shapeNumbers(node, shape, subject));
}

/** The refusal of an operator that cannot stand in a chain. */
export function unsupportedOperator(subject: string, { domain, operator }: OnnxNode): SlonnError {
  const told = later.find(([form]) => form.test(fullName(domain, operator)));
  if (told) return new SlonnError("unsupported", `${subject}: got ${told[1]}`);
  return refusal("unsupported", subject, "an operator that is not supported here", `one of ${chainOperators.join(", ")}`);
}

function branched(subject: string, node: OnnxNode, { head, graph }: Walk): SlonnError {
  if (geluOnlyOperators.includes(node.operator) && (graph.readers.get(head)?.length ?? 0) < 2)
    return refusal("unsupported", subject, "it on its own", "it as part of Gelu only");
  return refusal("unsupported", subject, `a branch at ${quoted(head)}`, "a straight chain (the only branches read are those of Gelu)");
}
