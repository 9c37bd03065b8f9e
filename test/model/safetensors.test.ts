import fc from "fast-check";
import { expect, test } from "vitest";
import { readSafetensors } from "../../src/model/safetensors.ts";
import type { Tensor } from "../../src/model/tensor.ts";
import { permutation, seeded } from "../../src/random.ts";
import { mutate, mutateHeader, survives } from "./mutations.ts";
import { writeSafetensors } from "./write-safetensors.ts";

/** A file with a header given as text. */
function file(header: string, dataBytes = 0, padTo = 0): Uint8Array {
  const json = new TextEncoder().encode(header.padEnd(padTo));
  const out = new Uint8Array(8 + json.length + dataBytes);
  new DataView(out.buffer).setUint32(0, json.length, true);
  out.set(json, 8);
  return out;
}

const read = (bytes: Uint8Array) => readSafetensors(bytes, "f");
const kinds = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

const tensor = fc
  .record({
    dtype: fc.constantFrom(...(Object.keys(kinds) as (keyof typeof kinds)[])),
    shape: fc.array(fc.nat(4), { maxLength: 3 }),
    seed: fc.nat(),
  })
  .map(({ dtype, shape, seed }): Tensor => {
    const random = seeded(seed);
    const bytes = Uint8Array.from({ length: shape.reduce((a, b) => a * b, 1) * kinds[dtype].BYTES_PER_ELEMENT }, () => random() * 256);
    return { dtype, shape, data: new kinds[dtype](bytes.buffer) };
  });

