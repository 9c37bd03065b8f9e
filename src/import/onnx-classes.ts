// Where a classifier's ONNX file has its scores: programs that export for prediction, scikit-learn's above all, put labels beside them, hand
// them out as maps from class to score or class by class, and make two of the one score of two classes.

import { fullName, type OnnxFile, type OnnxNode, type OnnxTensor } from "./onnx-file.ts";
import { decodeTensor } from "./onnx-numbers.ts";

/** Operators that turn scores into labels; classifiers are often exported with them at the end. */
export const labelOperators: readonly string[] = [
  "ArgMax",
  "ArgMin",
  "TopK",
  "ZipMap",
  "LabelEncoder",
  "ArrayFeatureExtractor",
  "Binarizer",
];

export interface Scores {
  /**
   * The one output that is not made of labels or, where ZipMap made it a map or it is handed out class by class, the scores it was made of;
   * all outputs where not just one is left.
   */
  outputs: string[];
  /** How many classes are handed out one by one; null where they are not. */
  columns: number | null;
}

/** @throws SlonnError `bad-file` where a number that parts the scores is not there. */
export function scoresOf({ nodes, outputs, initializers }: OnnxFile, name: string): Scores {
  const labels = new Set<string>();
  const maps = new Map<string, string>();
  for (const node of nodes)
    if (fullName(node.domain, node.operator) === "ai.onnx.ml.ZipMap") maps.set(node.outputs[0], node.inputs[0]);
    else if (labelOperators.includes(node.operator) || node.inputs.some((value) => labels.has(value)))
      for (const value of node.outputs) if (value) labels.add(value);
  const scores = outputs.filter((value) => !labels.has(value));
  if (scores.length === 1) return { outputs: [maps.get(scores[0]) ?? scores[0]], columns: null };
  const whole = joined(scores, nodes, initializers, name);
  return whole === null ? { outputs, columns: null } : { outputs: [whole], columns: scores.length };
}

/** The value of whose columns, one after the other from the first, each of `scores` is one; null where they are no such columns. */
function joined(
  scores: readonly string[],
  nodes: readonly OnnxNode[],
  initializers: ReadonlyMap<string, OnnxTensor>,
  name: string,
): string | null {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((value) => [value, node])));
  const numberOf = (value: string | undefined): number | null => {
    const tensor = initializers.get(value ?? "");
    return tensor && !tensor.external && tensor.dims.join() === "1" ? decodeTensor(tensor, name, new Map()).data[0] : null;
  };
  const inputsOf = (value: string, operator: string): string[] => {
    const node = producers.get(value);
    return node && fullName(node.domain, node.operator) === operator ? node.inputs : [];
  };
  const sources = scores.map((score, column) => {
    const [part = "", shape] = inputsOf(score, "Reshape");
    const [source, ...range] = inputsOf(part, "Slice");
    return [shape, ...range].map(numberOf).join() === `-1,${column},${column + 1},1` ? source : null;
  });
  return sources.every((source) => source === sources[0]) ? (sources[0] ?? null) : null;
}

/** Whether the last nodes put 1 − p and p next to each other, p being a sigmoid: two classes made of one score. */
export function makeTwoClasses(nodes: readonly OnnxNode[], isOne: (value: string) => boolean): boolean {
  if (nodes.map(({ operator }) => operator).join() !== "Sigmoid,Sub,Concat") return false;
  const [sigmoid, minus, together] = nodes;
  const [p] = sigmoid.outputs;
  const [first, second, ...more] = together.inputs;
  const joined = first === minus.outputs[0] && second === p && more.length === 0;
  return isOne(minus.inputs[0]) && minus.inputs[1] === p && joined && Math.abs(together.attributes.get("axis")?.int ?? 0) === 1;
}
