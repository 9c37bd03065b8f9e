import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { type ArrayFunctions, createArrayKernels } from "../../src/engine/array-kernels.ts";
import { bytesOfText } from "../../src/engine/binary-text.ts";
import { arraysBinary } from "../../src/engine/generated/arrays-binary.ts";
import { plainArrays } from "../../src/engine/plain-arrays.ts";
import { SlonnError } from "../../src/errors.ts";
import { normal, seeded } from "../../src/random.ts";

const kernels = await createArrayKernels({ backend: "simd" });
const plain = await createArrayKernels({ backend: "js" });

const sizes = [0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 33];
const size = fc.constantFrom(...sizes);
const seed = fc.integer();

function draw(n: number, random: () => number): Float32Array {
  return Float32Array.from({ length: n }, () => normal(random));
}

/** What the definition says, in f64: cell(i, j) summed over t; and how far f32 may be from it. */
function product(m: number, n: number, k: number, term: (i: number, j: number, t: number) => number) {
  const exact = new Float64Array(m * n);
  const magnitude = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let t = 0; t < k; t++) {
        const v = term(i, j, t);
        exact[i * n + j] += v;
        magnitude[i * n + j] += Math.abs(v);
      }
    }
  }
  return { exact, magnitude };
}

function expectClose(got: Float32Array, { exact, magnitude }: { exact: Float64Array; magnitude: Float64Array }): void {
  expect(got.length).toBe(exact.length);
  // 400 roundings of one part in 2^24 each bound every summation order used
  const off = got.findIndex((v, i) => !(Math.abs(v - exact[i]) <= magnitude[i] * 2.4e-5));
  expect({ off, got: got[off] }).toEqual({ off: -1, got: undefined });
}

function dense(weight: Float32Array, bias: Float32Array, x: Float32Array) {
  const d = x.length;
  return product(bias.length, 1, d + 1, (row, _, t) => (t < d ? weight[row * d + t] * x[t] : bias[row]));
}

describe("rows", () => {
  test("are W x + b for every shape, the same bits in WebAssembly, in JavaScript, and row by row", () => {
    fc.assert(
      fc.property(size, fc.oneof(size, fc.integer({ min: 0, max: 300 })), seed, (n, d, s) => {
        const random = seeded(s);
        const weight = draw(n * d, random);
        const bias = draw(n, random);
        const x = draw(d, random);
        const every = kernels.denseRows(weight, bias, x);
        expectClose(every, dense(weight, bias, x));
        expect(plain.denseRows(weight, bias, x)).toEqual(every);
        const rows = Uint32Array.from({ length: n === 0 ? 0 : Math.floor(random() * 12) }, () => Math.floor(random() * n));
        const some = kernels.selectedRows(weight, bias, x, rows);
        expect(some).toEqual(Float32Array.from(rows, (row) => every[row]));
        expect(plain.selectedRows(weight, bias, x, rows)).toEqual(some);
      }),
      { numRuns: 300 },
    );
  });

  test("keep NaN and infinity in the rows they touch, also in the last inputs", () => {
    for (const d of [1, 3, 4, 5, 8, 9]) {
      const n = 6;
      const weight = new Float32Array(n * d).fill(1);
      weight[1 * d + d - 1] = Number.NaN;
      weight[2 * d] = Number.POSITIVE_INFINITY;
      weight[3 * d + d - 1] = Number.NEGATIVE_INFINITY;
      const got = kernels.denseRows(weight, new Float32Array(n), new Float32Array(d).fill(1));
      expect([...got]).toEqual([d, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, d, d]);
    }
  });

  test("read neighbouring memory for nothing: a row of NaN beside each row changes no result", () => {
    // odd rows poisoned, even rows asked: a read past a row's end would show
    const d = 5;
    const weight = Float32Array.from({ length: 8 * d }, (_, i) => (Math.floor(i / d) % 2 ? Number.NaN : 1));
    const x = new Float32Array(d).fill(2);
    expect([...kernels.selectedRows(weight, new Float32Array(8), x, Uint32Array.of(0, 2, 4, 6, 0))]).toEqual([10, 10, 10, 10, 10]);
  });

  test("give an empty result for an empty selection and for no rows, and the bias for no inputs", () => {
    const none = new Float32Array(0);
    expect(kernels.selectedRows(Float32Array.of(1, 2), Float32Array.of(3), Float32Array.of(4, 5), new Uint32Array(0))).toEqual(none);
    expect(kernels.denseRows(none, none, Float32Array.of(1))).toEqual(none);
    expect(kernels.denseRows(none, Float32Array.of(1, 2, 3, 4, 5), none)).toEqual(Float32Array.of(1, 2, 3, 4, 5));
  });
});

