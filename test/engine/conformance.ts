// One body of tests for every engine: each operation is run on random and on awkward memory, and must leave exactly what the
// plain-JavaScript engine leaves (relaxed SIMD rounds once where others round twice, so there within a tolerance).

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import * as abi from "../../src/engine/generated/abi.ts";
import { listViews, reserveList } from "../../src/engine/list.ts";
import { createMemoryPlan, type MemoryPlan, reserveFloats, reserveWords } from "../../src/engine/memory-plan.ts";
import { type Row, reservePlan } from "../../src/engine/plan-writer.ts";
import { permutation, seeded } from "../../src/random.ts";

export type CreateEngine = (memory: MemoryPlan) => Promise<Engine>;

/** Sizes around the lane, block and panel widths, odd ones, and one well past every unrolling. */
const sizes = [1, 3, 4, 5, 8, 15, 16, 17, 31, 33, 100, 257];
const runs = { numRuns: 25, seed: 7 };

/** A vector with many zeros, some of them negative, and whatever `awkward` adds. */
function vector(n: number, seed: number, awkward: readonly number[] = []): Float32Array {
  const random = seeded(seed);
  return Float32Array.from({ length: n }, () => {
    const u = random();
    if (u < 0.3) return 0;
    if (u < 0.35) return -0;
    if (awkward.length > 0 && u < 0.45) return awkward[Math.floor(random() * awkward.length)];
    return random() * 4 - 2;
  });
}

/** Vectors to be coded in few bits: ordinary, with numbers that spoil them, or too small to have a step. */
const kindOfVector = fc.constantFrom("ordinary", "awkward", "tiny");
function vectorOf(kind: string, n: number, seed: number): Float32Array {
  if (kind === "awkward") return vector(n, seed, [Number.NaN, Number.POSITIVE_INFINITY, 1e30]);
  return kind === "tiny" ? vector(n, seed).map((v) => v * 1e-36) : vector(n, seed);
}

/** Lays the same memory out for both engines, runs the same rows and compares what `read` sees. */
async function same(
  create: CreateEngine,
  reference: CreateEngine,
  exact: boolean,
  lay: (memory: MemoryPlan) => { rows: Row[]; read: (engine: Engine) => ArrayLike<number>[] },
) {
  const seen: ArrayLike<number>[][] = [];
  for (const make of [create, reference]) {
    const memory = createMemoryPlan();
    const { rows, read } = lay(memory);
    const plan = reservePlan(memory, rows);
    const engine = await make(memory);
    const ran = engine.execute(plan, 0, rows.length);
    const words = new Int32Array(engine.buffer, plan, rows.length * abi.ROW_WORDS);
    const counts = rows
      .slice(0, ran)
      .flatMap((_, r) => [...words.subarray(r * abi.ROW_WORDS + abi.WORD_BYTES_READ, (r + 1) * abi.ROW_WORDS)]);
    seen.push([[ran], counts, ...read(engine).map((part) => Array.from(part))]);
  }
  if (exact) expect(seen[0]).toEqual(seen[1]);
  else for (const [i, part] of seen[0].entries()) closeTo(part, seen[1][i]);
}

function closeTo(a: ArrayLike<number>, b: ArrayLike<number>): void {
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++) {
    if (Number.isNaN(b[i]) || !Number.isFinite(b[i])) expect(a[i]).toEqual(b[i]);
    else expect(Math.abs(a[i] - b[i])).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(b[i])));
  }
}

function listOf(memory: MemoryPlan, indices: ArrayLike<number>, values: ArrayLike<number>, capacity: number): number {
  const at = reserveList(memory, capacity);
  memory.reserve(0, (engine) => {
    const views = listViews(engine, at);
    views.count[0] = indices.length;
    views.indices.set(indices);
    views.values.set(values);
  });
  return at;
}

const readFloats = (at: number, n: number) => (engine: Engine) => new Float32Array(engine.buffer, at, n);
const readList =
  (at: number) =>
  (engine: Engine): ArrayLike<number>[] => {
    const { count, indices, values } = listViews(engine, at);
    return [count, indices.slice(0, count[0]), values.slice(0, count[0])];
  };

const float = (value: number) => ({ float: value });
const size = fc.constantFrom(...sizes);
const seed = fc.nat(1e6);

