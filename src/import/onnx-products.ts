// The operators of an ONNX chain that make a layer or scale and shift its values: products with constants, sums, batch normalization.

import { refusal, type SlonnError } from "../errors.ts";
import { maxWidth } from "../model/model.ts";
import { quoted } from "../quoted.ts";
import { broadcast } from "./onnx-arithmetic.ts";
import { floatOf, floatsOf, intOf } from "./onnx-attributes.ts";
import type { OnnxNode } from "./onnx-file.ts";
import type { OnnxNumbers } from "./onnx-numbers.ts";
import { showDims, sizeOfDims } from "./onnx-shapes.ts";
import { missing, unshaped, type Walk } from "./onnx-walk.ts";

/** head ∘ constant or constant ∘ head, elementwise. */
export function arithmetic(
  state: Walk,
  operator: "Add" | "Sub" | "Mul" | "Div",
  headFirst: boolean,
  numbers: OnnxNumbers,
  subject: string,
): void {
  needFloats(state, subject);
  const values = spread(state, numbers, subject);
  const shift = (sign: number, by: Float64Array): void => state.fold.affine(subject, Float64Array.of(sign), by);
  const scale = (by: Float64Array): void => state.fold.affine(subject, by, new Float64Array(1));
  if (operator === "Add") shift(1, values);
  else if (operator === "Mul") scale(values);
  else if (operator === "Div") scale(values.map((v) => 1 / v));
  else if (headFirst)
    shift(
      1,
      values.map((v) => -v),
    );
  else shift(-1, values);
}

/** x W of the chain's vector. */
export function matMul(state: Walk, node: OnnxNode, subject: string): void {
  const b = weightAt(state, node, 1, subject);
  if (b.shape.length !== 1 && b.shape.length !== 2) throw rankOf(b, subject);
  const [inputs, outputs = 1] = b.shape;
  enterDense(state, inputs, subject);
  state.fold.dense(subject, { name: layerName(state, node), inputs, outputs, weight: b.data, transposed: true });
  state.dims = [...(state.dims ?? unshaped).slice(0, -1), ...(b.shape.length === 2 ? [outputs] : [])];
  state.integer = false;
}

/** W x of a column: the chain has shape [inputs] or [inputs, 1]. */
export function matMulFromLeft(state: Walk, node: OnnxNode, subject: string): void {
  const w = weightAt(state, node, 0, subject);
  if (w.shape.length !== 2) throw rankOf(w, subject);
  const [outputs, inputs] = w.shape;
  const dims = state.dims;
  if (!dims || state.samples === 0 || dims[0] !== inputs || !(dims.length === 1 || (dims.length === 2 && dims[1] === 1))) {
    const whole = dims && state.batch !== null && dims[0] === 1 ? [state.batch, ...dims.slice(1)] : (dims ?? [null]);
    const rows = state.samples === 0 ? "; the first axis of an input counts samples, so write x W with one sample a row" : "";
    throw refusal(
      "unsupported",
      subject,
      `weights ${showDims(w.shape)} times ${showDims(whole)}`,
      `one column of ${inputs} numbers${rows}`,
    );
  }
  needFloats(state, subject);
  state.fold.dense(subject, { name: layerName(state, node), inputs, outputs, weight: w.data, transposed: false });
  state.dims = [outputs, ...dims.slice(1)];
}

/** alpha A B + beta C, the chain being A. */
export function gemm(state: Walk, node: OnnxNode, subject: string): void {
  const b = weightAt(state, node, 1, subject);
  if (b.shape.length !== 2) throw rankOf(b, subject);
  const transB = intOf(node, "transB", 0, subject) !== 0;
  const [outputs, inputs] = transB ? b.shape : [b.shape[1], b.shape[0]];
  if (intOf(node, "transA", 0, subject) !== 0) {
    if (state.dims?.length !== 2) throw refusal("unsupported", subject, "transA of an unknown shape", "a known one");
    state.dims = [...state.dims].reverse();
    if (state.samples >= 0) state.samples = 1 - state.samples;
  }
  if (state.dims && state.dims.length !== 2)
    throw refusal("bad-model", subject, `an input of shape ${showDims(state.dims)}`, "2 dimensions");
  enterDense(state, inputs, subject);
  state.fold.dense(subject, { name: layerName(state, node), inputs, outputs, weight: b.data, transposed: !transB });
  state.dims = [1, outputs];
  const c = node.inputs[2] ? weightAt(state, node, 2, subject) : null;
  const beta = floatOf(node, "beta", 1, subject);
  state.fold.affine(
    subject,
    Float64Array.of(floatOf(node, "alpha", 1, subject)),
    c ? spread(state, c, subject).map((v) => beta * v) : new Float64Array(1),
  );
}