describe("products", () => {
  const shapes = [
    [0, 3, 4],
    [3, 0, 4],
    [3, 4, 0],
    [1, 1, 1],
    [37, 530, 11], // more columns than one block
    [9, 17, 600], // more steps than two slices
    [70, 33, 257], // more rows than two strips, one step into the second slice
  ];
  const check = (m: number, n: number, k: number, s: number): void => {
    const random = seeded(s);
    const a = draw(m * k, random);
    const b = draw(n * k, random);
    const transposed = kernels.matmulTransposed(a, b, m, n, k);
    expectClose(
      transposed,
      product(m, n, k, (i, j, t) => a[i * k + t] * b[j * k + t]),
    );
    expect(plain.matmulTransposed(a, b, m, n, k)).toEqual(transposed);
    const straight = kernels.matmul(a, b, m, n, k);
    expectClose(
      straight,
      product(m, n, k, (i, j, t) => a[i * k + t] * b[t * n + j]),
    );
    expect(plain.matmul(a, b, m, n, k)).toEqual(straight);
  };
  const checkGram = (m: number, k: number, s: number): void => {
    const a = draw(m * k, seeded(s));
    const gram = kernels.gram(a, m, k);
    expectClose(
      gram,
      product(k, k, m, (i, j, row) => a[row * k + i] * a[row * k + j]),
    );
    for (let i = 0; i < k; i++) for (let j = 0; j < i; j++) expect(gram[i * k + j]).toBe(gram[j * k + i]);
    expect(plain.gram(a, m, k)).toEqual(gram);
  };

  test.each(shapes)("of %i x %i over %i are what the definition says, the same bits in both backends", (m, n, k) => check(m, n, k, 1));

  test("agree with the definition for any shape", () => {
    fc.assert(fc.property(size, size, size, seed, check), { numRuns: 300 });
  });

  test.each([
    [0, 3],
    [3, 0],
    [130, 9],
    [257, 21],
    [5, 70],
  ])("gram of %i x %i is AᵀA, symmetric to the bit", (m, k) => checkGram(m, k, 2));

  test("gram agrees with the definition for any shape", () => {
    fc.assert(fc.property(size, size, seed, checkGram), { numRuns: 150 });
  });

  test("let NaN and infinity touch only the rows and columns they lie in", () => {
    const [m, n, k] = [6, 11, 5];
    const a = new Float32Array(m * k).fill(1);
    const b = new Float32Array(n * k).fill(1);
    a[2 * k + 4] = Number.NaN;
    b[10 * k + 1] = Number.POSITIVE_INFINITY;
    const got = kernels.matmulTransposed(a, b, m, n, k);
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) expect(got[i * n + j]).toBe(i === 2 ? Number.NaN : j === 10 ? Number.POSITIVE_INFINITY : k);
  });
});

describe("softmax", () => {
  test("is exp(x − max) over its sum", () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true, min: -100, max: 100, minLength: 1, maxLength: 40 }), (x) => {
        const top = Math.max(...x);
        const powers = Array.from(x, (v) => Math.exp(v - top));
        const total = powers.reduce((a, b) => a + b);
        for (const got of [kernels.softmax(x), plain.softmax(x)]) {
          expect(got.length).toBe(x.length);
          got.forEach((v, i) => {
            expect(Math.abs(v - powers[i] / total)).toBeLessThanOrEqual(1e-6 * (powers[i] / total) + 1e-44);
          });
        }
      }),
    );
  });

  test.each([
    [[], []],
    [
      [1000, 1000],
      [0.5, 0.5],
    ],
    [
      [Number.NEGATIVE_INFINITY, 0],
      [0, 1],
    ],
    [
      [Number.NaN, 0, 1],
      [Number.NaN, Number.NaN, Number.NaN],
    ],
    [
      [Number.POSITIVE_INFINITY, 0],
      [Number.NaN, Number.NaN],
    ],
    [
      [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
      [Number.NaN, Number.NaN],
    ],
  ])("of %j is %j", (x, expected) => {
    for (const { softmax } of [kernels, plain]) expect([...softmax(Float32Array.from(x))]).toEqual(expected);
  });
});

