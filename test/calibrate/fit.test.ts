import { describe, expect, test } from "vitest";
import type { LowRank } from "../../src/activator/activator.ts";
import { fitActivators } from "../../src/calibrate/fit.ts";
import { fitHash } from "../../src/calibrate/fit-hash.ts";
import { fitLowRank } from "../../src/calibrate/fit-low-rank.ts";
import { takeTurns } from "../../src/calibrate/turn.ts";
import { createArrayKernels } from "../../src/engine/array-kernels.ts";
import { forward } from "../../src/model/forward.ts";
import { createModel, type FloatLayer } from "../../src/model/model.ts";
import { rowOf } from "../../src/model/rows.ts";
import { permutation, seeded } from "../../src/random.ts";
import { compressed, madeUpModel, madeUpRows } from "../made-up-models.ts";

const kernels = await createArrayKernels();

function preActivations(x: Float32Array, { weight, bias, inputs, outputs }: FloatLayer): Float32Array {
  return Float32Array.from({ length: (x.length / inputs) * outputs }, (_, at) => {
    const [r, o] = [Math.floor(at / outputs), at % outputs];
    let z = bias[o];
    for (let i = 0; i < inputs; i++) z += x[r * inputs + i] * weight[o * inputs + i];
    return z;
  });
}

/** The largest error of predicting `z` from `x`, and the mean square. */
function errors(fitted: LowRank, x: Float32Array, z: Float32Array, inputs: number): { largest: number; mean: number } {
  const { rank, down, center, up, mean } = fitted;
  const outputs = mean.length;
  let [largest, squares] = [0, 0];
  for (let r = 0; r < x.length / inputs; r++) {
    const code = Array.from(center, (c, k) => {
      for (let i = 0; i < inputs; i++) c += down[k * inputs + i] * x[r * inputs + i];
      return c;
    });
    for (let o = 0; o < outputs; o++) {
      let predicted = mean[o];
      for (let k = 0; k < rank; k++) predicted += up[o * rank + k] * code[k];
      const error = Math.abs(predicted - z[r * outputs + o]);
      largest = Math.max(largest, error);
      squares += error * error;
    }
  }
  return { largest, mean: squares / z.length };
}

describe("a low-rank activator", () => {
  const [layer] = madeUpModel([20, 24, 4], 5).layers;
  const x = madeUpRows(200, 20, 6).data;
  const z = preActivations(x, layer);
  const even = new Float32Array(24).fill(1);
  const turn = takeTurns(undefined);
  const fitting = (rank: number, importance = even, seed = 1) =>
    fitLowRank(z, 200, layer, importance, rank, { kernels, random: seeded(seed), turn });

  test("of full rank predicts pre-activations, also of rows it was not fitted on and whatever counts", async () => {
    const fresh = madeUpRows(50, 20, 7).data;
    for (const importance of [even, even.map((_, o) => 1e-3 + o / 24)]) {
      const fitted = await fitting(20, importance);
      expect(errors(fitted, x, z, 20).largest).toBeLessThan(1e-3);
      expect(errors(fitted, fresh, preActivations(fresh, layer), 20).largest).toBeLessThan(1e-3);
    }
  });

  test("predicts better the more components it has, which come in the same order", async () => {
    const mean: number[] = [];
    for (const rank of [2, 4, 8, 16]) mean.push(errors(await fitting(rank), x, z, 20).mean);
    for (let i = 1; i < mean.length; i++) expect(mean[i]).toBeLessThan(mean[i - 1]);
    const [few, many] = [await fitting(4), await fitting(16)];
    for (let o = 0; o < 24; o++)
      for (let c = 0; c < 4; c++) expect(Math.abs(few.up[o * 4 + c])).toBeCloseTo(Math.abs(many.up[o * 16 + c]), 1);
  });

  test("has no more components than rows or nodes, and survives rows that are all alike", async () => {
    expect((await fitLowRank(z.subarray(0, 5 * 24), 5, layer, even, 16, { kernels, random: seeded(1), turn })).rank).toBe(5);
    expect((await fitting(99)).rank).toBe(24);
    const same = new Float32Array(z.length).fill(2);
    const { down, up, center, mean } = await fitLowRank(same, 200, layer, even, 8, { kernels, random: seeded(1), turn });
    for (const v of [...down, ...up, ...center]) expect(Number.isFinite(v)).toBe(true);
    for (const m of mean) expect(m).toBeCloseTo(2, 4);
  });

  test("takes a turn before each component of each iteration, and ends where one throws", async () => {
    let turns = 0;
    const until = (last: number) => async () => {
      if (++turns > last) throw new Error("enough");
    };
    const endingAfter = (last: number) => fitLowRank(z, 200, layer, even, 16, { kernels, random: seeded(1), turn: until(last) });
    await endingAfter(Number.POSITIVE_INFINITY);
    expect(turns).toBeGreaterThan(6 * 16);
    turns = 0;
    await expect(endingAfter(20)).rejects.toThrow("enough");
    expect(turns).toBe(21);
  });
});

