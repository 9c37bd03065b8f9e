import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { placeLevel } from "../../src/activator/level-plan.ts";
import { placeNetwork } from "../../src/activator/network.ts";
import { createNetworkInput, writeSparse } from "../../src/activator/network-input.ts";
import type { Rung } from "../../src/activator/setting.ts";
import { createMemoryPlan } from "../../src/engine/memory-plan.ts";
import { quantizeModel } from "../../src/model/quantize.ts";
import { seeded } from "../../src/random.ts";
import { madeUpModel } from "../made-up-models.ts";

const asList = { readsNonZerosOnly: true };

/** The pairs a sparse input leaves in the list, with the row the plan is to be run from. */
function listed(pairs: readonly (readonly [number, number])[], width = 10): { row: number; pairs: [number, number][] } {
  const dense = new Float32Array(width).fill(9);
  const list = { count: Uint32Array.of(7), indices: new Uint32Array(width), values: new Float32Array(width) };
  const input = { indices: Uint32Array.from(pairs, ([i]) => i), values: Float32Array.from(pairs, ([, v]) => v) };
  const row = writeSparse({ dense, list }, input, asList);
  if (row === 0) return { row, pairs: [...dense].flatMap((v, i) => (v === 0 ? [] : [[i, v] as [number, number]])) };
  if (input.indices.every((i, n) => n === 0 || i > input.indices[n - 1])) expect([...dense]).toEqual(new Array(width).fill(9));
  return { row, pairs: Array.from({ length: list.count[0] }, (_, i) => [list.indices[i], list.values[i]]) };
}

describe("a sparse input is listed", () => {
  test.each<[string, [number, number][], [number, number][]]>([
    [
      "as it is where it ascends",
      [
        [1, 2],
        [4, -3],
        [9, 0.5],
      ],
      [
        [1, 2],
        [4, -3],
        [9, 0.5],
      ],
    ],
    [
      "in order",
      [
        [9, 1],
        [0, 2],
        [5, 3],
        [4, 4],
      ],
      [
        [0, 2],
        [4, 4],
        [5, 3],
        [9, 1],
      ],
    ],
    [
      "with the sum of what is repeated",
      [
        [3, 1],
        [3, 2],
        [1, 5],
        [3, 4],
      ],
      [
        [1, 5],
        [3, 7],
      ],
    ],
    [
      "with the sum of neighbours that are repeated",
      [
        [3, 1],
        [3, 2],
        [5, 5],
      ],
      [
        [3, 3],
        [5, 5],
      ],
    ],
    [
      "without zeros",
      [
        [1, 0],
        [2, -0],
        [3, 1],
        [4, 0],
      ],
      [[3, 1]],
    ],
    [
      "without what sums to zero",
      [
        [6, 2],
        [3, 1],
        [6, -2],
      ],
      [[3, 1]],
    ],
    [
      "empty where everything sums to zero",
      [
        [3, 1],
        [3, -1],
      ],
      [],
    ],
    ["empty", [], []],
    [
      "with NaN and infinity",
      [
        [7, Number.NaN],
        [2, Number.NEGATIVE_INFINITY],
      ],
      [
        [2, Number.NEGATIVE_INFINITY],
        [7, Number.NaN],
      ],
    ],
    [
      "with NaN where it is part of a sum",
      [
        [7, Number.NaN],
        [7, 1],
      ],
      [[7, Number.NaN]],
    ],
  ])("%s", (_, pairs, expected) => {
    expect(listed(pairs)).toEqual({ row: 1, pairs: expected });
  });

  test("only where there is room: a longer one is summed into the dense vector", () => {
    const long = Array.from({ length: 25 }, (_, n): [number, number] => [n % 10, 1]);
    expect(listed(long)).toEqual({ row: 0, pairs: Array.from({ length: 10 }, (_, i) => [i, i < 5 ? 3 : 2]) });
    expect(listed(long.slice(0, 10)).row).toBe(1);
    expect(listed(long.slice(0, 11)).row).toBe(0);
  });

  test("only for plans that read a list alone", () => {
    const list = { count: Uint32Array.of(7), indices: new Uint32Array(3), values: new Float32Array(3) };
    const input = { indices: Uint32Array.of(2, 0, 2), values: Float32Array.of(1, 5, 2) };
    const dense = new Float32Array(3).fill(9);
    expect(writeSparse({ dense, list }, input, { readsNonZerosOnly: false })).toBe(0);
    expect([...dense]).toEqual([5, 0, 3]);
  });
});

