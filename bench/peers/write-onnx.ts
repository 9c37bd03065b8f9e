// A Model as the bytes of an ONNX file, so that ONNX Runtime can be given the very weights we run, in the form it runs them fastest.
// It reads nothing, measures nothing and knows no engine.

import { SlonnError } from "../../src/errors.ts";
import { type DenseLayer, floatWeights, type Model } from "../../src/model/model.ts";
import { byteWeights } from "../../src/model/quantize.ts";
import { transposed } from "../../src/model/transposed.ts";
import {
  elementTypes,
  floatAttribute,
  initializer,
  integer,
  integerAttribute,
  join,
  message,
  node,
  type Pieces,
  sizeOf,
  text,
  textAttribute,
  valueInfo,
} from "./onnx-messages.ts";

/** The first operator set that has Gelu; every operator written here means the same from 13 on otherwise. */
const opset = 20;
const irVersion = 9;
/** protobuf readers refuse messages past 2 GiB. */
const maxBytes = 2 ** 31 - 1;
/** ONNX Runtime's own operators. */
const contrib = "com.microsoft";

/** Several graphs compute one network; which is fastest depends on engine and sizes. */
export interface OnnxForm {
  /**
   * How inputs come in. `vector`: `x` float32 [1, inputs]. The others take `indices` int32 [n] and `values` float32 and read only the
   * rows of the first layer's transposed weights that are named. `gather-sum`: values [n, 1], multiplied and summed; `gather-gemm`:
   * values [1, n], a matrix product with the rows.
   */
  input: "vector" | "gather-sum" | "gather-gemm";
  /**
   * The last layer's product, in eight bits every layer's that is not gathered. `gemm`: weights [outputs, inputs], transposed by the operator;
   * `matmul`: stored transposed; `int8`: weights in eight bits, a scale per node, the input quantised by the query (what onnxruntime's
   * quantize_dynamic gives, fused); `int8-blocks`: weights in eight bits, a scale per block of inputs (what its MatMulNBitsQuantizer gives).
   */
  output: "gemm" | "matmul" | "int8" | "int8-blocks";
}

const plainForm: OnnxForm = { input: "vector", output: "gemm" };

export function formText({ input, output }: OnnxForm): string {
  return input === "vector" ? output : `${input}, ${output}`;
}

/** One layer's nodes and weights, from input `x` to output `y`. */
interface Part {
  nodes: Pieces;
  weights: Pieces;
}

/**
 * The ONNX file of a model: per layer a product with its bias and the operator of its activation. Inputs as `form` says, output `y`
 * float32 [1, outputs of the last layer].
 * @throws SlonnError `unsupported` when the weights do not fit into a protobuf message.
 */
export function writeOnnx(model: Model, form: OnnxForm = plainForm): Uint8Array<ArrayBuffer> {
  const { layers } = model;
  const last = layers.length - 1;
  const parts = layers.map((layer, l): Part => {
    const before = l === 0 ? "x" : `h${l - 1}`;
    const after = l === last ? "y" : `h${l}`;
    const activation = activationNode(layer);
    const sum = activation === null ? after : `z${l}`;
    const { nodes, weights } = productOf(layer, l, form, l === last, before, sum);
    return { nodes: activation === null ? nodes : [...nodes, ...node(activation.operator, [sum], after, activation.attributes)], weights };
  });
  const graph = [
    ...parts.flatMap(({ nodes }) => nodes),
    ...text(2, model.name),
    ...parts.flatMap(({ weights }) => weights),
    ...inputsOf(model, form).flatMap((info) => message(11, info)),
    ...message(12, valueInfo("y", elementTypes.float32, [1, layers[last].outputs])),
  ];
  const sets = [integer(2, opset), ...(form.output.startsWith("int8") ? [[...text(1, contrib), ...integer(2, 1)]] : [])];
  const file = [...integer(1, irVersion), ...text(2, "slonn"), ...message(7, graph), ...sets.flatMap((set) => message(8, set))];
  const size = sizeOf(file);
  if (size > maxBytes) throw new SlonnError("unsupported", `${model.name}: got ${size} bytes as ONNX, expected at most ${maxBytes}`);
  return join(file, size);
}

