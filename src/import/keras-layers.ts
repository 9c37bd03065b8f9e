// A chain of Keras layers → the dense layers of a Model: what TensorFlow.js and Keras files have in common once their weights
// can be looked up. Scaling layers (BatchNormalization, Normalization, Rescaling) are folded into the dense layer before or after
// them, exactly; what cannot be folded is refused by name. It knows no file format.

import { SlonnError } from "../errors.ts";
import { type Activation, createModel, type FloatLayer, type Model } from "../model/model.ts";
import { transposed } from "../model/transposed.ts";
import { asNumber, asString, isObject, type JsonObject, optionalNumber, shown } from "./json-fields.ts";
import { chainOf, type LayerConfig } from "./keras-chain.ts";
import { batchNormalizationOf, normalizationOf, rescalingOf, type Scaling, type StoredWeight, vector } from "./keras-scalings.ts";
import { checkLastAxis, checkOneRow, flattened, inputShapeOf, reshaped, type Shape } from "./keras-shape.ts";

/** Finds a layer's weight (`kernel`, `bias`, `gamma`, …), or undefined where the file has none. */
export type WeightLookup = (layer: readonly string[], weight: string) => StoredWeight | undefined;

const supported =
  "Dense, Activation, ReLU, LeakyReLU, Softmax, Dropout, Flatten, Reshape, BatchNormalization, Normalization, Rescaling, InputLayer";

/** Scaling layers that may stand in a row before one dense layer; each costs a pass over its weights. */
const maxScalingsInARow = 16;

/** A dense layer while others may still be folded into it. */
interface Draft extends Omit<FloatLayer, "bias"> {
  bias: Float64Array;
  folded: number;
}

/** What the chain walked so far amounts to. */
interface Chain {
  file: string;
  find: (layer: LayerConfig, weight: string) => StoredWeight;
  drafts: Draft[];
  /** Scalings that wait for the dense layer after them. */
  pending: Scaling[];
  /** Undefined before any is known. */
  shape: Shape | undefined;
}

/**
 * Builds the model a Keras configuration (`{ class_name, config }`) describes.
 * @throws SlonnError `unsupported` naming the layer, its class and what is supported; `bad-file` where configuration and weights
 * contradict each other; `bad-model` where the result cannot run.
 */
export function buildKerasModel(name: string, modelConfig: unknown, weights: WeightLookup): Model {
  const used = new Set<string>();
  const find = (layer: LayerConfig, weight: string): StoredWeight => {
    const found = weights(layer.path, weight);
    if (!found)
      throw new SlonnError("bad-file", `${titleOf(name, layer)}: got no weight ${shown(weight)}, expected it among the stored weights`);
    if (used.has(found.path)) throw new SlonnError("bad-file", `${name}: got weight ${shown(found.path)} used by two layers, expected one`);
    used.add(found.path);
    return found;
  };
  const chain: Chain = { file: name, find, drafts: [], pending: [], shape: undefined };
  for (const layer of chainOf(modelConfig, name)) addLayer(chain, layer);
  const waiting = chain.pending[0];
  if (waiting)
    throw new SlonnError(
      "unsupported",
      `${waiting.layer}: got no dense layer beside it that it can be folded into, expected one directly before or after it`,
    );
  return createModel(
    name,
    chain.drafts.map(({ folded: _, bias, ...layer }) => ({ ...layer, bias: Float32Array.from(bias) })),
  );
}

function titleOf(file: string, layer: LayerConfig): string {
  return `${file}: layer ${shown(layer.path.join("/"))} (${layer.className.length > 60 ? `${layer.className.slice(0, 57)}...` : layer.className})`;
}

