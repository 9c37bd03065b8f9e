// Activations of a whole vector, softmax and log-softmax among them.
import { IDENTITY, LOG_SOFTMAX, RELU, SOFTMAX } from "../abi";
import { activate as one } from "../lanes/activation";
import { exp, log } from "../lanes/exponential";

/** out[i] = activation(src[i]); out may be src. */
export function activate(src: usize, n: i32, out: usize, activation: i32, alpha: f32): void {
  const end = <usize>n << 2;
  if (activation == IDENTITY) {
    if (out != src) memory.copy(out, src, end);
    return;
  }
  if (activation >= SOFTMAX) return softmax(src, end, out, activation == LOG_SOFTMAX);
  let i: usize = 0;
  if (ASC_FEATURE_SIMD) {
    if (activation == RELU) {
      // keeps NaN
      for (; i + 16 <= end; i += 16) v128.store(out + i, f32x4.max(v128.load(src + i), f32x4.splat(0)));
    }
  }
  for (; i < end; i += 4) store<f32>(out + i, one(load<f32>(src + i), activation, alpha));
}

/** exp(x − max) / Σ exp(x − max), or its logarithm; computed in f64. */
function softmax(src: usize, end: usize, out: usize, logarithm: bool): void {
  let top = -Infinity as f32;
  for (let i: usize = 0; i < end; i += 4) {
    const v = load<f32>(src + i);
    if (!(v <= top)) top = v;
  }
  let total: f64 = 0;
  for (let i: usize = 0; i < end; i += 4) total += exp(<f64>load<f32>(src + i) - <f64>top);
  const logTotal = log(total);
  for (let i: usize = 0; i < end; i += 4) {
    const v = <f64>load<f32>(src + i) - <f64>top;
    store<f32>(out + i, <f32>(logarithm ? v - logTotal : exp(v) / total));
  }
}
