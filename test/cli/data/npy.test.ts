import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../../src/cli/data/npy.ts";
import { SlonnError } from "../../../src/errors.ts";
import { bytesOf, npyFile } from "./build-files.ts";

const golden = (name: string): Uint8Array => readFileSync(new URL(`goldens/${name}`, import.meta.url));
const numbers = [0, 1.5, -2, 3, 4.25, 65504];

describe("npy", () => {
  test("reads what NumPy writes: halves in Fortran order, big-endian doubles, booleans, version 3", () => {
    for (const name of ["f2-fortran.npy", "f8-big.npy", "version3.npy"]) {
      const { shape, data } = readNpy(golden(name), name);
      expect([name, ...shape]).toEqual([name, 2, 3]);
      expect(Array.from(data, Number)).toEqual(numbers);
    }
    expect(readNpy(golden("bool.npy"), "b")).toEqual({ dtype: "uint8", shape: [2, 3], data: Uint8Array.of(0, 1, 0, 1, 1, 1) });
    expect(readNpy(golden("labels-i8.npy"), "l").data).toEqual(BigInt64Array.of(2n, 0n));
    expect(Array.from(readNpy(golden("cube-fortran.npy"), "c").data, Number)).toEqual(Array.from({ length: 24 }, (_, i) => i));
  });

  test("refuses what holds no numbers", () => {
    expect(() => readNpy(golden("complex.npy"), "c.npy")).toThrow(/c\.npy: got elements of type "<c8", expected/);
    expect(() => readNpy(golden("objects.npy"), "o.npy")).toThrow(/"\|O"/);
    expect(() => readNpy(npyFile("<f16", "(1, 1)", new Uint8Array(16)), "x")).toThrow(/"<f16"/);
  });

  test.each([
    ["truncated", npyFile("<f4", "(2, 3)", new Uint8Array(20)), /got 20 bytes of numbers, expected 24/],
    ["too long", npyFile("<f4", "(2, 3)", new Uint8Array(28)), /got 28 bytes of numbers, expected 24/],
    ["of a billion billion", npyFile("<f4", "(1000000000, 1000000000)", new Uint8Array(8)), /product below 2\^53/],
    ["of sizes in lines", npyFile("<f4", "(2\n3)", new Uint8Array(24)), /^x\.npy: got shape "2\\n3", expected at most 64 sizes .*$/],
    ["of overflowing size", npyFile("<f8", "(4611686018427387904, 4)", new Uint8Array(8)), /product below 2\^53/],
    ["of a future version", npyFile("<f4", "(1, 1)", new Uint8Array(4), { version: 9 }), /version 9\.0, expected 1 to 3/],
    ["cut in the header", npyFile("<f4", "(2, 3)", new Uint8Array(24)).subarray(0, 30), /got a header of/],
    ["cut in the signature", npyFile("<f4", "(2, 3)", new Uint8Array(24)).subarray(0, 8), /got 8 bytes/],
  ])("refuses a file %s", (_, file, message) => {
    expect(() => readNpy(file, "x.npy")).toThrow(message);
    expect(() => readNpy(file, "x.npy")).toThrow(SlonnError);
  });

  test("reads back every float32 array it writes", () => {
    fc.assert(
      fc.property(fc.float32Array({ minLength: 0, maxLength: 40 }), fc.integer({ min: 1, max: 4 }), (values, columns) => {
        const rows = Math.floor(values.length / columns);
        const data = values.slice(0, rows * columns);
        const file = writeNpy(data, [rows, columns]);
        expect((file.length - data.byteLength) % 64).toBe(0);
        expect(readNpy(file, "x")).toEqual({ dtype: "float32", shape: [rows, columns], data });
      }),
    );
  });

  test("reads any shape the same from C and Fortran order", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 }), (shape) => {
        const size = shape.reduce((a, b) => a * b, 1);
        const c = Int16Array.from({ length: size }, (_, i) => i);
        // The number at an index stands where the strides of the other order put it.
        const f = new Int16Array(size);
        for (let i = 0; i < size; i++) {
          let [rest, to] = [i, 0];
          const index = shape.map((_, d) => {
            const below = shape.slice(d + 1).reduce((a, b) => a * b, 1);
            const at = Math.floor(rest / below);
            rest %= below;
            return at;
          });
          for (let d = shape.length - 1; d >= 0; d--) to = to * shape[d] + index[d];
          f[to] = c[i];
        }
        const text = `(${shape.join(", ")},)`;
        const little = readNpy(npyFile("<i2", text, bytesOf(f), { fortran: true, version: 2 }), "f");
        expect(little.data).toEqual(c);
        const swapped = bytesOf(f).slice();
        Buffer.from(swapped.buffer).swap16();
        expect(readNpy(npyFile(">i2", text, swapped, { fortran: true }), "f").data).toEqual(c);
      }),
    );
  });
});