function addLayer(chain: Chain, layer: LayerConfig): void {
  const { className, config } = layer;
  const title = titleOf(chain.file, layer);
  if (chain.shape === undefined) chain.shape = inputShapeOf(config, title);
  const find = (weight: string): StoredWeight => chain.find(layer, weight);
  switch (className) {
    case "InputLayer":
    // These change nothing at inference.
    case "Dropout":
    case "SpatialDropout1D":
    case "GaussianDropout":
    case "GaussianNoise":
    case "AlphaDropout":
    case "ActivityRegularization":
      return;
    case "Dense":
      addDense(chain, layer, title);
      return;
    case "Activation":
      addActivation(chain, activationOf(config.activation, title), title);
      return;
    case "ReLU":
      addActivation(chain, reluOf(config, title), title);
      return;
    case "LeakyReLU":
      addActivation(chain, leaky(optionalNumber(config.alpha ?? config.negative_slope, 0.3, `${title}: slope`)), title);
      return;
    case "Softmax":
      checkLastAxis(chain.shape, config.axis, title);
      addActivation(chain, { kind: "softmax", alpha: 0 }, title);
      return;
    case "Flatten":
      chain.shape = flattened(chain.shape, config, title);
      return;
    case "Reshape":
      chain.shape = reshaped(chain.shape, config, title);
      return;
    case "BatchNormalization":
      addScaling(chain, batchNormalizationOf(config, chain.shape, find, title));
      return;
    case "Normalization":
      addScaling(chain, normalizationOf(config, chain.shape, find, title));
      return;
    case "Rescaling":
      addScaling(chain, rescalingOf(config, chain.shape, title));
      return;
    default:
      throw new SlonnError("unsupported", `${title}: got class ${shown(className)}, expected one of ${supported}`);
  }
}

// ---- Dense and activations

function addDense(chain: Chain, layer: LayerConfig, title: string): void {
  const { config } = layer;
  const units = asNumber(config.units, `${title}: units`);
  checkOneRow(chain.shape, title);
  const activation = activationOf(config.activation, title);
  const kernel = chain.find(layer, "kernel");
  const [inputs, outputs] = kernel.shape;
  if (kernel.shape.length !== 2 || outputs !== units)
    throw new SlonnError("bad-file", `${title}: got a kernel of shape ${shown(kernel.shape)}, expected [inputs, ${units}]`);
  const width = chain.shape ? chain.shape[chain.shape.length - 1] : inputs;
  if (width !== undefined && width !== null && width !== inputs)
    throw new SlonnError("bad-file", `${title}: got a kernel of ${inputs} inputs, expected ${width}, the numbers that reach it`);
  if (chain.shape?.length === 0) throw new SlonnError("bad-file", `${title}: got samples without a dimension, expected one of ${inputs}`);
  const bias = config.use_bias === false ? undefined : vector(chain.find(layer, "bias"), outputs, title);
  const draft: Draft = {
    name: layer.path.join("/"),
    inputs,
    outputs,
    weight: transposed(kernel.read(), inputs, outputs),
    bias: bias ?? new Float64Array(outputs),
    activation: "identity",
    alpha: 0,
    folded: 0,
  };
  // Scalings before it, nearest first: W (s x + t) + b = (W s) x + (W t + b).
  for (const scaling of chain.pending.reverse()) {
    checkFits(scaling, inputs);
    foldBefore(draft, scaling);
  }
  chain.pending = [];
  chain.drafts.push(draft);
  chain.shape = chain.shape ? [...chain.shape.slice(0, -1), outputs] : [outputs];
  addActivation(chain, activation, title);
}

interface Applied {
  kind: Activation;
  alpha: number;
}

const namedActivations: ReadonlyMap<string, Applied> = new Map<string, Applied>([
  ["linear", { kind: "identity", alpha: 0 }],
  ["relu", { kind: "relu", alpha: 0 }],
  ["sigmoid", { kind: "sigmoid", alpha: 0 }],
  ["tanh", { kind: "tanh", alpha: 0 }],
  ["gelu", { kind: "gelu", alpha: 0 }],
  ["gelu_new", { kind: "gelu-tanh", alpha: 0 }], // TensorFlow.js' name of the tanh form
  ["softmax", { kind: "softmax", alpha: 0 }],
  ["log_softmax", { kind: "log-softmax", alpha: 0 }],
  ["logSoftmax", { kind: "log-softmax", alpha: 0 }],
  ["leaky_relu", { kind: "leaky-relu", alpha: 0.2 }], // Keras 3; the slope of its function, not of its layer
]);