function inputsOf(model: Model, { input }: OnnxForm): Pieces[] {
  if (input === "vector") return [valueInfo("x", elementTypes.float32, [1, model.layers[0].inputs])];
  return [
    valueInfo("indices", elementTypes.int32, ["n"]),
    valueInfo("values", elementTypes.float32, input === "gather-sum" ? ["n", 1] : [1, "n"]),
  ];
}

/** z = W x + b */
function productOf(layer: DenseLayer, l: number, { input, output }: OnnxForm, isLast: boolean, x: string, z: string): Part {
  const { inputs, outputs } = layer;
  const [w, b, scale] = [`w${l}`, `b${l}`, `scale${l}`];
  const bias = initializer(b, [outputs], layer.bias);
  if (l === 0 && input !== "vector") {
    const weights = [...initializer(w, [inputs, outputs], transposed(floatWeights(layer), outputs, inputs)), ...bias];
    const rows = node("Gather", [w, "indices"], "rows");
    if (input === "gather-gemm") return { nodes: [...rows, ...node("Gemm", ["values", "rows", b], z)], weights };
    return {
      nodes: [
        ...rows,
        ...node("Mul", ["rows", "values"], "scaled"),
        ...node("ReduceSum", ["scaled", "axes"], "summed", integerAttribute("keepdims", 1)),
        ...node("Add", ["summed", b], z),
      ],
      weights: [...weights, ...initializer("axes", [1], BigInt64Array.of(0n))],
    };
  }
  const product = isLast || output.startsWith("int8") ? output : "gemm";
  switch (product) {
    case "gemm":
      return {
        nodes: node("Gemm", [x, w, b], z, integerAttribute("transB", 1)),
        weights: [...initializer(w, [outputs, inputs], floatWeights(layer)), ...bias],
      };
    case "matmul":
      return {
        nodes: [...node("MatMul", [x, w], `p${l}`), ...node("Add", [`p${l}`, b], z)],
        weights: [...initializer(w, [inputs, outputs], transposed(floatWeights(layer), outputs, inputs)), ...bias],
      };
    case "int8": {
      const bytes = byteWeights(layer);
      return {
        nodes: node("DynamicQuantizeMatMul", [x, w, scale, "", b], z, [], contrib),
        weights: [
          ...initializer(w, [inputs, outputs], transposed(bytes.values, outputs, inputs)),
          ...initializer(scale, [outputs], bytes.scale),
          ...bias,
        ],
      };
    }
    case "int8-blocks": {
      const { codes, scales, blocks } = blockCodes(floatWeights(layer), outputs, inputs);
      const attributes = [
        ...integerAttribute("K", inputs),
        ...integerAttribute("N", outputs),
        ...integerAttribute("bits", 8),
        ...integerAttribute("block_size", blockSize),
        ...integerAttribute("accuracy_level", 4),
      ];
      return {
        nodes: node("MatMulNBits", [x, w, scale, "", "", b], z, attributes, contrib),
        weights: [...initializer(w, [outputs, blocks, blockSize], codes), ...initializer(scale, [outputs, blocks], scales), ...bias],
      };
    }
    default:
      return product satisfies never;
  }
}

/** Inputs that share a scale: of the sizes ONNX Runtime takes (powers of two from 16), the one that leaves few scales and loses little. */
const blockSize = 64;

/** Each block of a row as codes from 1 to 255 around 128; [outputs, blocks, blockSize], filled up with 128 (zero). */
function blockCodes(weight: Float32Array, outputs: number, inputs: number): { codes: Uint8Array; scales: Float32Array; blocks: number } {
  const blocks = Math.ceil(inputs / blockSize);
  const codes = new Uint8Array(outputs * blocks * blockSize).fill(128);
  const scales = new Float32Array(outputs * blocks);
  for (let o = 0; o < outputs; o++)
    for (let block = 0; block < blocks; block++) {
      const row = weight.subarray(o * inputs + block * blockSize, o * inputs + Math.min(inputs, (block + 1) * blockSize));
      const most = row.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
      scales[o * blocks + block] = most / 127;
      const at = (o * blocks + block) * blockSize;
      if (most > 0) for (let i = 0; i < row.length; i++) codes[at + i] = 128 + Math.round((row[i] / most) * 127);
    }
  return { codes, scales, blocks };
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
