import { ByteBuffer } from "flatbuffers";
import { describe, expect, test } from "vitest";
import { writeTflite } from "../../bench/peers/write-tflite.ts";
import { createModel, type DenseLayer } from "../../src/model/model.ts";

const layerOf = (name: string, inputs: number, outputs: number, activation: DenseLayer["activation"]): DenseLayer => ({
  name,
  inputs,
  outputs,
  weight: Float32Array.from({ length: inputs * outputs }, (_, i) => i + inputs),
  bias: Float32Array.from({ length: outputs }, (_, i) => -i),
  activation,
  alpha: 0,
});
const model = createModel("two", [layerOf("a", 3, 5, "relu"), layerOf("b", 5, 2, "identity")]);

/** Reads tables by the field numbers of TensorFlow Lite's schema. */
function reader(bytes: Uint8Array) {
  const buffer = new ByteBuffer(bytes);
  const field = (table: number, n: number): number => {
    const at = buffer.__offset(table, 4 + 2 * n);
    return at === 0 ? 0 : table + at;
  };
  return {
    identified: buffer.__has_identifier("TFL3"),
    root: buffer.readInt32(0),
    int8: (table: number, n: number) => (field(table, n) ? buffer.readInt8(field(table, n)) : 0),
    int32: (table: number, n: number) => (field(table, n) ? buffer.readInt32(field(table, n)) : 0),
    table: (table: number, n: number) => buffer.__indirect(field(table, n)),
    tables: (table: number, n: number) => {
      const [from, count] = [buffer.__vector(field(table, n)), buffer.__vector_len(field(table, n))];
      return Array.from({ length: count }, (_, i) => buffer.__indirect(from + 4 * i));
    },
    ints: (table: number, n: number) => {
      const [from, count] = [buffer.__vector(field(table, n)), buffer.__vector_len(field(table, n))];
      return Array.from({ length: count }, (_, i) => buffer.readInt32(from + 4 * i));
    },
    floats: (table: number, n: number) => {
      const [from, count] = [buffer.__vector(field(table, n)), buffer.__vector_len(field(table, n))];
      return { aligned: from % 16, values: Array.from({ length: count / 4 }, (_, i) => buffer.readFloat32(from + 4 * i)) };
    },
  };
}

describe("a TensorFlow Lite file", () => {
  const file = reader(writeTflite(model));
  const [graph] = file.tables(file.root, 2);
  const [tensors, buffers, operators] = [file.tables(graph, 0), file.tables(file.root, 4), file.tables(graph, 3)];

  test("is of schema 3 and holds one FULLY_CONNECTED operator a layer, with its activation", () => {
    expect(file.identified).toBe(true);
    expect(file.int32(file.root, 0)).toBe(3);
    expect(file.tables(file.root, 1).map((code) => [file.int8(code, 0), file.int32(code, 3)])).toEqual([[9, 9]]);
    expect(operators.map((operator) => [file.int8(operator, 3), file.int8(file.table(operator, 4), 0)])).toEqual([
      [8, 1],
      [8, 0],
    ]);
  });

  test("chains the layers from input to output, each with its weights and biases, aligned", () => {
    let [x] = file.ints(graph, 1);
    expect(file.ints(tensors[x], 0)).toEqual([1, 3]);
    for (const [l, operator] of operators.entries()) {
      const [from, weight, bias] = file.ints(operator, 1);
      const { inputs, outputs, ...layer } = model.layers[l];
      expect(from).toBe(x);
      expect(file.ints(tensors[weight], 0)).toEqual([outputs, inputs]);
      for (const [tensor, values] of [
        [weight, layer.weight],
        [bias, layer.bias],
      ] as const)
        expect(file.floats(buffers[file.int32(tensors[tensor], 2)], 0)).toEqual({ aligned: 0, values: Array.from(values as Float32Array) });
      [x] = file.ints(operator, 2);
    }
    expect(file.ints(graph, 2)).toEqual([x]);
    expect(file.ints(tensors[x], 0)).toEqual([1, 2]);
  });

  test("refuses an activation that is no part of the operator", () => {
    const other = createModel("other", [layerOf("a", 3, 5, "tanh")]);
    expect(() => writeTflite(other)).toThrow("other, a: got tanh, expected identity or relu");
  });
});
