// Makes the TensorFlow.js goldens beside this file: small models built, saved and run by TensorFlow.js itself (4.22, plain JavaScript backend).
// npm i @tensorflow/tfjs@4 somewhere, copy this file there and run: node make-tfjs.mjs <this folder>
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import * as tf from "@tensorflow/tfjs";

const folder = process.argv[2];
await tf.setBackend("cpu");
let state = 7;
const random = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32) * 2 - 1;
const init = (scale) => tf.initializers.randomUniform({ minval: -scale, maxval: scale, seed: 1 + Math.floor(Math.abs(random()) * 1e6) });

const dense = (units, options = {}) => tf.layers.dense({ units, kernelInitializer: init(0.8), biasInitializer: init(0.5), ...options });

/** Batch normalization as after training: nothing at its initial value. */
function disturb(model) {
  for (const layer of model.layers) {
    if (layer.layers) disturb(layer);
    if (layer.getClassName() !== "BatchNormalization") continue;
    const weights = layer.weights.map((w) => {
      const name = w.originalName.split("/").pop();
      const values = Array.from({ length: w.shape[0] }, () => random());
      return tf.tensor1d(values.map((v) => (name === "moving_variance" ? 0.6 + 0.5 * v : name === "gamma" ? 1 + 0.7 * v : v)));
    });
    layer.setWeights(weights);
  }
}

const models = {
  mlp: () =>
    tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [6, 5] }),
        dense(16, { activation: "relu" }),
        tf.layers.batchNormalization(),
        tf.layers.dropout({ rate: 0.3 }),
        dense(12),
        tf.layers.batchNormalization({ scale: false, epsilon: 0.01 }),
        tf.layers.leakyReLU({ alpha: 0.15 }),
        dense(9, { useBias: false }),
        tf.layers.reLU(),
        dense(4, { activation: "softmax" }),
      ],
    }),
  functional: () => {
    const input = tf.input({ shape: [4, 3] });
    let x = tf.layers.rescaling({ scale: 0.5, offset: -0.25 }).apply(input);
    x = tf.layers.batchNormalization().apply(x); // over the last of two dimensions
    x = tf.layers.reshape({ targetShape: [12] }).apply(x);
    x = dense(7, { activation: "tanh" }).apply(x);
    x = tf.layers.reshape({ targetShape: [1, 7] }).apply(x);
    x = dense(6).apply(x);
    x = tf.layers.activation({ activation: "sigmoid" }).apply(x);
    x = tf.layers.flatten().apply(x);
    x = dense(5, { activation: "linear" }).apply(x);
    return tf.model({ inputs: input, outputs: tf.layers.softmax().apply(x) });
  },
  nested: () => {
    const body = tf.sequential({
      name: "body",
      layers: [dense(8, { inputShape: [6], activation: "relu" }), tf.layers.batchNormalization(), dense(7)],
    });
    return tf.sequential({ layers: [body, tf.layers.activation({ activation: "gelu" }), dense(5, { activation: "gelu_new" }), dense(3)] });
  },
};

async function save(model) {
  let artifacts;
  await model.save(
    tf.io.withSaveHandler(async (a) => {
      artifacts = a;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    }),
  );
  return artifacts;
}

/** The documented rule: stored = round((value − min) / scale), scale = (max − min) / (2^bits − 1); float16 as it is. */
function quantise(specs, data, dtype) {
  const parts = [];
  let offset = 0;
  const quantised = specs.map((spec) => {
    const count = spec.shape.reduce((a, b) => a * b, 1);
    const values = new Float32Array(data.slice(offset, offset + 4 * count));
    offset += 4 * count;
    if (dtype === "float16") {
      parts.push(Buffer.from(Uint16Array.from(values, toHalf).buffer));
      return { ...spec, quantization: { dtype, original_dtype: "float32" } };
    }
    const levels = dtype === "uint8" ? 255 : 65535;
    const [min, max] = [Math.min(...values), Math.max(...values)];
    const scale = max > min ? (max - min) / levels : 1;
    const stored = Array.from(values, (v) => Math.round((v - min) / scale));
    parts.push(Buffer.from((dtype === "uint8" ? Uint8Array : Uint16Array).from(stored).buffer));
    return { ...spec, quantization: { dtype, scale, min, original_dtype: "float32" } };
  });
  return { specs: quantised, data: Buffer.concat(parts) };
}

function toHalf(value) {
  if (value === 0) return 0;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), -14);
  const mantissa = Math.round((Math.abs(value) / 2 ** exponent) * 1024); // 1024 … 2048, below 1024 when subnormal
  return (value < 0 ? 0x8000 : 0) + (exponent + 14) * 1024 + mantissa;
}

async function write(name, topology, specs, data, shardCount, model) {
  const bytes = Buffer.from(data);
  const paths = Array.from({ length: shardCount }, (_, i) => `group1-shard${i + 1}of${shardCount}.bin`);
  const size = Math.ceil(bytes.length / shardCount / 3) * 3 + 1; // not a multiple of 4: weights straddle shards
  const shards = Object.fromEntries(
    paths.map((path, i) => [path, bytes.subarray(i * size, i === shardCount - 1 ? undefined : (i + 1) * size).toString("base64")]),
  );
  const modelJson = {
    format: "layers-model",
    generatedBy: "TensorFlow.js tfjs-layers v4.22.0",
    convertedBy: null,
    modelTopology: topology,
    weightsManifest: [{ paths, weights: specs }],
  };
  // Quantised weights are undone by TensorFlow.js' own loader; it cannot load every activation it can save.
  const loaded =
    model ??
    (await tf.loadLayersModel(tf.io.fromMemory({ modelTopology: topology, weightSpecs: specs, weightData: new Uint8Array(bytes).buffer })));
  const shape = loaded.inputs[0].shape.slice(1);
  const width = shape.reduce((a, b) => a * b, 1);
  const cases = [1, 0.3, 3].map((scale) => {
    const input = Array.from({ length: width }, () => Math.fround(Number((random() * scale).toFixed(4))));
    return { input, output: Array.from(loaded.predict(tf.tensor(input, [1, ...shape])).dataSync()) };
  });
  writeFileSync(`${folder}/tfjs-${name}.json.gz`, gzipSync(JSON.stringify({ modelJson, shards, cases }), { level: 9 }));
}

for (const [name, build] of Object.entries(models)) {
  const model = build();
  disturb(model);
  const { modelTopology, weightSpecs, weightData } = await save(model);
  const data = weightData instanceof ArrayBuffer ? weightData : weightData[0];
  await write(name, modelTopology, weightSpecs, data, name === "mlp" ? 3 : 1, model);
  if (name !== "mlp") continue;
  for (const dtype of ["uint8", "uint16", "float16"]) {
    const q = quantise(weightSpecs, data, dtype);
    await write(`mlp-${dtype}`, modelTopology, q.specs, q.data, 2);
  }
}