describe("topK", () => {
  const awkward = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1, -1, 1e-45, -1e-45, 3e38];

  test("orders by score, ties by lower index, NaN last, for any k", () => {
    const scores = fc.array(fc.oneof(fc.constantFrom(...awkward), fc.float()), { maxLength: 80 });
    fc.assert(
      fc.property(scores, fc.nat(100), (list, k) => {
        const array = Float32Array.from(list);
        const before = (a: number, b: number): boolean => {
          const [x, y] = [array[a], array[b]];
          if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) && Number.isNaN(y) ? a < b : Number.isNaN(y);
          return x === y ? a < b : x > y;
        };
        const expected = [...array.keys()].sort((a, b) => (before(a, b) ? -1 : 1)).slice(0, k);
        expect([...kernels.topK(array, k)]).toEqual(expected);
        expect([...plain.topK(array, k)]).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test("finds the best of many", () => {
    const scores = draw(100_000, seeded(3));
    expect(kernels.topK(scores, 50)).toEqual(plain.topK(scores, 50));
    expect(kernels.topK(scores, scores.length)).toEqual(plain.topK(scores, scores.length));
  });
});

describe("hashCodes", () => {
  test("packs the signs of the projections, 32 a word, plane 0 lowest", () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 31, 32, 33, 64, 100), size, seed, (bits, d, s) => {
        const random = seeded(s);
        // small whole numbers: every sum is exact, so that no sign is a matter of rounding
        const whole = (n: number) => Float32Array.from({ length: n }, () => Math.floor(random() * 7) - 3);
        const planes = whole(bits * d);
        const x = whole(d);
        const { exact } = product(bits, 1, d, (b, _, t) => planes[b * d + t] * x[t]);
        const expected = new Uint32Array(Math.ceil(bits / 32));
        exact.forEach((v, b) => {
          if (v > 0) expected[b >> 5] += 2 ** (b & 31);
        });
        expect(kernels.hashCodes(planes, x, bits)).toEqual(expected);
        expect(plain.hashCodes(planes, x, bits)).toEqual(expected);
      }),
    );
  });

  test("has no bit for NaN", () => {
    const planes = Float32Array.of(1, Number.NaN, Number.POSITIVE_INFINITY);
    for (const { hashCodes } of [kernels, plain]) expect([...hashCodes(planes, Float32Array.of(1), 3)]).toEqual([0b101]);
  });
});

describe("memory", () => {
  test("results are the caller's: they outlive later calls and growth", () => {
    const first = kernels.softmax(Float32Array.of(0, 0));
    expect(first.buffer.byteLength).toBe(8);
    kernels.softmax(new Float32Array(4_000_000));
    kernels.softmax(Float32Array.of(1, 2, 3));
    expect([...first]).toEqual([0.5, 0.5]);
    first[0] = 7;
    expect([...kernels.softmax(Float32Array.of(0, 0))]).toEqual([0.5, 0.5]);
  });

  test("arguments are left as they were", () => {
    const x = Float32Array.of(3, 1, 2);
    kernels.softmax(x);
    kernels.topK(x, 2);
    expect([...x]).toEqual([3, 1, 2]);
  });

  test("works above 2 GiB, where pointers are negative on their way to JavaScript", async () => {
    const own = await instantiatedWith((exports) => {
      // once the memory manager has taken what there is, it only asks for more beyond the end, and that is moved
      (exports.__new as (bytes: number, id: number) => number)(0, 1);
      (exports.memory as WebAssembly.Memory).grow(2 ** 15);
      return exports;
    });
    const a = draw(300 * 200, seeded(7));
    expect(own.matmulTransposed(a, a, 300, 300, 200)).toEqual(kernels.matmulTransposed(a, a, 300, 300, 200));
    expect(own.topK(a, 9)).toEqual(kernels.topK(a, 9));
  });

  test("does not grow over 2,000 calls of the same sizes", async () => {
    let memory: WebAssembly.Memory | undefined;
    const own = await instantiatedWith((exports) => {
      memory = exports.memory as WebAssembly.Memory;
      return exports;
    });
    const a = draw(200 * 300, seeded(5));
    const scores = draw(5_000, seeded(6));
    const round = () => {
      own.matmulTransposed(a, a, 200, 200, 300);
      own.topK(scores, 1_000);
      own.gram(a, 200, 300);
    };
    round();
    const early = memory!.buffer.byteLength;
    for (let i = 0; i < 666; i++) round();
    expect(early).toBeGreaterThan(200 * 300 * 4);
    expect(memory!.buffer.byteLength).toBe(early);
  });
});

