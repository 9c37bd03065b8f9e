// Writing a query's input into engine memory, after checking it. It knows shapes and types, not networks.

import type { InputUse } from "../activator/level-plan.ts";
import { type NetworkInput, writeSparse } from "../activator/network-input.ts";
import { refusal } from "../errors.ts";
import { type NonZeros, sizeOf, type Tensor, type TensorData } from "../model/tensor.ts";
import { isObject, show } from "../quoted.ts";
import type { QueryInput } from "./input-parts.ts";

/**
 * Checks the input and writes it for a query by `plan`; returns the row the plan is to be run from.
 * @throws SlonnError `bad-input` when the length or type is wrong or an index is out of range. Repeated indices add up.
 */
export function writeInput(input: QueryInput, to: NetworkInput, plan: InputUse): number {
  const target = to.dense;
  if (isObject(input as unknown) && "indices" in input) {
    checkSparse(input, target.length);
    return writeSparse(to, input, plan);
  }
  if (isTyped(input) || Array.isArray(input)) writeNumbers(input, target);
  else if (isObject(input as unknown) && "shape" in input) writeTensor(input, target);
  else throw refusal("bad-input", "input", show(input), `a Float32Array of ${target.length} or { indices, values }`);
  return 0;
}

function writeNumbers(input: TensorData | readonly number[], target: Float32Array): void {
  if (input.length !== target.length) throw refusal("bad-input", "input", `${input.length} numbers`, target.length);
  if (Array.isArray(input)) checkNumbers(input);
  if (isList(input)) target.set(input);
  else for (let i = 0; i < input.length; i++) target[i] = Number(input[i]);
}

function checkNumbers(list: readonly unknown[]): void {
  for (let i = 0; i < list.length; i++)
    if (typeof list[i] !== "number") throw refusal("bad-input", "input", `${show(list[i])} at position ${i}`, "numbers");
}

function checkSparse({ indices, values }: NonZeros, width: number): void {
  if (!isList(indices) || !isList(values))
    throw refusal("bad-input", "input", `${show(indices)} and ${show(values)}`, "indices and values as lists of numbers");
  try {
    // reads nothing, but throws where the buffer was handed over to another thread, as the array just looks empty then
    (indices as readonly number[]).at(indices.length);
    (values as readonly number[]).at(values.length);
  } catch {
    throw refusal("bad-input", "input", "buffers that were handed over", "numbers");
  }
  if (indices.length !== values.length)
    throw refusal("bad-input", "input", `${indices.length} indices and ${values.length} values`, "as many of both");
  for (let i = 0; i < indices.length; i++) {
    const at = indices[i];
    if (!(Number.isInteger(at) && at >= 0 && at < width))
      throw refusal("bad-input", "input", `index ${show(at)} at position ${i}`, `a whole number from 0 to ${width - 1}`);
  }
  if (Array.isArray(values)) checkNumbers(values);
}

function writeTensor({ shape, data }: Tensor, target: Float32Array): void {
  if (!Array.isArray(shape) || !isTyped(data))
    throw refusal("bad-input", "input", `a tensor of shape ${show(shape)} and data ${show(data)}`, "a list and a typed array");
  if (sizeOf(shape) !== target.length || data.length !== target.length)
    throw refusal(
      "bad-input",
      "input",
      `a tensor of shape [${shape.slice(0, 8).map(show).join(", ")}] and ${data.length} numbers`,
      target.length,
    );
  writeNumbers(data, target);
}

function isTyped(value: unknown): value is TensorData {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

const isList = (value: unknown): value is ArrayLike<number> => isNumbers(value) || Array.isArray(value);

/** A typed array of plain numbers: no 64-bit integers. */
function isNumbers(value: unknown): value is Exclude<TensorData, BigInt64Array | BigUint64Array> {
  return isTyped(value) && !(value instanceof BigInt64Array || value instanceof BigUint64Array);
}
