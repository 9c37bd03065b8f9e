// exp and log in f64, to about 1e-14 relative, far below f32's rounding. The standard library's tables would weigh more than all
// kernels together.

/** e^x = 2^k · e^r with |r| <= ln 2 / 2, e^r by its Taylor series to r^13. NaN stays NaN; overflow is Infinity, underflow 0. */
export function exp(x: f64): f64 {
  if (x > 709.7) return Infinity;
  if (x < -745.0) return 0;
  const k = nearest(x * 1.4426950408889634);
  const r = x - k * 0.6931471803691238 - k * 1.9082149292705877e-10;
  let term: f64 = 1;
  let sum: f64 = 1;
  for (let i = 1; i <= 13; i++) {
    term *= r / <f64>i;
    sum += term;
  }
  // in two halves, so that neither power of two leaves the normal range
  const half = <i64>k >> 1;
  return sum * power(half) * power(<i64>k - half);
}

// @ts-ignore: decorator
@inline
function power(k: i64): f64 {
  return reinterpret<f64>((k + 1023) << 52);
}

/** Natural logarithm of a positive normal number: the exponent, then Halley's iteration on exp for the mantissa. */
export function log(x: f64): f64 {
  if (!(x > 0) || x == Infinity) return x == 0 ? -Infinity : x < 0 ? NaN : x;
  const bits = reinterpret<i64>(x);
  const k = <f64>((bits >> 52) - 1023);
  const mantissa = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  let y = mantissa - 1.0;
  for (let i = 0; i < 5; i++) {
    const e = exp(y);
    y += (2.0 * (mantissa - e)) / (mantissa + e);
  }
  return k * 0.6931471805599453 + y;
}
