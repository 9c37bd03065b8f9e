// Kernels with whole typed arrays in and out, for calibration's few large products and for callers of `slonn/kernels`. The
// WebAssembly side is bound by as-bind, which copies every array in and every result out: right for large arrays and few
// calls, wrong for a query, so nothing on the query path imports this file. See docs/decisions/as-bind.md.

import { messageOf, refusal, SlonnError } from "../errors.ts";
import { checkNames } from "../option-names.ts";
import { extendConverters } from "./as-bind-layout.ts";
import { bytesOfText } from "./binary-text.ts";
import { arraysBinary } from "./generated/arrays-binary.ts";
import { asBind, type BoundModule } from "./generated/as-bind.ts";
import { plainArrays } from "./plain-arrays.ts";

/**
 * Matrices are row-major. Every result is a new array of the caller's own. Every function throws SlonnError `bad-input` for an
 * array of the wrong type or length, a count that is not a whole number, or more than 2^28 − 16 elements in an argument or the
 * result, and `no-engine` when the memory for a call is not to be had; the kernels stay usable after either.
 */
export interface ArrayFunctions {
  /** W x + b. weight `[n, d]`, bias `[n]`, x `[d]` → `[n]`. */
  denseRows(weight: Float32Array, bias: Float32Array, x: Float32Array): Float32Array;
  /** The chosen rows of W x + b, in the order asked, to the bit what `denseRows` gives. rows `[s]`, each below n → `[s]`. */
  selectedRows(weight: Float32Array, bias: Float32Array, x: Float32Array, rows: Uint32Array): Float32Array;
  /** exp(x − max x) ÷ its sum; NaN everywhere when x holds NaN or +Infinity, or nothing but −Infinity. x `[n]` → `[n]`. */
  softmax(x: Float32Array): Float32Array;
  /** The indices of the k best scores, best first; ties go to the lower index, NaN comes last. scores `[n]` → `[min(k, n)]`. */
  topK(scores: Float32Array, k: number): Uint32Array;
  /**
   * The signs of `bits` projections: bit b & 31 of word b >> 5 says whether planes[b] · x is above 0.
   * planes `[bits, d]`, x `[d]` → `[bits / 32 rounded up]`.
   */
  hashCodes(planes: Float32Array, x: Float32Array, bits: number): Uint32Array;
  /** A Bᵀ. a `[m, k]`, b `[n, k]` → `[m, n]`. */
  matmulTransposed(a: Float32Array, b: Float32Array, m: number, n: number, k: number): Float32Array;
  /** A B. a `[m, k]`, b `[k, n]` → `[m, n]`. */
  matmul(a: Float32Array, b: Float32Array, m: number, n: number, k: number): Float32Array;
  /** Aᵀ A. a `[m, k]` → `[k, k]`, symmetric to the bit. */
  gram(a: Float32Array, m: number, k: number): Float32Array;
}

/** The array functions, and what they run on. */
export interface ArrayKernels extends ArrayFunctions {
  /** The kernels in use. */
  readonly backend: "simd" | "js";
  /** Why the backend is not the fastest one; null when it is. */
  readonly reason: string | null;
}

/** Which kernels to take. */
export interface ArrayKernelsOptions {
  /** Ask for one backend; absent: `simd` where it runs. */
  backend?: "simd" | "js" | undefined;
}

const optionNames: Record<keyof ArrayKernelsOptions, true> = { backend: true };

/**
 * Compiles the array kernels, or takes the plain-JavaScript ones where that cannot be done. The memory of an instance grows to
 * what its largest call needed and goes when the returned object does.
 * @throws (rejects) SlonnError `no-engine` when `backend: "simd"` was asked for and cannot run here, `bad-option` for another backend or option.
 */
export async function createArrayKernels(options: ArrayKernelsOptions = {}): Promise<ArrayKernels> {
  checkNames("createKernels", options, optionNames);
  const { backend } = options;
  if (backend !== undefined && backend !== "simd" && backend !== "js")
    throw refusal("bad-option", "backend", typeof backend === "string" ? JSON.stringify(backend) : kind(backend), "simd or js");
  if (backend === "js") return { backend, reason: null, ...checked(plainArrays) };
  const bound = await bind();
  if (typeof bound !== "string") return { backend: "simd", reason: null, ...checked(bound) };
  if (backend) throw new SlonnError("no-engine", `backend: got simd, but ${bound}`);
  return { backend: "js", reason: bound, ...checked(plainArrays) };
}

