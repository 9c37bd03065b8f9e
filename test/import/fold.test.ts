import fc from "fast-check";
import { expect, test } from "vitest";
import { createFold, type Fold } from "../../src/import/fold.ts";
import { forward } from "../../src/model/forward.ts";
import { type Activation, createModel } from "../../src/model/model.ts";
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

/** A run of dense layers of one node (d) or of two inputs (D), a shift (a) and activations by name. */
function run(...steps: string[]) {
  const fold = createFold("f", 100);
  steps.forEach((step, i) => {
    const inputs = step === "D" ? 2 : 1;
    if (step === "d" || step === "D")
      fold.dense(`${i}`, { name: step, inputs, outputs: 1, weight: new Float32Array(inputs).fill(1), transposed: false });
    else if (step === "a") fold.affine(`${i}`, Float64Array.of(1), Float64Array.of(0.5));
    else fold.activation(`${i}`, step as Activation, 0);
  });
  return fold.finish();
}

test.each<[string, string[], string]>([
  ["no layer", ["a"], "f: got no dense layer"],
  ["an activation before the first layer", ["relu", "d"], "0: got an activation without a dense layer right before it"],
  ["an activation of a shift", ["d", "relu", "a", "relu", "d"], "3: got an activation without a dense layer right before it"],
  ["two activations", ["d", "tanh", "relu"], "2: got relu on top of tanh"],
  ["relu, then another", ["d", "relu", "tanh"], "2: got tanh on top of relu"],
  ["a layer behind softmax", ["d", "softmax", "d"], "2: got it after softmax"],
  ["a shift behind log-softmax", ["d", "log-softmax", "a"], "2: got it after log-softmax"],
  ["an activation behind softmax", ["d", "softmax", "relu"], "2: got it after softmax"],
  ["a shift behind the last activation", ["d", "relu", "a"], "2: got it after the last activation"],
  ["a layer of more inputs", ["d", "D"], "1: got weights for 2 inputs, expected 1"],
])("refuses %s", (_, steps, message) => expect(() => run(...steps)).toThrow(message));

test("relu of relu is relu, identity is nothing, and so is a shift that another takes back", () => {
  expect(run("d", "relu", "relu")).toEqual(run("d", "relu"));
  expect(run("d", "relu", "identity", "identity")).toEqual(run("d", "relu"));
  const fold = createFold("f", 100);
  fold.dense("layer", { name: "d", inputs: 1, outputs: 1, weight: Float32Array.of(1), transposed: false });
  fold.activation("relu", "relu", 0);
  for (const shift of [2, -2]) fold.affine("shift", Float64Array.of(1), Float64Array.of(shift));
  expect(fold.finish()).toEqual(run("d", "relu"));
});

test("no run takes more numbers than it may, whichever steps it repeats", () => {
  const repeated = (most: number, step: (fold: Fold) => void) => () => {
    const fold = createFold("f", most);
    fold.dense("layer", { name: "d", inputs: 2, outputs: 2, weight: new Float32Array(4), transposed: false });
    for (let i = 0; i < 10; i++) step(fold);
  };
  const again = (fold: Fold) => fold.dense("again", { name: "d", inputs: 2, outputs: 2, weight: new Float32Array(4), transposed: false });
  const shift = (fold: Fold) => fold.affine("shift", Float64Array.of(1), Float64Array.of(1));
  const tooMuch = expect.objectContaining({ code: "unsupported", message: expect.stringContaining("numbers to fold") });
  expect(repeated(132, again)).not.toThrow();
  expect(repeated(131, again)).toThrow(tooMuch);
  expect(repeated(32, shift)).not.toThrow();
  expect(repeated(31, shift)).toThrow(tooMuch);
});

test("steps of other sizes than the values are refused", () => {
  const fold = createFold("f", 100);
  fold.affine("first", new Float64Array(3), new Float64Array(1));
  expect(() => fold.affine("second", new Float64Array(2), new Float64Array(1))).toThrow("second: got 2 elements, expected 3");
  expect(() => fold.dense("third", { name: "l", inputs: 2, outputs: 1, weight: new Float32Array(2), transposed: false })).toThrow(
    "first: got 3 elements, expected 2",
  );
  expect(() => fold.dense("third", { name: "l", inputs: 3, outputs: 0, weight: new Float32Array(0), transposed: false })).toThrow(
    "third: got 0 outputs, expected 1 to 16777215",
  );
  expect(() => fold.dense("third", { name: "l", inputs: 3, outputs: 2, weight: new Float32Array(5), transposed: false })).toThrow(
    "third: got 5 weights, expected 2 x 3",
  );
  fold.dense("third", { name: "l", inputs: 3, outputs: 2, weight: new Float32Array(6), transposed: false });
  expect(() => fold.affine("fourth", new Float64Array(1), new Float64Array(3))).toThrow("fourth: got 3 elements, expected 2");
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
