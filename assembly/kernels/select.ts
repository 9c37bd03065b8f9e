// Choosing units by score: the k best, or all within a window.
import { PANEL, SELECT_SCRATCH } from "../abi";
import { FRONT } from "../lanes/front";
import { count, indices, setCount, values } from "../lanes/list";

/**
 * The k best of scores[0 … n), ascending by index. Ties at the k-th best go to the lower index; NaN is never chosen.
 * scratch holds SELECT_SCRATCH words.
 */
export function topK(scores: usize, n: i32, k: i32, list: usize, scratch: usize): i32 {
  if (k <= 0) {
    setCount(list, 0);
    return 0;
  }
  if (k > n) k = n;
  if (n >= 8 * k + 64) {
    const found = fewOfMany(scores, n, k, list, scratch);
    if (found >= 0) return found;
  }
  const kth = kthBest(scores, n, k);
  const at = indices(list);
  // how many lie above the k-th best says how many ties may still come in
  let ties = k - above(scores, n, kth);
  if (ties == 0) return threshold(scores, n, kth, Infinity, list);
  let found = 0;
  for (let i = 0; i < n; i++) {
    const v = load<f32>(scores + (<usize>i << 2));
    if (v > kth || (v == kth && ties > 0)) {
      ties -= i32(v == kth);
      store<i32>(at + (<usize>found << 2), i);
      found++;
    }
  }
  setCount(list, found);
  return found;
}

/**
 * For a small k: deals the scores out to `width` groups and takes the largest of each. The k-th best of those is at most the k-th best of
 * all, so one pass discards everything below it and leaves few. Scores are dealt out in turn, since high ones tend to be neighbours.
 * Returns −1 where too many are left.
 */
function fewOfMany(scores: usize, n: i32, k: i32, list: usize, scratch: usize): i32 {
  const width = (4 * k + 15) & ~15;
  const deals = n / width;
  if (width > SELECT_SCRATCH) return -1;
  const stride = <usize>width << 2;
  for (let g: usize = 0; g < stride; g += 64) {
    let from = scores + g;
    if (ASC_FEATURE_SIMD) {
      let a = f32x4.splat(-Infinity), b = a, c = a, d = a;
      for (let deal = 0; deal < deals; deal++, from += stride) {
        a = f32x4.pmax(a, v128.load(from));
        b = f32x4.pmax(b, v128.load(from, 16));
        c = f32x4.pmax(c, v128.load(from, 32));
        d = f32x4.pmax(d, v128.load(from, 48));
      }
      v128.store(scratch + g, a);
      v128.store(scratch + g, b, 16);
      v128.store(scratch + g, c, 32);
      v128.store(scratch + g, d, 48);
    } else {
      for (let i: usize = 0; i < 64; i += 4) {
        let most = -Infinity as f32;
        for (let deal = 0; deal < deals; deal++) {
          const v = load<f32>(from + i + <usize>deal * stride);
          if (v > most) most = v;
        }
        store<f32>(scratch + g + i, most);
      }
    }
  }
  const rest = atLeast(scores, n, kthBest(scratch, width, k), list);
  if (rest > SELECT_SCRATCH || rest < k) return -1;
  const at = indices(list);
  for (let i: usize = 0; i < <usize>rest << 2; i += 4) store<f32>(scratch + i, load<f32>(scores + (<usize>load<u32>(at + i) << 2)));
  const kth = kthBest(scratch, rest, k);
  let ties = k - above(scratch, rest, kth);
  let found = 0;
  for (let i: usize = 0; i < <usize>rest << 2; i += 4) {
    const v = load<f32>(scratch + i);
    store<u32>(at + (<usize>found << 2), load<u32>(at + i)); // overwritten by the next where it is not kept: no branch to mispredict
    found += i32(v > kth);
    if (v == kth && ties > 0) {
      ties--;
      found++;
    }
  }
  setCount(list, found);
  return found;
}

/** The k values of src[0 … n) of the largest magnitude, ascending by index; scratch holds n floats rounded up to 4, and SELECT_SCRATCH words. */
export function strongest(src: usize, n: i32, k: i32, list: usize, scratch: usize): i32 {
  for (let i: usize = 0; i < <usize>n << 2; i += 4) store<f32>(scratch + i, abs<f32>(load<f32>(src + i)));
  const found = topK(scratch, n, k, list, scratch + (<usize>((n + 3) & ~3) << 2));
  const at = indices(list);
  const to = values(list);
  for (let i: usize = 0; i < <usize>found << 2; i += 4) store<f32>(to + i, load<f32>(src + (<usize>load<u32>(at + i) << 2)));
  return found;
}

/** The k-th best by bisection on the floats' bits, counting the scores above each guess: a few passes, short with SIMD. */
function kthBest(scores: usize, n: i32, k: i32): f32 {
  if (above(scores, n, -Infinity as f32) < k) return -Infinity as f32;
  let high = order(largest(scores, n));
  // the k-th best is seldom far below the best: doubling steps find a bracket, halving does the rest
  let low = high;
  for (let step: u32 = 1 << 20; ; step <<= 1) {
    low = step > low - order(-Infinity as f32) ? order(-Infinity as f32) : low - step;
    const found = above(scores, n, value(low));
    if (found == k) return value(low);
    if (found > k || low == order(-Infinity as f32)) break;
    high = low;
  }
  while (high - low > 1) {
    const middle = low + ((high - low) >> 1);
    const found = above(scores, n, value(middle));
    if (found == k) return value(middle);
    if (found > k) low = middle;
    else high = middle;
  }
  return value(high);
}