/** Kernels whose instance's exports went through `change`. */
async function instantiatedWith(change: (exports: WebAssembly.Exports) => WebAssembly.Exports): Promise<ArrayFunctions> {
  const instantiate = WebAssembly.instantiate as (
    module: WebAssembly.Module,
    imports: WebAssembly.Imports,
  ) => Promise<WebAssembly.Instance>;
  const spy = vi.spyOn(WebAssembly, "instantiate").mockImplementation((async (module: WebAssembly.Module, imports: WebAssembly.Imports) => {
    return { exports: change((await instantiate(module, imports)).exports) };
  }) as never);
  try {
    return await createArrayKernels({ backend: "simd" });
  } finally {
    spy.mockRestore();
  }
}

describe("refusals", () => {
  const f = (n: number) => new Float32Array(n);
  const refused: [string, (k: ArrayFunctions) => unknown, string][] = [
    ["weights that do not fit", (k) => k.denseRows(f(5), f(2), f(3)), "weight: got 5 elements, expected 6 (2 rows of 3)"],
    [
      "the same for chosen rows",
      (k) => k.selectedRows(f(7), f(2), f(3), Uint32Array.of(0)),
      "weight: got 7 elements, expected 6 (2 rows of 3)",
    ],
    [
      "a row that is not there",
      (k) => k.selectedRows(f(6), f(2), f(3), Uint32Array.of(1, 2)),
      "rows: got row 2 at 1, expected rows below 2",
    ],
    ["rows of another type", (k) => k.selectedRows(f(6), f(2), f(3), [0] as never), "rows: got Array, expected a Uint32Array"],
    ["another type", (k) => k.softmax(new Float64Array(3) as never), "x: got Float64Array, expected a Float32Array"],
    ["nothing", (k) => k.softmax(undefined as never), "x: got undefined, expected a Float32Array"],
    ["null", (k) => k.topK(null as never, 1), "scores: got null, expected a Float32Array"],
    ["half a k", (k) => k.topK(f(3), 0.5), "k: got 0.5, expected a whole number from 0 to 268435440"],
    ["a negative k", (k) => k.topK(f(3), -1), "k: got -1, expected a whole number from 0 to 268435440"],
    ["no number", (k) => k.topK(f(3), "2" as never), "k: got string, expected a whole number from 0 to 268435440"],
    ["planes that do not fit", (k) => k.hashCodes(f(6), f(2), 4), "planes: got 6 elements, expected 8 (4 rows of 2)"],
    ["a left side that does not fit", (k) => k.matmul(f(5), f(6), 2, 2, 3), "a: got 5 elements, expected 6 (2 rows of 3)"],
    ["a right side that does not fit", (k) => k.matmul(f(6), f(5), 2, 2, 3), "b: got 5 elements, expected 6 (3 rows of 2)"],
    ["the same, transposed", (k) => k.matmulTransposed(f(6), f(5), 2, 2, 3), "b: got 5 elements, expected 6 (2 rows of 3)"],
    ["a dimension that is no number", (k) => k.gram(f(0), Number.NaN, 0), "m: got NaN, expected a whole number from 0 to 268435440"],
    ["a dimension past every array", (k) => k.gram(f(0), 2 ** 40, 0), "m: got 1099511627776, expected a whole number from 0 to 268435440"],
    [
      "a result of a billion zeros",
      (k) => k.matmul(f(0), f(0), 40_000, 40_000, 0),
      "result: got 40000 rows of 40000, expected at most 268435440 elements",
    ],
  ];

  test.each(refused)("%s", (_, call, message) => {
    for (const backend of [kernels, plain]) {
      let error: unknown;
      try {
        call(backend);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(SlonnError);
      expect(error).toMatchObject({ code: "bad-input", message });
    }
  });

  test.each([
    ["gpu", '"gpu"'],
    [1n, "bigint"],
  ])("the backend %s", async (backend, shown) => {
    await expect(createArrayKernels({ backend: backend as never })).rejects.toMatchObject({
      code: "bad-option",
      message: `backend: got ${shown}, expected simd or js`,
    });
  });

  test.each([{ bakend: "js" }, 5, null])("the options %o", async (options) => {
    await expect(createArrayKernels(options as object)).rejects.toMatchObject({ code: "bad-option" });
  });

  test("a call whose memory is not to be had, and goes on with a new instance", async () => {
    let pinned = 0;
    const own = await instantiatedWith((exports) => {
      const { __new, __pin } = exports as Record<string, (...args: number[]) => number>;
      return {
        ...exports,
        // what a trap in the memory manager looks like from outside
        __new: (bytes: number, id: number) => {
          if (bytes === 4 * 777) throw new WebAssembly.RuntimeError("unreachable");
          return __new(bytes, id);
        },
        __pin: (at: number) => {
          pinned++;
          return __pin(at);
        },
      };
    });
    expect([...own.denseRows(f(0), f(1), f(0))]).toEqual([0]);
    expect(() => own.denseRows(f(777), f(1), f(777))).toThrowError(
      expect.objectContaining({ code: "no-engine", message: "denseRows: the memory for this call could not be had (unreachable)" }),
    );
    const before = pinned;
    expect(before).toBeGreaterThan(0);
    expect([...own.denseRows(f(777), Float32Array.of(2), f(777))]).toEqual([2]);
    expect(pinned).toBe(before);
  });
});

describe("backend", () => {
  test("is WebAssembly here, with nothing to explain", async () => {
    const { backend, reason } = await createArrayKernels();
    expect({ backend, reason }).toEqual({ backend: "simd", reason: null });
  });

  test("is plain JavaScript with a reason where WebAssembly is missing, without its SIMD, its memory, or forbidden", async () => {
    const whole = WebAssembly;
    const pretend = async (stand: unknown) => {
      globalThis.WebAssembly = stand as typeof WebAssembly;
      try {
        const { backend, reason } = await createArrayKernels();
        await expect(createArrayKernels({ backend: "simd" })).rejects.toMatchObject({
          code: "no-engine",
          message: `backend: got simd, but ${reason}`,
        });
        return { backend, reason };
      } finally {
        globalThis.WebAssembly = whole;
      }
    };
    expect(await pretend(undefined)).toEqual({ backend: "js", reason: "WebAssembly is missing" });
    expect(await pretend({ validate: () => false })).toEqual({ backend: "js", reason: "WebAssembly SIMD is missing" });
    const forbidden = { validate: () => true, Memory: class {}, compile: () => Promise.reject(new Error("unsafe-eval")) };
    expect(await pretend(forbidden)).toEqual({ backend: "js", reason: "WebAssembly is forbidden here (unsafe-eval)" });

    // In Node, to ask what a Response is loads an HTTP parser in WebAssembly, whose failure nobody can catch.
    const response = Object.getOwnPropertyDescriptor(globalThis, "Response") as PropertyDescriptor;
    let asked = 0;
    Object.defineProperty(globalThis, "Response", { configurable: true, get: () => void asked++ });
    const full = {
      ...{ validate: () => true, compile: () => Promise.reject(new Error("no memory")) },
      Memory: class {
        constructor() {
          throw new RangeError("could not allocate memory");
        }
      },
    };
    const found = await pretend(full).finally(() => Object.defineProperty(globalThis, "Response", response));
    expect(found).toEqual({ backend: "js", reason: "WebAssembly gets no memory here (could not allocate memory)" });
    expect(asked).toBe(0);
  });

  test("exports one function for every name of the interface", () => {
    const module = new WebAssembly.Module(bytesOfText(arraysBinary));
    const sections = WebAssembly.Module.customSections(module, "as-bind_bindings");
    expect(sections.length).toBe(1);
    const { exportedFunctions, importedFunctions } = JSON.parse(new TextDecoder().decode(sections[0]));
    expect(Object.keys(exportedFunctions).sort()).toEqual(Object.keys(plainArrays).sort());
    expect(importedFunctions).toEqual({});
    expect(WebAssembly.Module.imports(module)).toEqual([]);
  });
});