test("repeated indices of numbers that are no floats come to the same in the list and in the dense vector", () => {
  const random = seeded(1);
  const indices = Array.from({ length: 60 }, () => Math.floor(random() * 5));
  const values = Float64Array.from(indices, () => random());
  const written = [asList, { readsNonZerosOnly: false }].map((plan) => {
    const to = {
      dense: new Float32Array(60),
      list: { count: new Uint32Array(1), indices: new Uint32Array(60), values: new Float32Array(60) },
    };
    writeSparse(to, { indices, values }, plan);
    return plan === asList ? to.list.values.slice(0, to.list.count[0]) : to.dense.slice(0, 5);
  });
  expect(written[0]).toEqual(written[1]);
});

test("an index that changes after it was checked, as in memory that is shared, is not written", () => {
  const list = { count: new Uint32Array(1), indices: new Uint32Array(3), values: new Float32Array(3) };
  const plan = { readsNonZerosOnly: true };
  const input = { indices: [0, 1e9, 2], values: [1, 1, 1] };
  expect(writeSparse({ dense: new Float32Array(3), list }, input, plan)).toBe(1);
  expect([...list.indices.subarray(0, list.count[0])]).toEqual([0, 2]);
  expect(writeSparse({ dense: new Float32Array(3), list }, { ...input, indices: [0, 1, 3] }, plan)).toBe(1);
  expect([...list.indices.subarray(0, list.count[0])]).toEqual([0, 1]);
});

const width = 40;
const numbers = fc.oneof(fc.integer({ min: -8, max: 8 }), fc.constantFrom(Number.NaN, 0.5, -0.25, 2 ** 24, 2 ** 127, -(2 ** 127)));
const pairs = (most: number) => fc.array(fc.tuple(fc.nat(most - 1), numbers), { maxLength: 100 });

test("whatever the pairs, the list is ascending, has no zeros, and says what the dense vector says, to the bit", () => {
  fc.assert(
    fc.property(pairs(width), (given) => {
      const dense = new Float32Array(width);
      for (const [i, v] of given) dense[i] += v;
      const got = listed(given, width);
      expect(got.row).toBe(given.length > width ? 0 : 1);
      expect(got.pairs).toEqual([...dense].flatMap((v, i) => (v === 0 ? [] : [[i, v]])));
    }),
    { numRuns: 500 },
  );
});

describe.each(["simd", "js"] as const)("on %s, a plan run from the row it is told", (backend) => {
  test.each(["f32", "int8"])("answers a list as it answers the vector, %s", async (type) => {
    const floats = madeUpModel([width, 24, 10], 3);
    const model = type === "int8" ? quantizeModel(floats) : floats;
    const rungs: Rung[][] = [
      [{ layers: [{ kind: "exact", layout: "columns" }, { kind: "exact" }] }],
      [{ layers: [{ kind: "exact", layout: "panels" }, { kind: "exact" }] }],
      [{ layers: [{ kind: "dense" }, { kind: "dense" }] }],
    ];
    const memory = createMemoryPlan();
    const network = placeNetwork(memory, model);
    const plans = rungs.map((one) => placeLevel(memory, network, one));
    const engine = await memory.create({ backend });
    const input = createNetworkInput(engine, network);
    if (type === "f32") expect(plans.map(({ readsNonZerosOnly }) => readsNonZerosOnly)).toEqual([true, true, false]);
    const answer = (p: number, from: number): number[] => {
      const { address, rungEnds, answers } = plans[p];
      engine.execute(address, from, rungEnds[0]);
      return [...new Float32Array(engine.buffer, answers[0].output, 10)];
    };
    fc.assert(
      fc.property(pairs(width), fc.nat(2), (given, p) => {
        const dense = new Float32Array(width);
        for (const [i, v] of given) dense[i] += v;
        input.dense.set(dense);
        const expected = answer(p, 0);
        const sparse = { indices: Uint32Array.from(given, ([i]) => i), values: Float32Array.from(given, ([, v]) => v) };
        input.dense.fill(5);
        expect(answer(p, writeSparse(input, sparse, plans[p]))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});
