// Weights in eight bits, a scale per node, times inputs in 16-bit codes with one step for the whole vector. Products and sums are
// whole numbers, so every build and every order of adding gives the same bits; one multiplication at the end brings the scale back.
//
//   node n = bias[n] + (scale[n] · step) · Σ weight[n][i] · code[i]
//
// Panels hold pairs of inputs, so that one 16-bit dot product takes four nodes by two inputs:
//
//   panel 0:  inputs 0,1:  n0i0 n0i1 n1i0 n1i1 … n15i0 n15i1 | inputs 2,3: …      panel 1: …      32 bytes a pair
import { KEEP } from "../abi";
import { activate } from "../lanes/activation";
import { FRONT } from "../lanes/front";
import { count, indices, setCount, values } from "../lanes/list";

/** Bytes of the header before the codes; its first float is the step. */
const HEADER: usize = 16;

/** The largest code for n inputs: n · 127 · code stays within 31 bits, and 13 bits are enough. */
// @ts-ignore: decorator
@inline
function largest(n: i32): f32 {
  return <f32>min<i32>(8191, 0x7fffffff / 127 / max<i32>(n, 1));
}

/** Largest size of n floats; NaN where one is, and then the step is NaN and so is every node. */
function size(src: usize, n: i32): f32 {
  let most: f32 = 0;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    let m = f32x4.splat(0);
    for (; i + 4 <= n; i += 4) m = f32x4.max(m, f32x4.abs(v128.load(src + (<usize>i << 2))));
    most = max<f32>(
      max<f32>(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)), max<f32>(f32x4.extract_lane(m, 2), f32x4.extract_lane(m, 3)),
    );
  }
  for (; i < n; i++) most = max<f32>(most, abs<f32>(load<f32>(src + (<usize>i << 2))));
  return most;
}

// @ts-ignore: decorator
@inline
function codeOf(v: f32, inverse: f32): i32 {
  return <i32>nearest<f32>(v * inverse);
}

/** The factor from float to code; 0 for a vector of zeros or one that is not finite. */
// @ts-ignore: decorator
@inline
function inverseOf(most: f32, limit: f32): f32 {
  return most > 0 && most < Infinity ? limit / most : 0;
}

/** The factor from code to float; not finite where the vector is not. */
// @ts-ignore: decorator
@inline
function stepOf(most: f32, limit: f32): f32 {
  return most < Infinity ? most / limit : NaN;
}

/** Codes of src, its pairs and blocks of 8 that are not all 0 (with `every` all of them). src is readable up to a multiple of 16. Returns the pairs. */
export function code(src: usize, n: i32, codes: usize, pairs: usize, blocks: usize, every: bool): i32 {
  const most = size(src, n);
  const limit = largest(n);
  const inverse = inverseOf(most, limit);
  store<f32>(codes, stepOf(most, limit));
  const to = codes + HEADER;
  const padded = (n + 15) & ~15;
  let pairCount = 0;
  let blockCount = 0;
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
        // four are written each time and the next write covers those that were not kept; behind a list's indices is room for its values
        const four = i32x4.add(i32x4.splat(i >> 1), i32x4(0, 1, 2, 3));
        v128.store(pairAt + (<usize>pairCount << 2), i8x16.swizzle(four, v128.load(FRONT + (<usize>any << 4))));
        pairCount += popcnt(any);
        store<i32>(blockAt + (<usize>blockCount << 2), i);
        blockCount += i32(any != 0);
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
    store<i32>(blockAt + (<usize>blockCount << 2), i);
    blockCount += i32(any != 0 || every);
  }
  setCount(pairs, pairCount);
  setCount(blocks, blockCount);
  return pairCount;
}

/** Chosen panels (or all: `chosen` 0) from the listed pairs; `inputs` is padded to 16. Other panels of out are left as they are. */
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
    if (ASC_FEATURE_SIMD) {
      let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
      for (let a = from; a < end; a += 4) {
        const pair = <usize>load<u32>(a);
        const c = v128.load32_splat(x + (pair << 2));
        const q = w + (pair << 5);
        s0 = i32x4.add(s0, i32x4.dot_i16x8_s(c, v128.load_ext<i8>(q)));
        s1 = i32x4.add(s1, i32x4.dot_i16x8_s(c, v128.load_ext<i8>(q, 8)));
        s2 = i32x4.add(s2, i32x4.dot_i16x8_s(c, v128.load_ext<i8>(q, 16)));
        s3 = i32x4.add(s3, i32x4.dot_i16x8_s(c, v128.load_ext<i8>(q, 24)));
      }
      const by = f32x4.splat(step);
      v128.store(out + at, f32x4.add(v128.load(bias + at), f32x4.mul(f32x4.mul(v128.load(scales + at), by), f32x4.convert_i32x4_s(s0))));
      v128.store(out + at, f32x4.add(v128.load(bias + at, 16), f32x4.mul(f32x4.mul(v128.load(scales + at, 16), by), f32x4.convert_i32x4_s(s1))), 16);
      v128.store(out + at, f32x4.add(v128.load(bias + at, 32), f32x4.mul(f32x4.mul(v128.load(scales + at, 32), by), f32x4.convert_i32x4_s(s2))), 32);
      v128.store(out + at, f32x4.add(v128.load(bias + at, 48), f32x4.mul(f32x4.mul(v128.load(scales + at, 48), by), f32x4.convert_i32x4_s(s3))), 48);
    } else {
      for (let k: usize = 0; k < 16; k++) {
        let s = 0;
        for (let a = from; a < end; a += 4) {
          const pair = <usize>load<u32>(a);
          const q = w + (pair << 5) + (k << 1);
          s += <i32>load<i16>(x + (pair << 2)) * <i32>load<i8>(q) + <i32>load<i16>(x + (pair << 2), 2) * <i32>load<i8>(q, 1);
        }
        store<f32>(out + at + (k << 2), load<f32>(bias + at + (k << 2)) + load<f32>(scales + at + (k << 2)) * step * <f32>s);
      }
    }
  }
  return n;
}

