import { expect, test } from "vitest";
import {
  decodeActivators,
  encodeActivators,
  type Hash,
  type LayerActivators,
  type LowRank,
  noActivators,
} from "../../src/activator/activator.ts";
import { createModel, type Model } from "../../src/model/model.ts";
import { decodeModel, encodeModel } from "../../src/model/slonn-file.ts";
import type { Tensor } from "../../src/model/tensor.ts";
import { normal, seeded } from "../../src/random.ts";
import { madeUpModel } from "../made-up-models.ts";

const random = seeded(1);
const numbers = (n: number): Float32Array => Float32Array.from({ length: n }, () => normal(random));

const lowRank: LowRank = { kind: "low-rank", rank: 3, down: numbers(3 * 6), center: numbers(3), up: numbers(9 * 3), mean: numbers(9) };
const hash: Hash = {
  kind: "hash",
  tables: 2,
  bits: 1,
  planes: numbers(2 * 6),
  starts: Uint32Array.of(0, 2, 2, 3, 5),
  nodes: Uint32Array.of(1, 8, 0, 3, 8),
  votes: numbers(5),
};
const fitted: LayerActivators[] = [{ ...noActivators, lowRank, hash }, noActivators];

const plain = madeUpModel([6, 9, 2], 2);
const withTensors = (tensors: ReadonlyMap<string, Tensor>): Model => createModel("fitted", plain.layers, { ladder: null, tensors });

test("activators come back from a model as they went in, also through a file", () => {
  const model = withTensors(encodeActivators(fitted));
  expect(decodeActivators(model)).toEqual(fitted);
  expect(decodeActivators(decodeModel(encodeModel(model)))).toEqual(fitted);
});

test("a model without calibration has none", () => {
  const none = [noActivators, noActivators];
  expect(decodeActivators(plain)).toEqual(none);
  expect(encodeActivators(none).size).toBe(0);
});

const floats = (shape: number[], data = numbers(shape.reduce((a, b) => a * b, 1))): Tensor => ({ dtype: "float32", shape, data });
const words = (...data: number[]): Tensor => ({ dtype: "uint32", shape: [data.length], data: Uint32Array.from(data) });

test.each<[string, string, Tensor | undefined, RegExp]>([
  ["rows of another width", "low-rank.down", floats([3, 5]), /got float32 \[3, 5\], expected float32 \[3, 6\]/],
  ["a rank of 0", "low-rank.down", floats([0, 6]), /got float32 \[0, 6\], expected a rank of at least 1/],
  ["no shape", "low-rank.down", floats([]), /expected a rank of at least 1/],
  ["a part that is missing", "low-rank.center", undefined, /center: got nothing, expected float32 \[3\]/],
  ["another rank in one part", "low-rank.up", floats([9, 4]), /got float32 \[9, 4\], expected float32 \[9, 3\]/],
  ["another number of nodes", "low-rank.mean", floats([8]), /got float32 \[8\], expected float32 \[9\]/],
  ["another type", "low-rank.mean", { dtype: "float64", shape: [9], data: new Float64Array(9) }, /got float64 \[9\]/],
  ["NaN", "low-rank.mean", floats([9], new Float32Array(9).fill(Number.NaN)), /got NaN, expected finite numbers/],
  ["infinity", "hash.votes", floats([5], new Float32Array(5).fill(Number.POSITIVE_INFINITY)), /got Infinity/],
  ["planes of another width", "hash.planes", floats([2, 1, 5]), /expected float32 \[2, 1, 6\]/],
  ["planes that are a matrix", "hash.planes", floats([2, 6]), /got float32 \[2, 6\]/],
  ["no table", "hash.planes", floats([0, 1, 6]), /got 0 tables of 1 bits/],
  ["no bit", "hash.planes", floats([2, 0, 6]), /got 2 tables of 0 bits/],
  ["too many bits", "hash.planes", floats([1, 21, 6]), /got 1 tables of 21 bits/],
  ["too few buckets", "hash.starts", words(0, 2, 5), /expected uint32 \[5\]/],
  ["starts as floats", "hash.starts", floats([5]), /got float32 \[5\], expected uint32 \[5\]/],
  ["starts that descend", "hash.starts", words(0, 2, 1, 3, 5), /got 1 at 2/],
  ["starts past the nodes", "hash.starts", words(0, 2, 2, 3, 6), /got 6 at 4, expected ascending positions up to 5/],
  ["a node that does not exist", "hash.nodes", words(1, 8, 0, 3, 9), /got node 9, expected below 9/],
  ["nodes that are missing", "hash.nodes", undefined, /nodes: got nothing, expected uint32/],
  ["fewer votes than nodes", "hash.votes", floats([4]), /got float32 \[4\], expected float32 \[5\]/],
])("refuses %s", (_, name, tensor, message) => {
  const tensors = new Map(encodeActivators(fitted));
  if (tensor) tensors.set(`activators.0.${name}`, tensor);
  else tensors.delete(`activators.0.${name}`);
  const decode = () => decodeActivators(withTensors(tensors));
  expect(decode).toThrow(message);
  expect(decode).toThrow(expect.objectContaining({ code: "bad-file" }));
});
