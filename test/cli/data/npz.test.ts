import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readNpz } from "../../../src/cli/data/npz.ts";
import { listZip } from "../../../src/cli/data/zip.ts";
import { SlonnError } from "../../../src/errors.ts";
import { bytesOf, npyFile, type Packed, text, zipFile } from "./build-files.ts";

const golden = (name: string): Uint8Array => readFileSync(new URL(`goldens/${name}`, import.meta.url));
const array = (name: string, values: ArrayBufferView & { length: number }, descr: string): Packed => ({
  name: `${name}.npy`,
  content: npyFile(descr, `(${values.length},)`, bytesOf(values)),
});
const csr = (over: Partial<Record<"indptr" | "indices" | "data" | "shape", readonly number[]>> & { format?: string } = {}): Uint8Array =>
  zipFile([
    array("indptr", Int32Array.from(over.indptr ?? [0, 2, 3]), "<i4"),
    array("indices", Int32Array.from(over.indices ?? [0, 3, 1]), "<i4"),
    array("data", Float64Array.from(over.data ?? [1, 2, 3]), "<f8"),
    array("shape", BigInt64Array.from(over.shape ?? [2, 4], BigInt), "<i8"),
    { name: "format.npy", content: npyFile("|S3", "()", text(over.format ?? "csr")) },
  ]);

