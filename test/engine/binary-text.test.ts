import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { textOfBytes } from "../../scripts/binary-text.mjs";
import { bytesOfText } from "../../src/engine/binary-text.ts";
import { simdBinary } from "../../src/engine/generated/binary.ts";
import { fuseMultiplyAdds } from "../../src/engine/kernels.ts";

test("every sequence of bytes comes back, from text that no string literal has to escape", () => {
  const every = Uint8Array.from({ length: 256 }, (_, i) => i);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = textOfBytes(bytes);
      expect(bytesOfText(text)).toEqual(bytes);
      expect(text).toMatch(/^[!#-[\]-}]*$/);
    }),
    { examples: [[every], [new Uint8Array(0)]] },
  );
});

test("the inlined kernels are the binaries that were built", () => {
  expect(bytesOfText(simdBinary)).toEqual(new Uint8Array(readFileSync("build/slonn-simd.wasm")));
  expect(fuseMultiplyAdds(bytesOfText(simdBinary))).toEqual(new Uint8Array(readFileSync("build/slonn-relaxed.wasm")));
});
