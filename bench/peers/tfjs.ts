// TensorFlow.js on its WebAssembly backend (XNNPACK), one thread, weights uploaded once.

import { isSparse } from "../../src/activator/network.ts";
import { SlonnError } from "../../src/errors.ts";
import { type DenseLayer, floatWeights, type Model } from "../../src/model/model.ts";
import type { Input } from "../../src/model/rows.ts";
import { transposed } from "../../src/model/transposed.ts";
import { loadPackage, versionOf } from "./install.ts";
import type { Peer } from "./peers.ts";

/**
 * How inputs come in. `vector`: all of them. `gather-sum`: the named rows of the first layer's transposed weights, multiplied and
 * summed; `gather-matmul`: those rows in a matrix product.
 */
export type TfForm = "vector" | "gather-sum" | "gather-matmul";

interface TfTensor {
  dataSync(): Float32Array;
  dispose(): void;
}
interface Tf {
  env(): { set(flag: string, value: boolean): void };
  enableProdMode(): void;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tidy<T>(compute: () => T): T;
  tensor1d(values: Float32Array | Int32Array, type?: "int32"): TfTensor;
  tensor2d(values: Float32Array, shape: readonly [number, number]): TfTensor;
  fused: { matMul(config: { a: TfTensor; b: TfTensor; bias?: TfTensor; activation: string; leakyreluAlpha?: number }): TfTensor };
  gather(x: TfTensor, indices: TfTensor): TfTensor;
  sum(x: TfTensor, axis: number, keepDims: boolean): TfTensor;
  relu(x: TfTensor): TfTensor;
  leakyRelu(x: TfTensor, alpha: number): TfTensor;
  sigmoid(x: TfTensor): TfTensor;
  tanh(x: TfTensor): TfTensor;
  erf(x: TfTensor): TfTensor;
  mul(a: TfTensor, b: TfTensor | number): TfTensor;
  add(a: TfTensor, b: TfTensor | number): TfTensor;
  softmax(x: TfTensor): TfTensor;
  logSoftmax(x: TfTensor): TfTensor;
}

/** Builds a network; whatever the packages throw passes through. */
export async function createTfjsWasm(model: Model, form: TfForm): Promise<Peer> {
  const tf = loadPackage<Tf>("@tensorflow/tfjs-core");
  // Its operators reach the engine only by being imported; SIMD is found out by itself.
  loadPackage("@tensorflow/tfjs-backend-wasm");
  tf.enableProdMode();
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  if (!(await tf.setBackend("wasm")))
    throw new SlonnError("no-engine", "tfjs-backend-wasm: could not start, expected its WebAssembly backend");
  await tf.ready();
  // Weights as [inputs, outputs]: the form its fast path (XNNPACK, packed at the first run) takes; transposed ones fall back to plain loops.
  const layers = model.layers.map((layer) => ({
    layer,
    weight: tf.tensor2d(transposed(floatWeights(layer), layer.outputs, layer.inputs), [layer.inputs, layer.outputs]),
    bias: tf.tensor1d(layer.bias),
  }));
  const [first, ...rest] = layers;
  const begin = form === "vector" ? null : gatherer(tf, first, form);
  return {
    name: "tfjs-backend-wasm",
    version: versionOf("@tensorflow/tfjs-backend-wasm"),
    form,
    sparse: isSparse(model),
    run(input) {
      // The tensor leaves tidy(), not its numbers: tidy() walks what it gives back key by key, numbers of a typed array included.
      const y = tf.tidy(() => {
        let x = begin ? begin(input) : tf.tensor2d(input as Float32Array, [1, first.layer.inputs]);
        for (const { layer, weight, bias } of begin ? rest : layers) {
          const z = tf.fused.matMul({ a: x, b: weight, bias, activation: fusedName(layer), leakyreluAlpha: layer.alpha });
          x = finish(tf, layer, z);
        }
        return x;
      });
      const output = y.dataSync();
      y.dispose();
      return output;
    },
    dispose() {
      for (const { weight, bias } of layers) {
        weight.dispose();
        bias.dispose();
      }
    },
  };
}

/** The first layer of a bag: [1, outputs]. */
function gatherer(
  tf: Tf,
  { layer, weight, bias }: { layer: DenseLayer; weight: TfTensor; bias: TfTensor },
  form: TfForm,
): (input: Input) => TfTensor {
  return (input) => {
    if (input instanceof Float32Array) throw new Error("a peer of a sparse model got a dense input");
    const { indices, values } = input;
    const n = indices.length;
    const rows = tf.gather(weight, tf.tensor1d(new Int32Array(indices.buffer, indices.byteOffset, n), "int32"));
    if (form === "gather-matmul") {
      const a = tf.tensor2d(values, [1, n]);
      return finish(tf, layer, tf.fused.matMul({ a, b: rows, bias, activation: fusedName(layer), leakyreluAlpha: layer.alpha }));
    }
    const z = tf.add(tf.sum(tf.mul(rows, tf.tensor2d(values, [n, 1])), 0, true), bias);
    switch (layer.activation) {
      case "relu":
        return tf.relu(z);
      case "leaky-relu":
        return tf.leakyRelu(z, layer.alpha);
      case "sigmoid":
        return tf.sigmoid(z);
      default:
        return finish(tf, layer, z);
    }
  };
}

/** The activation its matrix product takes along; the others follow as operators of their own. */
function fusedName({ activation }: DenseLayer): string {
  if (activation === "relu" || activation === "sigmoid") return activation;
  return activation === "leaky-relu" ? "leakyrelu" : "linear";
}

function finish(tf: Tf, { activation }: DenseLayer, z: TfTensor): TfTensor {
  switch (activation) {
    case "identity":
    case "relu":
    case "leaky-relu":
    case "sigmoid":
      return z;
    case "tanh":
      return tf.tanh(z);
    case "gelu":
      return tf.mul(tf.mul(z, 0.5), tf.add(tf.erf(tf.mul(z, Math.SQRT1_2)), 1));
    case "gelu-tanh": {
      const inner = tf.mul(tf.add(z, tf.mul(tf.mul(tf.mul(z, z), z), 0.044715)), Math.sqrt(2 / Math.PI));
      return tf.mul(tf.mul(z, 0.5), tf.add(tf.tanh(inner), 1));
    }
    case "softmax":
      return tf.softmax(z);
    case "log-softmax":
      return tf.logSoftmax(z);
    default:
      return activation satisfies never;
  }
}