test("what is written is read again: every element type, any names, any shapes, at any alignment", () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string().filter((name) => name !== "__metadata__"),
        tensor,
      ),
      fc.dictionary(fc.string(), fc.string()),
      fc.nat(8),
      (tensors, metadata, shift) => {
        const written = writeSafetensors(new Map(Object.entries(tensors)), metadata);
        const shifted = new Uint8Array(written.length + shift);
        shifted.set(written, shift);
        const got = read(shifted.subarray(shift));
        expect(Object.entries(got.metadata).sort()).toEqual(Object.entries(metadata).sort());
        expect([...got.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
        for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
          const back = got.tensors.get(name)!;
          expect([back.dtype, back.shape]).toEqual([dtype, shape]);
          expect(Buffer.from(back.data.buffer, back.data.byteOffset, back.data.byteLength).equals(Buffer.from(data.buffer))).toBe(true);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("a Buffer is read at any alignment too, though its slices are views", () => {
  const data = Float32Array.of(1, 2.5, -3);
  const written = writeSafetensors(new Map([["w", { dtype: "float32" as const, shape: [3], data }]]), {});
  for (let shift = 0; shift < 8; shift++) {
    const shifted = Buffer.alloc(written.length + shift);
    shifted.set(written, shift);
    expect(read(shifted.subarray(shift)).tensors.get("w")?.data).toEqual(data);
  }
});

test("data starts 8-aligned and float32 is read as a view, without a copy", () => {
  const bytes = writeSafetensors(
    new Map([
      ["u", { dtype: "uint8", shape: [3], data: Uint8Array.of(1, 2, 3) }],
      ["w", { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) }],
    ]),
    {},
  );
  expect(new DataView(bytes.buffer).getUint32(0, true) % 8).toBe(0);
  const w = read(bytes).tensors.get("w")!;
  expect(w.data.buffer).toBe(bytes.buffer);
  expect(Array.from(w.data as Float32Array)).toEqual([1, 2]);
});

test("half stores the named tensors as F16, rounded to even", () => {
  const tensors = new Map<string, Tensor>([
    ["w", { dtype: "float32", shape: [2, 1], data: Float32Array.of(1 + 2 ** -11, 0.1) }],
    ["d", { dtype: "float64", shape: [0], data: new Float64Array(0) }],
  ]);
  const got = read(writeSafetensors(tensors, {}, ["w"])).tensors.get("w")!;
  expect(got).toEqual({ dtype: "float32", shape: [2, 1], data: Float32Array.of(1, 0.0999755859375) });
  expect(() => writeSafetensors(tensors, {}, ["d"])).toThrow('tensor "d": got float64 to store as F16, expected float32');
});

test("a tensor whose data do not fit its shape or type, or whose name is reserved, is not written", () => {
  const write = (name: string, one: Tensor) => () => writeSafetensors(new Map([[name, one]]), {});
  expect(write("w", { dtype: "float32", shape: [3], data: new Float32Array(2) })).toThrow(
    'tensor "w": got 2 elements, expected [3] of float32',
  );
  expect(write("w", { dtype: "float32", shape: [1], data: new Float32Array(2) })).toThrow('tensor "w": got 2 elements, expected [1]');
  expect(write("w", { dtype: "float64", shape: [2], data: new Float32Array(2) })).toThrow(
    "got Float32Array data, expected Float64Array for float64",
  );
  // as many bytes, but other numbers
  expect(write("w", { dtype: "int32", shape: [2], data: new Float32Array(2) })).toThrow(
    'tensor "w": got Float32Array data, expected Int32Array for int32',
  );
  expect(write("w", { dtype: "uint8", shape: [2], data: Buffer.alloc(2) })).not.toThrow();
  expect(write("__metadata__", { dtype: "float32", shape: [2], data: new Float32Array(2) })).toThrow(
    'tensor "__metadata__": got a reserved name, expected another',
  );
});

test("BF16 is read as float32, BOOL as uint8", () => {
  const bytes = file('{"b":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]},"o":{"dtype":"BOOL","shape":[2],"data_offsets":[2,4]}}', 4);
  bytes.set([0x80, 0x3f, 1, 0], bytes.length - 4);
  const { tensors } = read(bytes);
  expect(tensors.get("b")).toEqual({ dtype: "float32", shape: [1], data: Float32Array.of(1) });
  expect(tensors.get("o")).toEqual({ dtype: "uint8", shape: [2], data: Uint8Array.of(1, 0) });
});

const entry = (begin: number, end: number, shape = `[${(end - begin) / 4}]`, dtype = "F32") =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

/** A file of one tensor, with a byte in place of its header's `?` that no text has. */
function invalidText(header: string): Uint8Array {
  const bytes = file(header, 4);
  bytes[bytes.indexOf(0x3f)] = 0xff;
  return bytes;
}

test.each([
  ["nothing", new Uint8Array(0), "f: got 0 bytes, expected a safetensors file of at least 8"],
  ["a header past the end", Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0x7b), "f: got 9 bytes, expected at least 17: the header is cut off"],
  [
    "a huge header",
    Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x7f),
    "f: got a header of 9151314442816848000 bytes, expected a .slonn file (slonn import) or safetensors",
  ],
  ...["<!doctype html><p>Not found", "\ufeff<html>", "\r\n <html>", '<?xml version="1.0"?>'].map((page): [string, Uint8Array, string] => [
    `a page that begins ${JSON.stringify(page.slice(0, 7))}`,
    new TextEncoder().encode(page),
    "f: got an HTML page, expected a .slonn file (slonn import) or safetensors",
  ]),
  ["no JSON", file("{nonsense}"), "f: got no JSON header, expected a safetensors file"],
  ["a space before the header", file(" {}"), "f: got no JSON header, expected a safetensors file"],
  ["an array", file("[]"), "f: got no JSON header, expected a safetensors file"],
  ["deep nesting", file("[".repeat(1e6)), "f: got no JSON header, expected a safetensors file"],
  ["an unfinished string", file('{"a'), "f: got no JSON header, expected a safetensors file"],
  [
    "other metadata than strings",
    file('{"__metadata__":{"a":1}}'),
    "f: got other values than strings in __metadata__, expected strings only",
  ],
  ["a name twice", file(`{"a":${entry(0, 4)},"\\u0061":${entry(4, 8)}}`, 8), 'f: got "a" twice in the header, expected each name once'],
  ["a field twice", file('{"a":{"dtype":"F32","dtype":"F32"}}'), 'f: got "dtype" twice in the header, expected each name once'],
  ["a tensor of no type", file('{"a":{"dtype":5,"shape":[1],"data_offsets":[0,4]}}', 4), 'f: tensor "a": got no dtype, expected a string'],
  ...["5", "null", '"1"', "[-1]", "[0.5]"].map((shape): [string, Uint8Array, string] => [
    `a shape of ${shape}`,
    file(`{"a":${entry(0, 4, shape)}}`, 4),
    'f: tensor "a": got an impossible shape, expected whole numbers with a product below 2^53',
  ]),
  ["an entry that is none", file('{"a":[]}'), 'f: tensor "a": got no object, expected dtype, shape and data_offsets'],
  [
    "an unknown type",
    file(`{"a":${entry(0, 4, "[4]", "F8_E4M3")}}`, 4),
    'f: tensor "a": got dtype "F8_E4M3", expected one of F64, I64, U64, F32, I32, U32, F16, BF16, I16, U16, I8, U8, BOOL',
  ],
  [
    "an inherited name as type",
    file(`{"a":${entry(0, 4, "[4]", "constructor")}}`, 4),
    'f: tensor "a": got dtype "constructor", expected one of F64, I64, U64, F32, I32, U32, F16, BF16, I16, U16, I8, U8, BOOL',
  ],
  [
    "an overflowing shape",
    file(`{"a":${entry(0, 4, "[4294967296,4294967296]")}}`, 4),
    'f: tensor "a": got an impossible shape, expected whole numbers with a product below 2^53',
  ],
  [
    "a negative size",
    file(`{"a":${entry(0, 4, "[-1]")}}`, 4),
    'f: tensor "a": got an impossible shape, expected whole numbers with a product below 2^53',
  ],
  ["offsets the wrong way round", file(`{"a":${entry(4, 0, "[1]")}}`, 4), 'f: tensor "a": got -4 bytes, expected 4 for F32 [1]'],
  [
    "offsets past 2^53",
    file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[9007199254740993,9007199254740997]}}`),
    'f: tensor "a": got impossible data_offsets, expected [begin, end]',
  ],
  [
    "three offsets",
    file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}', 4),
    'f: tensor "a": got impossible data_offsets, expected [begin, end]',
  ],
  [
    "two negative sizes",
    file(`{"a":${entry(0, 4, "[-1,-1]")}}`, 4),
    'f: tensor "a": got an impossible shape, expected whole numbers with a product below 2^53',
  ],
  ["too many bytes for a shape", file(`{"a":${entry(0, 8, "[1]")}}`, 8), 'f: tensor "a": got 8 bytes, expected 4 for F32 [1]'],
  ["a header that is no UTF-8", invalidText(`{"?":${entry(0, 4)}}`), "f: got no JSON header, expected a safetensors file"],
  ["a byte order mark", file(`\ufeff{"a":${entry(0, 4)}}`, 4), "f: got no JSON header, expected a safetensors file"],
  ["too few bytes for a shape", file(`{"a":${entry(0, 4, "[2]")}}`, 4), 'f: tensor "a": got 4 bytes, expected 8 for F32 [2]'],
  ["data cut off", file(`{"a":${entry(0, 8)}}`, 4), 'f: tensor "a": got 4 bytes of data, expected at least 8'],
  ["a billion elements", file(`{"a":${entry(0, 4e9)}}`, 4), 'f: tensor "a": got 4 bytes of data, expected at least 4000000000'],
  ["a hole", file(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12), 'f: tensor "b": got offset 8, expected 4: a hole before it'],
  ["an overlap", file(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12), 'f: tensor "b": got offset 4, expected 8: it overlaps another'],
  ["bytes left over", file(`{"a":${entry(0, 4)}}`, 12), "f: got 12 bytes of data, expected 4, the end of the last tensor"],
])("%s is refused", (_, bytes, message) => {
  expect(() => read(bytes)).toThrow(expect.objectContaining({ name: "SlonnError", message }));
});

test("a header may end in spaces; tensors may be empty or scalars; __proto__ is a name like any other", () => {
  const { tensors, metadata } = read(
    file(`{"__metadata__":{"__proto__":"x"},"__proto__":${entry(0, 4, "[]")},"e":${entry(0, 0, "[0,5]")}}`, 4, 200),
  );
  expect(tensors.get("__proto__")).toEqual({ dtype: "float32", shape: [], data: Float32Array.of(0) });
  expect(tensors.get("e")).toEqual({ dtype: "float32", shape: [0, 5], data: new Float32Array(0) });
  expect(Object.entries(metadata)).toEqual([["__proto__", "x"]]);
});

test("empty tensors may be told in any order, wherever they stand", () => {
  const names = ["first", "a", "between", "b", "last"];
  const places = [entry(0, 0, "[0]"), entry(0, 4), entry(4, 4, "[0]"), entry(4, 8), entry(8, 8, "[0]")];
  for (let seed = 0; seed < 20; seed++) {
    const order = [...permutation(5, seeded(seed))];
    const { tensors } = read(file(`{${order.map((i) => `"${names[i]}":${places[i]}`).join(",")}}`, 8));
    expect([...tensors.keys()].sort()).toEqual([...names].sort());
  }
});

test("a header of quotes that end no string is refused in one pass: a pass for each would take minutes", () => {
  expect(() => read(file(`{"${'\\"'.repeat(200_000)}`))).toThrow("f: got no JSON header, expected a safetensors file");
});

test("10,000 damaged files give tensors or a SlonnError", async () => {
  const random = seeded(1);
  const seeds = [
    writeSafetensors(
      new Map([
        ["a", { dtype: "float32", shape: [2, 3], data: new Float32Array(6) }],
        ["b", { dtype: "int64", shape: [2], data: new BigInt64Array(2) }],
      ]),
      { k: "v" },
    ),
    writeSafetensors(
      new Map([
        ["h", { dtype: "float32", shape: [5], data: new Float32Array(5) }],
        ["u", { dtype: "uint8", shape: [3], data: new Uint8Array(3) }],
      ]),
      {},
      ["h"],
    ),
  ];
  const files = Array.from({ length: 10_000 }, (_, i) => (i % 2 ? mutate : mutateHeader)(seeds[(i >> 1) % 2], random));
  expect(await survives(files, read)).toBeGreaterThan(2000);
});
