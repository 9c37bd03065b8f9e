// A chain of Keras layers → the dense layers of a Model: what TensorFlow.js and Keras files have in common once their weights
// can be looked up. Scaling layers (BatchNormalization, Normalization, Rescaling) are folded into the dense layer before or after
// them by `fold`; what cannot be folded is refused by name. It knows no file format.

import { refusal } from "../errors.ts";
import { type Activation, createModel, type Model, maxWidth } from "../model/model.ts";
import { transposed } from "../model/transposed.ts";
import { isObject, quoted } from "../quoted.ts";
import { createFold, type Fold } from "./fold.ts";
import { asNumber, asString, type JsonObject, optionalNumber, shown } from "./json-fields.ts";
import { chainOf, classOf, type LayerConfig } from "./keras-chain.ts";
import { batchNormalizationOf, expanded, normalizationOf, rescalingOf, type Scaling, type StoredWeight, vector } from "./keras-scalings.ts";
import { checkLastAxis, checkOneRow, flattened, inputShapeOf, reshaped, type Shape } from "./keras-shape.ts";

/** Finds a layer's weight (`kernel`, `bias`, `gamma`, …), or undefined where the file has none. */
export type WeightLookup = (layer: readonly string[], weight: string) => StoredWeight | undefined;

const supported =
  "Dense, Activation, ReLU, LeakyReLU, Softmax, Dropout, Flatten, Reshape, BatchNormalization, Normalization, Rescaling, InputLayer";

/** Scaling layers that may stand in a row before one dense layer, or after it; each costs a pass over as many numbers. */
const maxScalingsInARow = 16;

/** What the chain walked so far amounts to. */
interface Chain {
  file: string;
  find: (layer: LayerConfig, weight: string) => StoredWeight;
  fold: Fold;
  /** The last dense layer's activation; undefined before the first. */
  activation: Activation | undefined;
  /** Scalings folded into the last dense layer, whose activation is still to come. */
  folded: number;
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
    if (!found) throw refusal("bad-file", titleOf(name, layer), `no weight ${shown(weight)}`, "it among the stored weights");
    if (used.has(found.path)) throw refusal("bad-file", name, `weight ${shown(found.path)} used by two layers`, "one");
    used.add(found.path);
    return found;
  };
  // No bound is needed: every weight is used once, so there is no more to fold than the file holds.
  const fold = createFold(name, Number.POSITIVE_INFINITY);
  const chain: Chain = { file: name, find, fold, activation: undefined, folded: 0, pending: [], shape: undefined };
  for (const layer of chainOf(modelConfig, name)) addLayer(chain, layer);
  const waiting = chain.pending[0];
  if (waiting)
    throw refusal("unsupported", waiting.layer, "no dense layer beside it that it can be folded into", "one directly before or after it");
  if (chain.activation === undefined) throw refusal("bad-model", name, "no dense layer", "at least one");
  return createModel(name, fold.finish());
}

function titleOf(file: string, layer: LayerConfig): string {
  return `${file}: layer ${shown(layer.path.join("/"))} (${quoted(layer.className).slice(1, -1)})`;
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
    case "Identity":
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
      throw refusal("unsupported", title, `class ${shown(className)}`, `one of ${supported}`);
  }
}

// ---- Dense and activations

function addDense(chain: Chain, layer: LayerConfig, title: string): void {
  const { config } = layer;
  const units = asNumber(config.units, `${title}: units`);
  if (!(units >= 1 && units <= maxWidth)) throw refusal("bad-model", title, `${units} units`, `1 to ${maxWidth}`);
  if (chain.activation === "softmax" || chain.activation === "log-softmax")
    throw refusal("bad-model", title, `it after ${chain.activation} on a hidden layer`, `${chain.activation} to be last`);
  checkPlain(config, title);
  checkOneRow(chain.shape, title);
  const activation = activationOf(config.activation, title);
  const kernel = chain.find(layer, "kernel");
  const [inputs, outputs] = kernel.shape;
  if (kernel.shape.length !== 2 || outputs !== units)
    throw refusal("bad-file", title, `a kernel of shape ${shown(kernel.shape)}`, `[inputs, ${units}]`);
  const width = chain.shape ? chain.shape[chain.shape.length - 1] : inputs;
  if (width !== undefined && width !== null && width !== inputs)
    throw refusal("bad-file", title, `a kernel of ${inputs} inputs`, `${width}, the numbers that reach it`);
  if (chain.shape?.length === 0) throw refusal("bad-file", title, "samples without a dimension", `one of ${inputs}`);
  const bias = config.use_bias === false ? undefined : vector(chain.find(layer, "bias"), outputs, title);
  const weight = transposed(kernel.read(), inputs, outputs);
  for (const scaling of chain.pending) chain.fold.affine(scaling.layer, ...expanded(scaling, inputs));
  chain.fold.dense(title, { name: layer.path.join("/"), inputs, outputs, weight, transposed: false });
  if (bias) chain.fold.affine(title, Float64Array.of(1), bias);
  chain.pending = [];
  chain.folded = 0;
  chain.activation = "identity";
  chain.shape = chain.shape ? [...chain.shape.slice(0, -1), outputs] : [outputs];
  addActivation(chain, activation, title);
}

