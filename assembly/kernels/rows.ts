// Dot products of weight rows with the input: W row-major, each row padded with zeros to a multiple of 4 floats.
// Every function sums a row in four lanes over ascending inputs, so all of them agree to the bit.
import { multiplyAdd, sum } from "../lanes/f32x4";
import { KEEP } from "../abi";
import { activate } from "../lanes/activation";
import { count, indices, itemAt, setCount, values } from "../lanes/list";

/**
 * Chosen rows of `stride` floats, a multiple of 4, from the active blocks of x. Lists index and value of each non-zero result, or of every
 * result with `KEEP`; `append` keeps what was listed.
 */
export function rowsSelected(
  weight: usize, bias: usize, x: usize, stride: i32, blocks: usize, chosen: usize,
  list: usize, activation: i32, alpha: f32, append: bool,
): void {
  const n = count(chosen);
  const from = append ? count(list) : 0;
  const at = indices(list);
  const to = values(list);
  // safe in place: a result is written no later in the list than its product
  const product = to + (<usize>from << 2);
  products(weight, <usize>stride << 2, indices(chosen), n, x, blocks, product);
  let found = from;
  for (let i: usize = 0; i < <usize>n << 2; i += 4) {
    const node = load<u32>(indices(chosen) + i);
    const v = activate(load<f32>(product + i) + load<f32>(bias + (<usize>node << 2)), activation, alpha);
    store<u32>(at + (<usize>found << 2), node);
    store<f32>(to + (<usize>found << 2), v);
    found += i32(v != 0 || activation == KEEP);
  }
  setCount(list, found);
}

/**
 * out[i] = x · row which[i], for n rows, over the listed blocks; x is padded with zeros to the stride.
 *
 * Six rows go together. With eight, the addresses no longer fit the registers of x64, which costs a third of the bandwidth; with fewer, too few
 * reads are under way. Where fewer than six are left, the last row fills the gap. Every address is advanced by itself, as computing it from a
 * base takes one more instruction per vector. Both inner loops stay in this function: as functions of their own, V8 11 first clears the upper
 * half of every address and keeps two copies of each, which costs two fifths.
 */
function products(weight: usize, bytes: usize, which: usize, n: i32, x: usize, blocks: usize, out: usize): void {
  const whole = <usize>count(blocks) << 4 == bytes;
  const steps = indices(blocks);
  const end = steps + (<usize>count(blocks) << 2);
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 6) {
      const left = n - 1 - i;
      let w0 = itemAt(weight, bytes, which, i);
      let w1 = itemAt(weight, bytes, which, i + min(left, 1));
      let w2 = itemAt(weight, bytes, which, i + min(left, 2));
      let w3 = itemAt(weight, bytes, which, i + min(left, 3));
      let w4 = itemAt(weight, bytes, which, i + min(left, 4));
      let w5 = itemAt(weight, bytes, which, i + min(left, 5));
      let s0 = f32x4.splat(0);
      let s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
      if (whole) {
        for (let at = x; at < x + bytes; at += 16) {
          const v = v128.load(at);
          s0 = multiplyAdd(s0, v, v128.load(w0));
          s1 = multiplyAdd(s1, v, v128.load(w1));
          s2 = multiplyAdd(s2, v, v128.load(w2));
          s3 = multiplyAdd(s3, v, v128.load(w3));
          s4 = multiplyAdd(s4, v, v128.load(w4));
          s5 = multiplyAdd(s5, v, v128.load(w5));
          w0 += 16;
          w1 += 16;
          w2 += 16;
          w3 += 16;
          w4 += 16;
          w5 += 16;
        }
      } else {
        let at = x;
        for (let s = steps; s < end; s += 4) {
          const step = <usize>load<u32>(s);
          at += step;
          w0 += step;
          w1 += step;
          w2 += step;
          w3 += step;
          w4 += step;
          w5 += step;
          const v = v128.load(at);
          s0 = multiplyAdd(s0, v, v128.load(w0));
          s1 = multiplyAdd(s1, v, v128.load(w1));
          s2 = multiplyAdd(s2, v, v128.load(w2));
          s3 = multiplyAdd(s3, v, v128.load(w3));
          s4 = multiplyAdd(s4, v, v128.load(w4));
          s5 = multiplyAdd(s5, v, v128.load(w5));
        }
      }
      const o = out + (<usize>i << 2);
      store<f32>(o, sum(s0));
      if (left >= 1) store<f32>(o, sum(s1), 4);
      if (left >= 2) store<f32>(o, sum(s2), 8);
      if (left >= 3) store<f32>(o, sum(s3), 12);
      if (left >= 4) store<f32>(o, sum(s4), 16);
      if (left >= 5) store<f32>(o, sum(s5), 20);
    }
  } else {
    for (let i = 0; i < n; i++) {
      const w = itemAt(weight, bytes, which, i);
      store<f32>(out + (<usize>i << 2), whole ? dot(w, x, bytes) : dotBlocks(w, x, steps, end));
    }
  }
}

/** One row times x, where there is no SIMD. */
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

function dotBlocks(w: usize, x: usize, steps: usize, end: usize): f32 {
  let s0: f32 = 0, s1: f32 = 0, s2: f32 = 0, s3: f32 = 0;
  let o: usize = 0;
  for (; steps < end; steps += 4) {
    o += <usize>load<u32>(steps);
    s0 += load<f32>(x + o) * load<f32>(w + o);
    s1 += load<f32>(x + o, 4) * load<f32>(w + o, 4);
    s2 += load<f32>(x + o, 8) * load<f32>(w + o, 8);
    s3 += load<f32>(x + o, 12) * load<f32>(w + o, 12);
  }
  return s0 + s1 + (s2 + s3);
}
