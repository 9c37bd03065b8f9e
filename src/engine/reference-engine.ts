// The plain-JavaScript engine: every operation as the shortest loop that means the same. It is the specification the
// WebAssembly builds are tested against, and what runs where WebAssembly is missing or forbidden. Sums run in the order the
// kernels use (rows in four lanes, everything else node by node over ascending inputs), rounded to f32 at every step.

import type { Engine } from "./engine.ts";
import * as abi from "./generated/abi.ts";

const { fround } = Math;

export function createReferenceEngine(bytes: number, reason: string | null): Engine {
  const buffer = new ArrayBuffer(Math.ceil(bytes / 65536) * 65536);
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
      for (let at = 0; at < begin; at++) spent += i32[(plan >> 2) + at * abi.ROW_WORDS + abi.WORD_MACS];
      for (let at = begin; at < end; ) {
        const row = (plan >> 2) + at * abi.ROW_WORDS;
        at++;
        const a = i32.subarray(row, row + abi.ROW_WORDS);
        const macs = run(a, f32.subarray(row, row + abi.ROW_WORDS), spent);
        if (macs < 0) return macs === stop ? at : -at;
        a[abi.WORD_MACS] = macs;
        spent += macs;
        a[abi.WORD_BYTES_READ] = a[0] === abi.PREDICT || a[0] >= abi.PANELS_8 ? macs : macs * 4;
      }
      return end;
    },
  };
}

/** The largest number of the eight-bit predictor's codes. */
const largestCode = 8191;

