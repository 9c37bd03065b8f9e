// Attributes of ONNX nodes with the type an operator expects of them.

import { refusal } from "../errors.ts";
import { quoted } from "../quoted.ts";
import type { OnnxAttribute, OnnxNode } from "./onnx-file.ts";

/** @throws SlonnError `bad-file` where the attribute is there but is no integer. `subject` names the node. */
export function intOf(node: OnnxNode, key: string, fallback: number, subject: string): number {
  return pick(node, key, subject, "an integer", (attribute) => attribute.int) ?? fallback;
}

export function floatOf(node: OnnxNode, key: string, fallback: number, subject: string): number {
  return pick(node, key, subject, "a float", (attribute) => attribute.float) ?? fallback;
}

export function stringOf(node: OnnxNode, key: string, fallback: string, subject: string): string {
  return pick(node, key, subject, "a string", (attribute) => attribute.string) ?? fallback;
}

export function intsOf(node: OnnxNode, key: string, subject: string): number[] | undefined {
  return pick(node, key, subject, "integers", (attribute) => attribute.ints);
}

export function floatsOf(node: OnnxNode, key: string, subject: string): number[] | undefined {
  return pick(node, key, subject, "floats", (attribute) => attribute.floats);
}

function pick<T>(
  node: OnnxNode,
  key: string,
  subject: string,
  expected: string,
  of: (attribute: OnnxAttribute) => T | undefined,
): T | undefined {
  const attribute = node.attributes.get(key);
  if (!attribute) return undefined;
  const value = of(attribute);
  if (value === undefined) throw refusal("bad-file", subject, `attribute ${quoted(key)} of another type`, expected);
  return value;
}
