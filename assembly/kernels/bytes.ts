// 8-bit weights with a scale per node, times inputs in 16-bit codes with one step for the whole vector. Products and sums are integers,
// so every build and every order of addition gives the same bits; one multiplication at the end applies the scale.
//
//   node n = bias[n] + (scale[n] · step) · Σ weight[n][i] · code[i]
//
// Panels hold pairs of inputs, so that one 16-bit dot product takes four nodes by two inputs:
//
//   panel 0:  inputs 0,1:  n0i0 n0i1 n1i0 n1i1 … n15i0 n15i1 | inputs 2,3: …      panel 1: …      32 bytes a pair
import { KEEP } from "../abi";
import { activate } from "../lanes/activation";
import { FRONT } from "../lanes/front";
import { count, indices, itemAt, setCount, values } from "../lanes/list";

/** Bytes of the header before the codes; its first float is the step. */
const HEADER: usize = 16;

/** The largest code for n inputs: 13 bits are enough, and n · 128 · code has to fit into 31. */
// @ts-ignore: decorator
@inline
function largest(n: i32): f32 {
  return <f32>min<i32>(8191, 0x7fffffff / 128 / max<i32>(n, 1));
}

/**
 * The largest magnitude of n floats, compared as bits without the sign, which order as the floats do. NaN where one of them is NaN; then the
 * step and every node become NaN as well.
 */
function size(src: usize, n: i32): f32 {
  let most: i32 = 0;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    let m = i32x4.splat(0);
    const unsigned = i32x4.splat(0x7fffffff);
    for (; i + 4 <= n; i += 4) m = i32x4.max_s(m, v128.and(unsigned, v128.load(src + (<usize>i << 2))));
    most = max<i32>(max<i32>(i32x4.extract_lane(m, 0), i32x4.extract_lane(m, 1)), max<i32>(i32x4.extract_lane(m, 2), i32x4.extract_lane(m, 3)));
  }
  for (; i < n; i++) most = max<i32>(most, load<i32>(src + (<usize>i << 2)) & 0x7fffffff);
  return reinterpret<f32>(most);
}

// @ts-ignore: decorator
@inline
function codeOf(v: f32, inverse: f32): i32 {
  return <i32>nearest<f32>(v * inverse);
}

/** The factor from float to code; 0 where the vector is not finite, is all zeros, or is so small that the factor overflows. */
// @ts-ignore: decorator
@inline
function inverseOf(most: f32, limit: f32): f32 {
  const inverse = limit / most;
  return most < Infinity && inverse < Infinity ? inverse : 0;
}

/** The factor from code to float; not finite where the vector is not. */
// @ts-ignore: decorator
@inline
function stepOf(most: f32, limit: f32): f32 {
  return most < Infinity ? most / limit : NaN;
}

/**
 * Writes the codes of src, the list of its pairs that are not both 0, and the steps in bytes of weights between its blocks of 8 that are not all
 * 0; with `every`, all pairs and blocks are listed. src is readable up to a multiple of 16 floats. Returns the number of pairs listed.
 */
export function code(src: usize, n: i32, codes: usize, pairs: usize, blocks: usize, every: bool): i32 {
  const most = size(src, n);
  const limit = largest(n);
  const inverse = inverseOf(most, limit);
  store<f32>(codes, stepOf(most, limit));
  const to = codes + HEADER;
  const padded = (n + 15) & ~15;
  let pairCount = 0;
  let blockCount = 0;
  let last = 0;
  const pairAt = indices(pairs);
  const blockAt = indices(blocks);
  for (let i = 0; i < padded; i += 8) {
    let any = 0;
    if (ASC_FEATURE_SIMD) {
      if (i + 8 <= n) {
        const by = f32x4.splat(inverse);
        const from = src + (<usize>i << 2);
        const low = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(from), by)));
        const high = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(from, 16), by)));
        const codes8 = i16x8.narrow_i32x4_s(low, high);
        v128.store(to + (<usize>i << 1), codes8);
        any = every ? 15 : i32x4.bitmask(i32x4.ne(codes8, i32x4.splat(0)));
        // always writes four: the next write covers those not kept, and the list's values leave room after its indices
        const four = i32x4.add(i32x4.splat(i >> 1), i32x4(0, 1, 2, 3));
        v128.store(pairAt + (<usize>pairCount << 2), i8x16.swizzle(four, v128.load(FRONT + (<usize>any << 4))));
        pairCount += popcnt(any);
        store<i32>(blockAt + (<usize>blockCount << 2), i - last);
        blockCount += i32(any != 0);
        last = any ? i : last;
        continue;
      }
    }
    for (let j = i; j < i + 8; j += 2) {
      const a = j < n ? codeOf(load<f32>(src + (<usize>j << 2)), inverse) : 0;
      const b = j + 1 < n ? codeOf(load<f32>(src + (<usize>j << 2), 4), inverse) : 0;
      const both = (a & 0xffff) | (b << 16);
      store<i32>(to + (<usize>j << 1), both);
      any |= both;
      store<i32>(pairAt + (<usize>pairCount << 2), j >> 1);
      pairCount += i32(both != 0 || every);
    }
    store<i32>(blockAt + (<usize>blockCount << 2), i - last);
    blockCount += i32(any != 0 || every);
    last = any || every ? i : last;
  }
  setCount(pairs, pairCount);
  setCount(blocks, blockCount);
  return pairCount;
}

