// Locality-sensitive hashing: sign-projection codes of an input and the votes of the buckets they name.
import { sum } from "../lanes/f32x4";
import { dot } from "./rows";

/**
 * codes[t] = the signs of `bits` planes of table t with x, plane 0 in the lowest bit. Planes are rows of `stride` floats, of which `inputs`,
 * padded with zeros to a multiple of 4 as x is, are looked at.
 */
export function hash(planes: usize, x: usize, inputs: i32, stride: i32, tables: i32, bits: i32, codes: usize): void {
  const bytes = <usize>((inputs + 3) & ~3) << 2;
  let plane = planes;
  for (let t = 0; t < tables; t++) {
    let code: u32 = 0;
    for (let b = 0; b < bits; b++, plane += <usize>stride << 2) {
      let along: f32 = 0;
      if (ASC_FEATURE_SIMD) {
        let s = f32x4.splat(0);
        for (let i: usize = 0; i < bytes; i += 16) s = f32x4.add(s, f32x4.mul(v128.load(x + i), v128.load(plane + i)));
        along = sum(s);
      } else along = dot(plane, x, bytes);
      code |= u32(along > 0) << b;
    }
    store<u32>(codes + (<usize>t << 2), code);
  }
}

/**
 * scores[node] = votes of the buckets hit, over all tables. starts[t · 2^bits + code] … the next start are the positions of a
 * bucket's nodes and votes. Returns how many votes were read.
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
