// The wide half of the low-rank activator in 8 bits: scores = mean + up · (scale · code), used for ranking only.
//
// Panels of 16 nodes by pairs of components, a byte per weight, so that one 16-bit dot product covers four nodes and two components:
//
//   panel 0:  components 0,1:  n0c0 n0c1 n1c0 n1c1 … n15c0 n15c1 | components 2,3: …      panel 1: …
//
// The code is multiplied by each component's scale, then rounded to 13 bits with one step for all: 2,048 components · 128 · 8191 fit into
// 31 bits.
import { wholePanel } from "./bytes";

const LARGEST: f32 = 8191;

/** `rank` is a multiple of 4. scratch holds rank 16-bit words, rounded up to a multiple of 8; out and mean hold whole panels. */
export function predict(weight: usize, scales: usize, mean: usize, code: usize, rank: i32, panelCount: i32, out: usize, scratch: usize): void {
  let most: f32 = 0;
  for (let i: usize = 0; i < <usize>rank << 2; i += 4) most = max<f32>(most, abs<f32>(load<f32>(code + i) * load<f32>(scales + i))); // NaN stays NaN
  // a code that is not finite says nothing about any node: all get the highest score, so that none is dropped
  if (!(most < Infinity)) {
    for (let i: usize = 0; i < <usize>panelCount << 6; i += 4) store<f32>(out + i, Infinity);
    return;
  }
  const step: f32 = most / LARGEST;
  const exact: f32 = LARGEST / most;
  const inverse: f32 = exact < Infinity ? exact : 0; // all 0, or too small
  for (let i: usize = 0; i < <usize>rank; i++) {
    const v = nearest<f32>(load<f32>(code + (i << 2)) * load<f32>(scales + (i << 2)) * inverse);
    store<i16>(scratch + (i << 1), <i16>(<i32>v));
  }
  const pairs = scratch + (<usize>rank << 1);
  for (let p: usize = 0; p < <usize>panelCount; p++) {
    wholePanel(weight + p * (<usize>rank << 4), scratch, pairs, p << 6, mean, 0, step, out);
  }
}
