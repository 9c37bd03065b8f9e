// Packs rows of weights, floats or bytes, into layouts with sixteen nodes side by side; runs at load.

/**
 * Rows are `stride` bytes apart; row k goes to place p = places[k], or first + k where `places` is 0. Its item i, of `size` bytes (1, 2 or 4),
 * goes to out + (p / 16) · step + (p mod 16) · size + i · line.
 */
export function pack(
  rows: usize, count: i32, items: i32, stride: usize, out: usize, line: usize, size: i32, step: usize, first: i32, places: usize,
): void {
  for (let k = 0; k < count; ) {
    const place = places ? load<i32>(places + (<usize>k << 2)) : first + k;
    const from = rows + <usize>k * stride;
    const to = out + <usize>(place >> 4) * step + <usize>((place & 15) * size);
    if (ASC_FEATURE_SIMD) {
      if (!places && (place & 15) == 0 && k + 16 <= count) {
        packSixteen(from, items, stride, to, line, size);
        k += 16;
        continue;
      }
    }
    packOne(from, items, to, line, size);
    k++;
  }
}

/** Sixteen rows, a word of each at a time, so that every line is written in one go. */
function packSixteen(rows: usize, items: i32, stride: usize, to: usize, line: usize, size: i32): void {
  const per = 4 / size;
  let i = 0;
  let from = rows;
  for (; i + per <= items; i += per, from += 4) {
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
  for (let k = 0; k < 16; k++, from += stride, to += size) packOne(from, items - i, to, line, size);
}

function packOne(from: usize, items: i32, to: usize, line: usize, size: i32): void {
  let i = 0;
  if (size == 2) {
    for (; i + 4 <= items; i += 4, from += 8, to += 4 * line) {
      const four = load<u64>(from);
      store<u16>(to, four);
      store<u16>(to + line, four >> 16);
      store<u16>(to + 2 * line, four >> 32);
      store<u16>(to + 3 * line, four >> 48);
    }
  }
  for (; i < items; i++, from += size, to += line) {
    if (size == 4) store<u32>(to, load<u32>(from));
    else if (size == 2) store<u16>(to, load<u16>(from));
    else store<u8>(to, load<u8>(from));
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
