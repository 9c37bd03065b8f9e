// Panels of 16 nodes: weights stored [panel][input][16], so that one input of one panel is one 64-byte line.
//
//   panel 0:  input 0: n0 n1 … n15 | input 1: n0 n1 … n15 | …        panel 1: …
//
// Each node sums over ascending inputs from its init in its own lane, whichever function computes it, so skipping zero
// inputs and skipping panels never changes a bit of what is computed. `init` and `out` hold 16 floats a panel and may be one.
import { multiplyAdd } from "../lanes/f32x4";
import { count, indices, values } from "../lanes/list";

const LINE: usize = 64;

/** Every panel from every input. */
export function panels(weight: usize, init: usize, x: usize, inputs: i32, panelCount: i32, out: usize): void {
  sweep(weight, init, x, x + (<usize>inputs << 2), 0, inputs, panelCount, out, true);
}

/** Every panel from the active inputs only. */
export function panelsActive(weight: usize, init: usize, list: usize, inputs: i32, panelCount: i32, out: usize): void {
  const active = indices(list);
  sweep(weight, init, active, active + (<usize>count(list) << 2), values(list) - active, inputs, panelCount, out, false);
}

/** Chosen panels from the active inputs; the other panels of out are left as they are. */
export function panelsSelected(weight: usize, init: usize, list: usize, inputs: i32, chosen: usize, out: usize): void {
  const bytes = <usize>inputs * LINE;
  const n = count(chosen);
  const which = indices(chosen);
  const active = indices(list);
  const end = active + (<usize>count(list) << 2);
  const toValue = values(list) - active;
  for (let i = 0; i < n; i++) {
    const at = which + (<usize>i << 2);
    const p = <usize>load<u32>(at);
    const w = weight + p * bytes, from = init + p * LINE, to = out + p * LINE;
    if (ASC_FEATURE_SIMD) {
      // neighbours, as clusters have them, go together: twice the independent sums
      if (i + 1 < n && <usize>load<u32>(at, 4) == p + 1) {
        sweep2(w, bytes, from, to, active, end, toValue, false);
        i++;
      } else sweep1(w, bytes, from, to, active, end, toValue, false);
    } else onePanel(w, from, to, active, end, toValue, false);
  }
}

/**
 * Panels over inputs: the words at `begin` … `end` are the inputs themselves (`every`) or the indices of the active ones, whose
 * values lie `toValue` bytes further. Three panels at a time: twelve independent sums hide the latency of an addition, and fewer
 * instructions a multiply-add count more here than anything else (measured against one, two and four panels, and unrolling).
 */
// @ts-ignore: decorator
@inline
function sweep(weight: usize, init: usize, begin: usize, end: usize, toValue: usize, inputs: i32, panelCount: i32, out: usize, every: bool): void {
  const bytes = <usize>inputs * LINE;
  let p = 0;
  if (ASC_FEATURE_SIMD) {
    for (; p + 3 <= panelCount; p += 3) {
      sweep3(weight + <usize>p * bytes, bytes, init + <usize>p * LINE, out + <usize>p * LINE, begin, end, toValue, every);
    }
    if (p + 2 <= panelCount) {
      sweep2(weight + <usize>p * bytes, bytes, init + <usize>p * LINE, out + <usize>p * LINE, begin, end, toValue, every);
      p += 2;
    }
    if (p < panelCount) sweep1(weight + <usize>p * bytes, bytes, init + <usize>p * LINE, out + <usize>p * LINE, begin, end, toValue, every);
  } else {
    for (; p < panelCount; p++) onePanel(weight + <usize>p * bytes, init + <usize>p * LINE, out + <usize>p * LINE, begin, end, toValue, every);
  }
}

