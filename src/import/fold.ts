// Turns a straight run of dense, elementwise affine and activation steps into dense layers: affine steps are folded into the weights
// before or after them, in float64, rounded to float32 once. It knows no file format; `step` is how messages call the step at hand.

import { refusal } from "../errors.ts";
import { type Activation, type FloatLayer, maxWidth } from "../model/model.ts";

/** Weights [outputs, inputs], or [inputs, outputs] where `transposed`. */
export interface DenseStep {
  name: string;
  inputs: number;
  outputs: number;
  weight: Float32Array | Float64Array;
  transposed: boolean;
}

/**
 * How far a shift before a dense layer may exceed what is left of the sums once the shift has met its inputs: float32 keeps 2^-24
 * of the larger, so that 1e-4 of the smaller stays true.
 */
const mostCancelled = 1000;

/** A run of steps under construction. Every call throws SlonnError `unsupported` or `bad-model` when the step cannot follow. */
export interface Fold {
  dense(step: string, dense: DenseStep): void;
  /** x ↦ scale · x + shift, elementwise; each [width], or [1] for all elements alike. */
  affine(step: string, scale: Float64Array, shift: Float64Array): void;
  activation(step: string, activation: Activation, alpha: number): void;
  /** Outputs of the last dense layer; null before the first. */
  width(): number | null;
  finish(): FloatLayer[];
}

interface OpenLayer extends DenseStep {
  step: string;
  /** Row scale [outputs] or [1], column scale [inputs] or [1], bias [outputs]. */
  rows: Float64Array;
  columns: Float64Array;
  bias: Float64Array;
  activation: Activation | null;
  alpha: number;
}

interface Affine {
  step: string;
  scale: Float64Array;
  shift: Float64Array;
}

/**
 * Starts an empty run.
 * @param name what messages call the file.
 * @param most numbers the whole run may touch: bounds what a small file can ask for by using the same weights again and again.
 */
export function createFold(name: string, most: number): Fold {
  const layers: OpenLayer[] = [];
  /** What happened to the current values since the last activation (or the input), not yet part of any weights. */
  let pending: Affine | null = null;
  let spent = 0;

  const spend = (step: string, n: number) => {
    spent += n;
    if (spent > most) throw refusal("unsupported", step, `a network that takes more than ${most} numbers to fold`, "a smaller one");
  };

  const checkSizes = (step: string, lengths: readonly number[], width: number) => {
    for (const n of lengths) if (n !== 1 && n !== width) throw refusal("bad-model", step, `${n} elements`, width);
  };

  const afterSoftmax = (step: string) => {
    const last = layers[layers.length - 1];
    if (last?.activation === "softmax" || last?.activation === "log-softmax")
      throw refusal("unsupported", step, `it after ${last.activation}`, `${last.activation} to be the last step`);
  };

  return {
    width: () => layers[layers.length - 1]?.outputs ?? null,

    dense(step, dense) {
      const { inputs, outputs, weight } = dense;
      const before = layers[layers.length - 1];
      for (const [what, n] of [
        ["inputs", inputs],
        ["outputs", outputs],
      ] as const)
        if (n < 1 || n > maxWidth) throw refusal("bad-model", step, `${n} ${what}`, `1 to ${maxWidth}`);
      if (weight.length !== inputs * outputs) throw refusal("bad-model", step, `${weight.length} weights`, `${outputs} x ${inputs}`);
      if (before && before.outputs !== inputs)
        throw refusal("bad-model", step, `weights for ${inputs} inputs`, `${before.outputs}, the outputs before it`);
      afterSoftmax(step);
      spend(step, 2 * weight.length + inputs + outputs);
      const layer: OpenLayer = { ...dense, step, rows: one(), columns: one(), bias: new Float64Array(outputs), activation: null, alpha: 0 };
      if (pending) {
        checkSizes(pending.step, [pending.scale.length, pending.shift.length], inputs);
        layer.columns = pending.scale;
        if (pending.shift.some((v) => v !== 0)) {
          const { peak, norm } = addProduct(layer, pending.shift); // W (s x + t) = (W s) x + W t
          if (peak > mostCancelled * Math.max(1, norm))
            throw refusal(
              "unsupported",
              pending.step,
              `a shift that puts ${peak.toPrecision(2)} into biases for sums of the size ${Math.max(1, norm).toPrecision(2)}`,
              `at most ${mostCancelled} times as much, or float32 loses the difference; subtract the mean from the data in front of the network instead`,
            );
        }
      }
      pending = null;
      layers.push(layer);
    },

    affine(step, scale, shift) {
      const layer = layers[layers.length - 1];
      if (layer) checkSizes(step, [scale.length, shift.length], layer.outputs);
      afterSoftmax(step);
      if (layer && layer.activation === null) {
        spend(step, layer.outputs);
        layer.rows = combine(layer.rows, scale, (a, s) => a * s);
        layer.bias = combine(
          combine(layer.bias, scale, (b, s) => b * s),
          shift,
          (b, t) => b + t,
        );
      } else {
        const held: Affine = pending ?? { step, scale: one(), shift: new Float64Array(1) };
        const width = Math.max(held.scale.length, held.shift.length, scale.length, shift.length);
        checkSizes(step, [held.scale.length, held.shift.length, scale.length, shift.length], width);
        spend(step, width);
        pending = {
          step: held.step,
          scale: combine(held.scale, scale, (a, s) => a * s),
          shift: combine(
            combine(held.shift, scale, (b, s) => b * s),
            shift,
            (b, t) => b + t,
          ),
        };
      }
    },

    activation(step, activation, alpha) {
      if (activation === "identity") return;
      const layer = layers[layers.length - 1];
      afterSoftmax(step);
      if (layer && activation === "relu" && layer.activation === "relu" && !pending) return; // relu of relu
      if (layer?.activation && !pending)
        throw refusal("unsupported", step, `${activation} on top of ${layer.activation}`, "one activation for each dense layer");
      if (!layer || layer.activation !== null)
        throw refusal("unsupported", step, "an activation without a dense layer right before it", "one (Gemm or MatMul, Linear)");
      layer.activation = activation;
      layer.alpha = alpha;
    },

    finish() {
      if (layers.length === 0) throw refusal("unsupported", name, "no dense layer", "at least one");
      if (pending && (pending.scale.some((v) => v !== 1) || pending.shift.some((v) => v !== 0)))
        throw refusal(
          "unsupported",
          pending.step,
          "it after the last activation",
          "a dense layer before or after it that it can be folded into",
        );
      return layers.map(close);
    },
  };
}

