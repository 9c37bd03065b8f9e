// The plain-JavaScript engine: every operation as the shortest loop that means the same. It is the specification the
// WebAssembly builds are tested against, and what runs where WebAssembly is missing or forbidden. Sums run in the order the
// kernels use (rows in four lanes, everything else node by node over ascending inputs), rounded to f32 at every step.

import { SlonnError } from "../errors.ts";
import type { Engine } from "./engine.ts";
import * as abi from "./generated/abi.ts";
import { paddedTo } from "./padded.ts";

const { fround } = Math;

/** @throws SlonnError `no-engine` when the memory cannot be had, or is above 2 GiB: plans would hold its addresses as negative numbers. */
export function createReferenceEngine(bytes: number, reason: string | null): Engine {
  const buffer = allocate(bytes);
  const f32 = new Float32Array(buffer);
  const u32 = new Uint32Array(buffer);
  const i32 = new Int32Array(buffer);
  const run = createOperations(f32, u32, new Int16Array(buffer), new Int8Array(buffer));

  return {
    backend: "js",
    reason,
    buffer,
    execute(plan: number, begin: number, end: number): number {
      let spent = 0;
      for (let at = 0; at < begin; at++) spent += u32[(plan >> 2) + at * abi.ROW_WORDS + abi.WORD_MACS];
      for (let at = begin; at < end; ) {
        const row = (plan >> 2) + at * abi.ROW_WORDS;
        at++;
        const a = i32.subarray(row, row + abi.ROW_WORDS);
        const macs = run(a, f32.subarray(row, row + abi.ROW_WORDS), spent);
        if (macs < 0) return -at;
        a[abi.WORD_MACS] = macs;
        spent += macs;
        a[abi.WORD_BYTES_READ] = a[0] === abi.PREDICT || a[0] >= abi.PANELS_8 ? macs : macs * 4;
        if (a[0] === abi.MARGIN && a[abi.WORD_UNITS]) return at;
      }
      return end;
    },
  };
}

function allocate(bytes: number): ArrayBuffer {
  try {
    if (bytes <= 2 ** 31) return new ArrayBuffer(Math.ceil(bytes / 65536) * 65536);
  } catch {
    // as below
  }
  throw new SlonnError("no-engine", `memory: ${bytes} bytes could not be had`);
}

/** What a row of an operation that does not exist gives in place of multiply-adds. */
const unknown = -1;

/** Runs one row, given its words as integers and as floats and the multiply-adds of the rows before it. */
type Operation = (a: Int32Array, f: Float32Array, spent: number) => number;
type Coded = readonly [codes: Float32Array | Int16Array, step: number];
type Numbers = readonly number[] | Uint32Array;

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const ascending = (a: number, b: number): number => a - b;

