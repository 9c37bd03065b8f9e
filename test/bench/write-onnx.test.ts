import { expect, test } from "vitest";
import { writeOnnx } from "../../bench/peers/write-onnx.ts";
import { type Activation, activations, createModel, type DenseLayer, floatWeights } from "../../src/model/model.ts";

/** A protobuf message read back: the values of each field, in order. Lengths stay bytes; numbers are varints or the bits of a float. */
type Message = Map<number, (bigint | Uint8Array)[]>;

function readMessage(bytes: Uint8Array): Message {
  const fields: Message = new Map();
  let at = 0;
  const varint = (): bigint => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      if (at >= bytes.length) throw new Error("the message ends inside a number");
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const values = fields.get(key >> 3) ?? [];
    fields.set(key >> 3, values);
    if ((key & 7) === 0) values.push(varint());
    else {
      const length = (key & 7) === 5 ? 4 : Number(varint());
      if (at + length > bytes.length) throw new Error("a field ends behind its message");
      values.push(bytes.subarray(at, at + length));
      at += length;
    }
  }
  return fields;
}

const all = (message: Message, field: number): (bigint | Uint8Array)[] => message.get(field) ?? [];
const messages = (message: Message, field: number): Message[] => all(message, field).map((bytes) => readMessage(bytes as Uint8Array));
const texts = (message: Message, field: number): string[] =>
  all(message, field).map((bytes) => new TextDecoder().decode(bytes as Uint8Array));
const numbers = (message: Message, field: number): number[] =>
  all(message, field).map((value) => Number(BigInt.asIntN(64, value as bigint)));

function floats(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

function layer(name: string, inputs: number, outputs: number, activation: Activation, alpha = 0): DenseLayer {
  const weight = Float32Array.from({ length: inputs * outputs }, (_, i) => Math.sin(i + inputs));
  return { name, inputs, outputs, weight, bias: Float32Array.from({ length: outputs }, (_, i) => i / 8), activation, alpha };
}

function graphOf(layers: readonly DenseLayer[]): { file: Message; graph: Message } {
  const file = readMessage(writeOnnx(createModel("a net, ünïcode", layers)));
  return { file, graph: messages(file, 7)[0] };
}

test("a file says which format and operators it is written in", () => {
  const { file, graph } = graphOf([layer("only", 3, 2, "identity")]);
  expect(numbers(file, 1)).toEqual([9]);
  expect(messages(file, 8).map((set) => numbers(set, 2))).toEqual([[20]]);
  expect(texts(graph, 2)).toEqual(["a net, ünïcode"]);
});

test("weights come back bit for bit, also out of the middle of a larger buffer", () => {
  const backing = Float32Array.from({ length: 400 }, (_, i) => i / 3);
  const views = { ...layer("first", 20, 17, "relu"), weight: backing.subarray(7, 7 + 340) };
  const layers = [views, layer("second", 17, 5, "softmax")];
  const tensors = messages(graphOf(layers).graph, 5);
  expect(tensors.map((tensor) => [texts(tensor, 8)[0], numbers(tensor, 1), numbers(tensor, 2)])).toEqual([
    ["w0", [17, 20], [1]],
    ["b0", [17], [1]],
    ["w1", [5, 17], [1]],
    ["b1", [5], [1]],
  ]);
  expect(tensors.map((tensor) => floats(all(tensor, 9)[0] as Uint8Array))).toEqual(
    layers.flatMap((layer) => [[...floatWeights(layer)], [...layer.bias]]),
  );
});

test("layers are chained from x to y, each a Gemm of transposed weights and its activation", () => {
  const { graph } = graphOf([layer("a", 3, 4, "relu"), layer("b", 4, 4, "identity"), layer("c", 4, 2, "log-softmax")]);
  expect(messages(graph, 1).map((node) => [texts(node, 4)[0], texts(node, 1), texts(node, 2)])).toEqual([
    ["Gemm", ["x", "w0", "b0"], ["z0"]],
    ["Relu", ["z0"], ["h0"]],
    ["Gemm", ["h0", "w1", "b1"], ["h1"]],
    ["Gemm", ["h1", "w2", "b2"], ["z2"]],
    ["LogSoftmax", ["z2"], ["y"]],
  ]);
  const [gemm] = messages(graph, 1);
  expect(messages(gemm, 5).map((attribute) => [texts(attribute, 1), numbers(attribute, 3), numbers(attribute, 20)])).toEqual([
    [["transB"], [1], [2]],
  ]);
  const ends = [...messages(graph, 11), ...messages(graph, 12)].map((end) => {
    const tensor = messages(messages(end, 2)[0], 1)[0];
    return [texts(end, 1)[0], numbers(tensor, 1), messages(messages(tensor, 2)[0], 1).flatMap((dimension) => numbers(dimension, 1))];
  });
  expect(ends).toEqual([
    ["x", [1], [1, 3]],
    ["y", [1], [1, 2]],
  ]);
});

test.each(activations)("%s becomes its operator", (activation) => {
  const alpha = activation === "leaky-relu" ? 0.25 : 0;
  const nodes = messages(graphOf([layer("only", 2, 2, activation, alpha)]).graph, 1).slice(1);
  const operators: Record<Activation, string[]> = {
    identity: [],
    relu: ["Relu"],
    "leaky-relu": ["LeakyRelu"],
    sigmoid: ["Sigmoid"],
    tanh: ["Tanh"],
    gelu: ["Gelu"],
    "gelu-tanh": ["Gelu"],
    softmax: ["Softmax"],
    "log-softmax": ["LogSoftmax"],
  };
  expect(nodes.flatMap((node) => texts(node, 4))).toEqual(operators[activation]);
  const attributes = nodes.flatMap((node) => messages(node, 5));
  if (activation === "leaky-relu") expect(floats(all(attributes[0], 2)[0] as Uint8Array)).toEqual([0.25]);
  if (activation === "gelu-tanh") expect(texts(attributes[0], 4)).toEqual(["tanh"]);
  if (activation.endsWith("softmax")) expect(numbers(attributes[0], 3)).toEqual([-1]);
});
