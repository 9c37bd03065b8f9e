// The wide half of the low-rank activator in eight bits: scores = mean + up · (scale · code), for ranking only.
//
// Panels of 16 nodes by pairs of components, one byte a weight, so that one 16-bit dot product takes four nodes by two components:
//
//   panel 0:  components 0,1:  n0c0 n0c1 n1c0 n1c1 … n15c0 n15c1 | components 2,3: …      panel 1: …
//
// The code is scaled component by component (each weight's step differs), then rounded to 13 bits by one step for all of it:
// 128 components x 127 x 8191 stays within 31 bits.

const LARGEST: f32 = 8191;

/** `rank` is even. scratch holds rank 16-bit words, rounded up to a multiple of 8; out and mean hold whole panels. */
export function predict(weight: usize, scales: usize, mean: usize, code: usize, rank: i32, panelCount: i32, out: usize, scratch: usize): void {
  let most: f32 = 0;
  for (let i: usize = 0; i < <usize>rank << 2; i += 4) most = max<f32>(most, abs<f32>(load<f32>(code + i) * load<f32>(scales + i))); // NaN stays NaN
  // a code that is not finite says nothing of any node: all of them score as high as can be, so that none is dropped unseen
  if (!(most < Infinity)) {
    for (let i: usize = 0; i < <usize>panelCount << 6; i += 4) store<f32>(out + i, Infinity);
    return;
  }
  const step: f32 = most / LARGEST;
  const inverse: f32 = most > 0 ? LARGEST / most : 0;
  for (let i: usize = 0; i < <usize>rank; i++) {
    const v = nearest<f32>(load<f32>(code + (i << 2)) * load<f32>(scales + (i << 2)) * inverse);
    store<i16>(scratch + (i << 1), <i16>(<i32>v));
  }
  const pairs = scratch + (<usize>rank << 1);
  let w = weight;
  for (let p = 0; p < panelCount; p++) {
    const at = <usize>p << 6;
    if (ASC_FEATURE_SIMD) {
      let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
      for (let i = scratch; i < pairs; i += 4, w += 32) {
        const c = v128.load32_splat(i);
        s0 = i32x4.add(s0, i32x4.dot_i16x8_s(c, v128.load_ext<i8>(w)));
        s1 = i32x4.add(s1, i32x4.dot_i16x8_s(c, v128.load_ext<i8>(w, 8)));
        s2 = i32x4.add(s2, i32x4.dot_i16x8_s(c, v128.load_ext<i8>(w, 16)));
        s3 = i32x4.add(s3, i32x4.dot_i16x8_s(c, v128.load_ext<i8>(w, 24)));
      }
      const by = f32x4.splat(step);
      v128.store(out + at, f32x4.add(v128.load(mean + at), f32x4.mul(by, f32x4.convert_i32x4_s(s0))));
      v128.store(out + at, f32x4.add(v128.load(mean + at, 16), f32x4.mul(by, f32x4.convert_i32x4_s(s1))), 16);
      v128.store(out + at, f32x4.add(v128.load(mean + at, 32), f32x4.mul(by, f32x4.convert_i32x4_s(s2))), 32);
      v128.store(out + at, f32x4.add(v128.load(mean + at, 48), f32x4.mul(by, f32x4.convert_i32x4_s(s3))), 48);
    } else {
      for (let n: usize = 0; n < 16; n++) {
        let s = 0;
        for (let i: usize = 0; i < <usize>rank; i++) {
          s += <i32>load<i16>(scratch + (i << 1)) * <i32>load<i8>(w + (i >> 1) * 32 + n * 2 + (i & 1));
        }
        store<f32>(out + at + (n << 2), load<f32>(mean + at + (n << 2)) + step * <f32>s);
      }
      w += <usize>rank << 4;
    }
  }
}
