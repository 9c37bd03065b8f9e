// A Model as the bytes of an ONNX file, so that ONNX Runtime can be given the very weights we run. Writes just the protobuf
// fields such a file needs; it reads nothing and knows no engine.

import { SlonnError } from "../../src/errors.ts";
import { type DenseLayer, floatWeights, type Model } from "../../src/model/model.ts";

/** The first operator set that has Gelu; every operator written here means the same from 13 on otherwise. */
const opset = 20;
const irVersion = 9;
/** protobuf readers refuse messages past 2 GiB. */
const maxBytes = 2 ** 31 - 1;

/** A protobuf message, or a run of its fields, as pieces that are joined once at the end: weights are never copied twice. */
type Pieces = Uint8Array[];

/**
 * The ONNX file of a model: one Gemm (transB = 1) per layer and the operator of its activation. Input `x` is float32
 * [1, inputs of the first layer], output `y` float32 [1, outputs of the last].
 * @throws SlonnError `unsupported` when the weights do not fit into a protobuf message.
 */
export function writeOnnx(model: Model): Uint8Array<ArrayBuffer> {
  const { layers } = model;
  const nodes = layers.flatMap((layer, l) => layerNodes(layer, l, l === layers.length - 1));
  const weights = layers.flatMap((layer, l) => [
    ...message(5, tensor(`w${l}`, [layer.outputs, layer.inputs], floatWeights(layer))),
    ...message(5, tensor(`b${l}`, [layer.outputs], layer.bias)),
  ]);
  const graph = [
    ...nodes,
    ...text(2, model.name),
    ...weights,
    ...message(11, valueInfo("x", [1, layers[0].inputs])),
    ...message(12, valueInfo("y", [1, layers[layers.length - 1].outputs])),
  ];
  const file = [...integer(1, irVersion), ...text(2, "slonn"), ...message(7, graph), ...message(8, integer(2, opset))];
  const size = sizeOf(file);
  if (size > maxBytes) throw new SlonnError("unsupported", `${model.name}: got ${size} bytes as ONNX, expected at most ${maxBytes}`);
  return join(file, size);
}

function layerNodes(layer: DenseLayer, l: number, isLast: boolean): Pieces {
  const after = isLast ? "y" : `h${l}`;
  const activation = activationNode(layer);
  const sum = activation === null ? after : `z${l}`;
  const gemm = message(1, node("Gemm", [l === 0 ? "x" : `h${l - 1}`, `w${l}`, `b${l}`], sum, integerAttribute("transB", 1)));
  return activation === null ? gemm : [...gemm, ...message(1, node(activation.operator, [sum], after, activation.attributes))];
}

function activationNode({ activation, alpha }: DenseLayer): { operator: string; attributes: Pieces } | null {
  switch (activation) {
    case "identity":
      return null;
    case "relu":
      return { operator: "Relu", attributes: [] };
    case "leaky-relu":
      return { operator: "LeakyRelu", attributes: floatAttribute("alpha", alpha) };
    case "sigmoid":
      return { operator: "Sigmoid", attributes: [] };
    case "tanh":
      return { operator: "Tanh", attributes: [] };
    case "gelu":
      return { operator: "Gelu", attributes: [] };
    case "gelu-tanh":
      return { operator: "Gelu", attributes: textAttribute("approximate", "tanh") };
    case "softmax":
      return { operator: "Softmax", attributes: integerAttribute("axis", -1) };
    case "log-softmax":
      return { operator: "LogSoftmax", attributes: integerAttribute("axis", -1) };
    default:
      return activation satisfies never;
  }
}

// Messages of onnx.proto, field numbers as it gives them.

function node(operator: string, inputs: readonly string[], output: string, attributes: Pieces): Pieces {
  return [
    ...inputs.flatMap((name) => text(1, name)),
    ...text(2, output),
    ...text(3, `${operator}_${output}`),
    ...text(4, operator),
    ...attributes,
  ];
}

function tensor(name: string, shape: readonly number[], values: Float32Array): Pieces {
  // dims, data_type FLOAT, name, raw_data: little-endian, as every machine ONNX Runtime ships for.
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return [...shape.flatMap((n) => integer(1, n)), ...integer(2, 1), ...text(8, name), ...message(9, [raw])];
}

function valueInfo(name: string, shape: readonly number[]): Pieces {
  const dimensions = shape.flatMap((n) => message(1, integer(1, n)));
  const tensorType = [...integer(1, 1), ...message(2, dimensions)];
  return [...text(1, name), ...message(2, message(1, tensorType))];
}

function integerAttribute(name: string, value: number): Pieces {
  return message(5, [...text(1, name), ...integer(3, value), ...integer(20, 2)]);
}

function floatAttribute(name: string, value: number): Pieces {
  const float = new Uint8Array(5);
  float[0] = (2 << 3) | 5;
  new DataView(float.buffer).setFloat32(1, value, true);
  return message(5, [...text(1, name), float, ...integer(20, 1)]);
}

function textAttribute(name: string, value: string): Pieces {
  return message(5, [...text(1, name), ...text(4, value), ...integer(20, 3)]);
}

// Protobuf's wire format: a varint key (field number and wire type), then a varint, four bytes, or a length and that many bytes.

function integer(field: number, value: number): Pieces {
  return [Uint8Array.from([...varint(BigInt(field << 3)), ...varint(BigInt(value))])];
}

function text(field: number, value: string): Pieces {
  return message(field, [new TextEncoder().encode(value)]);
}

function message(field: number, content: Pieces): Pieces {
  return [Uint8Array.from([...varint(BigInt((field << 3) | 2)), ...varint(BigInt(sizeOf(content)))]), ...content];
}

/** Seven bits a byte, least significant first; a negative number as its 64-bit two's complement. */
function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return bytes;
}

function sizeOf(pieces: Pieces): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

function join(pieces: Pieces, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
