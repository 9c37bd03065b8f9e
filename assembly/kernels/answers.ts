// Answers from outputs: the best few in order, and the margin of the best over the second best.
import { indices, setCount, values } from "../lanes/list";

/** The best of src minus the second best; NaN when one of them is. */
export function lead(src: usize, n: i32): f32 {
  let best = -Infinity as f32;
  let second = best;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    let b = f32x4.splat(-Infinity);
    let s = b;
    for (; i + 4 <= n; i += 4) {
      const v = v128.load(src + (<usize>i << 2));
      s = f32x4.max(s, f32x4.min(b, v));
      b = f32x4.max(b, v); // NaN stays
    }
    best = f32x4.extract_lane(b, 0);
    second = f32x4.extract_lane(s, 0);
    second = max<f32>(max<f32>(second, f32x4.extract_lane(s, 1)), min<f32>(best, f32x4.extract_lane(b, 1)));
    best = max<f32>(best, f32x4.extract_lane(b, 1));
    second = max<f32>(max<f32>(second, f32x4.extract_lane(s, 2)), min<f32>(best, f32x4.extract_lane(b, 2)));
    best = max<f32>(best, f32x4.extract_lane(b, 2));
    second = max<f32>(max<f32>(second, f32x4.extract_lane(s, 3)), min<f32>(best, f32x4.extract_lane(b, 3)));
    best = max<f32>(best, f32x4.extract_lane(b, 3));
  }
  for (; i < n; i++) {
    const v = load<f32>(src + (<usize>i << 2));
    second = max<f32>(second, min<f32>(best, v));
    best = max<f32>(best, v);
  }
  return best - second;
}

/**
 * Writes the k best of n values to a list, best first. Value i has index `names[i]`, or i where `names` is 0, and is reported as
 * `order[index]`, or as the index where `order` is 0. Ties go to the lower reported number; NaN is never chosen. Returns how many were found.
 */
export function best(src: usize, n: i32, names: usize, k: i32, order: usize, list: usize): i32 {
  const at = indices(list);
  const to = values(list);
  let found = 0;
  let least = -Infinity as f32;
  if (k <= 0) n = 0;
  if (ASC_FEATURE_SIMD) {
    if (n >= 4 && n <= FEW && n * k <= FEW && !(names | order)) {
      found = bestOfFew(src, n, k, at, to);
      setCount(list, found);
      return found;
    }
  }
  for (let i = 0; i < n; i++) {
    if (ASC_FEATURE_SIMD) {
      // most values are below all that are kept: skip four at a time
      const bar = f32x4.splat(least);
      if (found == k)
        while (i + 4 <= n) {
          const four = v128.load(src + (<usize>i << 2));
          // a value that ties with the least loses where names ascend; after a list has grown they do not, and order may rename
          if (v128.any_true(names | order ? f32x4.ge(four, bar) : f32x4.gt(four, bar))) break;
          i += 4;
        }
      if (i >= n) break;
    }
    const v = load<f32>(src + (<usize>i << 2));
    if (!(v >= least)) continue;
    let name: u32 = names ? load<u32>(names + (<usize>i << 2)) : i;
    if (order) name = load<u32>(order + (<usize>name << 2));
    let place = <usize>found << 2;
    for (; place > 0; place -= 4) {
      const before = load<f32>(to + place - 4);
      if (before > v || (before == v && load<u32>(at + place - 4) < name)) break;
      if (place >> 2 == <usize>k) continue; // the last one drops out
      store<f32>(to + place, before);
      store<u32>(at + place, load<u32>(at + place - 4));
    }
    if (place >> 2 == <usize>k) continue;
    store<f32>(to + place, v);
    store<u32>(at + place, name);
    if (found < k) found++;
    if (found == k) least = load<f32>(to + (<usize>(k - 1) << 2));
  }
  setCount(list, found);
  return found;
}

/** The largest outputs · answers for which repeated passes over all outputs are faster than inserting each output in its place. */
const FEW = 1280;

/**
 * `best` with few branches to mispredict: finds the largest value and every output equal to it, then the next largest, and so on.
 */
function bestOfFew(src: usize, n: i32, k: i32, at: usize, to: usize): i32 {
  // the last four may overlap those before
  const last = src + (<usize>(n - 4) << 2);
  const end = last + 16;
  const none = f32x4.splat(-Infinity);
  let found = 0;
  let bar = f32x4.splat(Infinity);
  let isEnd = false;
  while (!isEnd) {
    for (let v = src; v < end; v += 16) {
      const from = min(v, last);
      const same = f32x4.eq(v128.load(from), bar);
      if (!v128.any_true(same)) continue;
      for (let mask = i32x4.bitmask(same) >> <i32>((v - from) >> 2); mask; mask &= mask - 1) {
        const place = v + (<usize>ctz(mask) << 2);
        store<u32>(at + (<usize>found << 2), <u32>((place - src) >> 2));
        store<f32>(to + (<usize>found << 2), load<f32>(place));
        if (++found == k) return k;
      }
    }
    isEnd = !v128.any_true(f32x4.gt(bar, none));
    // values found already are turned into NaN, which pmax never takes
    let v = v128.load(last);
    let most = f32x4.pmax(none, v128.or(v, f32x4.ge(v, bar)));
    for (let from = src; from < last; from += 16) {
      v = v128.load(from);
      most = f32x4.pmax(most, v128.or(v, f32x4.ge(v, bar)));
    }
    most = f32x4.pmax(most, i8x16.shuffle(most, most, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    bar = f32x4.pmax(most, i8x16.shuffle(most, most, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
  }
  return found;
}
