// Nodes put in another order: which stand first, and that the network stays the same.

import { expect, test } from "vitest";
import { holding, reorder, strengthOrder, strengthsOf } from "../../src/calibrate/order.ts";
import { forward } from "../../src/model/forward.ts";
import { createModel, type DenseLayer } from "../../src/model/model.ts";
import { quantizeModel } from "../../src/model/quantize.ts";
import { permutation, seeded } from "../../src/random.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";

test("the nodes that give most stand first: by how strongly they are active, and how much the next layer looks at them", () => {
  const rows = Float32Array.of(...[1, 0, 2, 0, 3], ...[1, 4, 0, 0, -3]);
  // mean squares 1, 8, 2, 0 and 9
  expect([...strengthOrder(strengthsOf(rows, new Float32Array(5).fill(1)))]).toEqual([4, 1, 2, 0, 3]);
  expect([...strengthOrder(strengthsOf(rows, Float32Array.of(1, 1, 3, 9, 0.1)))]).toEqual([2, 1, 0, 4, 3]);
  // of equals the first; what is not finite loses no node
  expect([...strengthOrder(new Float64Array(3))]).toEqual([0, 1, 2]);
  const odd = strengthOrder(Float64Array.of(Number.NaN, 1, Number.POSITIVE_INFINITY, 0));
  expect([...odd].sort()).toEqual([0, 1, 2, 3]);
});

test("as many of the strongest nodes as hold a share of all strength, in whole panels", () => {
  // 40 nodes: one holds half, 20 others nearly all the rest
  const strengths = Float64Array.from({ length: 40 }, (_, i) => (i === 30 ? 19 : i % 2 ? 1 : 1e-6));
  expect(holding(strengths, 0.4)).toBe(16);
  expect(holding(strengths, 0.85)).toBe(16);
  expect(holding(strengths, 0.99)).toBe(32);
  expect(holding(strengths, 1)).toBe(40);
  // at least a panel, never more than there are; all where nobody can say
  expect(holding(strengths.subarray(0, 5), 0.5)).toBe(5);
  expect(holding(new Float64Array(40), 0.9)).toBe(16);
  expect(
    holding(
      Float64Array.from({ length: 40 }, () => Number.NaN),
      0.9,
    ),
  ).toBe(40);
});

test("layers put in another order are the same network, with weights in floats and in eight bits", () => {
  const floats = madeUpModel([12, 20, 5], 3);
  const rows = madeUpRows(8, 12, 4);
  const order = permutation(20, seeded(5));
  for (const model of [floats, quantizeModel(floats)]) {
    const [first, second] = model.layers as DenseLayer[];
    const reordered = createModel("reordered", reorder(first, second, order));
    expect(reordered.layers[0].bias).not.toEqual(first.bias);
    for (let r = 0; r < rows.count; r++) {
      const input = rows.data.slice(r * 12, (r + 1) * 12);
      const expected = forward(model, input);
      forward(reordered, input).forEach((value, o) => {
        expect(value).toBeCloseTo(expected[o], 5);
      });
    }
  }
});
