// Where a classifier's ONNX file has its scores: programs that export for prediction, scikit-learn's above all, put labels beside them, hand
// them out as maps from class to score, and make two of the one score of two classes.

import { fullName, type OnnxFile, type OnnxNode } from "./onnx-file.ts";

/** Operators that turn scores into labels; classifiers are often exported with them at the end. */
export const labelOperators: readonly string[] = ["ArgMax", "ArgMin", "TopK", "ZipMap", "LabelEncoder", "ArrayFeatureExtractor"];

/** The one output that is not made of labels or, where ZipMap made it a map, the scores it was made of; all outputs where not just one is left. */
export function scoresOf({ nodes, outputs }: OnnxFile): string[] {
  const labels = new Set<string>();
  const maps = new Map<string, string>();
  for (const node of nodes)
    if (fullName(node.domain, node.operator) === "ai.onnx.ml.ZipMap") maps.set(node.outputs[0], node.inputs[0]);
    else if (labelOperators.includes(node.operator) || node.inputs.some((value) => labels.has(value)))
      for (const value of node.outputs) if (value) labels.add(value);
  const scores = outputs.filter((value) => !labels.has(value));
  return scores.length === 1 ? [maps.get(scores[0]) ?? scores[0]] : outputs;
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
