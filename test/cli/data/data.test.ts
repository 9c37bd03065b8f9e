import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readInputs, readLabels, readTable } from "../../../src/cli/data/data.ts";
import { SlonnError } from "../../../src/errors.ts";
import { bytesOf, idxFile, npyFile, safetensorsFile, text, zipFile } from "./build-files.ts";

let directory: string;
beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), "slonn-data-"))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;
const write = (name: string, content: Uint8Array | string): string => {
  const path = join(directory, `${files++}-${name}`);
  writeFileSync(path, content);
  return path;
};
const f4 = (shape: string, ...values: number[]): Uint8Array => npyFile("<f4", shape, bytesOf(Float32Array.from(values)));

describe("readInputs", () => {
  const dense = { kind: "dense", count: 2, width: 2, data: Float32Array.of(0, 1, 0.5, 2) };

  test("knows each kind by its content, gzipped or not, whatever its name", async () => {
    const kinds = [
      f4("(2, 2)", 0, 1, 0.5, 2),
      zipFile([{ name: "anything.npy", content: f4("(2, 2)", 0, 1, 0.5, 2) }]),
      safetensorsFile({ first: { dtype: "F32", shape: [2, 2], bytes: bytesOf(Float32Array.of(0, 1, 0.5, 2)) } }),
      idxFile(0x0d, [2, 1, 2], Uint8Array.of(0, 0, 0, 0, 0x3f, 0x80, 0, 0, 0x3f, 0, 0, 0, 0x40, 0, 0, 0)),
      text("a;b\n0;1\n0.5;2\n"),
    ];
    for (const content of kinds) {
      expect(await readInputs(write("data", content), { width: 2 })).toEqual(dense);
      expect(await readInputs(write("data.gz", gzipSync(content)))).toEqual(dense);
    }
  });

  test("takes the tensor named for its role, else the first", async () => {
    const tensor = (dtype: string, shape: number[], array: ArrayBufferView) => ({ dtype, shape, bytes: bytesOf(array) });
    const both = write(
      "both.safetensors",
      safetensorsFile({ labels: tensor("I64", [2], BigInt64Array.of(1n, 0n)), inputs: tensor("F32", [2, 2], dense.data) }),
    );
    expect(await readInputs(both)).toEqual(dense);
    expect(await readLabels(both, 2)).toEqual({ kind: "class", count: 2, classes: Uint32Array.of(1, 0) });
    const images = write(
      "images.safetensors",
      safetensorsFile({ y_test: tensor("I64", [2], BigInt64Array.of(1n, 0n)), Images: tensor("F32", [2, 2], dense.data) }),
    );
    expect(await readInputs(images)).toEqual(dense);
    expect((await readLabels(images, 2)).count).toBe(2);
    const unnamed = write(
      "two.safetensors",
      safetensorsFile({ b: tensor("F32", [2, 2], dense.data), a: tensor("F32", [1, 1], new Float32Array(1)) }),
    );
    expect(await readInputs(unnamed)).toEqual(dense);
  });

  test("divides by the scale", async () => {
    const bytes = write("x.idx", idxFile(0x08, [2, 2], Uint8Array.of(0, 51, 255, 102)));
    expect(await readInputs(bytes, { scale: 255 })).toMatchObject({ data: Float32Array.of(0, 0.2, 1, 0.4) });
    const sparse = write("x.svm", "1 1:2 2:4\n");
    expect(await readInputs(sparse, { scale: 2, width: 5 })).toMatchObject({ kind: "csr", width: 5, values: Float32Array.of(1, 2) });
    await expect(readInputs(bytes, { scale: 0 })).rejects.toThrow(/scale: got 0/);
    for (const tiny of [write("x.csv", "0\n1e38\n"), write("x.svm", "1 2:1\n1 1:1e38\n")])
      await expect(readInputs(tiny, { scale: 1e-5 })).rejects.toThrow(/row 1, column 0: got .*, expected a finite .*number/);
  });

  test("tells text kinds apart by name, then by content", async () => {
    expect(await readInputs(write("rows", "1 1:2 2:4\n"))).toMatchObject({ kind: "csr", width: 2 });
    expect(await readInputs(write("rows", "1,2\n"))).toMatchObject({ kind: "dense", width: 2 });
    await expect(readInputs(write("rows.csv", "1 1:2 2:4\n"))).rejects.toThrow(/line 1, column 1: got "1 1:2 2:4"/);
  });

  test.each([
    ["rows of another width", "x.npy", f4("(1, 3)", 1, 2, 3), /got rows of 3 numbers, expected 2/],
    ["sparse rows longer than the vocabulary", "x.svm", text("1 1:1 3:1\n"), /got sparse rows of 3 columns, expected at most 2/],
    ["sparse rows of another stated width", "x.txt", text("1 5 1\n0 1:1\n"), /got sparse rows of 5 columns, expected 2/],
    ["sparse rows of a stated width that is too small", "x.txt", text("1 1 1\n0 0:1\n"), /got sparse rows of 1 columns, expected 2/],
    ["columns of numbers in a .txt", "x.txt", text("1,2\n3,4\n"), /got 2 rows without an index:value, expected SVMlight \(columns.*csv\)$/],
    ["NaN", "x.npy", f4("(2, 2)", 1, 2, 3, Number.NaN), /row 1, column 1: got NaN, expected a finite float32 number/],
    ["infinity from a double", "x.npy", npyFile("<f8", "(1, 2)", bytesOf(Float64Array.of(1, 1e300))), /row 0, column 1: got 1e\+300/],
    ["a vector", "x.npy", f4("(2,)", 1, 2), /got shape \(2\), expected \(rows, numbers in a row\)/],
    ["no rows", "x.npy", f4("(0, 2)"), /got 0 rows of 2 numbers, expected at least 1/],
    ["rows of nothing", "x.npy", f4("(1000000, 0)"), /got 1000000 rows of 0 numbers/],
    ["an empty file", "x.csv", text(""), /got an empty file, expected inputs/],
    [
      "text as Windows writes it",
      "x.csv",
      Uint8Array.of(0xff, 0xfe, 0x31, 0, 0x2c, 0, 0x32, 0),
      /got text in UTF-16, expected it saved as UTF-8/,
    ],
    ["the same, high bytes first", "x.csv", Uint8Array.of(0xfe, 0xff, 0, 0x31, 0, 0x2c, 0, 0x32), /got text in UTF-16/],
    ["an unknown binary", "x.bin", Uint8Array.of(1, 2, 3, 0, 0, 0, 0), /binary file of unknown kind/],
    ["a page", "x.csv", text("\ufeff\n<!DOCTYPE html>\n<html>"), /got a page \(HTML, XML\), expected npy, npz, .* CSV or SVMlight$/],
    ["a table of a page", "x.txt", text('<table border="1">'), /got a page \(HTML, XML\)/],
    ["columns as JSON", "x.json", text('{"a":{"0":1.5,"1":2},"b":{"0":1,"1":2}}'), /got JSON, expected npy/],
    ["rows as JSON", "x.csv", text("[[1, 2],\n [3, 4]]"), /got JSON/],
    ["Git LFS", "x.npy", text("version https://git-lfs.github.com/spec/v1\noid sha256:4d"), /got a pointer of Git LFS \(git lfs pull\)/],
    ["damaged gzip", "x.gz", gzipSync("1,2\n").subarray(0, 12), /damaged gzip stream/],
    ["a flipped bit in gzip", "x.gz", gzipSync("1,2\n").map((byte, i) => (i === 16 ? byte ^ 1 : byte)), /damaged gzip stream/],
  ])("refuses %s", async (_, name, content, message) => {
    const reading = readInputs(write(name, content), { width: 2 });
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow(SlonnError);
  });

  test("refuses what is not there in words", async () => {
    await expect(readInputs(join(directory, "nowhere.npy"))).rejects.toThrow(/nowhere\.npy: got no such file, expected a readable file/);
    await expect(readInputs(directory)).rejects.toThrow(/got a directory/);
    const path = join(directory, "socket");
    const server = createServer();
    await new Promise<void>((listening) => server.listen(path, listening));
    await expect(readInputs(path)).rejects.toThrow(/socket: got a socket, expected a readable file$/);
    server.close();
  });

  test("bounds what comes out of gzip", async () => {
    const bomb = gzipSync(new Uint8Array(1 << 22));
    await expect(readTable(bomb, "bomb.gz", "inputs", 1 << 20)).rejects.toThrow(/got more than 1048576 bytes out of gzip/);
  });
});