/** An activation as a configuration gives it: a name, nothing, or a serialized object that names one. */
function activationOf(value: unknown, title: string): Applied {
  if (value === undefined || value === null) return { kind: "identity", alpha: 0 };
  if (isObject(value)) {
    const inner = isObject(value.config) ? value.config : {};
    if (value.class_name === "ReLU") return reluOf(inner, title);
    if (value.class_name === "LeakyReLU") return leaky(optionalNumber(inner.alpha ?? inner.negative_slope, 0.3, `${title}: slope`));
    if (value.class_name === "function") return activationOf(asString(value.config, `${title}: activation`), title);
    const name = asString(value.class_name, `${title}: activation`);
    const option = Object.entries(inner).find(([key, v]) => !["name", "dtype", "trainable"].includes(key) && !(key === "axis" && v === -1));
    if (option)
      throw new SlonnError("unsupported", `${title}: got activation ${shown(name)} with ${shown(option[0])}, expected no options`);
    return activationOf(name === "logSoftmax" ? name : name.toLowerCase(), title);
  }
  const name = asString(value, `${title}: activation`);
  const applied = namedActivations.get(name);
  if (!applied)
    throw new SlonnError(
      "unsupported",
      `${title}: got activation ${shown(name)}, expected one of ${[...namedActivations.keys()].join(", ")}`,
    );
  return applied;
}

function reluOf(config: JsonObject, title: string): Applied {
  if (config.max_value !== undefined && config.max_value !== null)
    throw new SlonnError("unsupported", `${title}: got max_value ${shown(config.max_value)}, expected none`);
  const threshold = optionalNumber(config.threshold, 0, `${title}: threshold`);
  if (threshold !== 0) throw new SlonnError("unsupported", `${title}: got threshold ${threshold}, expected 0`);
  return leaky(optionalNumber(config.negative_slope, 0, `${title}: negative_slope`));
}

function leaky(alpha: number): Applied {
  return alpha === 0 ? { kind: "relu", alpha: 0 } : { kind: "leaky-relu", alpha };
}

function addActivation(chain: Chain, applied: Applied, title: string): void {
  if (applied.kind === "identity") return;
  if (applied.kind === "softmax" || applied.kind === "log-softmax") checkOneRow(chain.shape, title);
  const draft = chain.drafts[chain.drafts.length - 1];
  if (!draft) throw new SlonnError("unsupported", `${title}: got an activation before any Dense layer, expected one after it`);
  const waiting = chain.pending[0];
  if (waiting)
    throw new SlonnError(
      "unsupported",
      `${waiting.layer}: got a place between two activations, expected a dense layer directly before or after it`,
    );
  if (draft.activation === "identity") {
    draft.activation = applied.kind;
    draft.alpha = applied.alpha;
    return;
  }
  // ReLU leaves alone what is never negative.
  if (applied.kind === "relu" && ["relu", "sigmoid", "softmax"].includes(draft.activation)) return;
  throw new SlonnError(
    "unsupported",
    `${title}: got ${applied.kind} on top of ${draft.activation}, expected one activation for each Dense layer`,
  );
}

// ---- Scaling layers

function addScaling(chain: Chain, scaling: Scaling): void {
  if (scaling.scale.length > 1) chain.shape ??= [scaling.scale.length];
  const draft = chain.drafts[chain.drafts.length - 1];
  const afterDense = draft?.activation === "identity" && chain.pending.length === 0;
  if ((afterDense ? draft.folded : chain.pending.length) >= maxScalingsInARow)
    throw new SlonnError("unsupported", `${scaling.layer}: got more than ${maxScalingsInARow} scaling layers in a row, expected fewer`);
  if (!afterDense) {
    chain.pending.push(scaling);
    return;
  }
  checkFits(scaling, draft.outputs);
  draft.folded++;
  // s (W x + b) + t = (s W) x + (s b + t)
  const { inputs, outputs, weight, bias } = draft;
  for (let o = 0; o < outputs; o++) {
    const p = Math.floor(o / scaling.stride) % scaling.scale.length;
    const scale = scaling.scale[p];
    for (let i = o * inputs; i < (o + 1) * inputs; i++) weight[i] *= scale;
    bias[o] = bias[o] * scale + scaling.offset[p];
  }
}

function foldBefore({ inputs, outputs, weight, bias }: Draft, { scale, offset, stride }: Scaling): void {
  for (let o = 0; o < outputs; o++) {
    let sum = 0;
    for (let i = 0, w = o * inputs; i < inputs; i++, w++) {
      const p = Math.floor(i / stride) % scale.length;
      sum += weight[w] * offset[p];
      weight[w] *= scale[p];
    }
    bias[o] += sum;
  }
}

function checkFits({ layer, scale, stride }: Scaling, width: number): void {
  if (width % (scale.length * stride) !== 0)
    throw new SlonnError(
      "bad-file",
      `${layer}: got ${scale.length} factors, expected as many as the ${width} numbers beside it, or a divisor`,
    );
}
