// The IDX format MNIST comes in: two zero bytes, a type, a number of dimensions, big-endian sizes, then the numbers.
// Source: http://yann.lecun.com/exdb/mnist/, "the IDX file format".

import { refusal } from "../../errors.ts";
import { sizeOf, type Tensor } from "../../model/tensor.ts";
import { dtypeOf, type ElementCode, elementBytes, readElements } from "./element.ts";

const codes: ReadonlyMap<number, ElementCode> = new Map([
  [0x08, "u1"],
  [0x09, "i1"],
  [0x0b, "i2"],
  [0x0c, "i4"],
  [0x0d, "f4"],
  [0x0e, "f8"],
]);

export function isIdx(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0 && bytes[1] === 0 && codes.has(bytes[2]) && bytes[3] > 0;
}

/**
 * Reads one array.
 * @throws SlonnError `bad-file` where the sizes contradict the file's length.
 */
export function readIdx(bytes: Uint8Array, name: string): Tensor {
  const code = codes.get(bytes[2]);
  if (!isIdx(bytes) || code === undefined)
    throw refusal("bad-file", name, "no IDX signature", "0 0, a type from 0x08 to 0x0e and the number of dimensions");
  const dimensions = bytes[3];
  const offset = 4 + dimensions * 4;
  if (bytes.length < offset) throw refusal("bad-file", name, `${bytes.length} bytes`, `${offset} for ${dimensions} sizes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: dimensions }, (_, d) => view.getUint32(4 + d * 4));
  const count = sizeOf(shape);
  if (Number.isNaN(count)) throw refusal("bad-file", name, `sizes (${shape.slice(0, 8).join(", ")})`, "a product below 2^53");
  const [got, expected] = [bytes.length - offset, count * elementBytes(code)];
  if (got !== expected)
    throw refusal("bad-file", name, `${got} bytes of numbers`, `${expected} for shape (${shape.slice(0, 8).join(", ")})`);
  return { dtype: dtypeOf(code), shape, data: readElements(bytes, offset, count, code, "BE") };
}