// @ts-ignore: decorator
@inline
function dot(codes: v128, weight: v128): v128 {
  return i32x4.dot_i16x8_s(codes, weight);
}

// @ts-ignore: decorator
@inline
function finishFour(sums: v128, at: usize, bias: usize, scales: usize, step: f32, out: usize): void {
  const by = f32x4.splat(step);
  const scale = scales ? f32x4.mul(v128.load(scales + at), by) : by;
  v128.store(out + at, f32x4.add(v128.load(bias + at), f32x4.mul(scale, f32x4.convert_i32x4_s(sums))));
}

/** Turns the sums of a panel's sixteen nodes into bias + scale · step · sum; every scale is 1 where `scales` is 0. */
function finish(s0: v128, s1: v128, s2: v128, s3: v128, at: usize, bias: usize, scales: usize, step: f32, out: usize): void {
  finishFour(s0, at, bias, scales, step, out);
  finishFour(s1, at + 16, bias, scales, step, out);
  finishFour(s2, at + 32, bias, scales, step, out);
  finishFour(s3, at + 48, bias, scales, step, out);
}

/**
 * One panel from every input: their codes, a multiple of four, lie from `x` to `end`. Taking two pairs a step without a list saves a third of
 * the time. The panel's nodes are at byte `at` of bias, scales and out.
 */
// @ts-ignore: decorator
@inline
export function wholePanel(w: usize, x: usize, end: usize, at: usize, bias: usize, scales: usize, step: f32, out: usize): void {
  if (ASC_FEATURE_SIMD) {
    let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    for (let a = x; a < end; a += 8, w += 64) {
      const c = v128.load32_splat(a);
      const d = v128.load32_splat(a, 4);
      s0 = i32x4.add(s0, dot(c, v128.load_ext<i8>(w)));
      s1 = i32x4.add(s1, dot(c, v128.load_ext<i8>(w, 8)));
      s2 = i32x4.add(s2, dot(c, v128.load_ext<i8>(w, 16)));
      s3 = i32x4.add(s3, dot(c, v128.load_ext<i8>(w, 24)));
      s0 = i32x4.add(s0, dot(d, v128.load_ext<i8>(w, 32)));
      s1 = i32x4.add(s1, dot(d, v128.load_ext<i8>(w, 40)));
      s2 = i32x4.add(s2, dot(d, v128.load_ext<i8>(w, 48)));
      s3 = i32x4.add(s3, dot(d, v128.load_ext<i8>(w, 56)));
    }
    finish(s0, s1, s2, s3, at, bias, scales, step, out);
  } else {
    for (let k = at; k < at + 64; k += 4, w += 2) {
      let s = 0;
      for (let a = x, q = w; a < end; a += 4, q += 32) s += twoOf(a, q);
      finishOne(s, k, bias, scales, step, out);
    }
  }
}

/** The dot product of two codes and two weights. */
// @ts-ignore: decorator
@inline
function twoOf(codes: usize, weight: usize): i32 {
  return <i32>load<i16>(codes) * <i32>load<i8>(weight) + <i32>load<i16>(codes, 2) * <i32>load<i8>(weight, 1);
}

// @ts-ignore: decorator
@inline
function finishOne(sum: i32, at: usize, bias: usize, scales: usize, step: f32, out: usize): void {
  store<f32>(out + at, load<f32>(bias + at) + (scales ? load<f32>(scales + at) * step : step) * <f32>sum);
}

