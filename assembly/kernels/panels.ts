// Panels of 16 nodes: weights stored [panel][input][16], so that an input of a panel is one 64-byte cache line.
//
//   panel 0:  input 0: n0 n1 … n15 | input 1: n0 n1 … n15 | …        panel 1: …
//
// Each node sums over ascending inputs, from its init and in its own lane, whichever function computes it. So skipping zero inputs or
// panels never changes a bit of what is computed. `init` and `out` hold 16 floats a panel and may be the same memory.
import { multiplyAdd } from "../lanes/f32x4";
import { count, indices, values } from "../lanes/list";

const LINE: usize = 64;

/** Weights of this many bytes come from memory, as no cache holds them. */
const STREAMED: usize = 24 << 20;
/** A panel of this many bytes is long enough for the processor to read it ahead beside others. */
const LONG: usize = 1 << 16;

/** Every panel from every input. */
export function panels(weight: usize, init: usize, x: usize, inputs: i32, panelCount: i32, out: usize): void {
  sweep(weight, init, x, x + (<usize>inputs << 2), 0, inputs, 0, panelCount, out, true);
}

/** Every panel from the active inputs only. */
export function panelsActive(weight: usize, init: usize, list: usize, inputs: i32, panelCount: i32, out: usize): void {
  const active = indices(list);
  sweep(weight, init, active, active + (<usize>count(list) << 2), values(list) - active, inputs, 0, panelCount, out, false);
}

/** Chosen panels from the active inputs; the other panels of out are left as they are. */
export function panelsSelected(weight: usize, init: usize, list: usize, inputs: i32, chosen: usize, out: usize): void {
  const active = indices(list);
  sweep(weight, init, active, active + (<usize>count(list) << 2), values(list) - active, inputs, indices(chosen), count(chosen), out, false);
}

/**
 * Computes panels from inputs. The words from `begin` to `end` are the inputs themselves (`every`) or the indices of the active ones, whose values
 * lie `toValue` bytes further. The panels are those numbered at `which`, or the first `panelCount` where it is 0.
 *
 * Three panels go together: twelve independent sums hide the latency of an addition, and the fewest instructions per multiply-add matter most
 * (measured against one, two and four panels, and unrolling). Short panels that come from memory go one by one: as a single stream they take
 * half as long.
 */
// @ts-ignore: decorator
@inline
function sweep(
  weight: usize, init: usize, begin: usize, end: usize, toValue: usize, inputs: i32, which: usize, panelCount: i32, out: usize, every: bool,
): void {
  const bytes = <usize>inputs * LINE;
  let i = 0;
  if (ASC_FEATURE_SIMD && (bytes >= LONG || <usize>panelCount * bytes < STREAMED)) {
    for (; i + 3 <= panelCount; i += 3) {
      const a = panelAt(which, i), b = panelAt(which, i + 1), c = panelAt(which, i + 2);
      // all panels are equally far apart: one register less
      const toB = which ? (b - a) * bytes : bytes, toC = which ? (c - b) * bytes : bytes;
      sweep3(weight + a * bytes, toB, toC, init, out, a * LINE, b * LINE, c * LINE, begin, end, toValue, every);
    }
  }
  for (; i < panelCount; i++) {
    const p = panelAt(which, i);
    if (ASC_FEATURE_SIMD) sweep1(weight + p * bytes, init + p * LINE, out + p * LINE, begin, end, toValue, every);
    else onePanel(weight + p * bytes, init + p * LINE, out + p * LINE, begin, end, toValue, every);
  }
}

// @ts-ignore: decorator
@inline
function panelAt(which: usize, i: i32): usize {
  return which ? <usize>load<u32>(which + (<usize>i << 2)) : <usize>i;
}

