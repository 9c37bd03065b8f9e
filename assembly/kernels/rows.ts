// Dot products of weight rows with the input: W row-major, each row padded with zeros to a multiple of 4 floats.
// Every row sums in four lanes over ascending inputs, whichever function computes it, so all of them agree to the bit.
import { multiplyAdd, sum } from "../lanes/f32x4";
import { KEEP } from "../abi";
import { activate } from "../lanes/activation";
import { count, indices, setCount, values } from "../lanes/list";

/** out = W x + b for every row. `stride` floats a row, a multiple of 4; x is padded with zeros to it. */
export function rows(weight: usize, bias: usize, x: usize, stride: i32, outputs: i32, out: usize): void {
  const bytes = <usize>stride << 2;
  let row = 0;
  if (ASC_FEATURE_SIMD) {
    for (; row + 8 <= outputs; row += 8) {
      const w0 = weight + <usize>row * bytes;
      const w1 = w0 + bytes;
      const w2 = w1 + bytes;
      const w3 = w2 + bytes;
      const w4 = w3 + bytes;
      const w5 = w4 + bytes;
      const w6 = w5 + bytes;
      const w7 = w6 + bytes;
      let s0 = f32x4.splat(0);
      let s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
      for (let i: usize = 0; i < bytes; i += 16) {
        const v = v128.load(x + i);
        s0 = multiplyAdd(s0, v, v128.load(w0 + i));
        s1 = multiplyAdd(s1, v, v128.load(w1 + i));
        s2 = multiplyAdd(s2, v, v128.load(w2 + i));
        s3 = multiplyAdd(s3, v, v128.load(w3 + i));
        s4 = multiplyAdd(s4, v, v128.load(w4 + i));
        s5 = multiplyAdd(s5, v, v128.load(w5 + i));
        s6 = multiplyAdd(s6, v, v128.load(w6 + i));
        s7 = multiplyAdd(s7, v, v128.load(w7 + i));
      }
      const b = bias + (<usize>row << 2);
      const y = out + (<usize>row << 2);
      store<f32>(y, sum(s0) + load<f32>(b), 0);
      store<f32>(y, sum(s1) + load<f32>(b, 4), 4);
      store<f32>(y, sum(s2) + load<f32>(b, 8), 8);
      store<f32>(y, sum(s3) + load<f32>(b, 12), 12);
      store<f32>(y, sum(s4) + load<f32>(b, 16), 16);
      store<f32>(y, sum(s5) + load<f32>(b, 20), 20);
      store<f32>(y, sum(s6) + load<f32>(b, 24), 24);
      store<f32>(y, sum(s7) + load<f32>(b, 28), 28);
    }
  }
  for (; row < outputs; row++) {
    store<f32>(out + (<usize>row << 2), dot(weight + <usize>row * bytes, x, bytes) + load<f32>(bias + (<usize>row << 2)));
  }
}