/** Round half to even, as WebAssembly's nearest. */
function nearest(v: number): number {
  const r = Math.round(v);
  return r - v === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

/** What an operation returns to end the run, and when it does not exist. */
const stop = -1;
const unknown = -2;

/** Runs one row, given its words as integers and as floats and the multiply-adds of the rows before it. */
type Operation = (a: Int32Array, f: Float32Array, spent: number) => number;

/** The operations over one memory; each returns its multiply-adds and leaves its units in the row. */
function createOperations(f32: Float32Array, u32: Uint32Array, i16: Int16Array, i8: Int8Array): Operation {
  const values = (list: number): number => (list + abi.LIST_HEADER + Math.ceil((u32[(list >> 2) + 1] * 4) / 16) * 16) >> 2;
  const indices = (list: number): number => (list + abi.LIST_HEADER) >> 2;

  /** Appends what `value(i)` gives for the candidates, zeros left out unless `zeros`. */
  function keepNonZero(
    list: number,
    from: number,
    candidates: number,
    index: (i: number) => number,
    value: (i: number) => number,
    zeros = false,
  ): number {
    const [at, to] = [indices(list), values(list)];
    let found = from;
    for (let i = 0; i < candidates; i++) {
      const v = value(i);
      if (v === 0 && !zeros) continue;
      u32[at + found] = index(i);
      f32[to + found++] = v;
    }
    u32[list >> 2] = found;
    return found - from;
  }

  /** Four lanes over ascending inputs, then (0 + 1) + (2 + 3). */
  function rowDot(weight: number, x: number, floats: number, offsets: number | null): number {
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let b = 0; b < floats; b += 4) {
      const o = offsets === null ? b : u32[offsets + (b >> 2)] >> 2;
      s0 = fround(s0 + fround(f32[x + o] * f32[weight + o]));
      s1 = fround(s1 + fround(f32[x + o + 1] * f32[weight + o + 1]));
      s2 = fround(s2 + fround(f32[x + o + 2] * f32[weight + o + 2]));
      s3 = fround(s3 + fround(f32[x + o + 3] * f32[weight + o + 3]));
    }
    return fround(fround(s0 + s1) + fround(s2 + s3));
  }

  /** out = init and then, for one input after the other, v times its line of 16 weights more. */
  function startPanel(init: number, out: number): void {
    if (init !== out) f32.copyWithin(out, init, init + abi.PANEL);
  }
  function addLine(out: number, v: number, line: number): void {
    for (let n = 0; n < abi.PANEL; n++) f32[out + n] += fround(v * f32[line + n]);
  }

  /** Panels `which(0) … which(n − 1)` from the active inputs of a list. */
  function panelsOf(a: Int32Array, panels: number, which: (i: number) => number): number {
    const [weight, init, out] = [a[1] >> 2, a[2] >> 2, a[6] >> 2];
    const [active, at, from] = [u32[a[3] >> 2], indices(a[3]), values(a[3])];
    for (let i = 0; i < panels; i++) {
      const p = which(i) * abi.PANEL;
      startPanel(init + p, out + p);
      for (let j = 0; j < active; j++) addLine(out + p, f32[from + j], weight + p * a[4] + u32[at + j] * abi.PANEL);
    }
    a[abi.WORD_UNITS] = panels * abi.PANEL;
    return active * panels * abi.PANEL;
  }

  /** A list's values, as many as it holds. */
  function valuesOf(list: number): Float32Array {
    return f32.subarray(values(list), values(list) + u32[list >> 2]);
  }

  /** Eight-bit nodes from codes: bias + scale · step · sum, the sum a whole number. */
  function scaled(a: Int32Array, node: number, step: number, sum: number): number {
    return fround(f32[(a[3] >> 2) + node] + fround(fround(f32[(a[2] >> 2) + node] * step) * fround(sum)));
  }

  function fillIndices(list: number, n: number, keep: (i: number) => boolean): number {
    const at = indices(list);
    let found = 0;
    for (let i = 0; i < n; i++) if (keep(i)) u32[at + found++] = i;
    u32[list >> 2] = found;
    return found;
  }

  return (a, f, spent) => {
    let units = 0;
    let macs = 0;
    switch (a[0]) {
      case abi.COMPACT: {
        const src = a[1] >> 2;
        units = keepNonZero(
          a[3],
          a[6] ? u32[a[3] >> 2] : 0,
          a[2],
          (i) => i,
          (i) => activate(f32[src + i], a[4], f[5]),
        );
        break;
      }
      case abi.BLOCKS: {
        const src = a[1] >> 2;
        const at = indices(a[3]);
        for (let o = 0; o < a[2]; o += abi.BLOCK) {
          if (f32[src + o] === 0 && f32[src + o + 1] === 0 && f32[src + o + 2] === 0 && f32[src + o + 3] === 0) continue;
          u32[at + units++] = o * 4;
        }
        u32[a[3] >> 2] = units;
        break;
      }
      case abi.ROWS:
        units = a[5];
        macs = a[4] * a[5];
        for (let r = 0; r < a[5]; r++) f32[(a[6] >> 2) + r] = rowDot((a[1] >> 2) + r * a[4], a[3] >> 2, a[4], null) + f32[(a[2] >> 2) + r];
        break;
      case abi.ROWS_SELECTED: {
        const rows = indices(a[6]);
        const [floats, offsets] = [u32[a[5] >> 2] * abi.BLOCK, indices(a[5])];
        units = u32[a[6] >> 2];
        macs = units * floats;
        const value = (i: number): number => {
          const r = u32[rows + i];
          return activate(fround(rowDot((a[1] >> 2) + r * a[4], a[3] >> 2, floats, offsets) + f32[(a[2] >> 2) + r]), a[8], f[9]);
        };
        keepNonZero(a[7], a[10] ? u32[a[7] >> 2] : 0, units, (i) => u32[rows + i], value, a[8] === abi.KEEP);
        break;
      }
      case abi.PANELS: {
        const [weight, init, x, out] = [a[1] >> 2, a[2] >> 2, a[3] >> 2, a[6] >> 2];
        units = a[5] * abi.PANEL;
        macs = a[4] * units;
        for (let p = 0; p < units; p += abi.PANEL) {
          startPanel(init + p, out + p);
          for (let j = 0; j < a[4]; j++) addLine(out + p, f32[x + j], weight + p * a[4] + j * abi.PANEL);
        }
        break;
      }
      case abi.PANELS_ACTIVE:
        return panelsOf(a, a[5], (i) => i);
      case abi.PANELS_SELECTED: {
        const chosen = indices(a[5]);
        return panelsOf(a, u32[a[5] >> 2], (i) => u32[chosen + i]);
      }
      case abi.COLUMNS: {
        const [weight, init, out, stride] = [a[1] >> 2, a[2] >> 2, a[6] >> 2, a[4]];
        const [active, at, from] = [u32[a[3] >> 2], indices(a[3]), values(a[3])];
        units = a[5];
        macs = active * units;
        const width = Math.ceil(units / 4) * 4;
        f32.copyWithin(out, init, init + width);
        for (let i = 0; i < active; i++)
          for (let o = 0; o < width; o++) f32[out + o] += fround(f32[from + i] * f32[weight + u32[at + i] * stride + o]);
        break;
      }
      case abi.ACTIVATE: {
        const [src, out] = [a[1] >> 2, a[3] >> 2];
        units = a[2];
        const from = f32.subarray(src, src + a[2]);
        if (a[4] >= abi.SOFTMAX) softmax(from, from, f32.subarray(out, out + a[2]), a[4] === abi.LOG_SOFTMAX);
        else for (let i = 0; i < a[2]; i++) f32[out + i] = activate(f32[src + i], a[4], f[5]);
        break;
      }
      case abi.TOP_K:
      case abi.STRONGEST: {
        const src = a[1] >> 2;
        const sized = (i: number): number => (a[0] === abi.TOP_K ? f32[src + i] : Math.abs(f32[src + i]));
        const best = Array.from({ length: a[2] }, (_, i) => i)
          .filter((i) => !Number.isNaN(f32[src + i]))
          .sort((i, j) => sized(j) - sized(i) || i - j)
          .slice(0, Math.max(0, a[3]));
        const chosen = new Set(best);
        units = fillIndices(a[4], a[2], (i) => chosen.has(i));
        if (a[0] === abi.STRONGEST) for (let i = 0; i < units; i++) f32[values(a[4]) + i] = f32[src + u32[indices(a[4]) + i]];
        break;
      }
      case abi.THRESHOLD: {
        const src = a[1] >> 2;
        units = fillIndices(a[5], a[2], (i) => f32[src + i] > f[3] && f32[src + i] <= f[4]);
        break;
      }
      case abi.PANEL_SCORES: {
        units = a[2];
        for (let p = 0; p < units; p++) {
          let sum = 0;
          for (let n = 0; n < abi.PANEL; n++) sum = fround(sum + Math.max(f32[(a[1] >> 2) + p * abi.PANEL + n], 0));
          f32[(a[3] >> 2) + p] = sum;
        }
        break;
      }
      case abi.MARGIN: {
        a[abi.WORD_MACS] = a[abi.WORD_BYTES_READ] = 0;
        const sure = lead(a[2] < 0 ? valuesOf(a[1]) : f32.subarray(a[1] >> 2, (a[1] >> 2) + a[2])) >= f[3];
        a[abi.WORD_UNITS] = sure ? 1 : a[5] > 0 && spent + a[4] > a[5] ? 2 : 0;
        return a[abi.WORD_UNITS] ? stop : 0;
      }
      case abi.HASH: {
        const [planes, x, stride] = [a[1] >> 2, a[2] >> 2, a[3]];
        for (let t = 0; t < a[4]; t++) {
          let code = 0;
          for (let b = 0; b < a[5]; b++) if (rowDot(planes + (t * a[5] + b) * stride, x, stride, null) > 0) code |= 1 << b;
          u32[(a[6] >> 2) + t] = code;
        }
        units = a[4];
        macs = stride * a[4] * a[5];
        break;
      }
      case abi.VOTE: {
        const [starts, nodes, votes, scores] = [a[2] >> 2, a[3] >> 2, a[4] >> 2, a[8] >> 2];
        f32.fill(0, scores, scores + a[7]);
        for (let t = 0; t < a[5]; t++) {
          const bucket = starts + (t << a[6]) + u32[(a[1] >> 2) + t];
          for (let i = u32[bucket]; i < u32[bucket + 1]; i++, macs += 2) f32[scores + u32[nodes + i]] += f32[votes + i];
        }
        units = a[7];
        break;
      }
      case abi.SCATTER: {
        const out = a[3] >> 2;
        if (!a[4]) f32.fill(0, out, out + a[2]);
        for (let i = 0; i < u32[a[1] >> 2]; i++) f32[out + u32[indices(a[1]) + i]] = f32[values(a[1]) + i];
        units = a[2];
        break;
      }
      case abi.COMPACT_PANELS: {
        const [chosen, src] = [indices(a[1]), a[2] >> 2];
        const nodes = Array.from({ length: u32[a[1] >> 2] * abi.PANEL }, (_, i) => u32[chosen + (i >> 4)] * abi.PANEL + (i % abi.PANEL));
        const real = nodes.filter((node) => node < a[3]);
        units = nodes.length;
        keepNonZero(
          a[4],
          a[7] ? u32[a[4] >> 2] : 0,
          real.length,
          (i) => real[i],
          (i) => activate(f32[src + real[i]], a[5], f[6]),
          a[5] === abi.KEEP,
        );
        break;
      }
      case abi.SUBTRACT: {
        const without = new Set(u32.subarray(indices(a[2]), indices(a[2]) + u32[a[2] >> 2]));
        const to = indices(a[3]);
        for (const v of u32.slice(indices(a[1]), indices(a[1]) + u32[a[1] >> 2])) if (!without.has(v)) u32[to + units++] = v;
        u32[a[3] >> 2] = units;
        break;
      }
      case abi.PREDICT: {
        const [weight, scales, mean, code, rank, out, scratch] = [a[1], a[2] >> 2, a[3] >> 2, a[4] >> 2, a[5], a[7] >> 2, a[8] >> 1];
        units = a[6] * abi.PANEL;
        macs = rank * units;
        const scaled = Float32Array.from({ length: rank }, (_, c) => f32[code + c] * f32[scales + c]);
        const most = scaled.reduce((m, v) => (Number.isNaN(v) ? Number.POSITIVE_INFINITY : Math.max(m, Math.abs(v))), 0);
        a[abi.WORD_UNITS] = units;
        if (most === Number.POSITIVE_INFINITY) {
          f32.fill(most, out, out + units);
          return macs;
        }
        const step = fround(most / largestCode);
        const inverse = most > 0 ? fround(largestCode / most) : 0;
        scaled.forEach((v, c) => {
          i16[scratch + c] = nearest(fround(v * inverse));
        });
        for (let n = 0; n < units; n++) {
          const panelAt = weight + Math.floor(n / abi.PANEL) * rank * abi.PANEL;
          let sum = 0;
          for (let c = 0; c < rank; c++) sum += i16[scratch + c] * i8[panelAt + (c >> 1) * 32 + (n % abi.PANEL) * 2 + (c & 1)];
          f32[out + n] = f32[mean + n] + fround(step * fround(sum));
        }
        return macs;
      }
      case abi.EXPAND: {
        const [from, to] = [indices(a[1]), indices(a[4])];
        for (let i = 0; i < u32[a[1] >> 2]; i++)
          for (let u = u32[from + i] * a[2]; u < Math.min(u32[from + i] * a[2] + a[2], a[3]); u++) u32[to + units++] = u;
        u32[a[4] >> 2] = units;
        break;
      }
      case abi.BEST: {
        const src = a[2] < 0 ? valuesOf(a[1]) : f32.subarray(a[1] >> 2, (a[1] >> 2) + a[2]);
        const name = (i: number): number => {
          const index = a[2] < 0 ? u32[indices(a[1]) + i] : i;
          return a[4] ? u32[(a[4] >> 2) + index] : index;
        };
        const found = Array.from(src, (v, i) => ({ v, name: name(i) })).filter(({ v }) => !Number.isNaN(v));
        found.sort((x, y) => y.v - x.v || x.name - y.name).splice(Math.max(0, a[3]));
        units = found.length;
        found.forEach((one, i) => {
          u32[indices(a[5]) + i] = one.name;
          f32[values(a[5]) + i] = one.v;
        });
        u32[a[5] >> 2] = units;
        break;
      }
      case abi.ACTIVATE_LIST: {
        const [all, few] = [valuesOf(a[1]), valuesOf(a[2])];
        units = all.length;
        if (a[3] >= abi.SOFTMAX) {
          const from = all.slice();
          softmax(from, few, few, a[3] === abi.LOG_SOFTMAX);
          softmax(from, all, all, a[3] === abi.LOG_SOFTMAX);
        } else for (const part of [all, few]) part.forEach((v, i) => void (part[i] = activate(v, a[3], f[4])));
        break;
      }
      case abi.PERMUTE:
        units = a[2];
        for (let i = 0; i < units; i++) f32[(a[4] >> 2) + u32[(a[3] >> 2) + i]] = f32[(a[1] >> 2) + i];
        break;
      case abi.CODE: {
        const src = f32.subarray(a[1] >> 2, (a[1] >> 2) + a[2]);
        const [codes, step] = codesOf(src);
        const to = (a[3] >> 1) + 8;
        f32[a[3] >> 2] = step;
        i16.fill(0, to, to + Math.ceil(a[2] / 16) * 16);
        i16.set(codes, to);
        const listed = (list: number, n: number, per: number, unit: number): number => {
          const at = indices(list);
          let found = 0;
          for (let i = 0; i < n; i += per)
            if (a[6] || i16.subarray(to + i, to + i + per).some((c) => c !== 0)) u32[at + found++] = i / unit;
          u32[list >> 2] = found;
          return found;
        };
        units = listed(a[4], Math.ceil(a[2] / 16) * 16, 2, 2);
        listed(a[5], Math.ceil(a[2] / 16) * 16, 8, 1);
        break;
      }
      case abi.PANELS_8: {
        const [x, pairs, step] = [(a[4] >> 1) + 8, u32.subarray(indices(a[5]), indices(a[5]) + u32[a[5] >> 2]), f32[a[4] >> 2]];
        const panels = a[7] ? u32.slice(indices(a[7]), indices(a[7]) + u32[a[7] >> 2]) : Uint32Array.from({ length: a[8] }, (_, i) => i);
        for (const p of panels)
          for (let n = 0; n < abi.PANEL; n++) {
            let sum = 0;
            for (const pair of pairs) {
              const w = a[1] + p * a[6] * abi.PANEL + pair * 32 + n * 2;
              sum += i16[x + pair * 2] * i8[w] + i16[x + pair * 2 + 1] * i8[w + 1];
            }
            f32[(a[9] >> 2) + p * abi.PANEL + n] = scaled(a, p * abi.PANEL + n, step, sum);
          }
        a[abi.WORD_UNITS] = panels.length * abi.PANEL;
        return panels.length * abi.PANEL * 2 * pairs.length;
      }
      case abi.ROWS_8: {
        const [x, step, rows] = [(a[4] >> 1) + 8, f32[a[4] >> 2], indices(a[7])];
        const blocks = u32.subarray(indices(a[6]), indices(a[6]) + u32[a[6] >> 2]);
        const value = (i: number): number => {
          const r = u32[rows + i];
          let sum = 0;
          for (const o of blocks) for (let j = o; j < o + 8; j++) sum += i16[x + j] * i8[a[1] + r * a[5] + j];
          return activate(scaled(a, r, step, sum), a[9], f[10]);
        };
        units = u32[a[7] >> 2];
        macs = units * blocks.length * 8;
        keepNonZero(a[8], a[11] ? u32[a[8] >> 2] : 0, units, (i) => u32[rows + i], value, a[9] === abi.KEEP);
        break;
      }
      case abi.COLUMNS_8: {
        const [codes, step] = codesOf(valuesOf(a[4]));
        const at = indices(a[4]);
        units = a[6];
        macs = codes.length * units;
        for (let n = 0; n < Math.ceil(units / 16) * 16; n++) {
          let sum = 0;
          codes.forEach((c, i) => void (sum += c * i8[a[1] + u32[at + i] * a[5] + n]));
          f32[(a[7] >> 2) + n] = scaled(a, n, step, sum);
        }
        break;
      }
      case abi.PACK: {
        const [rows, out] = [a[1] >> 2, a[5] >> 2];
        units = a[2];
        for (let n = 0; n < Math.ceil(units / abi.PANEL) * abi.PANEL; n++)
          for (let i = 0; i < a[3]; i++) {
            const at = out + Math.floor(n / abi.PANEL) * a[6] + i * a[7] + (n % abi.PANEL);
            f32[at] = n < units ? f32[rows + n * a[4] + i] : 0;
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

/** Sixteen-bit codes of a vector and what one step is worth; codes of 0 and a step of NaN where it is not finite. */
function codesOf(src: Float32Array): [codes: Int16Array, step: number] {
  const limit = Math.min(8191, Math.floor(0x7fffffff / 127 / Math.max(src.length, 1)));
  const most = src.reduce((m, v) => (Number.isNaN(v) ? Number.POSITIVE_INFINITY : Math.max(m, Math.abs(v))), 0);
  if (most === Number.POSITIVE_INFINITY) return [new Int16Array(src.length), Number.NaN];
  const inverse = most > 0 ? fround(limit / most) : 0;
  return [Int16Array.from(src, (v) => nearest(fround(v * inverse))), fround(most / limit)];
}

/** One float through an element-wise activation. */
function activate(x: number, activation: number, alpha: number): number {
  switch (activation) {
    case abi.RELU:
      return x > 0 || Number.isNaN(x) ? x : 0;
    case abi.LEAKY_RELU:
      return x < 0 ? fround(x * alpha) : x;
    case abi.SIGMOID:
      return fround(1 / (1 + Math.exp(-x)));
    case abi.TANH:
      return fround(Math.tanh(x));
    case abi.GELU:
      return fround(0.5 * x * (1 + erf(x * Math.SQRT1_2)));
    case abi.GELU_TANH:
      return fround(0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))));
    default:
      return x;
  }
}

/** erf by Abramowitz & Stegun 7.1.26, |error| <= 1.5e-7. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const y = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(x) * (1 - y * Math.exp(-x * x));
}

/** Softmax of `src` with the sum over `all`. */
function softmax(all: Float32Array, src: Float32Array, out: Float32Array, logarithm: boolean): void {
  let top = Number.NEGATIVE_INFINITY;
  for (const v of all) if (!(v <= top)) top = v;
  let total = 0;
  for (const v of all) total += Math.exp(v - top);
  const log = Math.log(total);
  for (let i = 0; i < src.length; i++) out[i] = logarithm ? src[i] - top - log : Math.exp(src[i] - top) / total;
}

/** The best minus the second best; NaN when one of them is. */
function lead(src: Float32Array): number {
  let best = Number.NEGATIVE_INFINITY;
  let second = Number.NEGATIVE_INFINITY;
  for (const v of src) {
    if (Number.isNaN(v)) return v;
    if (v > best) {
      second = best;
      best = v;
    } else if (v > second) second = v;
  }
  return fround(best - second);
}
