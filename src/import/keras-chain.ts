// The layers of a Keras model configuration in the order an input meets them. It reads which layer feeds which
// (Sequential models, straight functional chains, either nested in the other); what a layer computes it does not know.

import { refusal, type SlonnError } from "../errors.ts";
import { isObject } from "../quoted.ts";
import { asArray, asObject, asString, type JsonObject, shown } from "./json-fields.ts";

/** One layer as the file describes it. */
export interface LayerConfig {
  className: string;
  /** Names from the outermost model's layer to this one; longer than one only in nested models. */
  path: readonly string[];
  config: JsonObject;
}

/** How deep models may stand inside models. */
const maxDepth = 16;

/**
 * Flattens a model configuration (`{ class_name, config }`) into a chain.
 * @throws SlonnError `bad-file` where the configuration is malformed, `unsupported` where the network is not one straight chain.
 */
export function chainOf(modelConfig: unknown, file: string): LayerConfig[] {
  return flatten(asObject(modelConfig, `${file}: model configuration`), [], file);
}

const modelClasses = ["Sequential", "Functional", "Model"];

function flatten(model: JsonObject, path: readonly string[], file: string): LayerConfig[] {
  const where = path.length ? `${file}: layer ${shown(path.join("/"))}` : `${file}: model`;
  if (path.length > maxDepth) throw refusal("unsupported", where, `models nested ${path.length} deep`, `at most ${maxDepth}`);
  const className = asString(model.class_name, `${where}: class_name`);
  if (!modelClasses.includes(className)) throw refusal("unsupported", where, `class ${shown(className)}`, "Sequential or Functional");
  // Early versions wrote the layers of a Sequential model where its configuration is now.
  const config: JsonObject = Array.isArray(model.config) ? { layers: model.config } : asObject(model.config, `${where}: config`);
  const layers = asArray(config.layers, `${where}: layers`).map((layer, l) => asObject(layer, `${where}: layer ${l}`));
  const names = layers.map((layer, l) => nameOf(layer, `${where}: layer ${l}`));
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw refusal("bad-file", where, `two layers named ${shown(name)}`, "different names");
    seen.add(name);
  }
  const order = className === "Sequential" ? layers.map((_, l) => l) : follow(config, layers, names, where);
  return order.flatMap((l): LayerConfig[] => {
    const layer = layers[l];
    const layerPath = [...path, names[l]];
    const layerClass = classOf(layer, `${where}: layer ${shown(names[l])}`);
    if (modelClasses.includes(layerClass)) return flatten(layer, layerPath, file);
    return [{ className: layerClass, path: layerPath, config: asObject(layer.config, `${where}: layer ${shown(names[l])}: config`) }];
  });
}

function nameOf(layer: JsonObject, what: string): string {
  return asString(layer.name ?? (isObject(layer.config) ? layer.config.name : undefined), `${what}: name`);
}

/** The class of a serialized object. One of a program's own (registered as `package>Name`, or in no module) is not the built-in of that name. */
export function classOf(object: JsonObject, what: string): string {
  const { registered_name: registered, module } = object;
  if (typeof registered === "string" && registered.includes(">")) return registered;
  if (typeof registered === "string" && module === null) return `Custom>${registered}`;
  return asString(object.class_name, `${what}: class_name`);
}

/** Walks a functional model from its output back to its input. */
function follow(config: JsonObject, layers: readonly JsonObject[], names: readonly string[], where: string): number[] {
  const inputs = endpoints(config.input_layers, `${where}: input_layers`);
  const outputs = endpoints(config.output_layers, `${where}: output_layers`);
  if (inputs.length !== 1) throw refusal("unsupported", where, `${inputs.length} inputs`, "a chain with one");
  if (outputs.length !== 1) throw refusal("unsupported", where, `${outputs.length} outputs`, "a chain with one");
  const index = new Map(names.map((name, l) => [name, l]));
  const order: number[] = [];
  const visited = new Set<number>();
  for (let name = outputs[0]; ; ) {
    const l = index.get(name);
    if (l === undefined) throw refusal("bad-file", where, `a connection from ${shown(name)}`, "the name of a layer");
    if (visited.has(l)) throw refusal("bad-file", where, `a cycle through layer ${shown(name)}`, "a chain");
    visited.add(l);
    order.push(l);
    if (name === inputs[0]) break;
    name = sourceOf(layers[l], `${where}: layer ${shown(name)} (${shown(layers[l].class_name)})`);
  }
  if (order.length !== layers.length) {
    const aside = names.find((_, l) => !visited.has(l));
    throw refusal("unsupported", where, `layer ${shown(aside)} off the way from input to output`, "one straight chain");
  }
  return order.reverse();
}

/** Names in `[["a", 0, 0], …]`, in the newer flat `["a", 0, 0]`, or in an object of `["a", 0, 0]`, where the model takes or gives one. */
function endpoints(value: unknown, what: string): string[] {
  const list = isObject(value) ? Object.values(value) : asArray(value, what);
  if (typeof list[0] === "string") return [list[0]];
  return list.map((entry) => asString(asArray(entry, what)[0], what));
}

/** The one layer whose output this layer takes. */
function sourceOf(layer: JsonObject, what: string): string {
  const nodes = asArray(layer.inbound_nodes, `${what}: inbound_nodes`);
  if (nodes.length !== 1) throw refusal("unsupported", what, `${nodes.length} uses of the layer`, "exactly one");
  refuseTraining(nodes[0], what);
  const sources = sourcesOf(nodes[0], what);
  if (sources.length !== 1) throw severalInputs(sources.length, what);
  return sources[0];
}

/** A call with `training: true` behaves as in training wherever the model runs: Dropout drops, BatchNormalization looks at the batch. */
function refuseTraining(node: unknown, what: string): void {
  const told = isObject(node) ? [node.kwargs] : asArray(node, `${what}: inbound_nodes`).flat();
  if (told.some((options) => isObject(options) && options.training === true))
    throw refusal("unsupported", what, "a call with training set to true", "inference: build the model without it");
}

function severalInputs(count: number, what: string): SlonnError {
  return refusal("unsupported", what, `${count} inputs`, "one");
}

function sourcesOf(node: unknown, what: string): string[] {
  if (isObject(node)) {
    // Keras 3: { args: [tensor], kwargs: {} } with tensors as { class_name: "__keras_tensor__", config: { keras_history } }.
    // Layers that merge take a list of them; operators take numbers beside them.
    const args = asArray(node.args, `${what}: args`).flat();
    if (args.length !== 1) throw severalInputs(args.length, what);
    const tensor = asObject(isObject(args[0]) ? args[0].config : args[0], `${what}: args`);
    return [asString(asArray(tensor.keras_history, `${what}: keras_history`)[0], `${what}: keras_history`)];
  }
  const entries = asArray(node, `${what}: inbound_nodes`);
  if (typeof entries[0] === "string") return [entries[0]];
  return entries.map((entry) => asString(asArray(entry, `${what}: inbound_nodes`)[0], `${what}: inbound_nodes`));
}
