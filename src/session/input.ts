// Writing a query's input into engine memory, after checking it. It knows shapes and types, not networks.

import type { LevelPlan } from "../activator/level-plan.ts";
import { type NetworkInput, writeSparse } from "../activator/network-input.ts";
import { refusal } from "../errors.ts";
import type { Input, SparseInput } from "../model/rows.ts";
import { sizeOf, type Tensor } from "../model/tensor.ts";

/** What a query may be: a vector, its non-zeros, or a tensor of one row. */
export type QueryInput = Input | readonly number[] | Tensor;

/**
 * Checks the input and writes it for a query by `plan`; returns the row the plan is to be run from.
 * @throws SlonnError `bad-input` when the length or type is wrong or an index is out of range. Repeated indices add up.
 */
export function writeInput(input: QueryInput, to: NetworkInput, plan: Pick<LevelPlan, "compactsInput" | "readsDenseInput">): number {
  const target = to.dense;
  if (typeof input === "object" && input !== null && "indices" in input) {
    checkSparse(input, target.length);
    return writeSparse(to, input, plan);
  }
  if (input instanceof Float32Array || Array.isArray(input)) writeNumbers(input, target);
  else if (typeof input === "object" && input !== null && "shape" in input) writeTensor(input, target);
  else throw refusal("bad-input", "input", describe(input), `a Float32Array of ${target.length} or { indices, values }`);
  return 0;
}

function writeNumbers(input: Float32Array | readonly number[], target: Float32Array): void {
  if (input.length !== target.length) throw refusal("bad-input", "input", `${input.length} numbers`, target.length);
  if (!(input instanceof Float32Array))
    for (let i = 0; i < input.length; i++)
      if (typeof input[i] !== "number") throw refusal("bad-input", "input", `${describe(input[i])} at position ${i}`, "numbers");
  target.set(input);
}

function checkSparse({ indices, values }: SparseInput, width: number): void {
  if (!isNumbers(indices) || !isNumbers(values))
    throw refusal("bad-input", "input", `${describe(indices)} and ${describe(values)}`, "indices and values as typed arrays");
  if (indices.length !== values.length)
    throw refusal("bad-input", "input", `${indices.length} indices and ${values.length} values`, "as many of both");
  for (let i = 0; i < indices.length; i++) {
    const at = indices[i];
    if (!(at >= 0 && at < width && Number.isInteger(at)))
      throw refusal("bad-input", "input", `index ${at} at position ${i}`, `a whole number from 0 to ${width - 1}`);
  }
}

function writeTensor(tensor: Tensor, target: Float32Array): void {
  const { shape, data } = tensor;
  const wide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  if (!Array.isArray(shape) || !(wide || isNumbers(data)))
    throw refusal("bad-input", "input", `a tensor of shape ${describe(shape)} and data ${describe(data)}`, "a list and a typed array");
  const size = sizeOf(shape);
  if (size !== target.length || data.length !== size)
    throw refusal("bad-input", "input", `a tensor of shape [${shape.join(", ")}] and ${data.length} numbers`, target.length);
  if (wide) for (let i = 0; i < size; i++) target[i] = Number(data[i]);
  else target.set(data);
}

/** A typed array of plain numbers: no DataView, no 64-bit integers. */
function isNumbers(value: unknown): boolean {
  return ArrayBuffer.isView(value) && !(value instanceof DataView || value instanceof BigInt64Array || value instanceof BigUint64Array);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === "object" ? (value.constructor?.name ?? "an object") : typeof value;
}
