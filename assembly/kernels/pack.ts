// Rows of weights, floats or bytes, into layouts where sixteen nodes stand side by side; runs at load.

/**
 * At most sixteen rows, `stride` bytes apart: item i of row k, of 1, 2 or 4 bytes, goes to out + i · line + k · size.
 * Sixteen go a word of each at a time: a line of them is written whole while it is in the cache.
 */
export function pack(rows: usize, count: i32, items: i32, stride: usize, out: usize, line: usize, size: i32): void {
  const per = 4 / size;
  let i = 0;
  let to = out;
  if (ASC_FEATURE_SIMD) {
    if (count == 16) {
      for (let from = rows; i + per <= items; i += per, from += 4) {
        const a = words(from, stride), b = words(from + 4 * stride, stride);
        const c = words(from + 8 * stride, stride), d = words(from + 12 * stride, stride);
        if (size == 4) {
          v128.store(to, a, 0); v128.store(to, b, 16); v128.store(to, c, 32); v128.store(to, d, 48);
          to += line;
        } else if (size == 2) {
          v128.store(to, i16x8.shuffle(a, b, 0, 2, 4, 6, 8, 10, 12, 14));
          v128.store(to, i16x8.shuffle(c, d, 0, 2, 4, 6, 8, 10, 12, 14), 16);
          to += line;
          v128.store(to, i16x8.shuffle(a, b, 1, 3, 5, 7, 9, 11, 13, 15));
          v128.store(to, i16x8.shuffle(c, d, 1, 3, 5, 7, 9, 11, 13, 15), 16);
          to += line;
        } else {
          const e = evenBytes(a, b), f = evenBytes(c, d), g = oddBytes(a, b), h = oddBytes(c, d);
          v128.store(to, evenBytes(e, f));
          v128.store(to + line, evenBytes(g, h));
          v128.store(to + 2 * line, oddBytes(e, f));
          v128.store(to + 3 * line, oddBytes(g, h));
          to += 4 * line;
        }
      }
    }
  }
  for (; i < items; i++, to += line) {
    let from = rows + <usize>(i * size);
    for (let at = to; at < to + <usize>(count * size); at += size, from += stride) {
      if (size == 4) store<u32>(at, load<u32>(from));
      else if (size == 2) store<u16>(at, load<u16>(from));
      else store<u8>(at, load<u8>(from));
    }
  }
}

/** The words at `from` of four rows. */
// @ts-ignore: decorator
@inline
function words(from: usize, stride: usize): v128 {
  const second = from + stride, third = second + stride;
  return v128.load32_lane(third + stride, v128.load32_lane(third, v128.load32_lane(second, v128.load32_zero(from), 1), 2), 3);
}

// @ts-ignore: decorator
@inline
function evenBytes(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}

// @ts-ignore: decorator
@inline
function oddBytes(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}