/** Chosen rows from the active blocks of x; appends index and value of each result that is not zero. Returns how many. */
export function rowsSelected(
  weight: usize, bias: usize, x: usize, stride: i32, blocks: usize, chosen: usize,
  list: usize, activation: i32, alpha: f32, append: bool,
): i32 {
  const bytes = <usize>stride << 2;
  const n = count(chosen);
  const which = indices(chosen);
  const active = <usize>count(blocks) << 2;
  const offsets = indices(blocks);
  const from = append ? count(list) : 0;
  const at = indices(list);
  const to = values(list);
  let found = from;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + 8 <= n; i += 8) {
      const r = which + (<usize>i << 2);
      const w0 = weight + <usize>load<u32>(r) * bytes;
      const w1 = weight + <usize>load<u32>(r, 4) * bytes;
      const w2 = weight + <usize>load<u32>(r, 8) * bytes;
      const w3 = weight + <usize>load<u32>(r, 12) * bytes;
      const w4 = weight + <usize>load<u32>(r, 16) * bytes;
      const w5 = weight + <usize>load<u32>(r, 20) * bytes;
      const w6 = weight + <usize>load<u32>(r, 24) * bytes;
      const w7 = weight + <usize>load<u32>(r, 28) * bytes;
      let s0 = f32x4.splat(0);
      let s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
      for (let b: usize = 0; b < active; b += 4) {
        const o = <usize>load<u32>(offsets + b);
        const v = v128.load(x + o);
        s0 = multiplyAdd(s0, v, v128.load(w0 + o));
        s1 = multiplyAdd(s1, v, v128.load(w1 + o));
        s2 = multiplyAdd(s2, v, v128.load(w2 + o));
        s3 = multiplyAdd(s3, v, v128.load(w3 + o));
        s4 = multiplyAdd(s4, v, v128.load(w4 + o));
        s5 = multiplyAdd(s5, v, v128.load(w5 + o));
        s6 = multiplyAdd(s6, v, v128.load(w6 + o));
        s7 = multiplyAdd(s7, v, v128.load(w7 + o));
      }
      found = keep(found, r, 0, sum(s0), bias, at, to, activation, alpha);
      found = keep(found, r, 1, sum(s1), bias, at, to, activation, alpha);
      found = keep(found, r, 2, sum(s2), bias, at, to, activation, alpha);
      found = keep(found, r, 3, sum(s3), bias, at, to, activation, alpha);
      found = keep(found, r, 4, sum(s4), bias, at, to, activation, alpha);
      found = keep(found, r, 5, sum(s5), bias, at, to, activation, alpha);
      found = keep(found, r, 6, sum(s6), bias, at, to, activation, alpha);
      found = keep(found, r, 7, sum(s7), bias, at, to, activation, alpha);
    }
  }
  for (; i < n; i++) {
    const r = which + (<usize>i << 2);
    const w = weight + <usize>load<u32>(r) * bytes;
    found = keep(found, r, 0, dotBlocks(w, x, offsets, active), bias, at, to, activation, alpha);
  }
  setCount(list, found);
  return found - from;
}

function keep(found: i32, chosen: usize, i: usize, dot: f32, bias: usize, at: usize, to: usize, activation: i32, alpha: f32): i32 {
  const node = load<u32>(chosen + (i << 2));
  const v = activate(dot + load<f32>(bias + (<usize>node << 2)), activation, alpha);
  store<u32>(at + (<usize>found << 2), node);
  store<f32>(to + (<usize>found << 2), v);
  return found + i32(v != 0 || activation == KEEP);
}

function dot(w: usize, x: usize, bytes: usize): f32 {
  if (ASC_FEATURE_SIMD) {
    let s = f32x4.splat(0);
    for (let i: usize = 0; i < bytes; i += 16) s = multiplyAdd(s, v128.load(x + i), v128.load(w + i));
    return sum(s);
  }
  let s0: f32 = 0, s1: f32 = 0, s2: f32 = 0, s3: f32 = 0;
  for (let i: usize = 0; i < bytes; i += 16) {
    s0 += load<f32>(x + i) * load<f32>(w + i);
    s1 += load<f32>(x + i, 4) * load<f32>(w + i, 4);
    s2 += load<f32>(x + i, 8) * load<f32>(w + i, 8);
    s3 += load<f32>(x + i, 12) * load<f32>(w + i, 12);
  }
  return s0 + s1 + (s2 + s3);
}

function dotBlocks(w: usize, x: usize, offsets: usize, active: usize): f32 {
  if (ASC_FEATURE_SIMD) {
    let s = f32x4.splat(0);
    for (let b: usize = 0; b < active; b += 4) {
      const o = <usize>load<u32>(offsets + b);
      s = multiplyAdd(s, v128.load(x + o), v128.load(w + o));
    }
    return sum(s);
  }
  let s0: f32 = 0, s1: f32 = 0, s2: f32 = 0, s3: f32 = 0;
  for (let b: usize = 0; b < active; b += 4) {
    const o = <usize>load<u32>(offsets + b);
    s0 += load<f32>(x + o) * load<f32>(w + o);
    s1 += load<f32>(x + o, 4) * load<f32>(w + o, 4);
    s2 += load<f32>(x + o, 8) * load<f32>(w + o, 8);
    s3 += load<f32>(x + o, 12) * load<f32>(w + o, 12);
  }
  return s0 + s1 + (s2 + s3);
}
