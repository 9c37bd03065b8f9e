// Weights in 8 bits, with a scale per node that makes its largest weight 127.

import { type ByteWeights, createModel, type DenseLayer, type Model } from "./model.ts";

/** The model with every layer's weights in eight bits. Its calibration is left out: that holds for the weights as they were. */
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
  const scale = Float32Array.from({ length: outputs }, (_, o) =>
    quantizeRow(weight, o * inputs, values.subarray(o * inputs, (o + 1) * inputs)),
  );
  return { values, scale };
}

/** Quantises the weights from weight[from] on, as many as `to` has room for; returns their scale. */
export function quantizeRow(weight: Float32Array, from: number, to: Int8Array): number {
  let most = 0;
  for (let i = 0; i < to.length; i++) most = Math.max(most, Math.abs(weight[from + i]));
  for (let i = 0; i < to.length; i++) to[i] = most > 0 ? Math.round((weight[from + i] / most) * 127) : 0;
  return most / 127;
}
