// Steps of an ONNX chain that compute nothing: casts, and other shapes of the same values. Those that would mix samples are refused.

import { refusal } from "../errors.ts";
import { intOf, intsOf } from "./onnx-attributes.ts";
import { integers } from "./onnx-constants.ts";
import type { OnnxNode } from "./onnx-file.ts";
import { elementTypes, type OnnxNumbers } from "./onnx-numbers.ts";
import { flattenDims, permutationOf, reshapeDims, showDims, squeezedAxes, unsqueezeDims } from "./onnx-shapes.ts";
import { missing, unshaped, type Walk } from "./onnx-walk.ts";

export function castHead(state: Walk, node: OnnxNode, subject: string): void {
  const to = intOf(node, "to", 0, subject);
  const type = elementTypes[to];
  // Narrow and unsigned types would wrap numbers around.
  const keeps = type && (!type.integer || to === state.graph.input.elementType || ["int32", "int64"].includes(type.name));
  if (!type || !keeps || type.name === "bool" || (type.integer && !state.integer))
    throw refusal("unsupported", subject, `a cast to ${type?.name ?? `element type ${to}`}`, "one to floats");
  state.integer = type.integer;
}

export function flattenHead(state: Walk, node: OnnxNode, subject: string): void {
  const { dims, samples } = state;
  const axis = intOf(node, "axis", 1, subject);
  if (!dims && axis !== 1) throw refusal("unsupported", subject, "another axis than 1 of an unknown shape", "1");
  needSamplesFirst(state, subject);
  state.dims = dims ? flattenDims(dims, axis, subject) : [1, null];
  if (samples >= 0) state.samples = samples < (axis < 0 ? axis + dims!.length : axis) ? 0 : 1;
}

export function squeezeHead(state: Walk, axes: readonly number[] | undefined, subject: string): void {
  const { dims, samples } = state;
  if (!dims) return;
  const gone = squeezedAxes(dims, axes, subject);
  if (!axes) gone.delete(samples); // of size 1 here only
  const left = [...dims.keys()].filter((axis) => !gone.has(axis));
  state.dims = left.map((axis) => dims[axis]);
  state.samples = left.indexOf(samples);
}

export function unsqueezeHead(state: Walk, axes: readonly number[], subject: string): void {
  const dims = state.dims ?? unshaped;
  const samples = dims.map((_, axis) => (axis === state.samples ? 2 : 0));
  state.dims = unsqueezeDims(dims, axes, subject);
  state.samples = unsqueezeDims(samples, axes, subject).indexOf(2);
}

/** Refuses values whose samples do not lie one after the other: another shape of the same numbers would mix them. */
function needSamplesFirst({ dims, samples }: Walk, subject: string): void {
  if (dims && samples > 0 && dims.slice(0, samples).some((n) => n !== 1))
    throw refusal("unsupported", subject, `values of shape ${showDims(dims)} with samples along axis ${samples}`, "the batch first");
}

export function reshapeHead(state: Walk, node: OnnxNode, shape: OnnxNumbers | undefined, subject: string): void {
  if (!shape) throw missing(subject, "a constant shape");
  needSamplesFirst(state, subject);
  const sizes = integers(shape, subject);
  // A size that is not known is, like −1, what the others leave; as the first it would be the batch.
  const target = sizes.map((n, i) => (n === Number.POSITIVE_INFINITY && i > 0 ? -1 : n));
  const allowZero = intOf(node, "allowzero", 0, subject) === 1;
  const { samples, batch } = state;
  const first = target.findIndex((n) => n !== 1);
  const named = Number.isNaN(target[first]) || (batch !== null && target[first] === batch); // written for the whole batch
  const copied = target[samples] === 0 && !allowZero;
  const kept = named ? first : copied ? samples : Math.max(0, sizes.indexOf(-1));
  const together = target[0] === 1 && !named && batch !== null && batch > 1; // several samples in one row
  if (named) target[first] = 1;
  if (together || !target.every(Number.isFinite) || (target[0] > 1 && samples >= 0 && state.dims))
    throw refusal(
      "unsupported",
      subject,
      `a shape ${showDims(target.map((n) => (Number.isFinite(n) ? n : null)))} that spreads samples over other axes`,
      "the batch first",
    );
  if (!state.dims || state.dims.includes(null)) {
    // The first size is the batch; only later ones tell something.
    if (target.length === 0 || target[0] > 1)
      throw refusal("unsupported", subject, `shape ${showDims(target)} for an unknown one`, "the batch first");
    const later = target.slice(1).map((n, i) => (n === -1 ? null : n === 0 && !allowZero ? (state.dims?.[i + 1] ?? null) : n));
    if (later.some((n) => n !== null && n < 0)) throw refusal("bad-model", subject, `shape ${showDims(target)}`, "sizes of -1 or more");
    state.dims = [1, ...later];
    if (samples >= 0) state.samples = named ? first : 0;
  } else {
    state.dims = reshapeDims(state.dims, target, allowZero, subject);
    if (samples >= 0) state.samples = kept;
    needSamplesFirst(state, subject);
  }
}

/** A transpose that leaves every number where it is: only axes of size 1 move. */
export function transposeHead(state: Walk, node: OnnxNode, subject: string): void {
  if (!state.dims) throw refusal("unsupported", subject, "a transpose of an unknown shape", "a known one");
  const dims = state.dims;
  const order = permutationOf(intsOf(node, "perm", subject), dims.length, subject);
  const long = order.filter((axis) => dims[axis] !== 1);
  if (long.some((axis, i) => i > 0 && axis < long[i - 1]))
    throw refusal("unsupported", subject, `a transpose that reorders values of shape ${showDims(dims)}`, "transposes of constants only");
  state.dims = order.map((axis) => dims[axis]);
  state.samples = order.indexOf(state.samples);
}