describe("npz", () => {
  test("reads what NumPy writes, stored and deflated", () => {
    const expected = { kind: "array", tensor: { dtype: "float32", shape: [2, 3], data: Float32Array.of(0, 1.5, -2, 3, 4.25, 65504) } };
    expect(readNpz(golden("stored.npz"), "s", "inputs")).toEqual(expected);
    expect(readNpz(golden("deflated.npz"), "d", "inputs")).toEqual(expected);
    expect(readNpz(golden("deflated.npz"), "d", "labels")).toMatchObject({ tensor: { data: BigInt64Array.of(2n, 0n) } });
  });

  test("reads what SciPy writes: sorts columns, adds up repeated ones", () => {
    for (const name of ["csr.npz", "csr-stored.npz"])
      expect(readNpz(golden(name), name, "inputs")).toEqual({
        kind: "sparse",
        count: 3,
        width: 4,
        widthStated: true,
        indptr: Uint32Array.of(0, 2, 2, 3),
        indices: Uint32Array.of(0, 2, 1),
        values: Float32Array.of(2, 4.5, 4),
        labels: null,
      });
  });

  test.each([
    ["another sparse form", golden("csc.npz"), /"csc" form, expected "csr": save matrix\.tocsr\(\)/],
    ["a column beyond the width", csr({ indices: [0, 4, 1] }), /indices\[1\]: got 4, expected an integer from 0 to 3/],
    ["a negative column", csr({ indices: [0, -1, 1] }), /got -1, expected/],
    ["columns and values that disagree", csr({ data: [1, 2] }), /got 3 columns and 2 values/],
    ["too few row starts", csr({ indptr: [0, 3] }), /got 2 row starts, expected 3 for 2 rows/],
    ["row starts that fall", csr({ indptr: [0, 3, 2] }), /row 1: got start 3 after 2/],
    ["row starts that end early", csr({ indptr: [0, 1, 2] }), /got rows from 0 to 2, expected 0 to 3/],
    ["row starts that begin late", csr({ indptr: [1, 2, 3] }), /got rows from 1 to 3/],
    ["NaN", csr({ data: [1, Number.NaN, 3] }), /row 0, column 3: got NaN, expected a finite number/],
    ["a vocabulary of billions", csr({ shape: [2, 2 ** 40] }), /got 1099511627776 columns, expected at most/],
    ["a negative shape", csr({ shape: [2, -4] }), /got shape \(2, -4\)/],
    [
      "no array",
      zipFile([{ name: "readme.txt", content: text("hello") }]),
      /got an archive without arrays \(\.npy\), expected one; unpack/,
    ],
    [
      "several arrays",
      zipFile(["a", "b"].map((name) => array(name, Float32Array.of(1), "<f4"))),
      /got 2 arrays \("a", "b"\), expected one/,
    ],
    ["a name twice", zipFile(["a", "a"].map((name) => array(name, Float32Array.of(1), "<f4"))), /"a\.npy" twice/],
  ])("refuses %s", (_, file, message) => {
    expect(() => readNpz(file, "x.npz", "inputs")).toThrow(message);
    expect(() => readNpz(file, "x.npz", "inputs")).toThrow(SlonnError);
  });

  test("refuses archives that lie or are damaged", () => {
    const content = npyFile("<f4", "(1, 2)", new Uint8Array(8));
    const read = (packed: Partial<Packed>, options?: { stored: boolean }) => () =>
      readNpz(zipFile([{ name: "x.npy", content, ...packed }], options), "x.npz", "inputs");
    expect(read({ crc: 1 })).toThrow(/got CRC [0-9a-f]+, expected 1/);
    expect(read({ declaredBytes: 10 })).toThrow(/damaged deflate stream|got \d+ bytes, expected 10/);
    expect(read({ declaredBytes: content.length + 1 })).toThrow(`got ${content.length} bytes, expected ${content.length + 1}`);
    expect(read({ declaredBytes: 5 }, { stored: true })).toThrow(/expected 5 as the directory says/);
    expect(read({ flags: 1 })).toThrow(/encrypted/);
    expect(read({ method: 12 })).toThrow(/compression method 12, expected 0 \(stored\) or 8 \(deflated\)/);
    const whole = zipFile([{ name: "x.npy", content }]);
    expect(() => readNpz(whole.subarray(0, whole.length - 1), "x.npz", "inputs")).toThrow(/no end of a zip directory/);
  });

  test("reads an archive with comments, and refuses one of more files than any program needs", () => {
    const [first, second] = ["x", "y"].map((name, i) => array(name, Float32Array.of(i, 2), "<f4"));
    const noted = zipFile([{ ...first, comment: "made by hand" }, second]);
    expect(readNpz(noted, "x.npz", "labels")).toEqual(readNpz(zipFile([second]), "x.npz", "labels"));
    const whole = zipFile([array("x", Float32Array.of(1, 2), "<f4")]);
    const ended = (file: Uint8Array, at: number, value: number, behind = new Uint8Array(0)): Uint8Array => {
      const copy = new Uint8Array(Buffer.concat([file, behind]));
      new DataView(copy.buffer).setUint16(file.length - 22 + at, value, true);
      return copy;
    };
    for (const length of [5, 0xffff])
      expect(readNpz(ended(whole, 20, length, new Uint8Array(length)), "x.npz", "inputs")).toEqual(readNpz(whole, "x.npz", "inputs"));
    expect(() => readNpz(ended(whole, 10, 4097), "x.npz", "inputs")).toThrow(/got 4097 files in the archive, expected at most 4096/);
  });

  test("refuses a bomb by what it declares, before unpacking anything", () => {
    const bomb = zipFile([{ name: "x.npy", content: new Uint8Array(8), declaredBytes: 0xfffffff0 }]);
    expect(() => readNpz(bomb, "bomb.npz", "inputs")).toThrow(/got 4294967280 bytes or more when unpacked, expected at most 1073741824/);
    const many = zipFile(["a", "b", "c"].map((name) => ({ name, content: new Uint8Array(60) })));
    expect(() => listZip(many, "many.zip", 150)).toThrow(/got 180 bytes or more/);
  });

  test("never unpacks more than declared", () => {
    const bomb = zipFile([{ name: "x.npy", content: new Uint8Array(1 << 24), declaredBytes: 100 }]);
    expect(bomb.length).toBeLessThan(20_000);
    expect(() => readNpz(bomb, "bomb.npz", "inputs")).toThrow(/damaged deflate stream/);
  });
});