function one(): Float64Array {
  return new Float64Array(1).fill(1);
}

/** Elementwise over two vectors, either of which may be [1] and then counts for every element. */
function combine(a: Float64Array, b: Float64Array, of: (a: number, b: number) => number): Float64Array {
  const out = new Float64Array(Math.max(a.length, b.length));
  const [aStep, bStep] = [a.length === 1 ? 0 : 1, b.length === 1 ? 0 : 1];
  for (let i = 0; i < out.length; i++) out[i] = of(a[i * aStep], b[i * bStep]);
  return out;
}

/**
 * bias += W t. Tells the largest sum met on the way, which inputs near the mean have to take away again, and the longest row of W,
 * the size of the sums that are left for inputs about 1 from the mean.
 */
function addProduct({ inputs, outputs, weight, transposed, bias }: OpenLayer, t: Float64Array): { peak: number; norm: number } {
  const [nodeStep, inputStep] = transposed ? [1, outputs] : [inputs, 1];
  const tStep = t.length === 1 ? 0 : 1;
  let [peak, longest] = [0, 0];
  for (let node = 0; node < outputs; node++) {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < inputs; i++) {
      const w = weight[node * nodeStep + i * inputStep];
      sum += w * t[i * tStep];
      squares += w * w;
      peak = Math.max(peak, Math.abs(sum));
    }
    longest = Math.max(longest, squares);
    bias[node] += sum;
  }
  return { peak, norm: Math.sqrt(longest) };
}

function close({ name, inputs, outputs, weight, transposed, rows, columns, bias, activation, alpha }: OpenLayer): FloatLayer {
  const untouched = rows.every((v) => v === 1) && columns.every((v) => v === 1);
  let out: Float32Array;
  if (untouched && !transposed && weight instanceof Float32Array) out = weight;
  else {
    const [nodeStep, inputStep] = transposed ? [1, outputs] : [inputs, 1];
    const [rowStep, columnStep] = [rows.length === 1 ? 0 : 1, columns.length === 1 ? 0 : 1];
    out = new Float32Array(inputs * outputs);
    for (let node = 0; node < outputs; node++) {
      const scale = rows[node * rowStep];
      for (let i = 0; i < inputs; i++) out[node * inputs + i] = scale * weight[node * nodeStep + i * inputStep] * columns[i * columnStep];
    }
  }
  return { name, inputs, outputs, weight: out, bias: Float32Array.from(bias), activation: activation ?? "identity", alpha };
}