/** One panel at once: see `sweep`. */
// @ts-ignore: decorator
@inline
function sweep1(weight: usize, bytes: usize, init: usize, out: usize, begin: usize, end: usize, toValue: usize, every: bool): void {
  let a0 = v128.load(init, 0), a1 = v128.load(init, 16), a2 = v128.load(init, 32), a3 = v128.load(init, 48);
  let step = weight;
  for (let i = begin; i < end; i += 4) {
    const v = v128.load32_splat(i + toValue);
    const wa = every ? step : weight + (<usize>load<u32>(i) << 6);
    a0 = multiplyAdd(a0, v, v128.load(wa, 0));
    a1 = multiplyAdd(a1, v, v128.load(wa, 16));
    a2 = multiplyAdd(a2, v, v128.load(wa, 32));
    a3 = multiplyAdd(a3, v, v128.load(wa, 48));
    step += LINE;
  }
  v128.store(out, a0, 0); v128.store(out, a1, 16); v128.store(out, a2, 32); v128.store(out, a3, 48);
}

/** Two panels at once: see `sweep`. */
// @ts-ignore: decorator
@inline
function sweep2(weight: usize, bytes: usize, init: usize, out: usize, begin: usize, end: usize, toValue: usize, every: bool): void {
  let a0 = v128.load(init, 0), a1 = v128.load(init, 16), a2 = v128.load(init, 32), a3 = v128.load(init, 48);
  let b0 = v128.load(init, 64), b1 = v128.load(init, 80), b2 = v128.load(init, 96), b3 = v128.load(init, 112);
  let step = weight;
  for (let i = begin; i < end; i += 4) {
    const v = v128.load32_splat(i + toValue);
    const wa = every ? step : weight + (<usize>load<u32>(i) << 6);
    const wb = wa + bytes;
    a0 = multiplyAdd(a0, v, v128.load(wa, 0));
    a1 = multiplyAdd(a1, v, v128.load(wa, 16));
    a2 = multiplyAdd(a2, v, v128.load(wa, 32));
    a3 = multiplyAdd(a3, v, v128.load(wa, 48));
    b0 = multiplyAdd(b0, v, v128.load(wb, 0));
    b1 = multiplyAdd(b1, v, v128.load(wb, 16));
    b2 = multiplyAdd(b2, v, v128.load(wb, 32));
    b3 = multiplyAdd(b3, v, v128.load(wb, 48));
    step += LINE;
  }
  v128.store(out, a0, 0); v128.store(out, a1, 16); v128.store(out, a2, 32); v128.store(out, a3, 48);
  v128.store(out, b0, 64); v128.store(out, b1, 80); v128.store(out, b2, 96); v128.store(out, b3, 112);
}

/** Three panels at once: see `sweep`. */
// @ts-ignore: decorator
@inline
function sweep3(weight: usize, bytes: usize, init: usize, out: usize, begin: usize, end: usize, toValue: usize, every: bool): void {
  let a0 = v128.load(init, 0), a1 = v128.load(init, 16), a2 = v128.load(init, 32), a3 = v128.load(init, 48);
  let b0 = v128.load(init, 64), b1 = v128.load(init, 80), b2 = v128.load(init, 96), b3 = v128.load(init, 112);
  let c0 = v128.load(init, 128), c1 = v128.load(init, 144), c2 = v128.load(init, 160), c3 = v128.load(init, 176);
  let step = weight;
  for (let i = begin; i < end; i += 4) {
    const v = v128.load32_splat(i + toValue);
    const wa = every ? step : weight + (<usize>load<u32>(i) << 6);
    const wb = wa + bytes;
    const wc = wb + bytes;
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
    step += LINE;
  }
  v128.store(out, a0, 0); v128.store(out, a1, 16); v128.store(out, a2, 32); v128.store(out, a3, 48);
  v128.store(out, b0, 64); v128.store(out, b1, 80); v128.store(out, b2, 96); v128.store(out, b3, 112);
  v128.store(out, c0, 128); v128.store(out, c1, 144); v128.store(out, c2, 160); v128.store(out, c3, 176);
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
