// The part of an ONNX graph that its output needs, in an order in which it can be computed. Refuses graphs that contradict themselves or
// have several ends. It does not know what operators mean.

import { refusal, SlonnError } from "../errors.ts";
import { quoted } from "../quoted.ts";
import { fullName, type OnnxFile, type OnnxNode, type OnnxTensor, type OnnxValue } from "./onnx-file.ts";

export interface OnnxGraph {
  input: OnnxValue;
  output: string;
  /** Each after those whose outputs it reads. */
  nodes: OnnxNode[];
  /** The initializers those nodes read. */
  initializers: Map<string, OnnxTensor>;
  /** For each value, the nodes that read it, in order; each once. */
  readers: Map<string, OnnxNode[]>;
}

/** How a node is called in messages. */
export function nodeSubject(file: string, node: OnnxNode): string {
  const name = node.name === "" ? (node.outputs[0] ?? "") : node.name;
  return `${file}: node ${quoted(name)} (${quoted(fullName(node.domain, node.operator)).slice(1, -1)})`;
}

/**
 * @param name what messages call the file.
 * @param vet is handed the nodes the output needs before its inputs are counted, since what a node refuses may be why they are odd.
 * @throws SlonnError `bad-file` for a cycle, a value that nothing or more than one node produces; `unsupported` for several inputs or outputs.
 */
export function orderGraph(file: OnnxFile, name: string, vet: (nodes: readonly OnnxNode[]) => void): OnnxGraph {
  const { initializers } = file;
  if (file.outputs.length !== 1)
    throw refusal(
      "unsupported",
      name,
      `${file.outputs.length} outputs ${list(file.outputs)}`,
      `a straight chain from one input to one output${file.outputs.length > 1 ? "; keep one of them (onnx.utils.extract_model)" : ""}`,
    );
  const output = file.outputs[0];
  const inputs = new Map<string, OnnxValue>();
  for (const input of file.inputs) {
    if (initializers.has(input.name)) continue; // how older files list weights
    if (inputs.has(input.name)) throw refusal("bad-file", name, `input ${quoted(input.name)} twice`, "it once");
    inputs.set(input.name, input);
  }

  const producers = new Map<string, OnnxNode>();
  for (const node of file.nodes)
    for (const value of node.outputs) {
      if (value === "") continue;
      if (producers.has(value) || inputs.has(value) || initializers.has(value))
        throw new SlonnError(
          "bad-file",
          `${nodeSubject(name, node)}: got output ${quoted(value)}, which something else produces too; expected one producer`,
        );
      producers.set(value, node);
    }

  const used = new Set<string>();
  const nodes = depthFirst(
    output,
    producers,
    (value, reader) => {
      if (inputs.has(value) || initializers.has(value)) used.add(value);
      else {
        const subject = reader ? nodeSubject(name, reader) : name;
        throw refusal("bad-file", subject, `${reader ? "input" : "output"} ${quoted(value)}`, "a value that something produces");
      }
    },
    (node) => refusal("bad-file", nodeSubject(name, node), "a cycle back to it", "a straight chain"),
  );

  vet(nodes);
  const live = [...inputs.keys()].filter((input) => used.has(input));
  if (live.length !== 1)
    throw refusal("unsupported", name, `${live.length} inputs ${list(live)} that the output depends on`, "a straight chain from one");
  const readers = new Map<string, OnnxNode[]>();
  for (const node of nodes)
    for (const value of new Set(node.inputs)) {
      const known = readers.get(value);
      if (known) known.push(node);
      else readers.set(value, [node]);
    }
  return {
    input: inputs.get(live[0])!,
    output,
    nodes,
    initializers: new Map([...initializers].filter(([value]) => used.has(value))),
    readers,
  };
}

/** Nodes that `output` needs, producers first; by an explicit stack, since graphs may be deep. */
function depthFirst(
  output: string,
  producers: ReadonlyMap<string, OnnxNode>,
  leaf: (value: string, reader: OnnxNode | null) => void,
  cyclic: (node: OnnxNode) => SlonnError,
): OnnxNode[] {
  const done: OnnxNode[] = [];
  const state = new Map<OnnxNode, "open" | "done">();
  const stack: { node: OnnxNode; next: number }[] = [];
  const enter = (value: string, reader: OnnxNode | null) => {
    if (value === "") return; // an optional input left out
    const node = producers.get(value);
    if (!node) return leaf(value, reader);
    if (state.get(node) === "open") throw cyclic(node);
    if (state.get(node) === "done") return;
    state.set(node, "open");
    stack.push({ node, next: 0 });
  };
  enter(output, null);
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    if (top.next < top.node.inputs.length) enter(top.node.inputs[top.next++], top.node);
    else {
      state.set(top.node, "done");
      done.push(top.node);
      stack.pop();
    }
  }
  return done;
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 4).map(quoted).join(", ");
  return `(${shown}${names.length > 4 ? ", ..." : ""})`;
}
