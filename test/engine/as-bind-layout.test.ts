import { readFileSync } from "node:fs";
import asc from "assemblyscript/asc";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import AsBindTransform from "../../assembly/as-bind-transform.mjs";
import { extendConverters } from "../../src/engine/as-bind-layout.ts";
import { asBind, type BoundModule } from "../../src/engine/generated/as-bind.ts";

const types = ["Int8", "Uint8", "Uint8Clamped", "Int16", "Uint16", "Int32", "Uint32", "Int64", "Uint64", "Float32", "Float64"];

const source = `
declare function told(text: string, values: Float32Array): string;
declare function unused(text: string): void;

export function join(a: string, b: string): string { return a + b; }
export function length(text: string): i32 { return text.length; }
export function nothing(): void {}
export function half(x: f64): f64 { return x / 2; }
export function flip(x: bool): bool { return !x; }
export function tell(text: string, n: i32): string {
  const values = new Float32Array(n);
  for (let i = 0; i < n; i++) values[i] = <f32>i;
  return told(text, values) + "!";
}
export function window(x: Float32Array, from: i32, to: i32): Float32Array { return x.subarray(from, to); }
export function reversed(buffer: ArrayBuffer): ArrayBuffer {
  const bytes = Uint8Array.wrap(buffer.slice(0));
  bytes.reverse();
  return bytes.buffer;
}
export function absent(): Float32Array | null { return null; }
${types.map((type) => `export function same${type}(x: ${type}Array): ${type}Array { return x.slice(0); }`).join("\n")}
`;

async function compile(text: string): Promise<{ binary: Uint8Array<ArrayBuffer>; complaint: string }> {
  let binary = new Uint8Array(0);
  const files: Record<string, string> = { "entry.ts": text };
  const { error, stderr } = await asc.main(
    ["entry.ts", "--outFile", "out.wasm", "--runtime", "incremental", "--exportRuntime", "--enable", "simd"],
    {
      transforms: [AsBindTransform as never],
      readFile: (name: string) => files[name] ?? null,
      writeFile: (_: string, contents: Uint8Array | string) => {
        binary = Uint8Array.from(contents as Uint8Array);
      },
      listFiles: () => [],
    },
  );
  return { binary, complaint: error ? `${error.message}${stderr}` : "" };
}

let binary: Uint8Array<ArrayBuffer>;
let bound: BoundModule;
const heard: { text: string; values: Float32Array }[] = [];

beforeAll(async () => {
  const compiled = await compile(source);
  expect(compiled.complaint).toBe("");
  binary = compiled.binary;
  extendConverters();
  bound = await asBind.instantiate(binary, {
    entry: {
      told: (text: string, values: Float32Array) => {
        heard.push({ text, values });
        return text.toUpperCase();
      },
    },
  });
});

describe("the transform", () => {
  test("writes the types of what is exported and imported, and the class behind each type", () => {
    const [section] = WebAssembly.Module.customSections(new WebAssembly.Module(binary), "as-bind_bindings");
    const { typeIds, exportedFunctions, importedFunctions } = JSON.parse(new TextDecoder().decode(section));
    expect(typeIds["~lib/arraybuffer/ArrayBuffer"]).toEqual({ id: 1, byteSize: 0 });
    expect(typeIds["~lib/string/String"]).toEqual({ id: 2, byteSize: 0 });
    expect(typeIds["~lib/typedarray/Float32Array"]).toEqual({ id: expect.any(Number), byteSize: 12 });
    expect(Object.keys(typeIds).length).toBe(2 + types.length);
    expect(exportedFunctions.join).toEqual({ returnType: "~lib/string/String", parameters: ["~lib/string/String", "~lib/string/String"] });
    expect(exportedFunctions.window).toEqual({
      returnType: "~lib/typedarray/Float32Array",
      parameters: ["~lib/typedarray/Float32Array", "i32", "i32"],
    });
    expect(exportedFunctions.nothing).toEqual({ returnType: "void", parameters: [] });
    expect(exportedFunctions.flip).toEqual({ returnType: "bool", parameters: ["bool"] });
    expect(Object.keys(exportedFunctions).length).toBe(9 + types.length);
    expect(importedFunctions).toEqual({
      entry: { told: { returnType: "~lib/string/String", parameters: ["~lib/string/String", "~lib/typedarray/Float32Array"] } },
    });
  });

  test.each([
    ["Array<f32>", "export function sum(x: Array<f32>): f32 { return x[0]; }", "sum: got type ~lib/array/Array<f32>"],
    ["a class", "class A {}\nexport function make(): A { return new A(); }", "make: got type entry/A"],
    ["a vector", "export function twice(x: v128): void {}", "twice: got type v128"],
  ])("refuses %s, which the runtime could not convert", async (_, text, message) => {
    const { binary, complaint } = await compile(text);
    expect(complaint).toContain(`${message}, expected a scalar, string, typed array or ArrayBuffer`);
    expect(binary.length).toBe(0);
  });
});

