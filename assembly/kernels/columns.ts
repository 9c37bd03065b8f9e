// Active inputs with a transposed layout: W stored [input][output], out = init + sum over the active inputs of value · column.
// Eight columns a pass over out; the sums run over ascending inputs, as in panels.ts, so both agree to the bit.
import { COLUMNS_STEP } from "../abi";
import { multiplyAdd } from "../lanes/f32x4";
import { count, indices, values } from "../lanes/list";

/** `stride` floats from column to column, a multiple of 4; init and out hold `outputs` floats rounded up to 4 and may be one. */
export function columns(weight: usize, init: usize, list: usize, stride: i32, outputs: i32, out: usize): void {
  const step = <usize>stride << 2;
  const bytes = <usize>((outputs + 3) & ~3) << 2;
  const n = count(list);
  const at = indices(list);
  const from = values(list);
  if (init != out) memory.copy(out, init, bytes);
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + COLUMNS_STEP <= n; i += COLUMNS_STEP) {
      const a = at + (<usize>i << 2);
      const v = from + (<usize>i << 2);
      const c0 = weight + <usize>load<u32>(a) * step;
      const c1 = weight + <usize>load<u32>(a, 4) * step;
      const c2 = weight + <usize>load<u32>(a, 8) * step;
      const c3 = weight + <usize>load<u32>(a, 12) * step;
      const c4 = weight + <usize>load<u32>(a, 16) * step;
      const c5 = weight + <usize>load<u32>(a, 20) * step;
      const c6 = weight + <usize>load<u32>(a, 24) * step;
      const c7 = weight + <usize>load<u32>(a, 28) * step;
      const v0 = v128.load32_splat(v);
      const v1 = v128.load32_splat(v, 4);
      const v2 = v128.load32_splat(v, 8);
      const v3 = v128.load32_splat(v, 12);
      const v4 = v128.load32_splat(v, 16);
      const v5 = v128.load32_splat(v, 20);
      const v6 = v128.load32_splat(v, 24);
      const v7 = v128.load32_splat(v, 28);
      for (let o: usize = 0; o < bytes; o += 16) {
        let y = v128.load(out + o);
        y = multiplyAdd(y, v0, v128.load(c0 + o));
        y = multiplyAdd(y, v1, v128.load(c1 + o));
        y = multiplyAdd(y, v2, v128.load(c2 + o));
        y = multiplyAdd(y, v3, v128.load(c3 + o));
        y = multiplyAdd(y, v4, v128.load(c4 + o));
        y = multiplyAdd(y, v5, v128.load(c5 + o));
        y = multiplyAdd(y, v6, v128.load(c6 + o));
        y = multiplyAdd(y, v7, v128.load(c7 + o));
        v128.store(out + o, y);
      }
    }
    for (; i < n; i++) {
      const c = weight + <usize>load<u32>(at + (<usize>i << 2)) * step;
      const v = v128.load32_splat(from + (<usize>i << 2));
      for (let o: usize = 0; o < bytes; o += 16) v128.store(out + o, multiplyAdd(v128.load(out + o), v, v128.load(c + o)));
    }
    return;
  }
  for (; i < n; i++) {
    const c = weight + <usize>load<u32>(at + (<usize>i << 2)) * step;
    const v = load<f32>(from + (<usize>i << 2));
    for (let o: usize = 0; o < bytes; o += 4) store<f32>(out + o, load<f32>(out + o) + v * load<f32>(c + o));
  }
}