describe("a hash activator", async () => {
  const fitting = { random: seeded(2), turn: takeTurns(undefined) };
  const shape = { tables: 3, bits: 4, votes: 6 };
  const n = 120;
  const x = madeUpRows(n, 10, 3).data;
  const h = madeUpRows(n, 16, 4).data.map((v) => Math.max(0, v));
  const fitted = await fitHash(x, h, n, 10, 16, shape, fitting);

  test("votes for at most so many nodes that were active, most active first", () => {
    const { starts, nodes, votes } = fitted;
    expect(starts).toHaveLength(3 * 16 + 1);
    expect([starts[0], starts[48]]).toEqual([0, nodes.length]);
    for (let bucket = 0; bucket < 48; bucket++) {
      const [from, to] = [starts[bucket], starts[bucket + 1]];
      expect(to - from).toBeLessThanOrEqual(shape.votes);
      expect(new Set(nodes.subarray(from, to)).size).toBe(to - from);
      for (let i = from; i < to; i++) {
        expect(votes[i]).toBeGreaterThan(0);
        expect(nodes[i]).toBeLessThan(16);
        if (i > from) expect(votes[i]).toBeLessThanOrEqual(votes[i - 1]);
      }
    }
  });

  test("votes by how active a node was on average for the inputs on the same sides of the planes of a table", () => {
    const { planes, starts, nodes, votes } = fitted;
    const side = (r: number, plane: number): number => {
      let dot = 0;
      for (let i = 0; i < 10; i++) dot += x[r * 10 + i] * planes[plane * 10 + i];
      return dot > 0 ? 1 : 0;
    };
    for (let bucket = 0; bucket < 48; bucket++) {
      const table = Math.floor(bucket / 16);
      const members = Array.from({ length: n }, (_, r) => r).filter((r) =>
        [0, 1, 2, 3].every((bit) => side(r, table * 4 + bit) === ((bucket >> bit) & 1)),
      );
      expect(starts[bucket + 1] > starts[bucket]).toBe(members.length > 0);
      for (let i = starts[bucket]; i < starts[bucket + 1]; i++)
        expect(votes[i]).toBeCloseTo(members.reduce((total, r) => total + h[r * 16 + nodes[i]], 0) / members.length, 5);
    }
  });

  test("has planes that the mean input lies on", () => {
    const mean = Array.from({ length: 10 }, (_, i) => {
      let total = 0;
      for (let r = 0; r < n; r++) total += x[r * 10 + i] / n;
      return total;
    });
    for (let p = 0; p < 12; p++) {
      let dot = 0;
      for (let i = 0; i < 10; i++) dot += fitted.planes[p * 10 + i] * mean[i];
      expect(dot).toBeCloseTo(0, 5);
    }
  });

  test("stops when told to", async () => {
    const told = { ...fitting, turn: takeTurns(AbortSignal.abort()) };
    await expect(fitHash(x, h, n, 10, 16, shape, told)).rejects.toMatchObject({ code: "aborted" });
  });

  test("of blank inputs is finite", async () => {
    const blank = await fitHash(new Float32Array(10), new Float32Array(16), 1, 10, 16, shape, fitting);
    expect(blank.nodes).toHaveLength(0);
    for (const v of blank.planes) expect(Number.isFinite(v)).toBe(true);
  });
});