/** The operations over one memory; each returns its multiply-adds and leaves its units in the row. */
function createOperations(f32: Float32Array, u32: Uint32Array, i16: Int16Array, i8: Int8Array): Operation {
  const indicesAt = (list: number): number => (list + abi.LIST_HEADER) >> 2;
  const valuesAt = (list: number): number => indicesAt(list) + paddedTo(u32[(list >> 2) + 1], 4);
  const unitsOf = (list: number): Uint32Array => u32.subarray(indicesAt(list), indicesAt(list) + u32[list >> 2]);
  const valuesOf = (list: number): Float32Array => f32.subarray(valuesAt(list), valuesAt(list) + u32[list >> 2]);

  /** Writes units to a list, with `value` their values too, leaving out those whose value is null. Returns how many were written. */
  function put(list: number, units: Numbers, value?: (unit: number, i: number) => number | null, append = 0): number {
    const from = append && u32[list >> 2];
    let found = from;
    units.forEach((unit, i) => {
      const v = value?.(unit, i);
      if (v === null) return;
      u32[indicesAt(list) + found] = unit;
      if (v !== undefined) f32[valuesAt(list) + found] = v;
      found++;
    });
    u32[list >> 2] = found;
    return found - from;
  }

  /** by · unit, by · unit + 1, … `per` of them for each unit */
  const spread = (units: Numbers, per: number, by = per): number[] =>
    Array.from(units, (unit) => upTo(per).map((i) => unit * by + i)).flat();

  /** Four lanes over ascending inputs, then (0 + 1) + (2 + 3). */
  function rowDot(weight: number, x: number, inputs: Numbers): number {
    const s = new Float32Array(4);
    for (const i of inputs) s[i % 4] += fround(f32[x + i] * f32[weight + i]);
    return fround(fround(s[0] + s[1]) + fround(s[2] + s[3]));
  }

  /** The blocks of `per` numbers of which some is not 0. */
  const activeOf = (src: Float32Array | Int16Array, per: number): number[] =>
    upTo(Math.ceil(src.length / per)).filter((block) => src.subarray(block * per, (block + 1) * per).some((v) => v !== 0));
  /** Writes the steps from one block to the next, so many bytes a block; returns how many. */
  const putSteps = (list: number, blocks: readonly number[], bytes: number): number =>
    put(
      list,
      blocks.map((block, i) => (block - (blocks[i - 1] ?? 0)) * bytes),
    );
  /** The inputs of a list of such steps, so many bytes each, `per` to a block. */
  function inputsOf(list: number, bytes: number, per: number): number[] {
    let at = 0;
    const firsts = Array.from(unitsOf(list), (step) => (at += step / bytes));
    return spread(firsts, per, 1);
  }

  /** out = init, then for one input after the other its value times its line: `width` weights from `weight` + input · step on. */
  function addLines(init: number, out: number, width: number, inputs: Numbers, values: Float32Array, weight: number, step: number): void {
    f32.copyWithin(out, init, init + width);
    for (let i = 0; i < inputs.length; i++) {
      const value = values[i];
      const line = weight + inputs[i] * step;
      for (let n = 0; n < width; n++) f32[out + n] += fround(value * f32[line + n]);
    }
  }

  /** Σ code · weight in eight bits, a whole number. */
  function sum8(inputs: Numbers, codes: ArrayLike<number>, weightAt: (input: number) => number): number {
    let sum = 0;
    for (const input of inputs) sum += codes[input] * i8[weightAt(input)];
    return sum;
  }
  /** Where a node's weight of an input stands in panels of bytes. */
  const panelAt = (panels: number, inputs: number, node: number, input: number): number =>
    panels + (node >> 4) * inputs * abi.PANEL + (input >> 1) * 32 + (node % abi.PANEL) * 2 + (input & 1);

  return (a, f, spent) => {
    /** The words as addresses of floats. */
    const at = a.map((word) => word >> 2);
    const floats = (word: number, n: number): Float32Array => f32.subarray(at[word], at[word] + n);
    /** What most operations read: words 1 and 2 are a vector and its length; where that is negative, a list, for its values. */
    const src = a[2] < 0 ? valuesOf(a[1]) : floats(1, a[2]);
    /** The k of src with the largest `size`, best first; ties go to the lower name. */
    const best = (k: number, size: (v: number) => number, nameOf = (i: number): number => i): number[] =>
      upTo(src.length)
        .filter((i) => !Number.isNaN(src[i]))
        .sort((i, j) => size(src[j]) - size(src[i]) || nameOf(i) - nameOf(j))
        .slice(0, k);
    /** Puts activated pre-activations that are not 0 into a list. The words from `word` on say: activation (`KEEP`: zeros too), alpha, and whether to append. */
    const putActivated = (list: number, units: Numbers, value: (unit: number) => number, word: number): number => {
      const activated = (unit: number): number | null => {
        const v = activate(value(unit), a[word], f[word + 1]);
        return v === 0 && a[word] !== abi.KEEP ? null : v;
      };
      return put(list, units, activated, a[word + 2]);
    };
    /** A node in eight bits: bias + scale · step · Σ code · weight */
    const node8 = (node: number, [codes, step]: Coded, inputs: Numbers, weightAt: (input: number) => number): number =>
      fround(f32[at[3] + node] + fround(fround(f32[at[2] + node] * step) * fround(sum8(inputs, codes, weightAt))));
    /** The codes that word 4 leads to. */
    const coded = (): Coded => [i16.subarray((a[4] >> 1) + 8), f32[at[4]]];
    let units = 0;
    let macs = 0;
    switch (a[0]) {
      case abi.COMPACT:
        units = putActivated(a[3], upTo(a[2]), (i) => src[i], 4);
        break;
      case abi.BLOCKS: {
        const all = upTo(Math.ceil(a[2] / abi.BLOCK));
        const active = activeOf(src, abi.BLOCK);
        units = putSteps(a[3], active.length * 16 >= all.length * 15 ? all : active, abi.BLOCK * 4);
        break;
      }
      case abi.ROWS_SELECTED: {
        const rows = unitsOf(a[6]);
        const inputs = inputsOf(a[5], 4, abi.BLOCK);
        units = rows.length;
        macs = units * inputs.length;
        putActivated(a[7], rows, (r) => fround(rowDot(at[1] + r * a[4], at[3], inputs) + f32[at[2] + r]), 8);
        break;
      }
      case abi.PANELS:
      case abi.PANELS_ACTIVE:
      case abi.PANELS_SELECTED: {
        const [inputs, values] = a[0] === abi.PANELS ? [upTo(a[4]), floats(3, a[4])] : [unitsOf(a[3]), valuesOf(a[3])];
        const panels = a[0] === abi.PANELS_SELECTED ? unitsOf(a[5]) : upTo(a[5]);
        units = panels.length * abi.PANEL;
        macs = inputs.length * units;
        for (const p of panels) {
          const first = p * abi.PANEL;
          addLines(at[2] + first, at[6] + first, abi.PANEL, inputs, values, at[1] + first * a[4], abi.PANEL);
        }
        break;
      }
      case abi.COLUMNS:
        units = a[5];
        macs = unitsOf(a[3]).length * units;
        addLines(at[2], at[6], paddedTo(units, 4), unitsOf(a[3]), valuesOf(a[3]), at[1], a[4]);
        break;
      case abi.ACTIVATE:
        units = src.length;
        activateAll(src, a[2] < 0 ? src : floats(3, units), a[4], f[5]);
        break;
      case abi.TOP_K:
        units = put(a[4], best(a[3], Number).sort(ascending));
        break;
      case abi.STRONGEST:
        units = put(a[4], best(a[3], Math.abs).sort(ascending), (i) => src[i]);
        break;
      case abi.THRESHOLD:
        units = put(
          a[5],
          upTo(a[2]).filter((i) => !(src[i] <= f[3]) && (src[i] <= f[4] || Number.isNaN(f[4]))),
          (i) => src[i],
        );
        break;
      case abi.WITHIN: {
        const low = fround(src[best(1, Number)[0]] - f[3]);
        units = put(
          a[4],
          upTo(a[2]).filter((i) => !(src[i] < low) && src[i] > Number.NEGATIVE_INFINITY),
        );
        break;
      }
      case abi.PANEL_SCORES:
        units = a[2];
        for (const p of upTo(units))
          f32[at[3] + p] = upTo(abi.PANEL).reduce((sum, i) => fround(sum + Math.max(f32[at[1] + p * abi.PANEL + i], 0)), 0);
        break;
      case abi.MARGIN: {
        const sorted = src.slice().sort(); // NaN comes last
        const lead = fround((sorted.at(-1) ?? Number.NaN) - (sorted.at(-2) ?? Number.NEGATIVE_INFINITY));
        units = lead >= f[3] ? 1 : a[5] > 0 && spent + a[4] > a[5] ? 2 : 0;
        break;
      }
      case abi.HASH:
        units = a[5];
        macs = a[3] * units * a[6];
        for (const t of upTo(units))
          u32[at[7] + t] = upTo(a[6]).reduce(
            (code, b) => code | (Number(rowDot(at[1] + (t * a[6] + b) * a[4], at[2], upTo(a[3])) > 0) << b),
            0,
          );
        break;
      case abi.VOTE:
        units = a[7];
        floats(8, units).fill(0);
        for (const t of upTo(a[5])) {
          const bucket = at[2] + (t << a[6]) + u32[at[1] + t];
          for (let i = u32[bucket]; i < u32[bucket + 1]; i++, macs += 2) f32[at[8] + u32[at[3] + i]] += f32[at[4] + i];
        }
        break;
      case abi.SCATTER:
        units = a[2];
        if (!a[4]) floats(3, units).fill(0);
        unitsOf(a[1]).forEach((unit, i) => {
          f32[at[3] + unit] = valuesOf(a[1])[i];
        });
        break;
      case abi.COMPACT_PANELS: {
        const nodes = spread(unitsOf(a[1]), abi.PANEL).filter((node) => node < a[3]);
        units = nodes.length;
        putActivated(a[4], nodes, (node) => f32[at[2] + node], 5);
        break;
      }
      case abi.SUBTRACT: {
        const without = new Set(unitsOf(a[2]));
        units = put(
          a[3],
          unitsOf(a[1]).filter((unit) => !without.has(unit)),
        );
        break;
      }
      case abi.PREDICT: {
        const inputs = upTo(a[5]);
        const [codes, step] = codesOf(Float32Array.from(inputs, (c) => f32[at[4] + c] * f32[at[2] + c]));
        units = a[6] * abi.PANEL;
        macs = a[5] * units;
        for (const n of upTo(units)) {
          const sum = fround(step * fround(sum8(inputs, codes, (c) => panelAt(a[1], a[5], n, c))));
          f32[at[7] + n] = Number.isNaN(step) ? Number.POSITIVE_INFINITY : f32[at[3] + n] + sum;
        }
        break;
      }
      case abi.EXPAND:
        units = put(
          a[4],
          spread(unitsOf(a[1]), Math.min(a[2], a[3]), a[2]).filter((unit) => unit < a[3]),
        );
        break;
      case abi.BEST: {
        const names = a[2] < 0 ? unitsOf(a[1]) : upTo(a[2]);
        const nameOf = (i: number): number => (a[4] ? u32[at[4] + names[i]] : names[i]);
        const places = best(a[3], Number, nameOf);
        units = put(a[5], places.map(nameOf), (_, i) => src[places[i]]);
        break;
      }
      case abi.PERMUTE:
        units = a[2];
        for (const i of upTo(units)) f32[at[4] + u32[at[3] + i]] = src[i];
        break;
      case abi.CODE: {
        const [codes, step] = codesOf(src);
        const padded = new Int16Array(paddedTo(a[2], 16));
        padded.set(codes);
        i16.set(padded, (a[3] >> 1) + 8);
        f32[at[3]] = step;
        const active = (per: number): number[] => (a[6] ? upTo(padded.length / per) : activeOf(padded, per));
        units = put(a[4], active(2));
        putSteps(a[5], active(8), 8);
        break;
      }
      case abi.PANELS_8: {
        const inputs = spread(unitsOf(a[5]), 2);
        const nodes = spread(a[7] ? unitsOf(a[7]) : upTo(a[8]), abi.PANEL);
        units = nodes.length;
        macs = units * inputs.length;
        for (const node of nodes) f32[at[9] + node] = node8(node, coded(), inputs, (i) => panelAt(a[1], a[6], node, i));
        break;
      }
      case abi.ROWS_8: {
        const rows = unitsOf(a[7]);
        const inputs = inputsOf(a[6], 1, 8);
        units = rows.length;
        macs = units * inputs.length;
        putActivated(a[8], rows, (r) => node8(r, coded(), inputs, (i) => a[1] + r * a[5] + i), 9);
        break;
      }
      case abi.COLUMNS_8: {
        const coded = codesOf(valuesOf(a[4]));
        const inputs = unitsOf(a[4]);
        const places = upTo(inputs.length);
        units = a[6];
        macs = inputs.length * units;
        for (const n of upTo(paddedTo(units, 16))) f32[at[7] + n] = node8(n, coded, places, (i) => a[1] + inputs[i] * a[5] + n);
        break;
      }
      case abi.PACK: {
        units = a[2];
        const size = a[7];
        for (const k of upTo(units)) {
          const place = a[10] ? u32[at[10] + k] : a[9] + k;
          const to = a[5] + (place >> 4) * a[8] + (place % 16) * size;
          for (let i = 0, from = a[1] + k * a[4]; i < a[3]; i++, from += size) i8.copyWithin(to + i * a[6], from, from + size);
        }
        break;
      }
      default:
        return unknown;
    }
    a[abi.WORD_UNITS] = units;
    return macs;
  };
}

