// The loops anyone would write: a network in plain JavaScript on typed arrays, nothing allocated in a run, weights stored by input so that
// inputs that are absent or zero are left out, of every layer. What a program without any engine gets.

import { activate } from "../../src/model/forward.ts";
import { type DenseLayer, floatWeights, type Model } from "../../src/model/model.ts";
import type { Input } from "../../src/model/rows.ts";
import { transposed } from "../../src/model/transposed.ts";

export interface PlainNetwork {
  /** All outputs; overwritten by the next run. */
  run(input: Input): Float32Array;
  /** [outputs of layer l] what layer `l` gave in the last run, activated. */
  layerOutput(l: number): Float32Array;
}

interface PlainLayer {
  layer: DenseLayer;
  /** [inputs, outputs] */
  weight: Float32Array;
  out: Float32Array;
}

/** Weights are copied once. */
export function createPlain(model: Model): PlainNetwork {
  const layers = model.layers.map((layer): PlainLayer => {
    const { inputs, outputs } = layer;
    return { layer, weight: transposed(floatWeights(layer), outputs, inputs), out: new Float32Array(outputs) };
  });
  return {
    run(input) {
      let x: Input = input;
      for (const one of layers) {
        addInputs(one, x);
        finish(one);
        x = one.out;
      }
      return layers[layers.length - 1].out;
    },
    layerOutput: (l) => layers[l].out,
  };
}

/** out = bias + the columns of the inputs that are not zero */
function addInputs({ layer: { bias }, weight, out }: PlainLayer, input: Input): void {
  out.set(bias);
  if (input instanceof Float32Array) {
    for (let i = 0; i < input.length; i++) if (input[i] !== 0) addColumn(weight, i, input[i], out);
  } else for (let j = 0; j < input.indices.length; j++) addColumn(weight, input.indices[j], input.values[j], out);
}

function addColumn(weight: Float32Array, i: number, x: number, out: Float32Array): void {
  for (let o = 0, at = i * out.length; o < out.length; o++, at++) out[o] += weight[at] * x;
}

function finish({ layer: { activation, alpha }, out }: PlainLayer): void {
  if (activation === "identity") return;
  if (activation === "relu") for (let o = 0; o < out.length; o++) out[o] = Math.max(out[o], 0);
  else out.set(activate(activation, out, alpha));
}
