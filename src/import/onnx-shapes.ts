// What ONNX operators that only rearrange do to a shape, as numpy would. A size may be null: not known before weights tell it.

import { refusal } from "../errors.ts";

export type Dims = readonly (number | null)[];

/** The most dimensions a value may reach. */
const maxRank = 32;

/** The product of the sizes; null where one is unknown. */
export function sizeOfDims(dims: Dims): number | null {
  return dims.reduce<number | null>((product, n) => (product === null || n === null ? null : product * n), 1);
}

/** Reshape: 0 copies a size (unless `allowZero`), one −1 stands for what is left. */
export function reshapeDims(dims: Dims, target: readonly number[], allowZero: boolean, subject: string): (number | null)[] {
  const bad = () => refusal("bad-model", subject, `shape ${showDims(target)} for ${showDims(dims)}`, "as many elements");
  const out: (number | null)[] = target.map((n, i) => {
    if (!Number.isFinite(n) || n < -1 || (n === 0 && !allowZero && i >= dims.length)) throw bad();
    return n === 0 && !allowZero ? dims[i] : n;
  });
  const open = out.indexOf(-1);
  if (open !== out.lastIndexOf(-1)) throw bad();
  const total = sizeOfDims(dims);
  const rest = sizeOfDims(out.filter((_, i) => i !== open));
  if (open < 0) {
    if (total !== null && rest !== null && total !== rest) throw bad();
  } else {
    out[open] = total === null || rest === null ? null : total / rest;
    if (out[open] !== null && !Number.isInteger(out[open])) throw bad();
  }
  return out;
}

/** Flatten: two dimensions, what is before `axis` and what is from it on. */
export function flattenDims(dims: Dims, axis: number, subject: string): (number | null)[] {
  const at = axis === dims.length ? axis : axisIn(axis, dims.length, subject);
  return [sizeOfDims(dims.slice(0, at)), sizeOfDims(dims.slice(at))];
}

/** The axes that Squeeze leaves out; all of size 1 where none are named. */
export function squeezedAxes(dims: Dims, axes: readonly number[] | undefined, subject: string): Set<number> {
  if (!axes && dims.includes(null)) throw refusal("unsupported", subject, `shape ${showDims(dims)}`, "a known one or axes");
  const gone = new Set(axes?.map((axis) => axisIn(axis, dims.length, subject)) ?? [...dims.keys()].filter((axis) => dims[axis] === 1));
  for (const axis of gone)
    if ((dims[axis] ?? 1) !== 1) throw refusal("bad-model", subject, `axis ${axis} of ${showDims(dims)}`, "one of size 1");
  return gone;
}

export function unsqueezeDims(dims: Dims, axes: readonly number[], subject: string): (number | null)[] {
  const rank = dims.length + axes.length;
  if (rank > maxRank) throw refusal("unsupported", subject, `${rank} dimensions`, `at most ${maxRank}`);
  const fresh = new Set(axes.map((axis) => axisIn(axis, rank, subject)));
  if (fresh.size !== axes.length) throw refusal("bad-file", subject, "an axis twice", "each once");
  const old = dims[Symbol.iterator]();
  return Array.from({ length: rank }, (_, i) => (fresh.has(i) ? 1 : (old.next().value ?? null)));
}

/** The permutation of Transpose; reversed where none is given. */
export function permutationOf(perm: readonly number[] | undefined, rank: number, subject: string): number[] {
  const order = perm ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (order.length !== rank || new Set(order).size !== rank || order.some((axis) => axis < 0 || axis >= rank))
    throw refusal("bad-file", subject, `perm [${order.slice(0, maxRank).join(", ")}]`, `a permutation of ${rank} axes`);
  return [...order];
}

/** An axis counted from 0; negative ones count from the end. */
export function axisIn(axis: number, rank: number, subject: string): number {
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(at) || at < 0 || at >= rank) throw refusal("bad-file", subject, `axis ${axis}`, `one of ${rank}`);
  return at;
}

export function showDims(dims: Dims): string {
  return `[${dims
    .slice(0, maxRank)
    .map((n) => n ?? "?")
    .join(", ")}]`;
}
