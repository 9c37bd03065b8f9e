// What a query's input may be, and what it consists of, for code that keeps one or sends it elsewhere. It knows names and checks nothing.

import type { NonZeros, Tensor } from "../model/tensor.ts";

/** What a query may be: a vector, its non-zeros, or a tensor of one row; numbers in a plain list or a typed array of any type. */
export type QueryInput = ArrayLike<number> | NonZeros | Tensor;

/** What an input that is no list may consist of. */
const parts = ["indices", "values", "dtype", "shape", "data"];

/** The input with `change` made to each of its parts, or to itself where it has none. */
export function changedParts(input: QueryInput, change: (part: unknown) => unknown): QueryInput {
  const isWhole = typeof input !== "object" || input === null || Array.isArray(input) || ArrayBuffer.isView(input);
  // by name: a class may keep them behind accessors, which are no entries
  const found = isWhole ? [] : parts.filter((part) => part in input);
  const changed = found.map((part) => [part, change(input[part as keyof QueryInput])]);
  return (found.length > 0 ? Object.fromEntries(changed) : change(input)) as QueryInput;
}
