import { expect, test } from "vitest";
import { formText, type OnnxForm, writeOnnx } from "../../bench/peers/write-onnx.ts";
import { forward } from "../../src/model/forward.ts";
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

/** A tensor read back: its numbers, and its shape. */
interface Tensor {
  shape: number[];
  data: number[];
}

/** Runs a graph's nodes by what the operators' specifications say, in plain loops. */
function runGraph(graph: Message, inputs: Record<string, Tensor>): Tensor {
  const named = new Map(Object.entries(inputs));
  for (const tensor of messages(graph, 5)) {
    const raw = all(tensor, 9)[0] as Uint8Array;
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    const [type] = numbers(tensor, 2);
    const read: Record<number, () => number[]> = {
      1: () => floats(raw),
      2: () => [...raw],
      3: () => [...new Int8Array(raw)],
      7: () => Array.from({ length: raw.length / 8 }, (_, i) => Number(view.getBigInt64(8 * i, true))),
    };
    named.set(texts(tensor, 8)[0], { shape: numbers(tensor, 1), data: read[type]() });
  }
  const at = (name: string): Tensor => named.get(name) ?? expect.fail(`${name} is nowhere before its use`);
  /** a [m, k] times b [k, n] */
  const product = (a: Tensor, b: Tensor): Tensor => {
    const [m, k, n] = [...a.shape, b.shape[1]];
    expect(b.shape[0]).toBe(k);
    const data = Array.from({ length: m * n }, (_, o) => {
      let sum = 0;
      for (let i = 0; i < k; i++) sum += a.data[Math.floor(o / n) * k + i] * b.data[i * n + (o % n)];
      return sum;
    });
    return { shape: [m, n], data };
  };
  const plus = (a: Tensor, b: Tensor): Tensor => ({ shape: a.shape, data: a.data.map((v, i) => v + b.data[i % b.data.length]) });
  const turned = ({ shape: [r, c], data }: Tensor): Tensor => ({
    shape: [c, r],
    data: Array.from({ length: r * c }, (_, i) => data[(i % r) * c + Math.floor(i / r)]),
  });
  for (const node of messages(graph, 1)) {
    const given = texts(node, 1);
    const attributes = new Map(messages(node, 5).map((attribute) => [texts(attribute, 1)[0], numbers(attribute, 3)[0]]));
    const operators: Record<string, () => Tensor> = {
      Gather() {
        const [table, { data }] = given.map(at);
        const width = table.shape[1];
        return { shape: [data.length, width], data: data.flatMap((row) => table.data.slice(row * width, (row + 1) * width)) };
      },
      Mul() {
        const [a, b] = given.map(at);
        expect(b.shape).toEqual([a.shape[0], 1]);
        return { shape: a.shape, data: a.data.map((v, i) => v * b.data[Math.floor(i / a.shape[1])]) };
      },
      ReduceSum() {
        const [a, axes] = given.map(at);
        expect([axes.data, attributes.get("keepdims")]).toEqual([[0], 1]);
        return product({ shape: [1, a.shape[0]], data: new Array<number>(a.shape[0]).fill(1) }, a);
      },
      Add: () => plus(at(given[0]), at(given[1])),
      MatMul: () => product(at(given[0]), at(given[1])),
      Gemm: () => plus(product(at(given[0]), attributes.get("transB") ? turned(at(given[1])) : at(given[1])), at(given[2])),
      Relu: () => ({ ...at(given[0]), data: at(given[0]).data.map((v) => Math.max(0, v)) }),
      DynamicQuantizeMatMul() {
        expect([texts(node, 7), given[3]]).toEqual([["com.microsoft"], ""]);
        const [a, b, scale] = given.slice(0, 3).map(at);
        return plus(product(a, { ...b, data: b.data.map((v, i) => v * scale.data[i % scale.data.length]) }), at(given[4]));
      },
      MatMulNBits() {
        expect([texts(node, 7), attributes.get("bits")]).toEqual([["com.microsoft"], 8]);
        const [a, codes, scales] = given.slice(0, 3).map(at);
        const [n, k, size] = [attributes.get("N")!, attributes.get("K")!, attributes.get("block_size")!];
        const blocks = Math.ceil(k / size);
        expect([codes.shape, scales.shape]).toEqual([
          [n, blocks, size],
          [n, blocks],
        ]);
        const weight = Array.from({ length: n * k }, (_, i) => {
          const [o, input] = [Math.floor(i / k), i % k];
          return (codes.data[o * blocks * size + input] - 128) * scales.data[o * blocks + Math.floor(input / size)];
        });
        return plus(product(a, turned({ shape: [n, k], data: weight })), at(given[5]));
      },
    };
    const operator = operators[texts(node, 4)[0]] ?? expect.fail(`${texts(node, 4)[0]} is an operator nobody expected`);
    named.set(texts(node, 2)[0], operator());
  }
  return at("y");
}

const forms: OnnxForm[] = (["vector", "gather-sum", "gather-gemm"] as const).flatMap((input) =>
  (["gemm", "matmul", "int8", "int8-blocks"] as const).map((output) => ({ input, output })),
);

test.each(forms.map((form) => [formText(form), form] as const))("as %s the graph computes the network", (_, form) => {
  const layers = [layer("a", 150, 70, "relu"), layer("b", 70, 9, "relu"), layer("c", 9, 33, "identity")];
  for (const model of [createModel("net", layers), createModel("net", [layer("only", 150, 33, "identity")])]) {
    const file = readMessage(writeOnnx(model, form));
    const [graph] = messages(file, 7);
    const x = new Float32Array(150);
    const indices = [3, 17, 149];
    for (const [i, index] of indices.entries()) x[index] = i - 0.5;
    const values = indices.map((i) => x[i]);
    const y = runGraph(graph, {
      ...(form.input === "vector"
        ? { x: { shape: [1, 150], data: [...x] } }
        : {
            indices: { shape: [3], data: indices },
            values: { shape: form.input === "gather-sum" ? [3, 1] : [1, 3], data: values },
          }),
    });
    expect(y.shape).toEqual([1, 33]);
    const expected = forward(model, x);
    const scale = Math.max(...expected.map(Math.abs));
    const exact = model.layers.length === 1 && form.input !== "vector"; // its only layer is gathered, in floats
    const tolerance = !form.output.startsWith("int8") || exact ? 1e-5 : 0.02;
    for (const [o, v] of expected.entries()) expect(Math.abs(y.data[o] - v)).toBeLessThanOrEqual(tolerance * scale);
    const domains = messages(file, 8).map((set) => texts(set, 1)[0] ?? "");
    expect(domains).toEqual(form.output.startsWith("int8") ? ["", "com.microsoft"] : [""]);
  }
});

test("what differs from query to query has a name for its size", () => {
  const file = readMessage(writeOnnx(createModel("net", [layer("only", 9, 2, "relu")]), { input: "gather-gemm", output: "gemm" }));
  const inputs = messages(messages(file, 7)[0], 11).map((info) => {
    const tensor = messages(messages(info, 2)[0], 1)[0];
    const shape = messages(messages(tensor, 2)[0], 1).map((dimension) => texts(dimension, 2)[0] ?? numbers(dimension, 1)[0]);
    return [texts(info, 1)[0], numbers(tensor, 1)[0], shape];
  });
  expect(inputs).toEqual([
    ["indices", 6, ["n"]],
    ["values", 1, [1, "n"]],
  ]);
});