/** Chosen rows from the listed blocks of 8; appends index and value of each result that is not zero (with `KEEP` of all). Returns how many. */
export function rows8(
  weight: usize, scales: usize, bias: usize, codes: usize, stride: i32, blocks: usize, chosen: usize,
  list: usize, activation: i32, alpha: f32, append: bool,
): i32 {
  const n = count(chosen);
  const from = indices(blocks);
  const end = from + (<usize>count(blocks) << 2);
  const x = codes + HEADER;
  const step = load<f32>(codes);
  const begin = append ? count(list) : 0;
  let found = begin;
  for (let i = 0; i < n; i++) {
    const r = <usize>load<u32>(indices(chosen) + (<usize>i << 2));
    const w = weight + r * <usize>stride;
    let total = 0;
    if (ASC_FEATURE_SIMD) {
      let s = i32x4.splat(0);
      for (let a = from; a < end; a += 4) {
        const o = <usize>load<u32>(a);
        s = i32x4.add(s, i32x4.dot_i16x8_s(v128.load(x + (o << 1)), v128.load_ext<i8>(w + o)));
      }
      total = i32x4.extract_lane(s, 0) + i32x4.extract_lane(s, 1) + i32x4.extract_lane(s, 2) + i32x4.extract_lane(s, 3);
    } else {
      for (let a = from; a < end; a += 4) {
        const o = <usize>load<u32>(a);
        for (let j = o; j < o + 8; j++) total += <i32>load<i16>(x + (j << 1)) * <i32>load<i8>(w + j);
      }
    }
    const v = activate(load<f32>(bias + (r << 2)) + load<f32>(scales + (r << 2)) * step * <f32>total, activation, alpha);
    if (v != 0 || activation == KEEP) {
      store<u32>(indices(list) + (<usize>found << 2), <u32>r);
      store<f32>(values(list) + (<usize>found << 2), v);
      found++;
    }
  }
  setCount(list, found);
  return found - begin;
}

/** Every node from the active inputs; `stride` bytes from column to column, a multiple of 16; scratch holds a word an active input. */
export function columns8(weight: usize, scales: usize, bias: usize, list: usize, stride: i32, outputs: i32, out: usize, scratch: usize): void {
  const n = count(list);
  const end = <usize>n << 2;
  const at = indices(list);
  const most = size(values(list), n);
  const limit = largest(n);
  const inverse = inverseOf(most, limit);
  const step = stepOf(most, limit);
  for (let i: usize = 0; i < end; i += 4) store<i32>(scratch + i, codeOf(load<f32>(values(list) + i), inverse));
  for (let o: usize = 0; o < <usize>outputs; o += 16) {
    const w = weight + o;
    const to = out + (o << 2);
    const b = bias + (o << 2);
    const f = scales + (o << 2);
    if (ASC_FEATURE_SIMD) {
      let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
      for (let i: usize = 0; i < end; i += 4) {
        const q = v128.load(w + <usize>load<u32>(at + i) * <usize>stride);
        const c = i16x8.splat(<i16>load<i32>(scratch + i));
        const low = i16x8.extend_low_i8x16_s(q), high = i16x8.extend_high_i8x16_s(q);
        s0 = i32x4.add(s0, i32x4.extmul_low_i16x8_s(low, c));
        s1 = i32x4.add(s1, i32x4.extmul_high_i16x8_s(low, c));
        s2 = i32x4.add(s2, i32x4.extmul_low_i16x8_s(high, c));
        s3 = i32x4.add(s3, i32x4.extmul_high_i16x8_s(high, c));
      }
      const by = f32x4.splat(step);
      v128.store(to, f32x4.add(v128.load(b), f32x4.mul(f32x4.mul(v128.load(f), by), f32x4.convert_i32x4_s(s0))));
      v128.store(to, f32x4.add(v128.load(b, 16), f32x4.mul(f32x4.mul(v128.load(f, 16), by), f32x4.convert_i32x4_s(s1))), 16);
      v128.store(to, f32x4.add(v128.load(b, 32), f32x4.mul(f32x4.mul(v128.load(f, 32), by), f32x4.convert_i32x4_s(s2))), 32);
      v128.store(to, f32x4.add(v128.load(b, 48), f32x4.mul(f32x4.mul(v128.load(f, 48), by), f32x4.convert_i32x4_s(s3))), 48);
    } else {
      for (let k: usize = 0; k < 16; k++) {
        let s = 0;
        for (let i: usize = 0; i < end; i += 4) s += load<i32>(scratch + i) * <i32>load<i8>(w + <usize>load<u32>(at + i) * <usize>stride + k);
        store<f32>(to + (k << 2), load<f32>(b + (k << 2)) + load<f32>(f + (k << 2)) * step * <f32>s);
      }
    }
  }
}
