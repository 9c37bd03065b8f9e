// Active inputs with the transposed layout: W stored [input][output], out = init + Σ value · column over the active inputs.
// Sums run over ascending inputs, as in panels.ts, so both agree to the bit.
//
// A pass over out adds four columns, two vectors at a time, which fits the registers of x64 (measured against 3 to 16 columns and 1 to 4
// vectors). Where fewer than four are left, the last column fills the gap with a factor of 0. Every address is advanced by itself, as in
// rows.ts, and right after its last use: advanced together at the end, V8 11 keeps two copies of each.
import { multiplyAdd } from "../lanes/f32x4";
import { count, indices, itemAt, values } from "../lanes/list";

/** `stride` floats from column to column, a multiple of 4; init and out hold `outputs` floats rounded up to 4 and may be one. */
export function columns(weight: usize, init: usize, list: usize, stride: i32, outputs: i32, out: usize): void {
  const step = <usize>stride << 2;
  const bytes = <usize>((outputs + 3) & ~3) << 2;
  const n = count(list);
  const at = indices(list);
  const from = values(list);
  if (ASC_FEATURE_SIMD) {
    if (bytes <= 64) return narrow(weight, init, at, from - at, n, step, bytes - 16, out);
  }
  if (init != out) memory.copy(out, init, bytes);
  if (ASC_FEATURE_SIMD) {
    for (let i = 0; i < n; i += 4) {
      const left = n - 1 - i;
      const v = from + (<usize>i << 2);
      const v0 = v128.load32_splat(v);
      const v1 = left < 1 ? f32x4.splat(0) : v128.load32_splat(v, 4);
      const v2 = left < 2 ? f32x4.splat(0) : v128.load32_splat(v, 8);
      const v3 = left < 3 ? f32x4.splat(0) : v128.load32_splat(v, 12);
      let c0 = itemAt(weight, step, at, i);
      let c1 = itemAt(weight, step, at, i + min(left, 1));
      let c2 = itemAt(weight, step, at, i + min(left, 2));
      let c3 = itemAt(weight, step, at, i + min(left, 3));
      let o: usize = out;
      for (; o + 32 <= out + bytes; o += 32) {
        let y = v128.load(o);
        let z = v128.load(o, 16);
        y = multiplyAdd(y, v0, v128.load(c0));
        z = multiplyAdd(z, v0, v128.load(c0, 16));
        c0 += 32;
        y = multiplyAdd(y, v1, v128.load(c1));
        z = multiplyAdd(z, v1, v128.load(c1, 16));
        c1 += 32;
        y = multiplyAdd(y, v2, v128.load(c2));
        z = multiplyAdd(z, v2, v128.load(c2, 16));
        c2 += 32;
        y = multiplyAdd(y, v3, v128.load(c3));
        z = multiplyAdd(z, v3, v128.load(c3, 16));
        c3 += 32;
        v128.store(o, y);
        v128.store(o, z, 16);
      }
      if (o == out + bytes) continue;
      let y = v128.load(o);
      y = multiplyAdd(y, v0, v128.load(c0));
      y = multiplyAdd(y, v1, v128.load(c1));
      y = multiplyAdd(y, v2, v128.load(c2));
      y = multiplyAdd(y, v3, v128.load(c3));
      v128.store(o, y);
    }
    return;
  }
  for (let i = 0; i < n; i++) {
    const c = itemAt(weight, step, at, i);
    const v = load<f32>(from + (<usize>i << 2));
    for (let o: usize = 0; o < bytes; o += 4) store<f32>(out + o, load<f32>(out + o) + v * load<f32>(c + o));
  }
}

/** At most four vectors of outputs stay in registers over all columns; where there are fewer, the last, at byte `last`, is computed again. */
function narrow(weight: usize, init: usize, at: usize, toValue: usize, n: i32, step: usize, last: usize, out: usize): void {
  const one = min<usize>(16, last);
  const two = min<usize>(32, last);
  let a = v128.load(init);
  let b = v128.load(init + one);
  let c = v128.load(init + two);
  let d = v128.load(init + last);
  for (const end = at + (<usize>n << 2); at < end; at += 4) {
    const column = weight + <usize>load<u32>(at) * step;
    const v = v128.load32_splat(at + toValue);
    a = multiplyAdd(a, v, v128.load(column));
    b = multiplyAdd(b, v, v128.load(column + one));
    c = multiplyAdd(c, v, v128.load(column + two));
    d = multiplyAdd(d, v, v128.load(column + last));
  }
  v128.store(out, a);
  v128.store(out + one, b);
  v128.store(out + two, c);
  v128.store(out + last, d);
}
