// A network trained and published by others: Guesslang, which names the programming language of a text, as Visual Studio Code ships it
// (npm @vscode/vscode-languagedetection, MIT). Its graph is wide and deep: pairs of bytes are hashed into 5,000 buckets, of which one
// half of it averages embeddings and the other sums weights per language. Of texts that have all the same length an average is a sum over
// a constant, so for those both halves are one chain of dense layers, which is what is built here: same weights, same answers.
//
//   counts of 5,000 buckets ─► 70 averages, 54 sums ─► 512 nodes ─► 32 nodes ─► 54 languages
//                                            └─► carried on as max(s, 0) and max(−s, 0) ──┘

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createModel, type DenseLayer, type Model } from "../../src/model/model.ts";

/** Bytes of every text: one more than its pairs. */
export const textBytes = 2000;
const buckets = 5000;
/** Sum per language, carried through two layers as its positive and its negative part. */
const languageCount = 54;
const [embedded, firstHidden, secondHidden] = [70, 512, 32];

export interface Guesslang {
  model: Model;
  /** What the outputs stand for, as file endings: "js", "py", … */
  languages: string[];
  version: string;
}

interface Entry {
  name: string;
  shape: number[];
  dtype: string;
  quantization?: { min: number; scale: number };
}

/** @throws Error where the package is missing or not the graph that is expected */
export function readGuesslang(): Guesslang {
  const folder = dirname(createRequire(import.meta.url).resolve("@vscode/vscode-languagedetection/package.json"));
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  const { weightsManifest } = JSON.parse(readFileSync(join(folder, "model", "model.json"), "utf8")) as {
    weightsManifest: { weights: Entry[] }[];
  };
  const tensors = new Map<string, Float32Array>();
  let languages: string[] = [];
  const bytes = readFileSync(join(folder, "model", "group1-shard1of1.bin"));
  let at = 0;
  for (const { name, shape, dtype, quantization } of weightsManifest[0].weights) {
    const count = shape.reduce((a, b) => a * b, 1);
    if (dtype === "string") {
      const texts: string[] = [];
      for (let i = 0; i < count; i++) {
        const length = bytes.readUInt32LE(at);
        texts.push(bytes.toString("utf8", at + 4, at + 4 + length));
        at += 4 + length;
      }
      if (name === "head/predictions/class_string_lookup/Const") languages = texts;
    } else if (quantization) {
      const { min, scale } = quantization;
      tensors.set(
        name,
        Float32Array.from(bytes.subarray(at, at + count), (code) => min + scale * code),
      );
      at += count;
    } else at += 4 * count;
  }
  const tensor = (name: string, size: number): Float32Array => {
    const found = tensors.get(name);
    if (found?.length !== size) throw new Error(`guesslang ${version}: got ${found?.length ?? "no"} numbers of ${name}, expected ${size}`);
    return found;
  };
  if (at !== bytes.length || languages.length !== languageCount)
    throw new Error(
      `guesslang ${version}: got ${languages.length} languages and ${bytes.length - at} bytes left, expected ${languageCount} and 0`,
    );

  const carried = 2 * languageCount;
  const embedding = tensor("dnn/input_from_feature_columns/input_layer/content_embedding/embedding_weights", buckets * embedded);
  const linear = tensor("linear/linear_model/content/weights", buckets * languageCount);
  const first = layerOf("pairs", buckets, embedded + languageCount, "identity");
  for (let bucket = 0; bucket < buckets; bucket++) {
    for (let e = 0; e < embedded; e++) first.weight[e * buckets + bucket] = embedding[bucket * embedded + e] / (textBytes - 1);
    for (let g = 0; g < languageCount; g++) first.weight[(embedded + g) * buckets + bucket] = linear[bucket * languageCount + g];
  }
  const second = layerOf("hidden 0", embedded + languageCount, firstHidden + carried, "relu");
  place(second, tensor("dnn/hiddenlayer_0/kernel", embedded * firstHidden), embedded, firstHidden);
  second.bias.set(tensor("dnn/hiddenlayer_0/bias", firstHidden));
  for (let g = 0; g < languageCount; g++) {
    second.weight[(firstHidden + 2 * g) * second.inputs + embedded + g] = 1;
    second.weight[(firstHidden + 2 * g + 1) * second.inputs + embedded + g] = -1;
  }
  const third = layerOf("hidden 1", firstHidden + carried, secondHidden + carried, "relu");
  place(third, tensor("dnn/hiddenlayer_1/kernel", firstHidden * secondHidden), firstHidden, secondHidden);
  third.bias.set(tensor("dnn/hiddenlayer_1/bias", secondHidden));
  for (let c = 0; c < carried; c++) third.weight[(secondHidden + c) * third.inputs + firstHidden + c] = 1;
  const last = layerOf("languages", secondHidden + carried, languageCount, "identity");
  place(last, tensor("dnn/logits/kernel", secondHidden * languageCount), secondHidden, languageCount);
  const [deepBias, wideBias] = [tensor("dnn/logits/bias", languageCount), tensor("linear/linear_model/bias_weights", languageCount)];
  for (let g = 0; g < languageCount; g++) {
    last.bias[g] = deepBias[g] + wideBias[g];
    last.weight[g * last.inputs + secondHidden + 2 * g] = 1;
    last.weight[g * last.inputs + secondHidden + 2 * g + 1] = -1;
  }
  return { model: createModel("guesslang", [first, second, third, last]), languages, version };
}

function layerOf(name: string, inputs: number, outputs: number, activation: "identity" | "relu"): DenseLayer & { weight: Float32Array } {
  return { name, inputs, outputs, weight: new Float32Array(inputs * outputs), bias: new Float32Array(outputs), activation, alpha: 0 };
}

/** A kernel [inputs, outputs] into the first rows and columns of a layer. */
function place(layer: DenseLayer & { weight: Float32Array }, kernel: Float32Array, inputs: number, outputs: number): void {
  for (let i = 0; i < inputs; i++) for (let o = 0; o < outputs; o++) layer.weight[o * layer.inputs + i] = kernel[i * outputs + o];
}

/** Buckets of all pairs of ASCII characters: `bucketOf[128 a + b]`. */
export function pairBuckets(): Uint16Array {
  return Uint16Array.from({ length: 128 * 128 }, (_, pair) => Number(fingerprint(pair >> 7, 0x20, pair & 127) % BigInt(buckets)));
}

/** Counts of the buckets of a text, into [5,000]. @param text `textBytes` ASCII characters */
export function countPairs(text: string, bucketOf: Uint16Array, into: Float32Array): void {
  if (text.length !== textBytes) throw new Error(`text: got ${text.length} characters, expected ${textBytes}`);
  into.fill(0);
  for (let i = 0; i + 1 < text.length; i++) into[bucketOf[128 * text.charCodeAt(i) + text.charCodeAt(i + 1)]]++;
}

const mask = (1n << 64n) - 1n;

/** FarmHash's 64-bit fingerprint of three bytes, which is what TensorFlow buckets strings by. */
function fingerprint(a: number, b: number, c: number): bigint {
  const y = BigInt(a + (b << 8));
  const z = BigInt(3 + (c << 2));
  const mixed = ((y * 0x9ae16a3b2f90404fn) & mask) ^ ((z * 0xc3a5c85c97cb3127n) & mask);
  return ((mixed ^ (mixed >> 47n)) * 0x9ae16a3b2f90404fn) & mask;
}
