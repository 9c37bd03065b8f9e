// Finding what is active: the non-zeros of a vector, and its blocks of inputs that are not all zero. NaN is not zero.
import { BLOCK, KEEP, PANEL, RELU } from "../abi";
import { activate } from "../lanes/activation";
import { FRONT } from "../lanes/front";
import { count, indices, setCount, values } from "../lanes/list";

/** Writes index and value of every non-zero of activation(src[0 … n)) to the list; returns how many. */
export function compact(src: usize, n: i32, list: usize, activation: i32, alpha: f32): i32 {
  const at = indices(list);
  const to = values(list);
  let found = 0;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    if (activation <= RELU) {
      const zero = f32x4.splat(0);
      const four = i32x4.splat(4);
      let index = i32x4(0, 1, 2, 3);
      // always writes four units: the next write covers those not kept. The last ones go one by one, so that nothing is written past the list
      for (; i + 8 <= n; i += 4) {
        const v = v128.load(src + (<usize>i << 2));
        // relu keeps what is not <= 0 (so NaN stays), identity what is not == 0
        const drop = activation == RELU ? f32x4.le(v, zero) : f32x4.eq(v, zero);
        const mask = i32x4.bitmask(drop) ^ 15;
        const order = v128.load(FRONT + (<usize>mask << 4));
        v128.store(at + (<usize>found << 2), i8x16.swizzle(index, order));
        v128.store(to + (<usize>found << 2), i8x16.swizzle(v, order));
        found += popcnt(mask);
        index = i32x4.add(index, four);
      }
    }
  }
  for (; i < n; i++) {
    const v = activate(load<f32>(src + (<usize>i << 2)), activation, alpha);
    if (v != 0) {
      store<i32>(at + (<usize>found << 2), i);
      store<f32>(to + (<usize>found << 2), v);
      found++;
    }
  }
  setCount(list, found);
  return found;
}

/** The same for the nodes of the chosen panels; `KEEP` lists zeros too. Nodes past `n` are padding and left out. Returns how many nodes were looked at. */
export function compactPanels(panels: usize, src: usize, n: i32, list: usize, activation: i32, alpha: f32, append: bool): i32 {
  const chosen = count(panels);
  const which = indices(panels);
  const at = indices(list);
  const to = values(list);
  let found = append ? count(list) : 0;
  let nodes = 0;
  for (let p = 0; p < chosen; p++) {
    const begin = load<i32>(which + (<usize>p << 2)) * PANEL;
    const end = min(begin + PANEL, n);
    nodes += end - begin;
    if (ASC_FEATURE_SIMD) {
      if (activation == KEEP && end == begin + PANEL) {
        const a = at + (<usize>found << 2), t = to + (<usize>found << 2), from = src + (<usize>begin << 2);
        let index = i32x4.add(i32x4.splat(begin), i32x4(0, 1, 2, 3));
        for (let o: usize = 0; o < 64; o += 16) {
          v128.store(a + o, index);
          v128.store(t + o, v128.load(from + o));
          index = i32x4.add(index, i32x4.splat(4));
        }
        found += PANEL;
        continue;
      }
    }
    for (let i = begin; i < end; i++) {
      const v = activate(load<f32>(src + (<usize>i << 2)), activation, alpha);
      if (v != 0 || activation == KEEP) {
        store<i32>(at + (<usize>found << 2), i);
        store<f32>(to + (<usize>found << 2), v);
        found++;
      }
    }
  }
  setCount(list, found);
  return nodes;
}

/**
 * Lists the blocks of src[0 … n) that hold a non-zero, as steps in bytes from one to the next, the first from src. src is padded with zeros to
 * whole blocks. Where at least fifteen of sixteen blocks hold one, all are listed: a plain loop over them is then faster than following the list.
 */
export function blocks(src: usize, n: i32, list: usize): i32 {
  const at = indices(list);
  const total = (n + BLOCK - 1) / BLOCK;
  let found = 0;
  let last = 0;
  for (let offset = 0; offset < total << 4; offset += BLOCK << 2) {
    let active: bool;
    if (ASC_FEATURE_SIMD) {
      active = v128.any_true(f32x4.ne(v128.load(src + offset), f32x4.splat(0)));
    } else {
      const x = src + offset;
      active = load<f32>(x) != 0 || load<f32>(x, 4) != 0 || load<f32>(x, 8) != 0 || load<f32>(x, 12) != 0;
    }
    store<i32>(at + (<usize>found << 2), offset - last);
    found += i32(active);
    last = active ? offset : last;
  }
  if (found << 4 >= total * 15) {
    for (found = 0; found < total; found++) store<i32>(at + (<usize>found << 2), found ? BLOCK << 2 : 0);
  }
  setCount(list, found);
  return found;
}

/** Writes the list's values to out[0 … n) at its indices; the rest becomes 0, or with `add` stays as it was. */
export function scatter(list: usize, n: i32, out: usize, add: bool): void {
  if (!add) memory.fill(out, 0, <usize>n << 2);
  const active = count(list);
  const at = indices(list);
  const from = values(list);
  for (let i = 0; i < active; i++) {
    store<f32>(out + (<usize>load<u32>(at + (<usize>i << 2)) << 2), load<f32>(from + (<usize>i << 2)));
  }
}

/** out[order[i]] = src[i] */
export function permute(src: usize, n: i32, order: usize, out: usize): void {
  for (let i: usize = 0; i < <usize>n << 2; i += 4) store<f32>(out + (<usize>load<u32>(order + i) << 2), load<f32>(src + i));
}