/** One panel: see `sweep`. */
// @ts-ignore: decorator
@inline
function sweep1(weight: usize, init: usize, out: usize, begin: usize, end: usize, toValue: usize, every: bool): void {
  let a0 = v128.load(init, 0), a1 = v128.load(init, 16), a2 = v128.load(init, 32), a3 = v128.load(init, 48);
  for (let i = begin; i < end; i += 4) {
    const v = v128.load32_splat(i + toValue);
    const w = every ? weight : weight + (<usize>load<u32>(i) << 6);
    a0 = multiplyAdd(a0, v, v128.load(w, 0));
    a1 = multiplyAdd(a1, v, v128.load(w, 16));
    a2 = multiplyAdd(a2, v, v128.load(w, 32));
    a3 = multiplyAdd(a3, v, v128.load(w, 48));
    if (every) weight += LINE;
  }
  v128.store(out, a0, 0); v128.store(out, a1, 16); v128.store(out, a2, 32); v128.store(out, a3, 48);
}

/** Three panels, their nodes at bytes a, b and c; the second's weights lie `toB` bytes after the first's, the third's `toC` after the second's. See `sweep`. */
// @ts-ignore: decorator
@inline
function sweep3(
  weight: usize, toB: usize, toC: usize, init: usize, out: usize, a: usize, b: usize, c: usize, begin: usize, end: usize, toValue: usize, every: bool,
): void {
  let a0 = v128.load(init + a, 0), a1 = v128.load(init + a, 16), a2 = v128.load(init + a, 32), a3 = v128.load(init + a, 48);
  let b0 = v128.load(init + b, 0), b1 = v128.load(init + b, 16), b2 = v128.load(init + b, 32), b3 = v128.load(init + b, 48);
  let c0 = v128.load(init + c, 0), c1 = v128.load(init + c, 16), c2 = v128.load(init + c, 32), c3 = v128.load(init + c, 48);
  for (let i = begin; i < end; i += 4) {
    const v = v128.load32_splat(i + toValue);
    const wa = every ? weight : weight + (<usize>load<u32>(i) << 6);
    const wb = wa + toB;
    const wc = wb + toC;
    a0 = multiplyAdd(a0, v, v128.load(wa, 0));
    a1 = multiplyAdd(a1, v, v128.load(wa, 16));
    a2 = multiplyAdd(a2, v, v128.load(wa, 32));
    a3 = multiplyAdd(a3, v, v128.load(wa, 48));
    b0 = multiplyAdd(b0, v, v128.load(wb, 0));
    b1 = multiplyAdd(b1, v, v128.load(wb, 16));
    b2 = multiplyAdd(b2, v, v128.load(wb, 32));
    b3 = multiplyAdd(b3, v, v128.load(wb, 48));
    c0 = multiplyAdd(c0, v, v128.load(wc, 0));
    c1 = multiplyAdd(c1, v, v128.load(wc, 16));
    c2 = multiplyAdd(c2, v, v128.load(wc, 32));
    c3 = multiplyAdd(c3, v, v128.load(wc, 48));
    if (every) weight += LINE;
  }
  v128.store(out + a, a0, 0); v128.store(out + a, a1, 16); v128.store(out + a, a2, 32); v128.store(out + a, a3, 48);
  v128.store(out + b, b0, 0); v128.store(out + b, b1, 16); v128.store(out + b, b2, 32); v128.store(out + b, b3, 48);
  v128.store(out + c, c0, 0); v128.store(out + c, c1, 16); v128.store(out + c, c2, 32); v128.store(out + c, c3, 48);
}

function onePanel(weight: usize, init: usize, out: usize, begin: usize, end: usize, toValue: usize, every: bool): void {
  if (out != init) memory.copy(out, init, LINE);
  for (let i = begin; i < end; i += 4) {
    addLine(out, load<f32>(i + toValue), weight + (every ? (i - begin) << 4 : <usize>load<u32>(i) << 6));
  }
}

// @ts-ignore: decorator
@inline
function addLine(out: usize, v: f32, line: usize): void {
  for (let i: usize = 0; i < LINE; i += 4) store<f32>(out + i, load<f32>(out + i) + v * load<f32>(line + i));
}
