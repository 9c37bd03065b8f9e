// NumPy's .npy format, versions 1 to 3: one array behind a short header that is a Python dictionary.
// Source: numpy.lib.format. Object, complex, string and structured arrays are refused; nothing is ever unpickled.

import { refusal } from "../../errors.ts";
import { gatherStrided } from "../../model/strided.ts";
import { sizeOf, type Tensor, type TensorData } from "../../model/tensor.ts";
import { quoted } from "../../quoted.ts";
import { dtypeOf, elementBytes, isElementCode, readElements } from "./element.ts";

/** What stands in front of the numbers. */
export interface NpyHeader {
  /** NumPy's type string, e.g. `<f4`. */
  descr: string;
  fortranOrder: boolean;
  shape: readonly number[];
  /** Where the numbers start, in bytes. */
  offset: number;
}

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // \x93NUMPY
const maxHeaderBytes = 1 << 20;
/** NumPy itself allows no more. */
const maxDimensions = 64;

export function isNpy(bytes: Uint8Array): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

/**
 * The header alone.
 * @throws SlonnError `bad-file` where it is malformed, `unsupported` for a newer version or structured elements.
 */
export function readNpyHeader(bytes: Uint8Array, name: string): NpyHeader {
  if (!isNpy(bytes)) throw refusal("bad-file", name, "no .npy signature", "it in the first 6 bytes");
  const [major, minor] = [bytes[6], bytes[7]];
  if (bytes.length < 12) throw refusal("bad-file", name, `${bytes.length} bytes`, "at least 12");
  if (major < 1 || major > 3) throw refusal("unsupported", name, `.npy version ${major}.${minor}`, "1 to 3");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = major === 1 ? 10 : 12;
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > maxHeaderBytes || start + length > bytes.length)
    throw refusal("bad-file", name, `a header of ${length} bytes`, `at most ${Math.min(maxHeaderBytes, bytes.length - start)}`);
  const text = new TextDecoder().decode(bytes.subarray(start, start + length));

  const fortran = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text);
  const shapeText = /['"]shape['"]\s*:\s*\(([\d\s,L]*)\)/.exec(text);
  const descr = /['"]descr['"]\s*:\s*['"]([^'"]*)['"]/.exec(text);
  if (!descr && /['"]descr['"]\s*:\s*\[/.test(text)) throw refusal("unsupported", name, "an array of records", "an array of numbers");
  if (!fortran || !shapeText || !descr)
    throw refusal("bad-file", name, `a header without ${!descr ? "descr" : !fortran ? "fortran_order" : "shape"}`, "all three");
  const shape = shapeText[1]
    .split(",")
    .map((size) => size.replace("L", "").trim())
    .filter((size) => size !== "")
    .map(Number);
  if (shape.length > maxDimensions || Number.isNaN(sizeOf(shape)))
    throw refusal("bad-file", name, `shape ${quoted(shapeText[1])}`, `at most ${maxDimensions} sizes with a product below 2^53`);
  return { descr: descr[1], fortranOrder: fortran[1] === "True", shape, offset: start + length };
}

/**
 * Reads one array of floats, integers or booleans into row-major order.
 * @throws SlonnError `bad-file` where sizes contradict the file, `unsupported` for other element types.
 */
export function readNpy(bytes: Uint8Array, name: string): Tensor {
  const { descr, fortranOrder, shape, offset } = readNpyHeader(bytes, name);
  const code = descr.slice(1);
  if (!"<>=|".includes(descr[0] ?? "?") || !isElementCode(code))
    throw refusal("unsupported", name, `elements of type ${quoted(descr)}`, "floats of 2 to 8 bytes, integers or booleans");
  const count = sizeOf(shape);
  const [got, expected] = [bytes.length - offset, count * elementBytes(code)];
  if (got !== expected)
    throw refusal("bad-file", name, `${got} bytes of numbers`, `${expected} for shape (${shape.join(", ")}) of ${descr}`);
  const data = readElements(bytes, offset, count, code, descr[0] === ">" ? "BE" : "LE");
  return { dtype: dtypeOf(code), shape, data: fortranOrder ? toRowMajor(data, shape) : data };
}

/** Column-major numbers (first index fastest) put into row-major order (last index fastest). */
function toRowMajor(data: TensorData, shape: readonly number[]): TensorData {
  if (shape.filter((size) => size > 1).length < 2) return data;
  const strides = shape.map((_, d) => shape.slice(0, d).reduce((product, size) => product * size, 1));
  return gatherStrided(data, shape, strides, data.slice());
}

/** A version 1.0 file of little-endian float32 in row-major order. `data.length` is the product of `shape`. */
export function writeNpy(data: Float32Array, shape: readonly number[]): Uint8Array {
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  // The numbers start at a multiple of 64 bytes; the header ends in a newline.
  const start = Math.ceil((10 + dictionary.length + 1) / 64) * 64;
  const bytes = new Uint8Array(start + data.length * 4);
  const view = new DataView(bytes.buffer);
  bytes.set(magic);
  bytes[6] = 1;
  view.setUint16(8, start - 10, true);
  bytes.set(new TextEncoder().encode(`${dictionary.padEnd(start - 11)}\n`), 10);
  for (let i = 0; i < data.length; i++) view.setFloat32(start + i * 4, data[i], true);
  return bytes;
}
