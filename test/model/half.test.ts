import { expect, test } from "vitest";
import { narrowToHalf, widenBfloat16, widenHalf } from "../../src/model/half.ts";

/** Binary16 by its definition (IEEE 754, 3.4). */
function valueOfHalf(bits: number): number {
  const [sign, exponent, mantissa] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return mantissa ? Number.NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + mantissa / 1024) : 2 ** -14 * (mantissa / 1024));
}

const all = Uint16Array.from({ length: 65536 }, (_, i) => i);

test("every half widens to its value, signed zeros included, and narrows back to itself", () => {
  const wide = widenHalf(all);
  const narrow = narrowToHalf(wide);
  const wrong = Array.from(all).filter((bits) => {
    const value = valueOfHalf(bits);
    return !Object.is(wide[bits], value) || (!Number.isNaN(value) && narrow[bits] !== bits);
  });
  expect(wrong).toEqual([]);
});

test("between two halves the nearer is taken, in the middle the even one", () => {
  const halves = widenHalf(all.slice(0, 0x7c00)); // 0 up to 65504
  const next = (bits: number) => (bits < 0x7bff ? halves[bits + 1] : 65536);
  for (const sign of [1, -1]) {
    const middle = narrowToHalf(halves.map((value, bits) => sign * (value + (next(bits) - value) / 2)));
    const below = narrowToHalf(halves.map((value, bits) => sign * (value + (next(bits) - value) * 0.499)));
    const above = narrowToHalf(halves.map((value, bits) => sign * (value + (next(bits) - value) * 0.501)));
    const wrong = Array.from(halves.keys()).filter((bits) => {
      const minus = sign < 0 ? 0x8000 : 0;
      return below[bits] !== (minus | bits) || middle[bits] !== (minus | (bits + (bits % 2))) || above[bits] !== (minus | (bits + 1));
    });
    expect(wrong).toEqual([]);
  }
});

test("what is past the largest half becomes infinite, NaN stays NaN, tiny numbers become zero", () => {
  expect(
    Array.from(narrowToHalf(Float32Array.of(65519.99, 65520, -1e30, Infinity, Number.NaN, 2 ** -25, -(2 ** -26), 2 ** -24 * 0.51))),
  ).toEqual([0x7bff, 0x7c00, 0xfc00, 0x7c00, 0x7e00, 0, 0x8000, 1]);
});

test("bfloat16 is the upper half of a float32", () => {
  expect(Array.from(widenBfloat16(Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0x0001)))).toEqual([1, -2, Infinity, Math.fround(2 ** -133)]);
});