/** Refuses Dense layers whose kernel alone is not what they multiply by. */
function checkPlain({ dtype, quantization_config: quantized, lora_rank: rank }: JsonObject, title: string): void {
  const mode = isObject(dtype) && isObject(dtype.config) ? dtype.config.mode : undefined;
  if ((mode ?? quantized ?? null) !== null)
    throw refusal(
      "unsupported",
      title,
      `quantised weights${typeof mode === "string" ? ` (${shown(mode)})` : ""}`,
      "floats: save the model before quantize()",
    );
  if ((rank ?? null) !== null)
    throw refusal(
      "unsupported",
      title,
      `a LoRA adapter of rank ${shown(rank)} beside its kernel`,
      "the kernel alone: merge the adapter into it before saving",
    );
}

interface Applied {
  kind: Activation;
  alpha: number;
}

const namedActivations: Readonly<Record<string, Activation>> = {
  linear: "identity",
  relu: "relu",
  sigmoid: "sigmoid",
  tanh: "tanh",
  gelu: "gelu",
  gelu_new: "gelu-tanh", // TensorFlow.js' name of the tanh form
  softmax: "softmax",
  log_softmax: "log-softmax",
  logSoftmax: "log-softmax",
  leaky_relu: "leaky-relu", // Keras 3
};

const activationNames = Object.keys(namedActivations).join(", ");

/** An activation as a configuration gives it: a name, nothing, or a serialized object that names one. */
function activationOf(value: unknown, title: string): Applied {
  if (value === undefined || value === null) return { kind: "identity", alpha: 0 };
  if (isObject(value)) {
    const inner = isObject(value.config) ? value.config : {};
    if (value.class_name === undefined)
      throw refusal("unsupported", title, "an activation written in Python (a lambda)", `one of ${activationNames}`);
    const name = classOf(value, `${title}: activation`);
    if (name === "ReLU") return reluOf(inner, title);
    if (name === "LeakyReLU") return leaky(optionalNumber(inner.alpha ?? inner.negative_slope, 0.3, `${title}: slope`));
    if (name === "function") return activationOf(asString(value.config, `${title}: activation`), title);
    const option = Object.entries(inner).find(([key, v]) => !["name", "dtype", "trainable"].includes(key) && !(key === "axis" && v === -1));
    if (option) throw refusal("unsupported", title, `activation ${shown(name)} with ${shown(option[0])}`, "no options");
    return activationOf(name === "logSoftmax" ? name : name.toLowerCase(), title);
  }
  const name = asString(value, `${title}: activation`);
  if (!Object.hasOwn(namedActivations, name)) throw refusal("unsupported", title, `activation ${shown(name)}`, `one of ${activationNames}`);
  const kind = namedActivations[name];
  return { kind, alpha: kind === "leaky-relu" ? 0.2 : 0 }; // the slope of Keras' function, not of its layer
}

function reluOf(config: JsonObject, title: string): Applied {
  if (config.max_value !== undefined && config.max_value !== null)
    throw refusal("unsupported", title, `max_value ${shown(config.max_value)}`, "none");
  const threshold = optionalNumber(config.threshold, 0, `${title}: threshold`);
  if (threshold !== 0) throw refusal("unsupported", title, `threshold ${threshold}`, "0");
  return leaky(optionalNumber(config.negative_slope, 0, `${title}: negative_slope`));
}

function leaky(alpha: number): Applied {
  return alpha === 0 ? { kind: "relu", alpha: 0 } : { kind: "leaky-relu", alpha };
}

function addActivation(chain: Chain, applied: Applied, title: string): void {
  if (applied.kind === "identity") return;
  if (applied.kind === "softmax" || applied.kind === "log-softmax") checkOneRow(chain.shape, title);
  if (chain.activation === undefined) throw refusal("unsupported", title, "an activation before any Dense layer", "one after it");
  const waiting = chain.pending[0];
  if (waiting) throw refusal("unsupported", waiting.layer, "a place between two activations", "a dense layer directly before or after it");
  if (chain.activation === "identity") {
    chain.fold.activation(title, applied.kind, applied.alpha);
    chain.activation = applied.kind;
    return;
  }
  // ReLU leaves alone what is never negative.
  if (applied.kind === "relu" && ["relu", "sigmoid", "softmax"].includes(chain.activation)) return;
  throw refusal("unsupported", title, `${applied.kind} on top of ${chain.activation}`, "one activation for each Dense layer");
}

// ---- Scaling layers

function addScaling(chain: Chain, scaling: Scaling): void {
  if (scaling.scale.length > 1) chain.shape ??= [scaling.scale.length];
  const afterDense = chain.activation === "identity";
  if ((afterDense ? chain.folded : chain.pending.length) >= maxScalingsInARow)
    throw refusal("unsupported", scaling.layer, `more than ${maxScalingsInARow} scaling layers in a row`, "fewer");
  if (!afterDense) {
    chain.pending.push(scaling);
    return;
  }
  chain.folded++;
  chain.fold.affine(scaling.layer, ...expanded(scaling, chain.fold.width()!));
}
