// Dense layers from a safetensors file in PyTorch naming (`<module>.weight` [out, in], `<module>.bias` [out]). Such a file holds no
// structure: modules are taken in natural name order, or in the only one that fits, and activations are what the caller says.

import { refusal } from "../errors.ts";
import { type Activation, activations, createModel, type Model } from "../model/model.ts";
import { readSafetensors } from "../model/safetensors.ts";
import { type Tensor, toFloat32 } from "../model/tensor.ts";
import { quoted, show } from "../quoted.ts";
import { checkArguments } from "./arguments.ts";
import { createFold } from "./fold.ts";

/** What PyTorch's BatchNorm1d and LeakyReLU use unless told otherwise; their settings are not in the file. */
const batchNormEpsilon = 1e-5;
const leakySlope = 0.01;

/** More modules than any chain worth running has. */
const maxModules = 4096;

/** Modules named by letters alone, or lists of others: of so many every order is tried. */
const maxLettered = 8;

/** The tensors of one module, by the last part of their names. */
interface Module {
  name: string;
  parts: Map<string, Tensor>;
}

/**
 * Reads the state of a PyTorch network from safetensors: Linear modules, each optionally followed by a BatchNorm1d, which is folded into it.
 * @param content all of the file
 * @param options.name the model's name, also the subject of error messages
 * @param options.activations one for every hidden layer, or one per layer; relu and at the end identity unless given
 * @throws SlonnError `unsupported` for other modules, `bad-option` for activations that do not fit and arguments of another form, `bad-file` and `bad-model`.
 */
export function importSafetensors(content: Uint8Array, options: { name: string; activations?: readonly Activation[] | undefined }): Model {
  const bytes = checkArguments("importSafetensors", content, options, { name: true, activations: true });
  const { name } = options;
  const { tensors, metadata } = readSafetensors(bytes, name);
  if (Object.hasOwn(metadata, "slonn")) throw refusal("unsupported", name, "a .slonn file", "weights in PyTorch naming");
  const modules = groupModules(withShared(tensors, metadata), name);
  const linear = inOrder(modules.filter((module) => !isBatchNorm(module)));
  if (linear.length === 0) throw refusal("unsupported", name, "no tensor named *.weight with 2 dimensions", "one per layer");
  const chosen = chooseActivations(options.activations, linear.length);
  const norms = new Map<Module, Module>();
  for (const norm of modules.filter(isBatchNorm)) {
    const target = normalized(norm, modules, name);
    if (norms.has(target))
      throw refusal("unsupported", subject(name, norm), `a second batch normalization of ${quoted(target.name)}`, "one");
    norms.set(target, norm);
  }

  const fold = createFold(name, 4 * bytes.length + 2 ** 20);
  linear.forEach((module, l) => {
    const step = subject(name, module);
    const { inputs, outputs } = widthsOf(module);
    const width = fold.width();
    if (width !== null && width !== inputs)
      throw refusal(
        "bad-model",
        step,
        `weights for ${inputs} inputs`,
        `${width}, the outputs before it; modules run in the order of their names, ${quoted(linear[l - 1].name)} before this one: rename them in the order they run, or export the network as ONNX`,
      );
    fold.dense(step, { name: module.name || "linear", inputs, outputs, weight: numbers(module, "weight", name), transposed: false });
    const bias = vector(module, "bias", outputs, name);
    if (bias) fold.affine(step, Float64Array.of(1), bias);
    const norm = norms.get(module);
    if (norm) foldBatchNorm(norm, outputs);
    fold.activation(step, chosen[l], chosen[l] === "leaky-relu" ? leakySlope : 0);
  });
  checkOrder(linear, name);
  return createModel(name, fold.finish());

  /** (z − mean) / √(variance + ε) · weight + bias */
  function foldBatchNorm(norm: Module, width: number): void {
    const mean = vector(norm, "running_mean", width, name);
    const variance = vector(norm, "running_var", width, name);
    if (!mean || !variance) throw refusal("bad-file", subject(name, norm), "one of running_mean and running_var", "both");
    const weight = vector(norm, "weight", width, name) ?? new Float64Array(width).fill(1);
    const bias = vector(norm, "bias", width, name) ?? new Float64Array(width);
    const scale = weight.map((w, i) => w / Math.sqrt(variance[i] + batchNormEpsilon));
    fold.affine(
      subject(name, norm),
      scale,
      bias.map((b, i) => b - mean[i] * scale[i]),
    );
  }
}

/**
 * The tensors with those that share another's numbers: a file holds such numbers once, and its metadata names the tensor left out and
 * the one that is there. Other metadata may name tensors too; a weight stands in for weights, a bias for biases.
 */