/** @param exact whether the engine must agree to the bit */
export function engineConformance(name: string, create: CreateEngine, reference: CreateEngine, exact: boolean): void {
  const check = (lay: Parameters<typeof same>[3], to: boolean = exact) => same(create, reference, to, lay);

  describe(`engine: ${name}`, () => {
    test("chosen rows from active blocks are what every row from every block gives", () =>
      fc.assert(
        fc.asyncProperty(
          size,
          size,
          seed,
          fc.constantFrom(0, 0.3, 1),
          fc.constantFrom(abi.RELU, abi.IDENTITY, abi.GELU, abi.LEAKY_RELU),
          (outputs, inputs, s, share, activation) =>
            check(
              (memory) => {
                const stride = Math.ceil(inputs / 4) * 4;
                const weight = reserveFloats(memory, outputs * stride, vector(outputs * stride, s));
                const bias = reserveFloats(memory, outputs, vector(outputs, s + 1));
                const x = reserveFloats(memory, stride, vector(inputs, s + 2));
                const random = seeded(s);
                const chosen = Array.from({ length: outputs }, (_, i) => i).filter(() => random() < share);
                const rows = listOf(memory, chosen, [], outputs);
                const blocks = reserveList(memory, stride / 4);
                const out = reserveList(memory, outputs);
                const ones = reserveFloats(memory, stride, new Float32Array(stride).fill(1));
                const everyBlock = reserveList(memory, stride / 4);
                const everyRow = listOf(
                  memory,
                  Array.from({ length: outputs }, (_, i) => i),
                  [],
                  outputs,
                );
                const all = reserveList(memory, outputs);
                return {
                  rows: [
                    [abi.BLOCKS, x, inputs, blocks],
                    [abi.BLOCKS, ones, stride, everyBlock],
                    [abi.ROWS_SELECTED, weight, bias, x, stride, blocks, rows, out, activation, float(0.1), 0],
                    [abi.ROWS_SELECTED, weight, bias, x, stride, everyBlock, everyRow, all, abi.KEEP, float(0), 0],
                  ],
                  read: (e) => {
                    const [count, indices, values] = readList(out)(e);
                    if (activation === abi.IDENTITY)
                      for (let i = 0; i < count[0]; i++) expect(values[i]).toBe(readList(all)(e)[2][indices[i]]);
                    return [count, indices, values, ...readList(blocks)(e).slice(0, 2)];
                  },
                };
              },
              exact && activation !== abi.GELU,
            ),
        ),
        runs,
      ));

    test("blocks: the bytes from each block of four that holds a non-zero to the next, or all where nearly all do", () =>
      Promise.all(
        [
          { x: [], steps: [] },
          { x: [0, 0, 0, 0], steps: [] },
          { x: [0, 0, 0, 1], steps: [0] },
          { x: [0, 0, 0, 0, Number.NaN], steps: [16] },
          { x: [1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 3], steps: [0, 16, 32] },
          { x: [0, 0, 0, 0, 1, 0, 0, 0, -0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], steps: [16, 32] },
          { x: Array.from({ length: 60 }, (_, i) => (i < 4 ? 0 : 1)), steps: Array(14).fill(16) },
          { x: Array.from({ length: 64 }, (_, i) => (i < 4 ? 0 : 1)), steps: [0, ...Array(15).fill(16)] },
        ].map(({ x, steps }) =>
          check((memory) => {
            const src = reserveFloats(memory, Math.ceil(x.length / 4) * 4, Float32Array.from(x));
            const list = reserveList(memory, Math.ceil(x.length / 4));
            return {
              rows: [[abi.BLOCKS, src, x.length, list]],
              read: (e) => {
                expect(Array.from(readList(list)(e)[1])).toEqual(steps);
                return readList(list)(e).slice(0, 2);
              },
            };
          }),
        ),
      ));

    test("panels that no cache holds, which go one after the other", () =>
      check((memory) => {
        const inputs = 16;
        const panelCount = (24 * 2 ** 20) / (inputs * 64) + 1;
        const nodes = panelCount * 16;
        const weight = reserveFloats(memory, nodes * inputs, vector(nodes * inputs, 1));
        const init = reserveFloats(memory, nodes, vector(nodes, 2));
        const x = reserveFloats(memory, inputs, vector(inputs, 3));
        const active = reserveList(memory, inputs);
        const [every, few] = [0, 0].map(() => reserveFloats(memory, nodes));
        return {
          rows: [
            [abi.COMPACT, x, inputs, active, abi.IDENTITY, float(0)],
            [abi.PANELS, weight, init, x, inputs, panelCount, every],
            [abi.PANELS_ACTIVE, weight, init, active, inputs, panelCount, few],
          ],
          read: (e) => [every, few].map((at) => readFloats(at, nodes)(e).filter((_, i) => i % 101 === 0 || i > nodes - 64)),
        };
      }));

    test("panels: every, active and selected inputs and columns give the same bits", () =>
      fc.assert(
        fc.asyncProperty(size, size, seed, (outputs, inputs, s) =>
          check((memory) => {
            const stride = Math.ceil(outputs / 16) * 16;
            const w = vector(outputs * inputs, s);
            const rowMajor = reserveFloats(memory, outputs * inputs, w);
            const panels = reserveFloats(memory, stride * inputs);
            const columns = reserveFloats(memory, stride * inputs);
            const bias = reserveFloats(memory, stride, vector(outputs, s + 1));
            const x = reserveFloats(memory, inputs, vector(inputs, s + 2));
            const active = reserveList(memory, inputs);
            const which = Array.from({ length: stride / 16 }, (_, i) => i).filter((i) => i % 2 === 0);
            const chosen = listOf(memory, which, [], stride / 16);
            const outs = [0, 1, 2, 3].map(() => reserveFloats(memory, stride));
            return {
              rows: [
                [abi.PACK, rowMajor, outputs, inputs, inputs * 4, panels, 64, 4, 64 * inputs, 0, 0],
                [abi.PACK, rowMajor, outputs, inputs, inputs * 4, columns, 4 * stride, 4, 64, 0, 0],
                [abi.COMPACT, x, inputs, active, abi.IDENTITY, float(0)],
                [abi.PANELS, panels, bias, x, inputs, stride / 16, outs[0]],
                [abi.PANELS_ACTIVE, panels, bias, active, inputs, stride / 16, outs[1]],
                [abi.PANELS_SELECTED, panels, bias, active, inputs, chosen, outs[2]],
                [abi.COLUMNS, columns, bias, active, stride, outputs, outs[3]],
              ],
              read: (e) => {
                const [every, activeOnly, selected, byColumn] = outs.map((at) => readFloats(at, stride)(e));
                expect(Array.from(activeOnly, plain)).toEqual(Array.from(every, plain));
                expect(Array.from(byColumn, plain)).toEqual(Array.from(every, plain));
                for (const p of which)
                  expect(Array.from(selected.subarray(p * 16, p * 16 + 16), plain)).toEqual(
                    Array.from(every.subarray(p * 16, p * 16 + 16), plain),
                  );
                return [Array.from(every, plain), readFloats(panels, stride * inputs)(e)];
              },
            };
          }),
        ),
        runs,
      ));

    test("packed rows stand at their places, whatever the size of an item", () =>
      fc.assert(
        fc.asyncProperty(size, size, seed, fc.constantFrom(1, 2, 4), fc.boolean(), fc.nat(20), (count, items, s, bytes, ordered, first) =>
          check((memory) => {
            const stride = Math.ceil((items * bytes) / 4) * 4;
            const from = reserveWords(
              memory,
              Uint32Array.from(vector((count * stride) / 4, s), (v) => v * 1e9),
            );
            const places = ordered ? permutation(count, seeded(s)) : Uint32Array.from({ length: count }, (_, k) => first + k);
            const line = Math.ceil((first + count) / 16) * 16 * bytes;
            const out = memory.reserve(items * line);
            const at = ordered ? reserveWords(memory, places) : 0;
            return {
              rows: [[abi.PACK, from, count, items, stride, out, line, bytes, 16 * bytes, ordered ? 0 : first, at]],
              read: ({ buffer }) => {
                const packed = new Uint8Array(buffer, out, items * line);
                const rows = new Uint8Array(buffer, from, count * stride);
                const expected = new Uint8Array(items * line);
                for (let k = 0; k < count; k++)
                  for (let i = 0; i < items * bytes; i++)
                    expected[Math.floor(i / bytes) * line + places[k] * bytes + (i % bytes)] = rows[k * stride + i];
                expect(packed).toEqual(expected);
                return [packed];
              },
            };
          }),
        ),
        runs,
      ));

    test("compaction keeps what is not zero, NaN and infinities among it", () =>
      fc.assert(
        fc.asyncProperty(size, seed, fc.constantFrom(abi.IDENTITY, abi.RELU, abi.LEAKY_RELU), (n, s, activation) =>
          check((memory) => {
            const src = reserveFloats(memory, n, vector(n, s, [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]));
            const list = reserveList(memory, n);
            const dense = reserveFloats(memory, n);
            return {
              rows: [
                [abi.COMPACT, src, n, list, activation, float(0.25)],
                [abi.SCATTER, list, n, dense, 0],
              ],
              read: (e) => [...readList(list)(e), readFloats(dense, n)(e)],
            };
          }),
        ),
        runs,
      ));

    test("element-wise activations", () =>
      fc.assert(
        fc.asyncProperty(size, seed, (n, s) =>
          check((memory) => {
            const src = reserveFloats(memory, n, vector(n, s, [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 100, -100]));
            const kinds = [abi.IDENTITY, abi.RELU, abi.LEAKY_RELU, abi.SIGMOID, abi.TANH, abi.GELU, abi.GELU_TANH];
            const outs = kinds.map(() => reserveFloats(memory, n));
            return {
              rows: kinds.map((kind, i): Row => [abi.ACTIVATE, src, n, outs[i], kind, float(0.1)]),
              read: (e) => outs.map((at) => readFloats(at, n)(e)),
            };
          }, false),
        ),
        runs,
      ));

    test("softmax and log-softmax", () =>
      fc.assert(
        fc.asyncProperty(size, seed, (n, s) =>
          check((memory) => {
            const src = reserveFloats(memory, n, vector(n, s, [80, -80]));
            const outs = [reserveFloats(memory, n), reserveFloats(memory, n)];
            return {
              rows: [
                [abi.ACTIVATE, src, n, outs[0], abi.SOFTMAX, float(0)],
                [abi.ACTIVATE, src, n, outs[1], abi.LOG_SOFTMAX, float(0)],
              ],
              read: (e) => {
                const total = Array.from(readFloats(outs[0], n)(e)).reduce((a, b) => a + b, 0);
                expect(Math.abs(total - 1)).toBeLessThan(1e-5);
                return outs.map((at) => readFloats(at, n)(e));
              },
            };
          }, false),
        ),
        runs,
      ));

    test("top-k: the k best ascending by index, ties to the lower index, never NaN", () =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...sizes, 1024, 1100, 4096, 20000, 150000),
          fc.constantFrom(0, 1, 2, 7, 60, 300, 9999),
          seed,
          fc.boolean(),
          (n, k, s, coarse) =>
            check((memory) => {
              const scores = vector(n, s, [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
              if (coarse) for (let i = 0; i < n; i++) scores[i] = Math.round(scores[i]);
              const src = reserveFloats(memory, n, scores);
              const list = reserveList(memory, n);
              const scratch = reserveFloats(memory, abi.SELECT_SCRATCH);
              return { rows: [[abi.TOP_K, src, n, k, list, scratch]], read: (e) => readList(list)(e).slice(0, 2) };
            }),
        ),
        { ...runs, numRuns: 80 },
      ));

    test("the strongest k with their values", () =>
      fc.assert(
        fc.asyncProperty(fc.constantFrom(...sizes, 2000), fc.constantFrom(0, 1, 5, 300), seed, (n, k, s) =>
          check((memory) => {
            const src = reserveFloats(memory, n, vector(n, s, [Number.NaN, Number.NEGATIVE_INFINITY]));
            const list = reserveList(memory, n);
            const scratch = reserveFloats(memory, n + 4 + abi.SELECT_SCRATCH);
            return { rows: [[abi.STRONGEST, src, n, k, list, scratch]], read: readList(list) };
          }),
        ),
        runs,
      ));

    test("the best k, best first, of a vector and of a list, called by an order", () =>
      fc.assert(
        fc.asyncProperty(fc.constantFrom(...sizes, 3000), fc.constantFrom(0, 1, 2, 5, 128), seed, fc.boolean(), (n, k, s, coarse) =>
          check((memory) => {
            const values = vector(n, s, [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
            if (coarse) for (let i = 0; i < n; i++) values[i] = Math.round(values[i]);
            const random = seeded(s);
            const order = reserveWords(memory, permutation(n, random));
            const src = reserveFloats(memory, n, values);
            const list = listOf(memory, permutation(n, random), values, n);
            const bests = [0, 1, 2, 3].map(() => reserveList(memory, 128));
            return {
              rows: [
                [abi.BEST, src, n, k, 0, bests[0]],
                [abi.BEST, src, n, k, order, bests[1]],
                [abi.BEST, list, -1, k, order, bests[2]],
                [abi.BEST, list, -1, k, 0, bests[3]],
              ],
              read: (e) => bests.flatMap((at) => readList(at)(e)),
            };
          }),
        ),
        { ...runs, numRuns: 60 },
      ));

    test("clusters as their panels, outputs in another order", () =>
      fc.assert(
        fc.asyncProperty(size, fc.constantFrom(1, 2, 5, 1e6), seed, (n, per, s) =>
          check((memory) => {
            const clusters = Math.ceil(n / per);
            const random = seeded(s);
            const chosen = Array.from({ length: clusters }, (_, i) => i).filter(() => random() < 0.5);
            const from = listOf(memory, chosen, [], clusters);
            const units = reserveList(memory, n);
            const src = reserveFloats(memory, n, vector(n, s));
            const order = reserveWords(memory, permutation(n, random));
            const out = reserveFloats(memory, n);
            return {
              rows: [
                [abi.EXPAND, from, per, n, units],
                [abi.PERMUTE, src, n, order, out],
              ],
              read: (e) => [...readList(units)(e).slice(0, 2), readFloats(out, n)(e)],
            };
          }),
        ),
        runs,
      ));

    test("activations of a list's values", () =>
      fc.assert(
        fc.asyncProperty(
          size,
          seed,
          fc.constantFrom(abi.IDENTITY, abi.RELU, abi.SIGMOID, abi.SOFTMAX, abi.LOG_SOFTMAX),
          (n, s, activation) =>
            check((memory) => {
              const values = vector(n, s);
              const list = listOf(memory, Array.from(values.keys()), values, n);
              return { rows: [[abi.ACTIVATE, list, -1, 0, activation, float(0.1)]], read: readList(list) };
            }, false),
        ),
        runs,
      ));

    test("the least weight in eight bits, everywhere, leads to no sum that does not fit", () =>
      Promise.all(
        [2047, 2048, 2064, 5000].map((inputs) =>
          check((memory) => {
            const padded = Math.ceil(inputs / 16) * 16;
            const size = padded * 16;
            const weight: number = memory.reserve(size, ({ buffer }) => new Int8Array(buffer, weight, size).fill(-128));
            const [ones, bias] = [1, 0].map((value) => reserveFloats(memory, 16, new Float32Array(16).fill(value)));
            const x = reserveFloats(memory, inputs, new Float32Array(inputs).fill(1));
            const codes = reserveFloats(memory, 4 + padded / 2);
            const [active, pairs, blocks, rows] = [inputs, padded / 2 + 1, padded / 8 + 1, 16].map((n) => reserveList(memory, n));
            const chosen = listOf(memory, [15], [], 16);
            const [panels, columns] = [0, 0].map(() => reserveFloats(memory, 16));
            const scratch = reserveFloats(memory, 2 * inputs);
            return {
              rows: [
                [abi.COMPACT, x, inputs, active, abi.IDENTITY, float(0)],
                [abi.CODE, x, inputs, codes, pairs, blocks, 1],
                [abi.PANELS_8, weight, ones, bias, codes, pairs, padded, 0, 1, panels],
                [abi.ROWS_8, weight, ones, bias, codes, padded, blocks, chosen, rows, abi.KEEP, float(0), 0],
                [abi.COLUMNS_8, weight, ones, bias, active, 16, 16, columns, scratch],
              ],
              read: (e) => {
                const sums = [...readFloats(panels, 16)(e), ...readFloats(columns, 16)(e), ...Array.from(readList(rows)(e)[2])];
                for (const sum of sums) expect(sum / inputs).toBeCloseTo(-128, 3);
                return [sums];
              },
            };
          }),
        ),
      ));

    test("weights in eight bits: panels, chosen panels, rows and columns give the same bits", () =>
      fc.assert(
        fc.asyncProperty(size, size, seed, fc.constantFrom(0, 0.4, 1), kindOfVector, (outputs, inputs, s, share, kind) =>
          check((memory) => {
            const random = seeded(s);
            const panels = Math.ceil(outputs / 16);
            const padded = Math.ceil(inputs / 16) * 16;
            const weight = Int8Array.from({ length: outputs * inputs }, () => Math.round(random() * 254 - 127));
            const place = (bytes: number, to: (o: number, i: number) => number): number => {
              const at: number = memory.reserve(bytes, ({ buffer }) => {
                const all = new Int8Array(buffer, at, bytes);
                for (let o = 0; o < outputs; o++) for (let i = 0; i < inputs; i++) all[to(o, i)] = weight[o * inputs + i];
              });
              return at;
            };
            const inPanels = place(panels * padded * 16, (o, i) => (o >> 4) * padded * 16 + (i >> 1) * 32 + (o & 15) * 2 + (i & 1));
            const inRows = place(outputs * padded, (o, i) => o * padded + i);
            const inColumns = place(inputs * panels * 16, (o, i) => i * panels * 16 + o);
            const scales = reserveFloats(memory, outputs, vector(outputs, s + 3));
            const bias = reserveFloats(memory, outputs, vector(outputs, s + 4));
            const x = reserveFloats(memory, inputs, vectorOf(kind, inputs, s + 5));
            const codes = reserveFloats(memory, 4 + padded / 2);
            const [active, pairs, blocks] = [inputs, padded / 2 + 1, padded / 8 + 1].map((n) => reserveList(memory, n));
            const [everyPair, everyBlock] = [padded / 2 + 1, padded / 8 + 1].map((n) => reserveList(memory, n));
            const otherCodes = reserveFloats(memory, 4 + padded / 2);
            const chosen = Array.from({ length: outputs }, (_, i) => i).filter(() => random() < share);
            const rows = listOf(memory, chosen, [], outputs);
            const few = listOf(memory, [panels - 1], [], panels);
            const kept = reserveList(memory, outputs);
            const [every, some, columns, twice, dense] = [0, 0, 0, 0, 0].map(() => reserveFloats(memory, panels * 16));
            const scratch = reserveFloats(memory, 2 * inputs);
            return {
              rows: [
                [abi.COMPACT, x, inputs, active, abi.IDENTITY, float(0)],
                [abi.CODE, x, inputs, codes, pairs, blocks, 0],
                [abi.CODE, x, inputs, otherCodes, everyPair, everyBlock, 1],
                [abi.PANELS_8, inPanels, scales, bias, codes, pairs, padded, 0, panels, every],
                [abi.PANELS_8, inPanels, scales, bias, otherCodes, everyPair, padded, 0, panels, dense],
                [abi.PANELS_8, inPanels, scales, bias, codes, pairs, padded, few, panels, some],
                [abi.ROWS_8, inRows, scales, bias, codes, padded, blocks, rows, kept, abi.KEEP, float(0), 0],
                [abi.COLUMNS_8, inColumns, scales, bias, active, panels * 16, outputs, columns, scratch],
                [abi.COLUMNS_8, inColumns, scales, columns, active, panels * 16, outputs, twice, scratch],
                [abi.COLUMNS_8, inColumns, scales, twice, active, panels * 16, outputs, twice, scratch],
              ],
              read: (e) => {
                const all = readFloats(every, outputs)(e);
                expect(readFloats(dense, outputs)(e)).toEqual(all);
                if (inputs < 2000) expect(readFloats(columns, outputs)(e)).toEqual(all);
                const from = (panels - 1) * 16;
                expect(readFloats(some, panels * 16)(e).slice(from, outputs)).toEqual(all.slice(from));
                const [count, indices, values] = readList(kept)(e);
                expect(Array.from(indices)).toEqual(chosen);
                expect(Array.from(values)).toEqual(chosen.map((o) => all[o]));
                return [count, all, readFloats(twice, outputs)(e), ...readList(pairs)(e).slice(0, 2), ...readList(blocks)(e).slice(0, 2)];
              },
            };
          }),
        ),
        { ...runs, numRuns: 40 },
      ));

    test("thresholds take what lies in the window, and differences what was not there before", () =>
      fc.assert(
        fc.asyncProperty(size, seed, (n, s) =>
          check((memory) => {
            const src = reserveFloats(memory, n, vector(n, s, [Number.NaN, Number.POSITIVE_INFINITY]));
            const lists = [reserveList(memory, n), reserveList(memory, n), reserveList(memory, n)];
            const open = reserveList(memory, n);
            return {
              rows: [
                [abi.THRESHOLD, src, n, float(0.5), float(Number.POSITIVE_INFINITY), lists[0]],
                [abi.THRESHOLD, src, n, float(-0.5), float(Number.POSITIVE_INFINITY), lists[1]],
                [abi.SUBTRACT, lists[1], lists[0], lists[2]],
                [abi.THRESHOLD, src, n, float(-0.5), float(0.5), lists[0]],
                [abi.THRESHOLD, src, n, float(-0.5), float(Number.NaN), open],
              ],
              read: (e) => {
                expect(readList(lists[2])(e)[1]).toEqual(readList(lists[0])(e)[1]);
                const scores = Array.from(readFloats(src, n)(e));
                expect(Array.from(readList(open)(e)[1])).toEqual(
                  [...scores.keys()].filter((i) => Number.isNaN(scores[i]) || scores[i] > -0.5),
                );
                return [...lists, open].flatMap((at) => readList(at)(e).slice(0, 2));
              },
            };
          }),
        ),
        runs,
      ));

    test.each<[string, number[]]>([
      ["", []],
      [" beside what no score may be", [Number.NaN, Number.NEGATIVE_INFINITY]],
      [" beside scores as high as can be", [Number.POSITIVE_INFINITY, Number.NaN]],
      [" beside zeros of both signs", [0, -0]],
    ])("scores near the best%s", (_, odd) =>
      fc.assert(
        fc.asyncProperty(size, fc.constantFrom(0, 0.25, 3, 1e30), seed, (n, width, s) =>
          check((memory) => {
            const scores = vector(n, s, odd);
            const list = reserveList(memory, n);
            return {
              rows: [[abi.WITHIN, reserveFloats(memory, n, scores), n, float(width), list]],
              read: (e) => {
                const [count, indices] = readList(list)(e);
                const best = Math.max(...scores.filter((v) => !Number.isNaN(v)));
                if (best > Number.NEGATIVE_INFINITY) expect(Array.from(indices, (i) => scores[i])).toContain(best);
                return [count, indices];
              },
            };
          }),
        ),
        runs,
      ),
    );

    test("panel scores, and the non-zero nodes of chosen panels without the padding", () =>
      fc.assert(
        fc.asyncProperty(size, seed, (n, s) =>
          check((memory) => {
            const panels = Math.ceil(n / 16);
            const src = reserveFloats(memory, panels * 16, vector(panels * 16, s));
            const scores = reserveFloats(memory, panels);
            const chosen = listOf(memory, [panels - 1], [], panels);
            const list = reserveList(memory, panels * 16);
            return {
              rows: [
                [abi.PANEL_SCORES, src, panels, scores],
                [abi.COMPACT_PANELS, chosen, src, n, list, abi.RELU, float(0)],
              ],
              read: (e) => {
                for (const i of Array.from(readList(list)(e)[1])) expect(i).toBeLessThan(n);
                return [readFloats(scores, panels)(e), ...readList(list)(e)];
              },
            };
          }),
        ),
        runs,
      ));

    test("eight-bit scores of the low-rank activator", () =>
      fc.assert(
        fc.asyncProperty(size, fc.constantFrom(4, 12, 32, 96), seed, kindOfVector, (n, rank, s, kind) =>
          check((memory) => {
            const panels = Math.ceil(n / 16);
            const random = seeded(s);
            const weights = Int8Array.from({ length: panels * 16 * rank }, () => Math.floor(random() * 255) - 127);
            const weight: number = memory.reserve(weights.length, (e) => new Int8Array(e.buffer, weight, weights.length).set(weights));
            const scales = reserveFloats(memory, rank, vector(rank, s + 1).map(Math.abs));
            const code = reserveFloats(memory, rank, vectorOf(kind, rank, s + 2));
            const mean = reserveFloats(memory, panels * 16, vector(panels * 16, s + 3));
            const out = reserveFloats(memory, panels * 16);
            const scratch = memory.reserve(rank * 2 + 16);
            return {
              rows: [[abi.PREDICT, weight, scales, mean, code, rank, panels, out, scratch]],
              read: (e) => [readFloats(out, panels * 16)(e)],
            };
          }),
        ),
        runs,
      ));

    test("hash codes and the votes of their buckets", () =>
      fc.assert(
        fc.asyncProperty(size, seed, (n, s) =>
          check((memory) => {
            const [tables, bits, nodes] = [3, 4, 20];
            const stride = Math.ceil(n / 4) * 4 + 16;
            const planes = reserveFloats(memory, tables * bits * stride, vector(tables * bits * stride, s));
            const x = reserveFloats(memory, n, vector(n, s + 1));
            reserveFloats(memory, 16, new Float32Array(16).fill(Number.NaN)); // what lies behind says nothing
            const random = seeded(s);
            const starts = Uint32Array.from({ length: tables * 2 ** bits + 1 }, (_, i) => 2 * i);
            const members = Uint32Array.from({ length: starts[starts.length - 1] }, () => Math.floor(random() * nodes));
            const args = [
              reserveWords(memory, starts),
              reserveWords(memory, members),
              reserveFloats(memory, members.length, vector(members.length, s + 2)),
            ];
            const codes = memory.reserve(tables * 4);
            const scores = reserveFloats(memory, nodes);
            return {
              rows: [
                [abi.HASH, planes, x, n, stride, tables, bits, codes],
                [abi.VOTE, codes, ...args, tables, bits, nodes, scores],
              ],
              read: (e) => [new Uint32Array(e.buffer, codes, tables), readFloats(scores, nodes)(e)],
            };
          }),
        ),
        runs,
      ));

    test("a margin row ends the run when the best leads by enough; NaN never does", async () => {
      for (const [values, margin, ends] of [
        [[3, 1, 2], 1, true],
        [[3, 1, 2.5], 1, false],
        [[2, 2, 1], 0, true],
        [[Number.NaN, 9, 1], 0, false],
        [[5], 1e9, true],
      ] as const) {
        const memory = createMemoryPlan();
        const src = reserveFloats(memory, values.length, Float32Array.from(values));
        const plan = reservePlan(memory, [
          [abi.MARGIN, src, values.length, float(margin)],
          [abi.ACTIVATE, src, values.length, src, abi.IDENTITY, float(0)],
        ]);
        const engine = await create(memory);
        expect(engine.execute(plan, 0, 2)).toBe(ends ? 1 : 2);
      }
    });

    test("a budget counts what a row did up to the last bit of its word", async () => {
      const memory = createMemoryPlan();
      const src = reserveFloats(memory, 2, Float32Array.of(1, 1));
      const plan = reservePlan(memory, [
        [abi.ACTIVATE, src, 2, src, abi.IDENTITY, float(0)],
        [abi.MARGIN, src, 2, float(1), 0, 0x7fffffff],
      ]);
      const engine = await create(memory);
      const [did, units] = [abi.WORD_MACS, abi.ROW_WORDS + abi.WORD_UNITS].map(
        (word) => new Uint32Array(engine.buffer, plan + 4 * word, 1),
      );
      for (const [macs, ends] of [
        [0x7fffffff, 0],
        [2 ** 31, 2],
        [2 ** 32 - 1, 2],
      ]) {
        did[0] = macs;
        engine.execute(plan, 1, 2);
        expect(units[0]).toBe(ends);
      }
    });

    test("an operation that does not exist stops the run where it stands", async () => {
      const memory = createMemoryPlan();
      const plan = reservePlan(memory, [[999]]);
      expect((await create(memory)).execute(plan, 0, 1)).toBe(-1);
    });
  });
}

/** −0 and 0 are the same number; skipping a zero input may leave either. */
function plain(v: number): number {
  return v === 0 ? 0 : v;
}
