import { expect, test } from "vitest";
import { bestNodes } from "../../src/calibrate/best-nodes.ts";
import { takeTurns } from "../../src/calibrate/turn.ts";
import { createArrayKernels } from "../../src/engine/array-kernels.ts";
import type { FloatLayer } from "../../src/model/model.ts";
import { normal, seeded } from "../../src/random.ts";

const kernels = await createArrayKernels();
const random = seeded(1);
const normals = (length: number) => Float32Array.from({ length }, () => normal(random));
// past a block of rows and a slice of nodes
const [inputs, outputs, rows, depth] = [3, 1100, 300, 4];
const layer: FloatLayer = {
  name: "wide",
  inputs,
  outputs,
  weight: normals(outputs * inputs),
  bias: normals(outputs),
  activation: "softmax",
  alpha: 0,
};
// every node but the first hundred has a twin that scores alike
layer.weight.copyWithin(600 * inputs, 100 * inputs, 600 * inputs);
layer.bias.copyWithin(600, 100, 600);
const h = normals((rows + 1) * inputs);

test("the best nodes of each row are those of the highest scores, bias included, of equal ones the first", async () => {
  const found = await bestNodes(h, rows, layer, depth, { kernels, random, turn: takeTurns(undefined) });
  expect(found).toHaveLength(rows * depth);
  for (let r = 0; r < rows; r++) {
    const scores = Array.from(layer.bias, (b, o) => {
      for (let i = 0; i < inputs; i++) b += layer.weight[o * inputs + i] * h[r * inputs + i];
      return b;
    });
    const expected = [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b).slice(0, depth);
    expect([r, ...found.subarray(r * depth, (r + 1) * depth)]).toEqual([r, ...expected]);
  }
});
