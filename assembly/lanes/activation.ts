// Activations of one float. Softmax and log-softmax need the whole vector: kernels/activate.ts.
import { exp } from "./exponential";
import { GELU, GELU_TANH, LEAKY_RELU, RELU, SIGMOID, TANH } from "../abi";

/** erf by Abramowitz & Stegun 7.1.26, |error| <= 1.5e-7. */
function erf(x: f64): f64 {
  const t = 1.0 / (1.0 + 0.3275911 * abs(x));
  const y = 1.0 - ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * exp(-x * x);
  return copysign(y, x);
}

export function activate(x: f32, activation: i32, alpha: f32): f32 {
  if (activation == RELU) return x > 0 ? x : x != x ? x : 0;
  if (activation == LEAKY_RELU) return x < 0 ? x * alpha : x;
  if (activation == SIGMOID) return <f32>(1.0 / (1.0 + exp(-(<f64>x))));
  if (activation == TANH) return <f32>tanh(<f64>x);
  if (activation == GELU) return <f32>(0.5 * <f64>x * (1.0 + erf(<f64>x * 0.7071067811865476)));
  if (activation == GELU_TANH) {
    const y = <f64>x;
    return <f32>(0.5 * y * (1.0 + tanh(0.7978845608028654 * (y + 0.044715 * y * y * y))));
  }
  return x;
}

/** tanh through one exponential; exact enough for f32 and never inf / inf. */
function tanh(x: f64): f64 {
  const e = exp(-2.0 * abs(x));
  return copysign((1.0 - e) / (1.0 + e), x);
}
