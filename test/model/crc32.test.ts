import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createCrc32 } from "../../src/model/crc32.ts";

test("agrees with zlib on bytes at any place, of any length, in one piece or two", () => {
  const own = createCrc32();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(9), fc.nat(400), (all, from, cut) => {
      const bytes = all.subarray(from);
      expect(own(bytes)).toBe(crc32(bytes));
      expect(own(bytes.subarray(cut), own(bytes.subarray(0, cut)))).toBe(crc32(bytes));
    }),
    { examples: [[new Uint8Array(0), 0, 0]] },
  );
  const some = Uint8Array.from({ length: 401 }, (_, i) => 7 * i * i);
  for (let length = 0; length <= 400; length++)
    expect(own(some.subarray(1, 1 + length)), `${length}`).toBe(crc32(some.subarray(1, 1 + length)));
  const long = Uint8Array.from({ length: 1_000_003 }, (_, i) => i * i);
  expect(own(long)).toBe(crc32(long));
});