/** Added to a number and taken off again, it rounds to whole numbers, halves to even, as WebAssembly's nearest. */
const rounding = 1.5 * 2 ** 52;

/** Sixteen-bit codes of a vector and what one step is worth: NaN where it is not finite. */
function codesOf(src: Float32Array): Coded {
  const limit = Math.min(8191, Math.floor(0x7fffffff / 128 / src.length));
  const most = src.reduce((m, v) => Math.max(m, Math.abs(v)), 0); // NaN stays
  const scaled = fround(limit / most);
  // the tiniest vectors have no inverse and come to nothing beside a bias
  const inverse = scaled < Number.POSITIVE_INFINITY ? scaled : 0;
  return [src.map((v) => fround(v * inverse) + rounding - rounding), most < Number.POSITIVE_INFINITY ? fround(most / limit) : Number.NaN];
}

/** One float through an element-wise activation. */
function activate(x: number, activation: number, alpha: number): number {
  if (activation === abi.RELU) return x <= 0 ? 0 : x;
  if (activation === abi.LEAKY_RELU) return x < 0 ? fround(x * alpha) : x;
  if (activation === abi.SIGMOID) return fround(1 / (1 + Math.exp(-x)));
  if (activation === abi.TANH) return fround(Math.tanh(x));
  if (activation === abi.GELU) return fround(0.5 * x * (1 + erf(x * Math.SQRT1_2)));
  if (activation === abi.GELU_TANH) return fround(0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))));
  return x;
}

/** erf by Abramowitz & Stegun 7.1.26, |error| <= 1.5e-7. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const y = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(x) * (1 - y * Math.exp(-x * x));
}

/** out = activation(src), softmax with its sum over `all`. */
function activateAll(src: Float32Array, out: Float32Array, activation: number, alpha: number): void {
  const top = src.reduce((m, v) => Math.max(m, v), Number.NEGATIVE_INFINITY);
  const total = activation < abi.SOFTMAX ? 0 : src.reduce((sum, v) => sum + Math.exp(v - top), 0);
  src.forEach((v, i) => {
    if (activation < abi.SOFTMAX) out[i] = activate(v, activation, alpha);
    else out[i] = activation === abi.LOG_SOFTMAX ? v - top - Math.log(total) : Math.exp(v - top) / total;
  });
}