function withShared(tensors: ReadonlyMap<string, Tensor>, metadata: Readonly<Record<string, string>>): Map<string, Tensor> {
  const all = new Map(tensors);
  for (const [left, kept] of Object.entries(metadata)) {
    const tensor = tensors.get(kept);
    if (tensor && !all.has(left) && lastPart(left) === lastPart(kept)) all.set(left, tensor);
  }
  return all;
}

/** What a tensor is to its module. */
function lastPart(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

/**
 * The modules in an order in which each takes as many numbers as the one before gives: that of their names if it fits, else another of the
 * groups of modules whose names share their letters, numbers staying in order. Where none fits, they stay as they are.
 */
function inOrder(linear: readonly Module[]): readonly Module[] {
  const runs = new Map<string, Module[]>();
  for (const module of linear) {
    const letters = /^\D*/.exec(module.name)![0];
    runs.set(letters, [...(runs.get(letters) ?? []), module]);
  }
  return (runs.size <= maxLettered && chained([...runs.values()], null)) || linear;
}

/** The first order of runs in which each takes as many numbers as the one before it gives, the first of them `width`. */
function chained(runs: readonly Module[][], width: number | null): Module[] | null {
  if (runs.length === 0) return [];
  for (const run of runs) {
    if (width !== null && widthsOf(run[0]).inputs !== width) continue;
    const after = chained(
      runs.filter((other) => other !== run),
      widthsOf(run[run.length - 1]).outputs,
    );
    if (after) return [...run, ...after];
  }
  return null;
}

/** How many numbers a Linear takes and gives. */
function widthsOf({ parts }: Module): { inputs: number; outputs: number } {
  const [outputs, inputs] = parts.get("weight")!.shape;
  return { inputs, outputs };
}

/**
 * Refuses names that leave the order open. Numbers in them are believed; where letters decide, the widths must allow no other order of
 * the runs between: walking from width to width, a run could stand elsewhere only where a width is met three times, two loops cross, or
 * the whole is a loop.
 */
function checkOrder(linear: readonly Module[], file: string): void {
  const starts = linear.filter((module, l) => l === 0 || !isNumbered(linear[l - 1].name, module.name));
  const widths = [...starts.map((module) => widthsOf(module).inputs), widthsOf(linear[linear.length - 1]).outputs];
  const met = new Map<number, number[]>();
  widths.forEach((width, at) => {
    const places = met.get(width);
    if (places) places.push(at);
    else met.set(width, [at]);
  });
  const loops = [...met.values()].filter(({ length }) => length > 1);
  const whole = starts.length > 1 && widths[0] === widths[starts.length];
  if (!whole && loops.every(({ length }) => length < 3) && !loops.some(([a, b]) => loops.some(([c, d]) => a < c && c < b && b < d))) return;
  const names = starts.slice(0, 4).map((module) => quoted(module.name));
  throw refusal(
    "unsupported",
    file,
    `modules ${names.join(", ")}${starts.length > 4 ? ", ..." : ""}, whose names do not say which runs first and whose widths allow several orders`,
    "numbers in the names: rename them in the order they run, or export the network as ONNX",
  );
}

/** Whether a number is what puts one name before the other. */
function isNumbered(a: string, b: string): boolean {
  const [left, right] = [a, b].map(chunksOf);
  const at = right.findIndex((chunk, i) => chunk !== left[i]);
  return /^\d/.test(right[at] ?? "") && /^\d/.test(left[at] ?? "0"); // "fc" is before "fc2"
}

function isBatchNorm({ parts }: Module): boolean {
  return parts.has("running_mean") || parts.has("running_var");
}

function subject(file: string, { name }: Module): string {
  return `${file}: module ${quoted(name)}`;
}

/** Modules in natural name order; refuses tensors that belong to neither Linear nor BatchNorm1d. */
function groupModules(tensors: ReadonlyMap<string, Tensor>, file: string): Module[] {
  const modules = new Map<string, Module>();
  for (const [path, tensor] of tensors) {
    const part = lastPart(path);
    const name = path.slice(0, Math.max(path.length - part.length - 1, 0));
    if (part === "num_batches_tracked") continue;
    if (path.split(".").some((word) => /^(lora|loha|lokr|hada|ia3)_/i.test(word)))
      throw refusal(
        "unsupported",
        file,
        `tensor ${quoted(path)} of an adapter (LoRA)`,
        "whole weights: merge the adapter into its network before saving",
      );
    const isParametrized = path.split(".").includes("parametrizations");
    if (isParametrized || /^weight_(g|v|orig)$/.test(part))
      throw refusal(
        "unsupported",
        file,
        `tensor ${quoted(path)} that a weight is computed from`,
        `the weight; call ${isParametrized ? "remove_parametrizations (torch.nn.utils.parametrize)" : "remove_weight_norm or remove_spectral_norm (torch.nn.utils)"} before saving`,
      );
    const module = modules.get(name) ?? { name, parts: new Map() };
    module.parts.set(part, tensor);
    modules.set(name, module);
    if (modules.size > maxModules) throw refusal("unsupported", file, `more than ${maxModules} modules`, "a chain of dense layers");
  }
  for (const module of modules.values()) {
    const weightRank = isBatchNorm(module) ? 1 : 2;
    const known = isBatchNorm(module) ? ["weight", "bias", "running_mean", "running_var"] : ["weight", "bias"];
    for (const [part, tensor] of module.parts) {
      const rank = part === "weight" ? weightRank : 1;
      if (!known.includes(part) || tensor.shape.length !== rank)
        throw refusal(
          "unsupported",
          subject(file, module),
          `tensor ${quoted(part)} with ${tensor.shape.length} dimensions`,
          "Linear (weight [out, in], bias [out]) or BatchNorm1d",
        );
    }
    if (weightRank === 2 && !module.parts.has("weight"))
      throw refusal("bad-file", subject(file, module), "a bias alone", "a weight beside it");
  }
  return [...modules.values()].sort((a, b) => compareNaturally(a.name, b.name));
}

/** Runs of digits and of other characters. */
function chunksOf(text: string): string[] {
  return text.match(/\d+|\D+/g) ?? [];
}

/** Text compared by code units, runs of digits compared as numbers: "layers.2" before "layers.10". */
function compareNaturally(a: string, b: string): number {
  const [left, right] = [a, b].map(chunksOf);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] === right[i]) continue;
    if (/^\d/.test(left[i]) && /^\d/.test(right[i])) {
      const [x, y] = [left[i].replace(/^0+(?=.)/, ""), right[i].replace(/^0+(?=.)/, "")];
      if (x !== y) return x.length - y.length || (x < y ? -1 : 1); // any number of digits
    }
    return left[i] < right[i] ? -1 : 1;
  }
  return left.length - right.length;
}

