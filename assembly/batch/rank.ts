// The k best scores in order. A score and its index make one 64-bit key, larger for a better score and, among equal ones, for the lower
// index. No two keys are equal, so the heap never meets a tie.

/** out[0 … k) = indices of the k best of n scores, best first; ties go to the lower index, NaN comes last. k <= n. */
export function rank(scores: usize, n: i32, k: i32, out: usize): void {
  if (k == 0) return;
  // the k best so far, the worst of them at the root
  const heapAt = heap.alloc(<usize>k << 3);
  for (let i = 0; i < k; i++) store<u64>(heapAt + (<usize>i << 3), key(scores, i));
  for (let i = (k >> 1) - 1; i >= 0; i--) sink(heapAt, i, k, load<u64>(heapAt + (<usize>i << 3)));
  for (let i = k; i < n; i++) {
    const candidate = key(scores, i);
    if (candidate > load<u64>(heapAt)) sink(heapAt, 0, k, candidate);
  }
  for (let size = k; size > 0; ) {
    const worst = load<u64>(heapAt);
    size--;
    store<u32>(out + (<usize>size << 2), ~(<u32>worst));
    sink(heapAt, 0, size, load<u64>(heapAt + (<usize>size << 3)));
  }
  heap.free(heapAt);
}

// @ts-ignore: decorator
@inline
function key(scores: usize, i: i32): u64 {
  const score = load<f32>(scores + (<usize>i << 2));
  let order: u32 = 0;
  if (score == score) {
    // −0 equals 0; negative floats grow downwards
    const bits = score == 0 ? 0 : reinterpret<u32>(score);
    order = bits & 0x80000000 ? ~bits : bits | 0x80000000;
  }
  return (<u64>order << 32) | <u64>(~(<u32>i));
}

/** Puts v where it belongs on the way down from `hole`, in a heap of `size`. */
function sink(heapAt: usize, hole: i32, size: i32, v: u64): void {
  while (true) {
    let child = 2 * hole + 1;
    if (child >= size) break;
    let below = load<u64>(heapAt + (<usize>child << 3));
    if (child + 1 < size) {
      const other = load<u64>(heapAt + (<usize>child << 3), 8);
      if (other < below) {
        below = other;
        child++;
      }
    }
    if (v <= below) break;
    store<u64>(heapAt + (<usize>hole << 3), below);
    hole = child;
  }
  store<u64>(heapAt + (<usize>hole << 3), v);
}