/** The largest score that is not NaN; -Infinity where there is none. */
function largest(scores: usize, n: i32): f32 {
  let most = -Infinity as f32;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    let m = f32x4.splat(-Infinity);
    for (; i + 4 <= n; i += 4) m = f32x4.pmax(m, v128.load(scores + (<usize>i << 2)));
    most = laneMost(m);
  }
  for (; i < n; i++) most = select<f32>(load<f32>(scores + (<usize>i << 2)), most, load<f32>(scores + (<usize>i << 2)) > most);
  return most;
}

/** The largest lane. */
// @ts-ignore: decorator
@inline
function laneMost(m: v128): f32 {
  return max<f32>(
    max<f32>(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)), max<f32>(f32x4.extract_lane(m, 2), f32x4.extract_lane(m, 3)),
  );
}

/** How many scores are greater than `v`. */
function above(scores: usize, n: i32, v: f32): i32 {
  let found = 0;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const least = f32x4.splat(v);
    let counts = i32x4.splat(0);
    for (; i + 16 <= n; i += 16) {
      const s = scores + (<usize>i << 2);
      const a = i32x4.add(f32x4.gt(v128.load(s), least), f32x4.gt(v128.load(s, 16), least));
      const b = i32x4.add(f32x4.gt(v128.load(s, 32), least), f32x4.gt(v128.load(s, 48), least));
      counts = i32x4.sub(counts, i32x4.add(a, b));
    }
    for (; i + 4 <= n; i += 4) counts = i32x4.sub(counts, f32x4.gt(v128.load(scores + (<usize>i << 2)), least));
    found = i32x4.extract_lane(counts, 0) + i32x4.extract_lane(counts, 1) + i32x4.extract_lane(counts, 2) + i32x4.extract_lane(counts, 3);
  }
  for (; i < n; i++) found += i32(load<f32>(scores + (<usize>i << 2)) > v);
  return found;
}

/** The bits of a float that is not NaN as an unsigned integer in the same order; −0 counts as 0. */
// @ts-ignore: decorator
@inline
function order(v: f32): u32 {
  const bits = reinterpret<u32>(v + 0);
  return bits & 0x80000000 ? ~bits : bits | 0x80000000;
}

/** The float of such an integer. */
// @ts-ignore: decorator
@inline
function value(key: u32): f32 {
  return reinterpret<f32>(key & 0x80000000 ? key & 0x7fffffff : ~key);
}

/** Lists every index with low < score <= high, ascending, with the score. Where high is NaN there is no upper end, and scores of NaN are listed too. */
export function threshold(scores: usize, n: i32, low: f32, high: f32, list: usize): i32 {
  const at = indices(list);
  const to = values(list);
  let found = 0;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const lowest = f32x4.splat(low);
    const highest = f32x4.splat(high);
    const open = f32x4.ne(highest, highest);
    while (i + 4 <= n) {
      const s = scores + (<usize>i << 2);
      const v = v128.load(s);
      if (i + 16 <= n) {
        // most scores are too low: skip sixteen at a time
        const a = v128.and(f32x4.le(v, lowest), f32x4.le(v128.load(s, 16), lowest));
        if (i32x4.all_true(v128.and(a, v128.and(f32x4.le(v128.load(s, 32), lowest), f32x4.le(v128.load(s, 48), lowest))))) {
          i += 16;
          continue;
        }
      }
      // always writes four units, and the next write covers those not kept: no branch to mispredict
      const mask = i32x4.bitmask(v128.andnot(v128.or(f32x4.le(v, highest), open), f32x4.le(v, lowest)));
      const order = v128.load(FRONT + (<usize>mask << 4));
      v128.store(at + (<usize>found << 2), i8x16.swizzle(i32x4.add(i32x4.splat(i), i32x4(0, 1, 2, 3)), order));
      v128.store(to + (<usize>found << 2), i8x16.swizzle(v, order));
      found += popcnt(mask);
      i += 4;
    }
  }
  for (; i < n; i++) {
    const v = load<f32>(scores + (<usize>i << 2));
    if (!(v <= low) && (v <= high || high != high)) {
      store<i32>(at + (<usize>found << 2), i);
      store<f32>(to + (<usize>found << 2), v);
      found++;
    }
  }
  setCount(list, found);
  return found;
}

/** Lists every index whose score is at least `low`, ascending; −Infinity and NaN never are. */
function atLeast(scores: usize, n: i32, low: f32, list: usize): i32 {
  // the next float below: that of 0 is the one below -0, which is no less than 0
  const below = order(low) - 1;
  return threshold(scores, n, low > -Infinity ? value(below == 0x7fffffff ? below - 1 : below) : -Infinity as f32, Infinity, list);
}

/** Lists every index whose score is at most `width` below the largest, ascending. */
export function within(scores: usize, n: i32, width: f32, list: usize): i32 {
  return atLeast(scores, n, largest(scores, n) - width, list);
}

/** out[p] = sum of the positive scores of panel p; scores hold whole panels. */
export function panelScores(scores: usize, panelCount: i32, out: usize): void {
  for (let p = 0; p < panelCount; p++) {
    let s = scores + (<usize>p << 6);
    let total: f32 = 0;
    for (let i = 0; i < PANEL; i++, s += 4) total += max<f32>(load<f32>(s), 0);
    store<f32>(out + (<usize>p << 2), total);
  }
}
