// Nodes put in another order: which stand together, and that the network stays the same.

import { expect, test } from "vitest";
import { coactivationOrder, reorder, strengthOrder } from "../../src/calibrate/order.ts";
import { forward } from "../../src/model/forward.ts";
import { createModel, type DenseLayer } from "../../src/model/model.ts";
import { quantizeModel } from "../../src/model/quantize.ts";
import { permutation, seeded } from "../../src/random.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";

/** HᵀH of activations, one list of nodes a row. */
function gramOf(rows: readonly (readonly number[])[]): Float32Array {
  const nodes = rows[0].length;
  return Float32Array.from({ length: nodes * nodes }, (_, at) =>
    rows.reduce((sum, row) => sum + row[Math.floor(at / nodes)] * row[at % nodes], 0),
  );
}

test("the nodes that give most stand first: by how strongly they are active, and how much the next layer looks at them", () => {
  const rows = Float32Array.of(...[1, 0, 2, 0, 3], ...[1, 4, 0, 0, -3]);
  // mean squares 1, 8, 2, 0 and 9
  expect([...strengthOrder(rows, new Float32Array(5).fill(1))]).toEqual([4, 1, 2, 0, 3]);
  expect([...strengthOrder(rows, Float32Array.of(1, 1, 3, 9, 0.1))]).toEqual([2, 1, 0, 4, 3]);
  // of equals the first; what is not finite loses no node
  expect([...strengthOrder(new Float32Array(3), new Float32Array(3).fill(1))]).toEqual([0, 1, 2]);
  const odd = strengthOrder(Float32Array.of(Number.NaN, 1, Number.POSITIVE_INFINITY, 0), new Float32Array(4).fill(1));
  expect([...odd].sort()).toEqual([0, 1, 2, 3]);
});

test("nodes that are active together share a panel, however active they are, and the most active node comes first", () => {
  // three groups, one node after another; in each, nodes of very different size
  const nodes = 48;
  const size = (node: number): number => (node === 4 ? 100 : 1 + (node % 7));
  const rows = [0, 1, 2].map((group) => Array.from({ length: nodes }, (_, node) => (node % 3 === group ? size(node) : 0.01 * size(node))));
  const order = coactivationOrder(gramOf(rows), nodes);
  expect(order[0]).toBe(4);
  for (const panel of [0, 16, 32]) expect(new Set(order.subarray(panel, panel + 16).map((node) => node % 3)).size).toBe(1);
  expect([...order].sort((a, b) => a - b)).toEqual([...order.keys()]);
});

test("a panel goes on with what goes with all that is in it, and the next one begins afresh with the most active left", () => {
  // nodes 0 to 14 are always active, 15 beside them in every other row, and the others, larger, without them
  const alone = Array.from({ length: 20 }, (_, node) => (node < 15 ? 0 : node === 15 ? 0.5 : node));
  const together = Array.from({ length: 20 }, (_, node) => (node < 15 ? 100 : node === 15 ? 0.5 : 1));
  const order = coactivationOrder(gramOf([together, alone]), 20);
  expect([...order.subarray(0, 16)].sort((a, b) => a - b)).toEqual([...order.subarray(0, 16).keys()]);
  expect(order[16]).toBe(19);
});

test("what goes with a panel that is full has no say in the next one", () => {
  // 16 nodes, 16 that go with them now and then, and 16 larger ones by themselves
  const row = (of: number, also: number, others: number) =>
    Array.from({ length: 48 }, (_, node) => (node < 16 ? of : node < 32 ? also : others));
  const order = coactivationOrder(gramOf([row(10, 0.6, 0), row(0, 1, 0), row(0, 0, 5)]), 48);
  expect([...order.subarray(16, 32)].sort()).toEqual(Array.from({ length: 16 }, (_, i) => 32 + i));
});

test("nodes that are never active have their places too", () => {
  expect([...coactivationOrder(new Float32Array(9), 3)].sort()).toEqual([0, 1, 2]);
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
