// A Model as the bytes of a TensorFlow Lite file, so that LiteRT.js can be given the very weights we run: one FULLY_CONNECTED operator a
// layer. Field numbers are those of TensorFlow Lite's schema, version 3.

import { Builder } from "flatbuffers";
import { SlonnError } from "../../src/errors.ts";
import { type DenseLayer, floatWeights, type Model } from "../../src/model/model.ts";

const [fullyConnected, fullyConnectedOptions] = [9, 8];
const fused: Partial<Record<DenseLayer["activation"], number>> = { identity: 0, relu: 1 };

/** A field of a table: its number, and a number of 8 or 32 bits or the place of what it points to. */
type Field = [number, { int8: number } | { int32: number } | { at: number }];

/** @throws SlonnError `unsupported` for activations that are no part of the operator */
export function writeTflite({ name, layers }: Model): Uint8Array {
  const builder = new Builder(2 ** 20);
  const ints = (values: readonly number[]): number => vector(builder, 4, values, (value) => builder.addInt32(value));
  const offsets = (places: readonly number[]): number => vector(builder, 4, places, (place) => builder.addOffset(place));
  const table = (size: number, fields: readonly Field[]): number => {
    builder.startObject(size);
    for (const [field, value] of fields)
      if ("at" in value) builder.addFieldOffset(field, value.at, 0);
      else if ("int8" in value) builder.addFieldInt8(field, value.int8, 0);
      else builder.addFieldInt32(field, value.int32, 0);
    return builder.endObject();
  };
  const bufferOf = (values: Float32Array): number => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    builder.startVector(1, bytes.length, 16);
    for (let i = bytes.length - 1; i >= 0; i--) builder.addInt8(bytes[i]);
    return table(1, [[0, { at: builder.endVector() }]]);
  };
  // buffer 0 is the empty one, of tensors without values
  const buffers = [table(1, [])];
  const tensors: number[] = [];
  const tensor = (label: string, shape: readonly number[], values: Float32Array | null): number => {
    if (values) buffers.push(bufferOf(values));
    const [at, text] = [ints(shape), builder.createString(label)];
    tensors.push(
      table(4, [
        [0, { at }],
        [2, { int32: values ? buffers.length - 1 : 0 }],
        [3, { at: text }],
      ]),
    );
    return tensors.length - 1;
  };
  let x = tensor("x", [1, layers[0].inputs], null);
  const input = x;
  const operators = layers.map((layer, l) => {
    const { inputs, outputs, activation } = layer;
    const code = fused[activation];
    if (code === undefined)
      throw new SlonnError("unsupported", `${name}, ${layer.name}: got ${activation}, expected ${Object.keys(fused).join(" or ")}`);
    const weight = tensor(`weight ${l}`, [outputs, inputs], floatWeights(layer));
    const bias = tensor(`bias ${l}`, [outputs], layer.bias);
    const y = tensor(l === layers.length - 1 ? "y" : `hidden ${l}`, [1, outputs], null);
    const [from, to, options] = [ints([x, weight, bias]), ints([y]), table(1, [[0, { int8: code }]])];
    x = y;
    return table(5, [
      [1, { at: from }],
      [2, { at: to }],
      [3, { int8: fullyConnectedOptions }],
      [4, { at: options }],
    ]);
  });
  const [tensorList, inputList, outputList, operatorList] = [offsets(tensors), ints([input]), ints([x]), offsets(operators)];
  const graph = table(4, [
    [0, { at: tensorList }],
    [1, { at: inputList }],
    [2, { at: outputList }],
    [3, { at: operatorList }],
  ]);
  const code = table(4, [
    [0, { int8: fullyConnected }],
    [2, { int32: 1 }],
    [3, { int32: fullyConnected }],
  ]);
  const [codes, graphs, bufferList] = [offsets([code]), offsets([graph]), offsets(buffers)];
  const root = table(5, [
    [0, { int32: 3 }],
    [1, { at: codes }],
    [2, { at: graphs }],
    [4, { at: bufferList }],
  ]);
  builder.finish(root, "TFL3");
  return builder.asUint8Array();
}

/** Vectors are written back to front. */
function vector(builder: Builder, bytes: number, values: readonly number[], add: (value: number) => void): number {
  builder.startVector(bytes, values.length, bytes);
  for (const value of [...values].reverse()) add(value);
  return builder.endVector();
}