describe("readLabels", () => {
  const classes = { kind: "class", count: 3, classes: Uint32Array.of(2, 0, 1) };

  test("reads one class per row from every kind", async () => {
    const kinds: [string, Uint8Array][] = [
      ["y.npy", npyFile("<i8", "(3,)", bytesOf(BigInt64Array.of(2n, 0n, 1n)))],
      ["y.npy", f4("(3, 1)", 2, 0, 1)],
      ["y.idx", idxFile(0x08, [3], Uint8Array.of(2, 0, 1))],
      ["y.csv", text("label\n2\n0\n1\n")],
      ["y.txt", text("2\n0\n1\n")],
      ["y.svm", text("2 1:1\n0 1:1\n1 1:1\n")],
    ];
    for (const [name, content] of kinds) expect(await readLabels(write(name, content), 3, 3)).toEqual(classes);
  });

  test("reads an IDX file whose bytes could open a safetensors file's header", async () => {
    const count = 1 << 16;
    const content = idxFile(0x08, [count], new Uint8Array(count).fill(0x7b));
    expect(await readLabels(write("y.idx", content), count)).toMatchObject({ kind: "class", count });
  });

  test("reads several labels per row", async () => {
    const expected = { kind: "multi", count: 3, indptr: Uint32Array.of(0, 2, 2, 3), indices: Uint32Array.of(1, 3, 0) };
    expect(await readLabels(write("y.txt", "3 9 4\n1,3 0:1\n 0:1\n0 0:1\n"), 3, 4)).toEqual(expected);
    expect(await readLabels(write("y.txt", "3 4\n1:1 3:1\n\n0:1 2:0\n"), 3, 4)).toEqual(expected);
    // as many labels as rows, but not one in each
    const uneven = { kind: "multi", count: 2, indptr: Uint32Array.of(0, 2, 2), indices: Uint32Array.of(1, 3) };
    expect(await readLabels(write("y.svm", "1,3 1:1\n 1:1\n"), 2, 4)).toEqual(uneven);
    // under a header also where each row happens to have one
    const one = { kind: "multi", count: 2, indptr: Uint32Array.of(0, 1, 2), indices: Uint32Array.of(3, 0) };
    expect(await readLabels(write("y.txt", "2 9 4\n3 0:1\n0 0:1\n"), 2, 4)).toEqual(one);
  });

  test("tells of many sizes in a short line", async () => {
    const shape = [1, 2, ...new Array<number>(1e5).fill(1)];
    const file = write("y.safetensors", safetensorsFile({ y: { dtype: "F32", shape, bytes: bytesOf(Float32Array.of(0, 1)) } }));
    await expect(readLabels(file, 1)).rejects.toThrow(/got labels of shape \(1, 2, 1, 1, 1, 1, 1, 1\), expected one per row/);
  });

  test.each([
    ["another number of rows", "y.csv", "1\n2\n", /got labels for 2 rows, expected 3, the rows of the inputs/],
    ["another number of sparse rows", "y.svm", "1 1:1\n2 1:1\n", /got labels for 2 rows, expected 3, the rows of the inputs/],
    ["a negative label", "y.csv", "1\n-1\n0\n", /row 1: got label -1, expected an integer from 0 to 3/],
    ["a fraction", "y.csv", "1\n0\n0.5\n", /row 2: got label 0\.5/],
    ["a class the model lacks", "y.csv", "1\n0\n4\n", /row 2: got label 4, expected an integer from 0 to 3/],
    ["a matrix", "y.csv", "1,2\n0,1\n4,1\n", /got labels of shape \(3, 2\), expected one per row/],
    ["a label column the model lacks", "y.txt", "3 5\n4:1\n0:1\n0:1\n", /got 5 label columns, expected at most 4/],
    ["classes in a sparse column", "y.txt", "3 1\n0:2\n\n0:3\n", /y\.txt: got 1 label column, expected one per label/],
    ["rows without a label", "y.svm", " 1:1\n 1:1\n 1:1\n", /y\.svm: got 3 rows without a label, expected one in some of them$/],
    ["columns that are all zero", "y.txt", "3 4\n1:0\n\n0:0\n", /y\.txt: got 3 rows without a label/],
    ["a negative label among several", "y.svm", "1,-2 1:1\n1 1:1\n1 1:1\n", /row 0: got label -2/],
  ])("refuses %s", async (_, name, content, message) => {
    await expect(readLabels(write(name, content), 3, 4)).rejects.toThrow(message);
  });
});
