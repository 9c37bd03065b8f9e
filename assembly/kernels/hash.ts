// Locality-sensitive hashing: sign-projection codes of an input, and the votes of the buckets they select.
import { sum } from "../lanes/f32x4";
import { dot } from "./rows";

/**
 * codes[t] = on which side of the `bits` planes of table t x lies, plane 0 in the lowest bit. Planes are rows `stride` floats apart; their
 * first `inputs` floats are read, padded with zeros to a multiple of 4, as x is.
 */
export function hash(planes: usize, x: usize, inputs: i32, stride: i32, tables: i32, bits: i32, codes: usize): void {
  const bytes = <usize>((inputs + 3) & ~3) << 2;
  const step = <usize>stride << 2;
  const last = tables * bits - 1;
  memory.fill(codes, 0, <usize>tables << 2);
  for (let plane = 0, from = planes; plane <= last; plane++, from += step) {
    let along: f32;
    if (ASC_FEATURE_SIMD) {
      const left = <usize>(last - plane);
      if ((plane & 3) == 0) fourAlong(from, from + min<usize>(left, 1) * step, from + min<usize>(left, 2) * step, from + min<usize>(left, 3) * step, x, bytes);
      along = load<f32>(four + (<usize>(plane & 3) << 2));
    } else along = dot(from, x, bytes);
    const code = codes + (<usize>(plane / bits) << 2);
    store<u32>(code, load<u32>(code) | (u32(along > 0) << (plane % bits)));
  }
}

/** Where `fourAlong` leaves its results. */
const four = memory.data(16, 16);

/** The products of four planes with x. Products are rounded in the relaxed build too, unlike in rows.ts, so that every build gives the same code. */
function fourAlong(p0: usize, p1: usize, p2: usize, p3: usize, x: usize, bytes: usize): void {
  let s0 = f32x4.splat(0);
  let s1 = s0, s2 = s0, s3 = s0;
  for (const end = x + bytes; x < end; x += 16) {
    const v = v128.load(x);
    s0 = f32x4.add(s0, f32x4.mul(v, v128.load(p0)));
    s1 = f32x4.add(s1, f32x4.mul(v, v128.load(p1)));
    s2 = f32x4.add(s2, f32x4.mul(v, v128.load(p2)));
    s3 = f32x4.add(s3, f32x4.mul(v, v128.load(p3)));
    p0 += 16;
    p1 += 16;
    p2 += 16;
    p3 += 16;
  }
  store<f32>(four, sum(s0));
  store<f32>(four, sum(s1), 4);
  store<f32>(four, sum(s2), 8);
  store<f32>(four, sum(s3), 12);
}

/**
 * scores[node] = the sum of its votes in the selected buckets of all tables. The nodes and votes of a bucket stand from
 * starts[t · 2^bits + code] to the next start. Returns how many votes were read.
 */
export function vote(codes: usize, starts: usize, nodes: usize, votes: usize, tables: i32, bits: i32, n: i32, scores: usize): i32 {
  memory.fill(scores, 0, <usize>n << 2);
  let read = 0;
  for (let t = 0; t < tables; t++) {
    const bucket = starts + (<usize>((<u32>t << bits) + load<u32>(codes + (<usize>t << 2))) << 2);
    const end = load<u32>(bucket, 4);
    for (let i = load<u32>(bucket); i < end; i++) {
      const s = scores + (<usize>load<u32>(nodes + (<usize>i << 2)) << 2);
      store<f32>(s, load<f32>(s) + load<f32>(votes + (<usize>i << 2)));
      read++;
    }
  }
  return read;
}
