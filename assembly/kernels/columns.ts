// Active inputs with a transposed layout: W stored [input][output], out = init + sum over the active inputs of value · column.
// Five columns a pass over out; the sums run over ascending inputs, as in panels.ts, so both agree to the bit.
import { multiplyAdd } from "../lanes/f32x4";
import { count, indices, values } from "../lanes/list";

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
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + 5 <= n; i += 5) {
      const a = at + (<usize>i << 2);
      addFive(
        weight + <usize>load<u32>(a) * step,
        weight + <usize>load<u32>(a, 4) * step,
        weight + <usize>load<u32>(a, 8) * step,
        weight + <usize>load<u32>(a, 12) * step,
        weight + <usize>load<u32>(a, 16) * step,
        from + (<usize>i << 2), out, bytes,
      );
    }
    if (i < n) {
      // the last one stands in for those that are missing, with nothing to add
      const a = at + (<usize>i << 2);
      const v = from + (<usize>i << 2);
      const left = n - 1 - i;
      for (let k = 0; k < 5; k++) store<f32>(rest + (<usize>k << 2), k <= left ? load<f32>(v + (<usize>k << 2)) : 0);
      addFive(
        weight + <usize>load<u32>(a) * step,
        weight + <usize>load<u32>(a + (<usize>min(left, 1) << 2)) * step,
        weight + <usize>load<u32>(a + (<usize>min(left, 2) << 2)) * step,
        weight + <usize>load<u32>(a + (<usize>min(left, 3) << 2)) * step,
        weight + <usize>load<u32>(a + (<usize>left << 2)) * step,
        rest, out, bytes,
      );
    }
    return;
  }
  for (; i < n; i++) {
    const c = weight + <usize>load<u32>(at + (<usize>i << 2)) * step;
    const v = load<f32>(from + (<usize>i << 2));
    for (let o: usize = 0; o < bytes; o += 4) store<f32>(out + o, load<f32>(out + o) + v * load<f32>(c + o));
  }
}

/** At most four vectors of outputs stay in registers over all columns; where there are fewer, the last, at `last`, is computed again. */
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

/** Five values, of which some are zero. */
const rest = memory.data(20, 16);

/**
 * out += five columns times the five floats at v. A function of its own, so that nothing but its addresses asks for registers, of which x64
 * has enough for five columns and two vectors (measured against 2 to 16 columns and 1 to 4 vectors).
 */
function addFive(c0: usize, c1: usize, c2: usize, c3: usize, c4: usize, v: usize, out: usize, bytes: usize): void {
  const v0 = v128.load32_splat(v);
  const v1 = v128.load32_splat(v, 4);
  const v2 = v128.load32_splat(v, 8);
  const v3 = v128.load32_splat(v, 12);
  const v4 = v128.load32_splat(v, 16);
  let o: usize = 0;
  for (const pairs = bytes & ~31; o < pairs; o += 32) {
    let y = v128.load(out + o);
    let z = v128.load(out + o, 16);
    y = multiplyAdd(y, v0, v128.load(c0 + o));
    z = multiplyAdd(z, v0, v128.load(c0 + o, 16));
    y = multiplyAdd(y, v1, v128.load(c1 + o));
    z = multiplyAdd(z, v1, v128.load(c1 + o, 16));
    y = multiplyAdd(y, v2, v128.load(c2 + o));
    z = multiplyAdd(z, v2, v128.load(c2 + o, 16));
    y = multiplyAdd(y, v3, v128.load(c3 + o));
    z = multiplyAdd(z, v3, v128.load(c3 + o, 16));
    y = multiplyAdd(y, v4, v128.load(c4 + o));
    z = multiplyAdd(z, v4, v128.load(c4 + o, 16));
    v128.store(out + o, y);
    v128.store(out + o, z, 16);
  }
  if (o == bytes) return;
  let y = v128.load(out + o);
  y = multiplyAdd(y, v0, v128.load(c0 + o));
  y = multiplyAdd(y, v1, v128.load(c1 + o));
  y = multiplyAdd(y, v2, v128.load(c2 + o));
  y = multiplyAdd(y, v3, v128.load(c3 + o));
  y = multiplyAdd(y, v4, v128.load(c4 + o));
  v128.store(out + o, y);
}
