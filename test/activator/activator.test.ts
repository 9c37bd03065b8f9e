import { describe, expect, test } from "vitest";
import {
  decodeActivators,
  encodeActivators,
  type Hash,
  type LayerActivators,
  type LowRank,
  noActivators,
} from "../../src/activator/activator.ts";
import * as abi from "../../src/engine/generated/abi.ts";
import { activations, createModel, type Model } from "../../src/model/model.ts";
import { decodeModel, encodeModel } from "../../src/model/slonn-file.ts";
import type { Tensor } from "../../src/model/tensor.ts";
import { normal, seeded } from "../../src/random.ts";
import { madeUpLowRank, madeUpModel } from "../made-up-models.ts";

const random = seeded(1);
const numbers = (n: number): Float32Array => Float32Array.from({ length: n }, () => normal(random));

const lowRank = madeUpLowRank(6, 9, 3, numbers);
const hash: Hash = {
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

test("names of tensors are looked through once, however many layers there are", () => {
  let looks = 0;
  class Watched extends Map<string, Tensor> {
    override keys() {
      looks++;
      return super.keys();
    }
  }
  const { layers } = madeUpModel(new Array(101).fill(1), 1);
  decodeActivators(createModel("deep", layers, { ladder: null, tensors: new Watched() }));
  expect(looks).toBe(1);
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
  ["a rank of 0", "low-rank.down", floats([0, 6]), /got float32 \[0, 6\], expected a rank from 1 to 2048/],
  ["a rank above the most that is coded", "low-rank.down", floats([2049, 6]), /got float32 \[2049, 6\], expected a rank from 1 to 2048/],
  ["more sizes than a message holds", "low-rank.down", floats(new Array(1e5).fill(1)), /^.{50,150}$/],
  ["no shape", "low-rank.down", floats([]), /expected a rank from 1 to 2048/],
  ["a part that is missing", "low-rank.center", undefined, /center: got nothing, expected float32 \[3\]/],
  ["another rank in one part", "low-rank.up", floats([9, 4]), /got float32 \[9, 4\], expected float32 \[9, 3\]/],
  ["another number of nodes", "low-rank.mean", floats([8]), /got float32 \[8\], expected float32 \[9\]/],
  ["more dimensions", "low-rank.mean", floats([9, 1]), /got float32 \[9, 1\], expected float32 \[9\]/],
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
  ["nodes that are missing", "hash.nodes", undefined, /nodes: got nothing, expected uint32$/],
  ["fewer votes than nodes", "hash.votes", floats([4]), /got float32 \[4\], expected float32 \[5\]/],
])("refuses %s", (_, name, tensor, message) => {
  const tensors = new Map(encodeActivators(fitted));
  if (tensor) tensors.set(`activators.0.${name}`, tensor);
  else tensors.delete(`activators.0.${name}`);
  const decode = () => decodeActivators(withTensors(tensors));
  expect(decode).toThrow(message);
  expect(decode).toThrow(expect.objectContaining({ code: "bad-file" }));
});

describe("clusters of an output layer", () => {
  const wide = madeUpModel([6, 9, 100], 2);
  const router = (count: number): LowRank => madeUpLowRank(9, count, 2, numbers);
  const order = Uint32Array.from({ length: 100 }, (_, place) => (place * 37) % 100);
  const clustered: LayerActivators[] = [
    noActivators,
    {
      ...noActivators,
      clusters: [
        { panels: 1, router: router(7) },
        { panels: 2, router: router(4) },
        { panels: 16, router: router(1) },
      ],
      order,
    },
  ];
  const fittedWide = (tensors: ReadonlyMap<string, Tensor>): Model => createModel("wide", wide.layers, { ladder: null, tensors });

  test("come back as they went in, also through a file, whose tensors have no order of their own", () => {
    const model = fittedWide(encodeActivators(clustered));
    expect(decodeActivators(model)).toEqual(clustered);
    const [hidden, output] = decodeActivators(decodeModel(encodeModel(model)));
    expect(hidden).toEqual(noActivators);
    expect(output.order).toEqual(order);
    const bySize = [...output.clusters].sort((a, b) => a.panels - b.panels);
    expect(bySize).toEqual(clustered[1].clusters);
  });

  const changed = (change: (order: Uint32Array) => void): Tensor => {
    const data = order.slice();
    change(data);
    return { dtype: "uint32", shape: [data.length], data };
  };
  test.each<[string, string, Tensor | undefined, RegExp]>([
    [
      "a node twice",
      "1.order",
      changed((o) => void (o[5] = o[6])),
      /^activators\.1\.order: got 22 twice, expected each number below 100 once$/,
    ],
    ["a node that does not exist", "1.order", changed((o) => void (o[5] = 100)), /got 100, expected each number below 100 once/],
    ["the largest of numbers as a node", "1.order", changed((o) => void (o[99] = 0xffffffff)), /got 4294967295,/],
    ["an order that is too short", "1.order", words(0, 1, 2), /order: got uint32 \[3\], expected uint32 \[100\]/],
    ["an order of floats", "1.order", floats([100]), /order: got float32 \[100\], expected uint32 \[100\]/],
    [
      "an order of a hidden layer",
      "0.order",
      words(8, 7, 6, 5, 4, 3, 2, 1, 0),
      /^activators\.0\.order: got an order, expected it of the output layer$/,
    ],
    [
      "a router of another width",
      "1.clusters.1.down",
      floats([2, 8]),
      /clusters\.1\.down: got float32 \[2, 8\], expected float32 \[2, 9\]/,
    ],
    ["a router of other clusters", "1.clusters.2.up", floats([7, 2]), /clusters\.2\.up: got float32 \[7, 2\], expected float32 \[4, 2\]/],
    ["a router of fewer clusters", "1.clusters.2.mean", floats([3]), /clusters\.2\.up: got float32 \[4, 2\], expected float32 \[3, 2\]/],
    ["a router of no cluster", "1.clusters.2.mean", floats([0]), /clusters\.2\.up: got float32 \[4, 2\], expected float32 \[1, 2\]/],
    ["a router of more clusters", "1.clusters.2.mean", floats([5]), /clusters\.2\.mean: got float32 \[5\], expected float32 \[4\]/],
    ["a router without centre", "1.clusters.16.center", undefined, /clusters\.16\.center: got nothing, expected float32 \[2\]/],
    ["a router of rank 0", "1.clusters.1.down", floats([0, 9]), /expected a rank from 1 to 2048/],
    ["a router of NaN", "1.clusters.1.up", floats([7, 2], new Float32Array(14).fill(Number.NaN)), /got NaN, expected finite numbers/],
    ["clusters of a size whose router is missing", "1.clusters.4.down", floats([2, 9]), /clusters\.4\.center: got nothing/],
  ])("refuses %s", (_, name, tensor, message) => {
    const tensors = new Map(encodeActivators(clustered));
    if (tensor) tensors.set(`activators.${name}`, tensor);
    else tensors.delete(`activators.${name}`);
    const decode = () => decodeActivators(fittedWide(tensors));
    expect(decode).toThrow(message);
    expect(decode).toThrow(expect.objectContaining({ code: "bad-file" }));
  });
});

test("activations are numbered in the order they are named in", () => {
  const codes: Record<string, unknown> = { ...abi };
  expect(activations.map((name) => codes[name.toUpperCase().replaceAll("-", "_")])).toEqual([...activations.keys()]);
});