/** The bound kernels, or why there are none. */
async function bind(): Promise<ArrayFunctions | string> {
  if (typeof WebAssembly === "undefined") return "WebAssembly is missing";
  const binary = bytesOfText(arraysBinary);
  if (!WebAssembly.validate(binary)) return "WebAssembly SIMD is missing";
  try {
    // Tried first: as-bind asks what a Response is, which in Node loads its HTTP parser, and that ends the process where it gets no memory.
    new WebAssembly.Memory({ initial: 1 });
  } catch (cause) {
    return `WebAssembly gets no memory here (${messageOf(cause)})`;
  }
  extendConverters();
  try {
    return collecting(binary, await asBind.instantiate(binary, {}));
  } catch (cause) {
    return `WebAssembly is forbidden here (${messageOf(cause)})`;
  }
}

/**
 * The bound exports, each freeing its arguments and result once the result is copied out: memory stays at what the largest
 * call needed. A trap can only mean that memory ran out; its arguments would stay pinned for ever, so the next call gets a new
 * instance.
 */
function collecting(binary: BufferSource, first: BoundModule): ArrayFunctions {
  let bound: BoundModule | null = first;
  const call = (name: string, args: unknown[]): unknown => {
    try {
      bound ??= asBind.instantiateSync(binary, {});
      const result = bound.exports[name](...args);
      bound.exports.__collect();
      return result;
    } catch (cause) {
      bound = null;
      throw new SlonnError("no-engine", `${name}: the memory for this call could not be had (${messageOf(cause)})`, { cause });
    }
  };
  const names = Object.keys(plainArrays);
  return Object.fromEntries(names.map((name) => [name, (...args: unknown[]) => call(name, args)])) as unknown as ArrayFunctions;
}

/** The same functions with their arguments checked: the kernels themselves would read or write out of bounds. */
function checked(kernels: ArrayFunctions): ArrayFunctions {
  return {
    denseRows(weight, bias, x) {
      floats("bias", bias);
      floats("x", x);
      matrix("weight", weight, bias.length, x.length);
      return kernels.denseRows(weight, bias, x);
    },
    selectedRows(weight, bias, x, rows) {
      floats("bias", bias);
      floats("x", x);
      matrix("weight", weight, bias.length, x.length);
      if (!(rows instanceof Uint32Array)) throw bad("rows", kind(rows), "a Uint32Array");
      // a copy: a shared buffer could change between the check and the call
      const chosen = new Uint32Array(limited("rows", rows));
      const outside = chosen.findIndex((row) => row >= bias.length);
      if (outside >= 0) throw bad("rows", `row ${chosen[outside]} at ${outside}`, `rows below ${bias.length}`);
      return kernels.selectedRows(weight, bias, x, chosen);
    },
    softmax(x) {
      return kernels.softmax(floats("x", x));
    },
    topK(scores, k) {
      floats("scores", scores);
      return kernels.topK(scores, Math.min(count("k", k), scores.length));
    },
    hashCodes(planes, x, bits) {
      floats("x", x);
      matrix("planes", planes, count("bits", bits), x.length);
      return kernels.hashCodes(planes, x, bits);
    },
    matmulTransposed(a, b, m, n, k) {
      matrix("a", a, count("m", m), count("k", k));
      matrix("b", b, count("n", n), k);
      result(m, n);
      return kernels.matmulTransposed(a, b, m, n, k);
    },
    matmul(a, b, m, n, k) {
      matrix("a", a, count("m", m), count("k", k));
      matrix("b", b, k, count("n", n));
      result(m, n);
      return kernels.matmul(a, b, m, n, k);
    },
    gram(a, m, k) {
      matrix("a", a, count("m", m), count("k", k));
      result(k, k);
      return kernels.gram(a, m, k);
    },
  };
}

/** Elements of one array: a block of AssemblyScript's memory manager holds 1 GiB less its header. */
const mostElements = 2 ** 28 - 16;

function floats(name: string, array: Float32Array): Float32Array {
  if (!(array instanceof Float32Array)) throw bad(name, kind(array), "a Float32Array");
  return limited(name, array);
}

function limited<T extends Float32Array | Uint32Array>(name: string, array: T): T {
  if (array.length > mostElements) throw bad(name, `${array.length} elements`, `at most ${mostElements}`);
  return array;
}

function matrix(name: string, array: Float32Array, rows: number, columns: number): void {
  floats(name, array);
  if (array.length !== rows * columns) throw bad(name, `${array.length} elements`, `${rows * columns} (${rows} rows of ${columns})`);
}

function count(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > mostElements)
    throw bad(name, typeof value === "number" ? String(value) : kind(value), `a whole number from 0 to ${mostElements}`);
  return value;
}

function result(rows: number, columns: number): void {
  if (rows * columns > mostElements) throw bad("result", `${rows} rows of ${columns}`, `at most ${mostElements} elements`);
}

function kind(value: unknown): string {
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  return value.constructor?.name ?? "object";
}

function bad(name: string, got: string, expected: string): SlonnError {
  return refusal("bad-input", name, got, expected);
}
