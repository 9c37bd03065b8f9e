// Weights in eight bits: a scale per node, so that the largest weight of each becomes 127.

import { type ByteWeights, createModel, type DenseLayer, type Model } from "./model.ts";

/** The model with every layer's weights in eight bits. What a calibration found out holds for other weights, so it is left out. */
export function quantizeModel(model: Model): Model {
  return createModel(
    model.name,
    model.layers.map((layer) => ({ ...layer, weight: byteWeights(layer) })),
  );
}

/** W[o][i] ≈ scale[o] · values[o][i], rounded to nearest. */
export function byteWeights({ weight, inputs, outputs }: DenseLayer): ByteWeights {
  if (!(weight instanceof Float32Array)) return weight;
  const values = new Int8Array(weight.length);
  const scale = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    const row = weight.subarray(o * inputs, (o + 1) * inputs);
    const most = row.reduce((m, w) => Math.max(m, Math.abs(w)), 0);
    scale[o] = most / 127;
    if (most > 0) for (let i = 0; i < inputs; i++) values[o * inputs + i] = Math.round((row[i] / most) * 127);
  }
  return { values, scale };
}