describe("through the converters", () => {
  test("strings come back as they went, surrogates alone or in pairs included", () => {
    const unit = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 }).map((codes) => String.fromCharCode(...codes));
    const text = fc.oneof(unit, fc.string(), fc.constant("ab😀"), fc.constant("x".repeat(20_000)));
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(bound.exports.join(a, b)).toBe(a + b);
        expect(bound.exports.length(a)).toBe(a.length);
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    ["Int8", Int8Array.of(-128, 0, 127)],
    ["Uint8", Uint8Array.of(0, 255, 7)],
    ["Uint8Clamped", Uint8ClampedArray.of(0, 255, 7)],
    ["Int16", Int16Array.of(-32768, 32767)],
    ["Uint16", Uint16Array.of(65535)],
    ["Int32", Int32Array.of(-(2 ** 31), 2 ** 31 - 1)],
    ["Uint32", Uint32Array.of(2 ** 32 - 1, 0)],
    ["Int64", BigInt64Array.of(-(2n ** 63n), 5n)],
    ["Uint64", BigUint64Array.of(2n ** 64n - 1n)],
    ["Float32", Float32Array.of(1.5, Number.NaN, Number.NEGATIVE_INFINITY, -0)],
    ["Float64", Float64Array.of(Math.PI, Number.NaN, 5e-324)],
  ])("%sArray comes back as it went, empty too", (type, array) => {
    const same = bound.exports[`same${type}`];
    expect(same(array)).toEqual(array);
    expect(same(array.subarray(1))).toEqual(array.subarray(1));
    expect(same(array.subarray(0, 0))).toEqual(array.slice(0, 0));
  });

  test("a window into an array is read where it starts, and copied", () => {
    const window = bound.exports.window(Float32Array.of(1, 2, 3, 4, 5), 1, 4);
    expect(window).toEqual(Float32Array.of(2, 3, 4));
    expect(window.buffer.byteLength).toBe(12);
  });

  test("buffers, scalars, nothing and null", () => {
    expect([...new Uint8Array(bound.exports.reversed(Uint8Array.of(1, 2, 3).buffer))]).toEqual([3, 2, 1]);
    expect(bound.exports.half(5)).toBe(2.5);
    expect(bound.exports.nothing()).toBeUndefined();
    expect(bound.exports.absent()).toBeNull();
  });

  test("a function handed in hears strings and arrays and answers", () => {
    expect(bound.exports.tell("hey", 3)).toBe("HEY!");
    expect(heard).toEqual([{ text: "hey", values: Float32Array.of(0, 1, 2) }]);
  });

  test("memory is collected under the incremental runtime too", () => {
    const big = new Float32Array(50_000);
    for (let i = 0; i < 50; i++) bound.exports.sameFloat32(big);
    const early = bound.exports.memory.buffer.byteLength;
    for (let i = 0; i < 1_000; i++) bound.exports.sameFloat32(big);
    expect(bound.exports.memory.buffer.byteLength).toBeLessThanOrEqual(2 * early);
  });
});

describe("what is bundled", () => {
  test("is as-bind's runtime under its licence, and imports nothing", () => {
    const text = readFileSync("src/engine/generated/as-bind.ts", "utf8");
    expect(text).toContain("as-bind 0.8.2, unmodified");
    expect(text).toContain("Copyright (c) 2019 Aaron Turner");
    expect(text).not.toMatch(/\bimport\b.*from|require\(/);
  });
});
