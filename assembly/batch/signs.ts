// Sign projections of one input, packed into words.
import { dot } from "./rows";

/** Bit b of out (word b >> 5, counted from its lowest bit) says whether plane b · x is above 0; NaN is not. out starts as 0. */
export function signs(planes: usize, x: usize, d: i32, bits: i32, out: usize): void {
  const bytes = <usize>d << 2;
  for (let b = 0; b < bits; b++) {
    const word = out + (<usize>(b >> 5) << 2);
    store<u32>(word, load<u32>(word) | (u32(dot(planes + <usize>b * bytes, x, bytes) > 0) << (b & 31)));
  }
}
