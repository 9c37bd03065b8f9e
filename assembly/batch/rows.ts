// Dot products of weight rows of any length with one input; rows follow each other without padding. A row is summed in four lanes over
// ascending inputs, the last one to three in the first lanes, so it gives the same bits alone, among four, and padded with zeros.
import { sum } from "../lanes/f32x4";

/** out = W x + b for every one of n rows of d floats. */
export function everyRow(weight: usize, bias: usize, x: usize, d: i32, n: i32, out: usize): void {
  const bytes = <usize>d << 2;
  let row = 0;
  for (; row + 4 <= n; row += 4) {
    const w = weight + <usize>row * bytes;
    const at = <usize>row << 2;
    fourDots(w, w + bytes, w + (bytes << 1), w + bytes * 3, x, bytes, out + at);
    v128.store(out + at, f32x4.add(v128.load(out + at), v128.load(bias + at)));
  }
  for (; row < n; row++) {
    const at = <usize>row << 2;
    store<f32>(out + at, dot(weight + <usize>row * bytes, x, bytes) + load<f32>(bias + at));
  }
}

/** out[i] = row rows[i] of W x + b. */
export function someRows(weight: usize, bias: usize, x: usize, d: i32, rows: usize, count: i32, out: usize): void {
  const bytes = <usize>d << 2;
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const r = rows + (<usize>i << 2);
    const r0 = <usize>load<u32>(r);
    const r1 = <usize>load<u32>(r, 4);
    const r2 = <usize>load<u32>(r, 8);
    const r3 = <usize>load<u32>(r, 12);
    const at = out + (<usize>i << 2);
    fourDots(weight + r0 * bytes, weight + r1 * bytes, weight + r2 * bytes, weight + r3 * bytes, x, bytes, at);
    store<f32>(at, load<f32>(at) + load<f32>(bias + (r0 << 2)));
    store<f32>(at, load<f32>(at, 4) + load<f32>(bias + (r1 << 2)), 4);
    store<f32>(at, load<f32>(at, 8) + load<f32>(bias + (r2 << 2)), 8);
    store<f32>(at, load<f32>(at, 12) + load<f32>(bias + (r3 << 2)), 12);
  }
  for (; i < count; i++) {
    const row = <usize>load<u32>(rows + (<usize>i << 2));
    store<f32>(out + (<usize>i << 2), dot(weight + row * bytes, x, bytes) + load<f32>(bias + (row << 2)));
  }
}

/** w · x over `bytes` bytes of floats. */
export function dot(w: usize, x: usize, bytes: usize): f32 {
  const whole = bytes & ~15;
  let s = f32x4.splat(0);
  for (let i: usize = 0; i < whole; i += 16) s = f32x4.add(s, f32x4.mul(v128.load(x + i), v128.load(w + i)));
  return sum(f32x4.add(s, f32x4.mul(last(x, whole, bytes), last(w, whole, bytes))));
}

function fourDots(w0: usize, w1: usize, w2: usize, w3: usize, x: usize, bytes: usize, out: usize): void {
  const whole = bytes & ~15;
  let s0 = f32x4.splat(0);
  let s1 = s0, s2 = s0, s3 = s0;
  for (let i: usize = 0; i < whole; i += 16) {
    const v = v128.load(x + i);
    s0 = f32x4.add(s0, f32x4.mul(v, v128.load(w0 + i)));
    s1 = f32x4.add(s1, f32x4.mul(v, v128.load(w1 + i)));
    s2 = f32x4.add(s2, f32x4.mul(v, v128.load(w2 + i)));
    s3 = f32x4.add(s3, f32x4.mul(v, v128.load(w3 + i)));
  }
  const v = last(x, whole, bytes);
  store<f32>(out, sum(f32x4.add(s0, f32x4.mul(v, last(w0, whole, bytes)))));
  store<f32>(out, sum(f32x4.add(s1, f32x4.mul(v, last(w1, whole, bytes)))), 4);
  store<f32>(out, sum(f32x4.add(s2, f32x4.mul(v, last(w2, whole, bytes)))), 8);
  store<f32>(out, sum(f32x4.add(s3, f32x4.mul(v, last(w3, whole, bytes)))), 12);
}

/** The none to three floats of p from byte `whole` to `bytes`, the other lanes 0. */
// @ts-ignore: decorator
@inline
function last(p: usize, whole: usize, bytes: usize): v128 {
  let v = f32x4.splat(0);
  if (whole < bytes) v = v128.load32_zero(p + whole);
  if (whole + 4 < bytes) v = v128.load_lane<f32>(p + whole, v, 1, 4);
  if (whole + 8 < bytes) v = v128.load_lane<f32>(p + whole, v, 2, 8);
  return v;
}
