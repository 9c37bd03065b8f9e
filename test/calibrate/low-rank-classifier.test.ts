import { expect, test } from "vitest";
import { type Classifier, gradientOf, softmaxRows } from "../../src/calibrate/low-rank-classifier.ts";
import { createArrayKernels } from "../../src/engine/array-kernels.ts";
import { normal, seeded } from "../../src/random.ts";

const kernels = await createArrayKernels();
const [inputs, rank, count, n] = [5, 3, 7, 4];
const random = seeded(1);
const normals = (length: number) => Float32Array.from({ length }, () => normal(random));
const classifier: Classifier = [normals(rank * inputs), normals(rank), normals(rank * count), normals(count)];
const x = normals(n * inputs);
const expected = normals(n * count);
softmaxRows(expected, new Float32Array(count));

/** The mean cross-entropy, in plain loops. */
function crossEntropy([down, center, up, mean]: readonly Float32Array[], used: number): number {
  let total = 0;
  for (let r = 0; r < n; r++) {
    const code = Array.from({ length: used }, (_, k) => {
      let sum = center[k];
      for (let i = 0; i < inputs; i++) sum += down[k * inputs + i] * x[r * inputs + i];
      return sum;
    });
    const scores = Array.from(mean, (m, c) => m + code.reduce((sum, v, k) => sum + v * up[k * count + c], 0));
    const whole = Math.log(scores.reduce((sum, s) => sum + Math.exp(s), 0));
    scores.forEach((s, c) => void (total += expected[r * count + c] * (whole - s)));
  }
  return total / n;
}

test.each([1, 2, 3])("the gradient of a classifier of rank %i is that of its error, by differences", (used) => {
  const found = gradientOf(classifier, used, x, expected, kernels);
  expect(found.map(({ length }) => length)).toEqual([used * inputs, used, used * count, count]);
  const step = 2 ** -7;
  found.forEach((gradient, p) => {
    gradient.forEach((slope, i) => {
      const at = (by: number) =>
        crossEntropy(
          classifier.map((part, q) => part.map((v, j) => (p === q && i === j ? v + by : v))),
          used,
        );
      expect(slope).toBeCloseTo((at(step) - at(-step)) / (2 * step), 3);
    });
  });
});

test("softmax of rows with a bias, of numbers of any size", () => {
  const rows = Float32Array.of(0, Math.log(3), 1000, 1000);
  softmaxRows(rows, Float32Array.of(0, 0));
  expect([...rows]).toEqual([0.25, 0.75, 0.5, 0.5].map((v) => expect.closeTo(v, 6)));
  const biased = Float32Array.of(1, 1);
  softmaxRows(biased, Float32Array.of(Math.log(4), 0));
  expect([...biased]).toEqual([0.8, 0.2].map((v) => expect.closeTo(v, 6)));
});
