// Keras .h5 files (whole models as model.save writes them) → Model: where the configuration and the weights stand in the file.
// What layers mean is known to keras-layers, how HDF5 stores things to hdf5.

import { refusal } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { checkArguments } from "./arguments.ts";
import { type Hdf5Object, openHdf5 } from "./hdf5.ts";
import { parseJson, shown } from "./json-fields.ts";
import { buildKerasModel, type WeightLookup } from "./keras-layers.ts";
import type { StoredWeight } from "./keras-scalings.ts";

/**
 * Reads a Keras model from HDF5, as `model.save("model.h5")` writes it: attribute `model_config`, weights under `model_weights/<layer>/<weight name>`.
 * @param content all of the file
 * @param options.name the model's name, also the subject of error messages
 * @throws SlonnError `bad-file`, `unsupported` (layers or forms of HDF5 outside what is supported; files of weights only), `bad-model`,
 * `bad-option` for arguments of another form.
 */
export function importKeras(content: Uint8Array, options: { name: string }): Model {
  const bytes = checkArguments("importKeras", content, options, { name: true });
  const { name } = options;
  const root = openHdf5(bytes, name);
  const config = root.strings("model_config");
  const stored = root.member("model_weights");
  if (!config || !stored) {
    if (root.strings("layer_names") ?? root.member("layers"))
      throw refusal("unsupported", name, "Keras weights without a model", 'a whole model; save it with model.save("model.h5")');
    throw refusal("bad-file", name, `HDF5 without ${config ? "model_weights" : "model_config"}`, "a Keras model");
  }
  const { find, unread } = lookupIn(stored, name);
  const model = buildKerasModel(name, parseJson(config.join(""), `${name}: model_config`), find);
  const left = unread();
  if (left !== undefined)
    throw refusal(
      "unsupported",
      name,
      `weight ${shown(left)} that nothing of its layer is known to use`,
      "kernel, bias and statistics only",
    );
  return model;
}

/** What layers store for training: how many samples a Normalization saw, and the state of a Dropout's generator. */
const notForInference: readonly string[] = ["count", "seed_generator_state"];

/** A layer's group and the names of its weights (`dense/kernel:0`, with more before in nested models). */
interface OpenGroup {
  group: Hdf5Object;
  /** By `kernel`, and by `dense/kernel`. */
  byKind: ReadonlyMap<string, readonly (readonly string[])[]>;
}

/** Finds weights, and tells of one that was not looked up although its layer's group was. */
function lookupIn(stored: Hdf5Object, file: string): { find: WeightLookup; unread: () => string | undefined } {
  const opened = new Map<string, OpenGroup | undefined>();
  const read = new Set<readonly string[]>();
  const find: WeightLookup = (path, weight) => {
    const [outer] = path;
    if (!opened.has(outer)) opened.set(outer, openGroup(stored.member(outer)));
    const found = opened.get(outer);
    // The group of a nested model holds the weights of all its layers.
    const key = path.length > 1 ? `${path[path.length - 1]}/${weight}` : weight;
    const names = found?.byKind.get(key) ?? [];
    if (names.length > 1)
      throw refusal("unsupported", file, `${names.length} weights that may be ${shown(weight)} of layer ${shown(path.join("/"))}`, "one");
    if (names[0]) read.add(names[0]);
    return found && names[0] && datasetAt(found.group, names[0], file);
  };
  const unread = (): string | undefined => {
    for (const group of opened.values())
      for (const [kind, names] of group?.byKind ?? []) {
        const left = names.find((parts) => !read.has(parts));
        if (left && !notForInference.some((known) => kind === known || kind.endsWith(`/${known}`))) return left.join("/");
      }
    return undefined;
  };
  return { find, unread };
}

function openGroup(group: Hdf5Object | undefined): OpenGroup | undefined {
  if (!group) return undefined;
  const byKind = new Map<string, string[][]>();
  for (const name of textList(group, "weight_names")) {
    const parts = name.split("/").filter((part) => part !== "");
    if (parts.length === 0) continue;
    const kind = parts[parts.length - 1].replace(/:\d+$/, "");
    for (const key of parts.length > 1 ? [kind, `${parts[parts.length - 2]}/${kind}`] : [kind]) {
      const list = byKind.get(key);
      if (list) list.push(parts);
      else byKind.set(key, [parts]);
    }
  }
  return { group, byKind };
}

/** A list of text; Keras splits one that is too long for an attribute into `name0`, `name1`, … */
function textList(group: Hdf5Object, attribute: string): string[] {
  const whole = group.strings(attribute);
  if (whole) return whole;
  const parts: string[] = [];
  for (let i = 0; ; i++) {
    const part = group.strings(`${attribute}${i}`);
    if (!part) return parts;
    parts.push(...part);
  }
}

function datasetAt(group: Hdf5Object, parts: readonly string[], file: string): StoredWeight {
  let at: Hdf5Object | undefined = group;
  for (const part of parts) at = at?.member(part);
  const path = `${group.path}/${parts.join("/")}`;
  if (!at?.shape) throw refusal("bad-file", file, `no dataset ${shown(path)}`, "the weight that weight_names lists");
  const dataset = at;
  return { path, shape: at.shape, read: () => dataset.numbers() };
}