describe("fitting a network", () => {
  const model = madeUpModel([30, 64, 40, 5], 1);
  const rows = madeUpRows(150, 30, 2);
  const fitting = (on: Parameters<typeof fitActivators>[1], seed = 3, kinds = ["low-rank", "hash"]) =>
    fitActivators(model, on, { kinds, rows: 100, random: seeded(seed) }, kernels);

  test("gives the same for the same rows and seed, dense or sparse, and another for another seed", async () => {
    const [first, again, sparse, other] = [
      await fitting(rows),
      await fitting(rows),
      await fitting(compressed(rows)),
      await fitting(rows, 4),
    ];
    expect([again.fitted, again.layers]).toEqual([first.fitted, first.layers]);
    expect([sparse.fitted, sparse.layers]).toEqual([first.fitted, first.layers]);
    expect(other.fitted).not.toEqual(first.fitted);
  });

  test("uses no more rows than it is told, from all over, as they may come sorted", async () => {
    const order = permutation(rows.count, seeded(3));
    const without = async (which: Uint32Array) => {
      const data = rows.data.slice();
      for (const r of which) data.fill(7, r * 30, (r + 1) * 30);
      return (await fitting({ ...rows, data })).fitted;
    };
    const { fitted } = await fitting(rows);
    expect(await without(order.subarray(100))).toEqual(fitted);
    expect(await without(Uint32Array.from({ length: 50 }, (_, i) => 100 + i))).not.toEqual(fitted);
  });

  test("puts nodes in another order, in which the network answers alike", async () => {
    const { layers } = await fitting(rows);
    const reordered = createModel("reordered", layers);
    expect(layers[0].weight).not.toEqual(model.layers[0].weight);
    for (let r = 0; r < 10; r++) {
      const x = rowOf(rows, r) as Float32Array;
      const expected = forward(model, x);
      forward(reordered, x).forEach((v, i) => {
        expect(v).toBeCloseTo(expected[i], 4);
      });
    }
  });

  test("fits the kinds it is told, hidden layers only", async () => {
    const kindsOf = async (kinds: string[]) =>
      (await fitting(rows, 3, kinds)).fitted.map(({ lowRank, hash }) => [lowRank !== null, hash !== null]);
    expect(await kindsOf(["low-rank"])).toEqual([
      [true, false],
      [true, false],
      [false, false],
    ]);
    expect(await kindsOf(["hash"])).toEqual([
      [false, true],
      [false, true],
      [false, false],
    ]);
    expect(await kindsOf([])).toEqual(new Array(3).fill([false, false]));
  });

  test("fits nothing that a file could not hold where activations pass float32", async () => {
    const overflowing = { ...model, layers: model.layers.map((layer) => ({ ...layer, weight: layer.weight.map((w) => 1e38 * w) })) };
    const options = { kinds: ["low-rank", "hash"], rows: 100, random: seeded(3) };
    const { fitted } = await fitActivators(overflowing, rows, options, kernels);
    expect(fitted.map(({ lowRank, hash }) => [lowRank, hash])).toEqual(new Array(3).fill([null, null]));
  });

  test("gives thresholds that about so many of the scores exceed, higher for smaller shares", async () => {
    const { thresholds } = await fitting(rows);
    const found = thresholds(0, 8, [0.01, 0.1, 0.5, 1]);
    for (let i = 1; i < found.length; i++) expect(found[i]).toBeLessThan(found[i - 1]);
    expect((await fitting(rows, 3, ["hash"])).thresholds(0, 8, [0.1])).toEqual([]);
    // a layer's own numbers need no activator
    const own = (await fitting(rows, 3, [])).thresholds(0, "all", [0.01, 0.1, 0.5, 1]);
    expect(own).toEqual([...own].sort((a, b) => b - a));
    expect(new Set(own).size).toBe(4);
  });

  test("gives the thresholds of a first layer's own numbers where it reads sparse rows as well", async () => {
    const wide = madeUpModel([8192, 24, 3], 1);
    const few = madeUpRows(40, 8192, 2, 0.99);
    const options = { kinds: [], rows: 40 };
    const [dense, sparse] = [few, compressed(few)].map((on) => fitActivators(wide, on, { ...options, random: seeded(3) }, kernels));
    const shares = [0.01, 0.1, 0.5];
    const [expected, found] = [(await dense).thresholds(0, "all", shares), (await sparse).thresholds(0, "all", shares)];
    expect(found).toHaveLength(3);
    found.forEach((threshold, i) => {
      expect(threshold).toBeCloseTo(expected[i], 5);
    });
  });

  test("stops when told to", async () => {
    const options = { kinds: [], rows: 10, random: seeded(1), signal: AbortSignal.abort() };
    await expect(fitActivators(model, rows, options, kernels)).rejects.toMatchObject({ code: "aborted" });
  });
});
