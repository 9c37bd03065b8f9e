// Dot products of weight rows with the input: W row-major, each row padded with zeros to a multiple of 4 floats.
// Every row sums in four lanes over ascending inputs, whichever function computes it, so all of them agree to the bit.
// Six rows go together: the addresses of eight no longer fit into the registers of x64, which costs a third of the bandwidth; fewer have
// too few reads under way. Where fewer than six are left, one of them is computed again in place of each that is missing.
import { multiplyAdd, sum } from "../lanes/f32x4";
import { KEEP } from "../abi";
import { activate } from "../lanes/activation";
import { count, indices, setCount, values } from "../lanes/list";

/** out = W x + b for every row. `stride` floats a row, a multiple of 4; x is padded with zeros to it. */
export function rows(weight: usize, bias: usize, x: usize, stride: i32, outputs: i32, out: usize): void {
  const bytes = <usize>stride << 2;
  if (ASC_FEATURE_SIMD) {
    for (let row = 0; row < outputs; row += 6) {
      const left = outputs - 1 - row;
      const w0 = weight + <usize>row * bytes - x;
      const w1 = weight + <usize>(row + min(left, 1)) * bytes - x;
      const w2 = weight + <usize>(row + min(left, 2)) * bytes - x;
      const w3 = weight + <usize>(row + min(left, 3)) * bytes - x;
      const w4 = weight + <usize>(row + min(left, 4)) * bytes - x;
      const w5 = weight + <usize>(row + min(left, 5)) * bytes - x;
      let s0 = f32x4.splat(0);
      let s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
      for (let at = x; at < x + bytes; at += 16) {
        const v = v128.load(at);
        s0 = multiplyAdd(s0, v, v128.load(w0 + at));
        s1 = multiplyAdd(s1, v, v128.load(w1 + at));
        s2 = multiplyAdd(s2, v, v128.load(w2 + at));
        s3 = multiplyAdd(s3, v, v128.load(w3 + at));
        s4 = multiplyAdd(s4, v, v128.load(w4 + at));
        s5 = multiplyAdd(s5, v, v128.load(w5 + at));
      }
      const b = bias + (<usize>row << 2);
      const y = out + (<usize>row << 2);
      store<f32>(y, sum(s0) + load<f32>(b));
      if (left >= 1) store<f32>(y, sum(s1) + load<f32>(b, 4), 4);
      if (left >= 2) store<f32>(y, sum(s2) + load<f32>(b, 8), 8);
      if (left >= 3) store<f32>(y, sum(s3) + load<f32>(b, 12), 12);
      if (left >= 4) store<f32>(y, sum(s4) + load<f32>(b, 16), 16);
      if (left >= 5) store<f32>(y, sum(s5) + load<f32>(b, 20), 20);
    }
  } else {
    for (let row = 0; row < outputs; row++) {
      store<f32>(out + (<usize>row << 2), dot(weight + <usize>row * bytes, x, bytes) + load<f32>(bias + (<usize>row << 2)));
    }
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
  const offsets = indices(blocks);
  const end = offsets + (<usize>count(blocks) << 2);
  const from = append ? count(list) : 0;
  const at = indices(list);
  const to = values(list);
  let found = from;
  if (ASC_FEATURE_SIMD) {
    let i = 0;
    for (; i + 6 <= n; i += 6) {
      const r = which + (<usize>i << 2);
      dots(
        weight + <usize>load<u32>(r, 0) * bytes,
        weight + <usize>load<u32>(r, 4) * bytes,
        weight + <usize>load<u32>(r, 8) * bytes,
        weight + <usize>load<u32>(r, 12) * bytes,
        weight + <usize>load<u32>(r, 16) * bytes,
        weight + <usize>load<u32>(r, 20) * bytes,
        x, offsets, end,
      );
      for (let k = 0; k < 6; k++) found = keep(found, r, k, load<f32>(sums + (<usize>k << 2)), bias, at, to, activation, alpha);
    }
    if (i < n) {
      const r = which + (<usize>i << 2);
      const left = n - 1 - i;
      const w = weight + <usize>load<u32>(r) * bytes;
      dots(
        w,
        left < 1 ? w : weight + <usize>load<u32>(r, 4) * bytes,
        left < 2 ? w : weight + <usize>load<u32>(r, 8) * bytes,
        left < 3 ? w : weight + <usize>load<u32>(r, 12) * bytes,
        left < 4 ? w : weight + <usize>load<u32>(r, 16) * bytes,
        left < 5 ? w : weight + <usize>load<u32>(r, 20) * bytes,
        x, offsets, end,
      );
      for (let k = 0; k <= left; k++) found = keep(found, r, k, load<f32>(sums + (<usize>k << 2)), bias, at, to, activation, alpha);
    }
  } else {
    for (let i = 0; i < n; i++) {
      const r = which + (<usize>i << 2);
      const w = weight + <usize>load<u32>(r) * bytes;
      found = keep(found, r, 0, dotBlocks(w, x, offsets, end), bias, at, to, activation, alpha);
    }
  }
  setCount(list, found);
  return found - from;
}

/** Where `dots` leaves its results. */
const sums = memory.data(24, 16);

/** Six rows by the active blocks of x. A function of its own, so that nothing but its addresses asks for registers. */
function dots(w0: usize, w1: usize, w2: usize, w3: usize, w4: usize, w5: usize, x: usize, offsets: usize, end: usize): void {
  let s0 = f32x4.splat(0);
  let s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
  // distances from x, which then needs no register of its own
  w0 -= x;
  w1 -= x;
  w2 -= x;
  w3 -= x;
  w4 -= x;
  w5 -= x;
  for (let b = offsets; b < end; b += 4) {
    const at = x + <usize>load<u32>(b);
    const v = v128.load(at);
    s0 = multiplyAdd(s0, v, v128.load(w0 + at));
    s1 = multiplyAdd(s1, v, v128.load(w1 + at));
    s2 = multiplyAdd(s2, v, v128.load(w2 + at));
    s3 = multiplyAdd(s3, v, v128.load(w3 + at));
    s4 = multiplyAdd(s4, v, v128.load(w4 + at));
    s5 = multiplyAdd(s5, v, v128.load(w5 + at));
  }
  store<f32>(sums, sum(s0));
  store<f32>(sums, sum(s1), 4);
  store<f32>(sums, sum(s2), 8);
  store<f32>(sums, sum(s3), 12);
  store<f32>(sums, sum(s4), 16);
  store<f32>(sums, sum(s5), 20);
}

function keep(found: i32, chosen: usize, i: usize, dot: f32, bias: usize, at: usize, to: usize, activation: i32, alpha: f32): i32 {
  const node = load<u32>(chosen + (i << 2));
  const v = activate(dot + load<f32>(bias + (<usize>node << 2)), activation, alpha);
  store<u32>(at + (<usize>found << 2), node);
  store<f32>(to + (<usize>found << 2), v);
  return found + i32(v != 0 || activation == KEEP);
}

/** One row by x, where there is no SIMD. */
export function dot(w: usize, x: usize, bytes: usize): f32 {
  let s0: f32 = 0, s1: f32 = 0, s2: f32 = 0, s3: f32 = 0;
  for (let i: usize = 0; i < bytes; i += 16) {
    s0 += load<f32>(x + i) * load<f32>(w + i);
    s1 += load<f32>(x + i, 4) * load<f32>(w + i, 4);
    s2 += load<f32>(x + i, 8) * load<f32>(w + i, 8);
    s3 += load<f32>(x + i, 12) * load<f32>(w + i, 12);
  }
  return s0 + s1 + (s2 + s3);
}

function dotBlocks(w: usize, x: usize, offsets: usize, end: usize): f32 {
  let s0: f32 = 0, s1: f32 = 0, s2: f32 = 0, s3: f32 = 0;
  for (let b = offsets; b < end; b += 4) {
    const o = <usize>load<u32>(b);
    s0 += load<f32>(x + o) * load<f32>(w + o);
    s1 += load<f32>(x + o, 4) * load<f32>(w + o, 4);
    s2 += load<f32>(x + o, 8) * load<f32>(w + o, 8);
    s3 += load<f32>(x + o, 12) * load<f32>(w + o, 12);
  }
  return s0 + s1 + (s2 + s3);
}