/** Chosen panels (all, where `chosen` is 0) from the listed pairs; `inputs` is padded to 16. Other panels of out are left alone. Returns how many panels. */
export function panels8(
  weight: usize, scales: usize, bias: usize, codes: usize, pairs: usize, inputs: i32, chosen: usize, panelCount: i32, out: usize,
): i32 {
  const bytes = <usize>inputs << 4;
  const n = chosen ? count(chosen) : panelCount;
  const from = indices(pairs);
  const end = from + (<usize>count(pairs) << 2);
  const x = codes + HEADER;
  const step = load<f32>(codes);
  for (let i = 0; i < n; i++) {
    const p = chosen ? <usize>load<u32>(indices(chosen) + (<usize>i << 2)) : <usize>i;
    const w = weight + p * bytes;
    const at = p << 6;
    if (count(pairs) << 1 == inputs) wholePanel(w, x, x + (<usize>inputs << 1), at, bias, scales, step, out);
    else if (ASC_FEATURE_SIMD) {
      let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
      for (let a = from; a < end; a += 4) {
        const pair = <usize>load<u32>(a);
        const c = v128.load32_splat(x + (pair << 2));
        const q = w + (pair << 5);
        s0 = i32x4.add(s0, dot(c, v128.load_ext<i8>(q)));
        s1 = i32x4.add(s1, dot(c, v128.load_ext<i8>(q, 8)));
        s2 = i32x4.add(s2, dot(c, v128.load_ext<i8>(q, 16)));
        s3 = i32x4.add(s3, dot(c, v128.load_ext<i8>(q, 24)));
      }
      finish(s0, s1, s2, s3, at, bias, scales, step, out);
    } else {
      for (let k: usize = 0; k < 16; k++) {
        let s = 0;
        for (let a = from; a < end; a += 4) s += twoOf(x + (<usize>load<u32>(a) << 2), w + (<usize>load<u32>(a) << 5) + (k << 1));
        finishOne(s, at + (k << 2), bias, scales, step, out);
      }
    }
  }
  return n;
}

// @ts-ignore: decorator
@inline
function total(s: v128): i32 {
  return i32x4.extract_lane(s, 0) + i32x4.extract_lane(s, 1) + i32x4.extract_lane(s, 2) + i32x4.extract_lane(s, 3);
}

function dotBlocks(w: usize, x: usize, steps: usize, end: usize): i32 {
  let s = 0;
  let o: usize = 0;
  for (; steps < end; steps += 4) {
    o += <usize>load<u32>(steps);
    for (let j = o; j < o + 8; j++) s += <i32>load<i16>(x + (j << 1)) * <i32>load<i8>(w + j);
  }
  return s;
}

/** Chosen rows from the listed blocks of 8. Lists index and value of each non-zero result, or of every result with `KEEP`; `append` keeps what was listed. */
export function rows8(
  weight: usize, scales: usize, bias: usize, codes: usize, stride: i32, blocks: usize, chosen: usize,
  list: usize, activation: i32, alpha: f32, append: bool,
): void {
  const n = count(chosen);
  const which = indices(chosen);
  const x = codes + HEADER;
  const step = load<f32>(codes);
  const begin = append ? count(list) : 0;
  // safe in place: a result is written no later in the list than its sum
  const sums = values(list) + (<usize>begin << 2);
  sums8(weight, stride, which, n, x, blocks, sums);
  let found = begin;
  for (let i: usize = 0; i < <usize>n << 2; i += 4) {
    const node = <usize>load<u32>(which + i);
    const v = activate(load<f32>(bias + (node << 2)) + load<f32>(scales + (node << 2)) * step * <f32>load<i32>(sums + i), activation, alpha);
    store<u32>(indices(list) + (<usize>found << 2), <u32>node);
    store<f32>(values(list) + (<usize>found << 2), v);
    found += i32(v != 0 || activation == KEEP);
  }
  setCount(list, found);
}