/**
 * The Linear a batch normalization comes right after: the module before it where the names number both in one sequence
 * ("net.3" after "net.2") or say so ("block1.bn" after "block1.fc"); the Linear of the same number where kinds are numbered
 * apart ("bn2" for "fc2"). A gap in the numbers hides a module, and an activation there would change the result: refused.
 */
function normalized(norm: Module, modules: readonly Module[], file: string): Module {
  const size = (norm.parts.get("running_mean") ?? norm.parts.get("running_var")!).shape[0];
  const fits = (module: Module | undefined): module is Module =>
    module !== undefined && !isBatchNorm(module) && module.parts.get("weight")!.shape[0] === size;
  const [parent, last] = splitName(norm.name);
  if (/^\d+$/.test(last)) {
    const before = modules.find((module) => module.name === parent + (Number(last) - 1));
    if (fits(before)) return before;
  } else {
    const number = /\d+$/.exec(last)?.[0] ?? "";
    const same = modules.filter((module) => {
      const [otherParent, otherLast] = splitName(module.name);
      return fits(module) && otherParent === parent && (/\d+$/.exec(otherLast)?.[0] ?? "") === number;
    });
    if (same.length === 1) return same[0];
  }
  throw refusal(
    "unsupported",
    subject(file, norm),
    `a batch normalization of ${size} without a Linear of ${size} outputs right before it`,
    "one; export the network as ONNX instead",
  );
}

function splitName(name: string): [parent: string, last: string] {
  const dot = name.lastIndexOf(".");
  return [name.slice(0, dot + 1), name.slice(dot + 1)];
}

function chooseActivations(given: readonly Activation[] | undefined, layers: number): Activation[] {
  if (given !== undefined && !Array.isArray(given)) throw refusal("bad-option", "activations", show(given), "a list of names");
  for (const activation of given ?? [])
    if (!activations.includes(activation)) throw refusal("bad-option", "activations", show(activation), activations.join(", "));
  const list: readonly Activation[] = given ?? ["relu"];
  if (given && list.length === layers) return [...list];
  if (list.length !== 1) throw refusal("bad-option", "activations", list.length, `1 for every hidden layer or ${layers}, one per layer`);
  return Array.from({ length: layers }, (_, l) => (l < layers - 1 ? list[0] : "identity"));
}

function numbers(module: Module, part: string, file: string): Float32Array | Float64Array {
  const { dtype, data } = module.parts.get(part)!;
  if (dtype !== "float32" && dtype !== "float64")
    throw refusal("unsupported", subject(file, module), `${part} of ${dtype}`, "floats (quantized weights are not supported)");
  return data instanceof Float64Array ? data : toFloat32(data);
}

function vector(module: Module, part: string, width: number, file: string): Float64Array | null {
  const tensor = module.parts.get(part);
  if (!tensor) return null;
  if (tensor.shape[0] !== width) throw refusal("bad-file", subject(file, module), `${tensor.shape[0]} numbers in ${part}`, width);
  return Float64Array.from(numbers(module, part, file));
}
