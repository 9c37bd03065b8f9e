import fc from "fast-check";
import { expect, test } from "vitest";
import { createFold } from "../../src/import/fold.ts";
import { forward } from "../../src/model/forward.ts";
import { createModel } from "../../src/model/model.ts";
import { seeded } from "../../src/random.ts";

/** A chain as letters: d dense, t dense given transposed, a affine per element, s affine by one number, r an activation. */
const chain = fc.record({ steps: fc.stringMatching(/^[as]{0,2}([dt][as]{0,2}r?[as]{0,2}){0,3}[dt][as]{0,2}r?$/), seed: fc.nat() });

test("a folded chain computes what its steps do one after the other", () => {
  fc.assert(
    fc.property(chain, ({ steps, seed }) => {
      const random = seeded(seed);
      const numbers = (n: number) => Float64Array.from({ length: n }, () => Math.fround(random() * 2 - 1));
      const fold = createFold("f", 1e6);
      let width = 1 + Math.floor(random() * 5);
      const input = Float32Array.from(numbers(width));
      let x = Array.from(input);
      for (const step of steps)
        if (step === "d" || step === "t") {
          const [inputs, outputs] = [width, 1 + Math.floor(random() * 5)];
          const weight = numbers(inputs * outputs);
          const at = (node: number, i: number) => (step === "t" ? weight[i * outputs + node] : weight[node * inputs + i]);
          fold.dense("step", {
            name: step,
            inputs,
            outputs,
            weight: random() < 0.5 ? weight : Float32Array.from(weight),
            transposed: step === "t",
          });
          x = Array.from({ length: outputs }, (_, node) => x.reduce((sum, v, i) => sum + at(node, i) * v, 0));
          width = outputs;
        } else if (step === "r") {
          fold.activation("step", "leaky-relu", 0.25);
          x = x.map((v) => (v < 0 ? 0.25 * v : v));
        } else {
          const [scale, shift] = [numbers(step === "a" ? width : 1), numbers(random() < 0.5 ? width : 1)];
          fold.affine("step", scale, shift);
          x = x.map((v, i) => v * scale[i % scale.length] + shift[i % shift.length]);
        }
      const model = createModel("m", fold.finish());
      expect(model.layers.length).toBe(steps.replace(/[^dt]/g, "").length);
      for (const [i, y] of forward(model, input).entries()) expect(Math.abs(y - x[i])).toBeLessThan(1e-5 * (1 + Math.abs(x[i])));
    }),
    { numRuns: 1000 },
  );
});

test("weights that need no folding are not copied", () => {
  const weight = Float32Array.of(1, 2);
  const fold = createFold("f", 100);
  fold.dense("step", { name: "l", inputs: 2, outputs: 1, weight, transposed: false });
  fold.affine("step", Float64Array.of(1), Float64Array.of(0.5));
  expect(fold.finish()[0].weight).toBe(weight);
});

test("steps of other sizes than the values are refused", () => {
  const fold = createFold("f", 100);
  fold.affine("first", new Float64Array(3), new Float64Array(1));
  expect(() => fold.affine("second", new Float64Array(2), new Float64Array(1))).toThrow("second: got 2 elements, expected 3");
  expect(() => fold.dense("third", { name: "l", inputs: 2, outputs: 1, weight: new Float32Array(2), transposed: false })).toThrow(
    "first: got 3 elements, expected 2",
  );
  expect(() => fold.dense("third", { name: "l", inputs: 3, outputs: 0, weight: new Float32Array(0), transposed: false })).toThrow(
    "third: got 0 outputs, expected 1 to 16777216",
  );
});

test("a shift that float32 cannot take back is refused, one of the size of the numbers it is for is not", () => {
  const folded = (shift: number, scale: number, weight: number) => {
    const fold = createFold("f", 100);
    fold.affine("mean", Float64Array.of(1), Float64Array.of(-shift));
    fold.affine("deviation", Float64Array.of(1 / scale), new Float64Array(1));
    fold.dense("dense", { name: "l", inputs: 2, outputs: 1, weight: Float32Array.of(weight, weight), transposed: false });
    return fold.finish();
  };
  const refused = expect.objectContaining({
    code: "unsupported",
    message: expect.stringMatching(/^mean: got a shift .* subtract the mean from the data/),
  });
  expect(() => folded(1e6, 1, 0.5)).toThrow(refused); // deviations of about 1 from a million
  expect(() => folded(101325, 50, 1)).toThrow(refused);
  expect(() => folded(1e6, 1, 1e6)).toThrow(refused);
  folded(2000, 10, 0.5); // years
  folded(127.5, 127.5, 0.5); // pixels
  folded(1e6, 1, 1e-6); // numbers as far apart as their mean, scaled down by the weights
  folded(1, 1, 1e6);
});