/** out[i] = Σ weight · code of row which[i], for n rows, six at a time: see `products` in rows.ts. */
function sums8(weight: usize, stride: i32, which: usize, n: i32, x: usize, blocks: usize, out: usize): void {
  const steps = indices(blocks);
  const end = steps + (<usize>count(blocks) << 2);
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 6) {
      const left = n - 1 - i;
      let w0 = itemAt(weight, stride, which, i);
      let w1 = itemAt(weight, stride, which, i + min(left, 1));
      let w2 = itemAt(weight, stride, which, i + min(left, 2));
      let w3 = itemAt(weight, stride, which, i + min(left, 3));
      let w4 = itemAt(weight, stride, which, i + min(left, 4));
      let w5 = itemAt(weight, stride, which, i + min(left, 5));
      let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
      let at = x;
      for (let s = steps; s < end; s += 4) {
        const step = <usize>load<u32>(s);
        at += step << 1;
        w0 += step;
        w1 += step;
        w2 += step;
        w3 += step;
        w4 += step;
        w5 += step;
        const c = v128.load(at);
        s0 = i32x4.add(s0, dot(c, v128.load_ext<i8>(w0)));
        s1 = i32x4.add(s1, dot(c, v128.load_ext<i8>(w1)));
        s2 = i32x4.add(s2, dot(c, v128.load_ext<i8>(w2)));
        s3 = i32x4.add(s3, dot(c, v128.load_ext<i8>(w3)));
        s4 = i32x4.add(s4, dot(c, v128.load_ext<i8>(w4)));
        s5 = i32x4.add(s5, dot(c, v128.load_ext<i8>(w5)));
      }
      const o = out + (<usize>i << 2);
      store<i32>(o, total(s0));
      if (left >= 1) store<i32>(o, total(s1), 4);
      if (left >= 2) store<i32>(o, total(s2), 8);
      if (left >= 3) store<i32>(o, total(s3), 12);
      if (left >= 4) store<i32>(o, total(s4), 16);
      if (left >= 5) store<i32>(o, total(s5), 20);
    }
  } else {
    for (let i: usize = 0; i < <usize>n << 2; i += 4) store<i32>(out + i, dotBlocks(weight + <usize>load<u32>(which + i) * stride, x, steps, end));
  }
}

/** Bytes per two active inputs in the scratch of `columns8`: the offsets of their columns, then both codes. */
const TWO: usize = 12;

/**
 * Adds the active inputs' columns: out = init + Σ column · value, columns `stride` bytes apart, a multiple of 16.
 * scratch holds `TWO` bytes per two active inputs. init may be out.
 */
export function columns8(weight: usize, scales: usize, init: usize, list: usize, stride: i32, outputs: i32, out: usize, scratch: usize): void {
  const n = count(list);
  const most = size(values(list), n);
  const limit = largest(n);
  const inverse = inverseOf(most, limit);
  const step = stepOf(most, limit);
  let end = scratch;
  for (let i: usize = 0; i < <usize>n; i += 2, end += TWO) {
    const at = indices(list) + (i << 2);
    const value = values(list) + (i << 2);
    const both = i + 1 < <usize>n;
    store<u32>(end, load<u32>(at) * stride);
    store<u32>(end, both ? load<u32>(at, 4) * stride : 0, 4);
    store<i16>(end, <i16>codeOf(load<f32>(value), inverse), 8);
    store<i16>(end, both ? <i16>codeOf(load<f32>(value, 4), inverse) : 0, 10);
  }
  for (let o: usize = 0; o < <usize>outputs; o += 16) {
    const w = weight + o;
    const at = o << 2;
    if (ASC_FEATURE_SIMD) {
      let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
      for (let e = scratch; e < end; e += TWO) {
        const q = v128.load(w + <usize>load<u32>(e));
        const r = v128.load(w + <usize>load<u32>(e, 4));
        const c = v128.load32_splat(e, 8);
        const low = i8x16.shuffle(q, r, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const high = i8x16.shuffle(q, r, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        s0 = i32x4.add(s0, dot(c, i16x8.extend_low_i8x16_s(low)));
        s1 = i32x4.add(s1, dot(c, i16x8.extend_high_i8x16_s(low)));
        s2 = i32x4.add(s2, dot(c, i16x8.extend_low_i8x16_s(high)));
        s3 = i32x4.add(s3, dot(c, i16x8.extend_high_i8x16_s(high)));
      }
      finish(s0, s1, s2, s3, at, init, scales, step, out);
    } else {
      for (let k: usize = 0; k < 16; k++) {
        let s = 0;
        for (let e = scratch; e < end; e += TWO)
          s += <i32>load<i16>(e, 8) * <i32>load<i8>(w + <usize>load<u32>(e) + k) + <i32>load<i16>(e, 10) * <i32>load<i8>(w + <usize>load<u32>(e, 4) + k);
        finishOne(s, at + (k << 2), init, scales, step, out);
      }
    }
  }
}
