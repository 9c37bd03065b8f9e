// The loops anyone would write: a network in plain JavaScript on typed arrays, nothing allocated in a run, absent and zero inputs of a
// layer left out where its weights are stored by input. What a program without any engine gets.

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
  /** [inputs, outputs] for the first layer, so that inputs that are not there cost nothing; [outputs, inputs] for the others. */
  weight: Float32Array;
  out: Float32Array;
}

/** Weights as floats are copied once. */
export function createPlain(model: Model): PlainNetwork {
  const layers = model.layers.map((layer, l): PlainLayer => {
    const weight = floatWeights(layer);
    return {
      layer,
      weight: l === 0 ? transposed(weight, layer.outputs, layer.inputs) : weight,
      out: new Float32Array(layer.outputs),
    };
  });
  return {
    run(input) {
      const [first, ...rest] = layers;
      addInputs(first, input);
      finish(first);
      let x = first.out;
      for (const one of rest) {
        multiply(one, x);
        finish(one);
        x = one.out;
      }
      return x;
    },
    layerOutput: (l) => layers[l].out,
  };
}

/** out = bias + the columns of the inputs that are not zero */
function addInputs({ layer: { outputs, bias }, weight, out }: PlainLayer, input: Input): void {
  out.set(bias);
  const add = (i: number, x: number): void => {
    for (let o = 0, at = i * outputs; o < outputs; o++, at++) out[o] += weight[at] * x;
  };
  if (input instanceof Float32Array) {
    for (let i = 0; i < input.length; i++) if (input[i] !== 0) add(i, input[i]);
  } else for (let j = 0; j < input.indices.length; j++) add(input.indices[j], input.values[j]);
}

/** out = W x + b */
function multiply({ layer: { inputs, outputs, bias }, weight, out }: PlainLayer, x: Float32Array): void {
  for (let o = 0, at = 0; o < outputs; o++) {
    let sum = 0;
    for (let i = 0; i < inputs; i++, at++) sum += weight[at] * x[i];
    out[o] = sum + bias[o];
  }
}

function finish({ layer: { activation, alpha }, out }: PlainLayer): void {
  if (activation === "identity") return;
  if (activation === "relu") for (let o = 0; o < out.length; o++) out[o] = Math.max(out[o], 0);
  else out.set(activate(activation, out, alpha));
}