/** (x − mean) / √(variance + ε) · scale + bias, per channel: axis 1. */
export function batchNormalization(state: Walk, node: OnnxNode, subject: string): void {
  needFloats(state, subject);
  const statistics = state.opset < 14 && node.outputs.some((value, i) => i > 0 && value !== ""); // asking for them meant training
  if (statistics || intOf(node, "training_mode", 0, subject) !== 0 || intOf(node, "spatial", 1, subject) !== 1)
    throw refusal("unsupported", subject, "training mode or spatial 0", "inference per channel");
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => {
    const numbers = weightAt(state, node, i, subject);
    if (numbers.shape.length !== 1) throw rankOf(numbers, subject);
    return numbers.data;
  });
  const channels = scale.length;
  if ([bias, mean, variance].some(({ length }) => length !== channels))
    throw refusal(
      "bad-model",
      subject,
      `${[scale, bias, mean, variance].map(({ length }) => length).join(", ")} parameters`,
      "as many of each",
    );
  if (state.dims && state.dims.length < 2) throw refusal("unsupported", subject, `shape ${showDims(state.dims)}`, "a batch of vectors");
  const epsilon = floatOf(node, "epsilon", 1e-5, subject);
  state.spend(2 * channels);
  const factor = Float64Array.from(scale, (s, i) => s / Math.sqrt(variance[i] + epsilon));
  const offset = Float64Array.from(bias, (b, i) => b - mean[i] * factor[i]);
  const shape = [channels, ...new Array<number>(Math.max(0, (state.dims?.length ?? 2) - 2)).fill(1)];
  const perElement = (data: Float64Array) => spread(state, { data, shape, integer: false }, subject);
  state.fold.affine(subject, perElement(factor), perElement(offset));
}

/** (x − offset) · scale, one number of each for all or for every element: how scikit-learn's scalers are written. */
export function scaler(state: Walk, node: OnnxNode, subject: string): void {
  state.integer = false; // takes integers, gives floats
  const [offset, scale] = ["offset", "scale"].map((key) => {
    const data = Float64Array.from(floatsOf(node, key, subject) ?? []);
    if (data.length === 0) throw refusal("bad-file", subject, `no ${key}`, "numbers");
    return spread(state, { data, shape: [data.length], integer: false }, subject);
  });
  state.fold.affine(
    subject,
    Float64Array.of(1),
    offset.map((v) => -v),
  );
  state.fold.affine(subject, scale, new Float64Array(1));
}

/** A constant as one number per element of the head, or a single number for all. Adding dimensions or pinning unknown sizes changes `dims`. */
export function spread(state: Walk, numbers: OnnxNumbers, subject: string): Float64Array {
  const { data, shape } = numbers;
  const width = state.fold.width();
  if (width !== null || shape.length > 2) state.dims ??= [1, width];
  if (state.dims) {
    const more = Math.max(0, shape.length - state.dims.length);
    state.dims = [...new Array<number>(more).fill(1), ...state.dims];
    if (state.samples >= 0) state.samples += more;
  }
  if (data.length === 1) return Float64Array.from(data);
  const vector = shape.length > 0 && shape[shape.length - 1] === data.length;
  const dims = state.dims ?? unshaped;
  const refuse = () =>
    refusal("unsupported", subject, `a constant ${showDims(shape)} on values of shape ${showDims(dims)}`, "one that fits each sample");
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
  const { dims, batch } = state;
  if (!dims) return;
  const last = dims[dims.length - 1];
  if (batch !== null && batch > 1 && last !== null && last * batch === inputs)
    throw refusal(
      "unsupported",
      subject,
      `weights for ${inputs} numbers, all ${batch} samples of the fixed batch in one row`,
      `one sample's ${last}`,
    );
  if (dims.length === 0 || (last !== null && last !== inputs))
    throw refusal("bad-model", subject, `values of shape ${showDims(dims)}`, `${inputs} numbers, as the weights have`);
  if (state.samples === dims.length - 1) state.samples = -1; // the weights fit a single sample only
  if (dims.slice(0, -1).some((n) => n !== 1))
    throw refusal("unsupported", subject, `the same weights for several rows of ${showDims(dims)}`, "one vector per sample");
}

function needFloats({ integer, opset }: Walk, subject: string): void {
  if (integer) throw refusal("unsupported", subject, "integers", `a Cast to floats before it (operator set ${opset})`);
}

function weightAt({ constants }: Walk, { inputs }: OnnxNode, i: number, subject: string): OnnxNumbers {
  const value = inputs[i] ?? "";
  if (value === "") throw refusal("bad-file", subject, `no input ${i + 1}`, "weights there");
  const numbers = constants.get(value);
  if (!numbers) throw missing(subject, `${quoted(value)} to be a constant`);
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

function rankOf({ shape }: OnnxNumbers, subject: string): SlonnError {
  return refusal("unsupported", subject, `constants of shape ${showDims(shape)}`, "weights of 2 dimensions or vectors of 1");
}
