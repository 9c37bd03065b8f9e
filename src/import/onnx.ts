// Models from ONNX files: one straight chain of dense layers, activations and elementwise affine steps, which are folded into the
// weights. This page reads the file, fetches weights that lie beside it and refuses what could never be a chain.

import { refusal, SlonnError } from "../errors.ts";
import { createModel, type Model } from "../model/model.ts";
import { asTwoClasses } from "../model/two-classes.ts";
import { checkFunction, quoted } from "../quoted.ts";
import { checkArguments } from "./arguments.ts";
import { createFold } from "./fold.ts";
import { chainOperators, followChain, unsupportedOperator } from "./onnx-chain.ts";
import { labelOperators, scoresOf } from "./onnx-classes.ts";
import { constantOperators } from "./onnx-constants.ts";
import { fullName, type OnnxNode, readOnnxFile } from "./onnx-file.ts";
import { geluOnlyOperators } from "./onnx-gelu.ts";
import { nodeSubject, type OnnxGraph, orderGraph } from "./onnx-graph.ts";
import { decodeTensor, type OnnxNumbers } from "./onnx-numbers.ts";

/** The default operator sets that are read; those after 21 only add element types to the operators read here. */
const opsets = { from: 7, to: 28 } as const;

/** Layers with weights of their own, and models of other kinds. A refusal names them rather than what an exporter wrote around them. */
const otherLayers = /^(Conv|ConvTranspose|LSTM|GRU|RNN|LinearClassifier|LinearRegressor|SVM\w+|TreeEnsemble\w*)$/;

/** What the model is called, and how to read files beside it. */
export interface OnnxOptions {
  /** The model's name, and what messages call the file. */
  name: string;
  /** Gives the content of a file beside the model that holds weights ("external data"); asked once per file. */
  external?: ((location: string) => Uint8Array | Promise<Uint8Array>) | undefined;
}

/**
 * Reads an ONNX model, operator sets 7 to 28. docs/importing.md lists its operators.
 * @param content all of the file
 * @throws (rejects) SlonnError `bad-file` where the file is not ONNX, is cut off or contradicts itself; `unsupported`, with the name of what is in the way,
 * for other operators, graphs that are not a straight chain and other types of numbers; `bad-model` where shapes do not fit; `unreadable` where external data cannot be had;
 * `bad-option` for arguments of another form.
 */
export async function importOnnx(content: Uint8Array, options: OnnxOptions): Promise<Model> {
  const bytes = checkArguments("importOnnx", content, options, { name: true, external: true });
  const { name, external } = options;
  if (external !== undefined) checkFunction("external", external);
  const file = readOnnxFile(bytes, name);
  const { outputs, columns } = scoresOf(file, name);
  file.outputs = outputs;
  if (file.outputs.length > 1) refuseKinds(file.nodes, name); // scores beside labels: says more than that there are two outputs
  const graph = orderGraph(file, name, (nodes) => {
    refuseKinds(nodes, name);
    refuseOperators(nodes, file.functions, name);
  });
  if (file.opset < opsets.from || file.opset > opsets.to)
    throw refusal("unsupported", name, `operator set ${file.opset}`, `${opsets.from} to ${opsets.to}`);
  const externals = await readExternals(graph, options);

  let most = 4 * bytes.length + 2 ** 24;
  for (const data of externals.values()) most += 4 * data.length;
  let spent = 0;
  const spend = (numbers: number) => {
    spent += numbers;
    if (!(spent <= most)) throw refusal("unsupported", name, `a graph that makes more than ${most} numbers`, "a smaller one");
  };
  const constants = new Map<string, OnnxNumbers>();
  for (const [value, tensor] of graph.initializers) {
    const numbers = decodeTensor(tensor, name, externals);
    spend(numbers.data.length);
    constants.set(value, numbers);
  }
  const fold = createFold(name, most);
  const twoClasses = followChain({ file: name, opset: file.opset, graph, externals, constants, spend, fold });
  const chain = createModel(name, fold.finish());
  const model = twoClasses ? asTwoClasses(chain) : chain;
  const width = model.layers[model.layers.length - 1].outputs;
  if (columns !== null && columns !== width)
    throw refusal("unsupported", name, `${columns} outputs of a score each, of ${width} scores`, "one of each, or one of all");
  return model;
}

async function readExternals({ initializers, nodes }: OnnxGraph, { name, external }: OnnxOptions): Promise<Map<string, Uint8Array>> {
  const tensors = [...initializers.values(), ...nodes.flatMap((node) => node.attributes.get("value")?.tensor ?? [])];
  const contents = new Map<string, Uint8Array>();
  for (const tensor of tensors) {
    const location = tensor.external?.location;
    if (location === undefined || contents.has(location)) continue;
    const subject = `${name}: tensor ${quoted(tensor.name)}`;
    if (!external)
      throw refusal("unreadable", subject, `weights in another file, ${quoted(location)}`, "a way to read it (option external)");
    let content: unknown;
    try {
      content = await external(location);
    } catch (cause) {
      if (cause instanceof SlonnError) throw cause;
      throw new SlonnError("unreadable", `${subject}: got no content of ${quoted(location)}, expected its weights there`, { cause });
    }
    if (!(content instanceof Uint8Array))
      throw refusal("bad-option", "external", `something else than bytes for ${quoted(location)}`, "a Uint8Array");
    contents.set(location, content);
  }
  return contents;
}

/** Refuses networks of other layers, and labels. */
function refuseKinds(nodes: readonly OnnxNode[], name: string): void {
  const layer = nodes.find(({ operator }) => otherLayers.test(operator));
  if (layer) throw unsupportedOperator(nodeSubject(name, layer), layer);
  const node = nodes.find(({ operator }) => labelOperators.includes(operator));
  if (!node) return;
  throw refusal(
    "unsupported",
    nodeSubject(name, node),
    "an operator that turns scores into labels",
    "the scores as the only output; export the model without it",
  );
}

function refuseOperators(nodes: readonly OnnxNode[], functions: ReadonlySet<string>, name: string): void {
  for (const node of nodes) {
    const { domain, operator } = node;
    const subject = nodeSubject(name, node);
    const known = fullName(domain, operator);
    if (functions.has(known))
      throw refusal(
        "unsupported",
        subject,
        "a function that the file defines",
        "operators; inline it (onnx.inliner.inline_local_functions)",
      );
    if ([chainOperators, constantOperators, geluOnlyOperators, ["Constant"]].some((list) => list.includes(known))) continue;
    throw unsupportedOperator(subject, node);
  }
  const mute = nodes.find(({ outputs }) => !outputs[0]);
  if (mute) throw refusal("bad-file", nodeSubject(name, mute), "no first output", "one");
}
