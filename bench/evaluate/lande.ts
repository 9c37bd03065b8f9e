// A network trained and published by others: Lande, which names the human language of a text (npm lande, MIT). It is a chain of dense
// layers as it comes, from how often 620 strings of one to four letters occur to 50 languages:
//
//   frequencies of 620 strings ─► 120 nodes ─► 50 languages

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { createModel, type DenseLayer, type Model } from "../../src/model/model.ts";

export interface Lande {
  model: Model;
  /** What the outputs stand for, as ISO 639-3 codes. */
  languages: string[];
  /** Strings whose frequencies are the inputs, by length: 1, 2, 3 and 4 letters. */
  strings: string[][];
  version: string;
}

interface Options {
  layers: { type: string; filters?: number; _biases?: string; _filters?: string[] }[];
}

const [inputs, hidden, outputs] = [620, 120, 50];

/** @throws Error where the package is missing or not the network that is expected */
export async function readLande(): Promise<Lande> {
  const folder = dirname(createRequire(import.meta.url).resolve("lande"));
  const { version } = JSON.parse(readFileSync(join(folder, "..", "package.json"), "utf8")) as { version: string };
  const part = async <T>(name: string): Promise<T> => (await import(pathToFileURL(join(folder, `t50-${name}.js`)).href)).default as T;
  const { layers } = await part<Options>("options");
  const kinds = layers.map(({ type }) => type).join(", ");
  if (kinds !== "input, dense, relu, dense, softmax")
    throw new Error(`lande ${version}: got layers ${kinds}, expected input, dense, relu, dense, softmax`);
  const strings = Object.values(await part<Record<string, string[]>>("ngrams"));
  return {
    model: createModel("lande", [
      layerOf("strings", inputs, hidden, "relu", layers[1]),
      layerOf("languages", hidden, outputs, "identity", layers[3]),
    ]),
    languages: await part<string[]>("langs"),
    strings,
    version,
  };
}

function layerOf(
  name: string,
  width: number,
  nodes: number,
  activation: "identity" | "relu",
  { _biases: biases, _filters: filters }: Options["layers"][number],
): DenseLayer {
  const rows = filters?.map(decoded) ?? [];
  const bias = decoded(biases ?? "");
  if (rows.length !== nodes || bias.length !== nodes || rows.some(({ length }) => length !== width))
    throw new Error(`lande, ${name}: got ${rows.length} nodes of ${rows[0]?.length ?? 0} inputs, expected ${nodes} of ${width}`);
  const weight = new Float32Array(nodes * width);
  for (const [n, row] of rows.entries()) weight.set(row, n * width);
  return { name, inputs: width, outputs: nodes, weight, bias, activation, alpha: 0 };
}

/** Numbers in eight bits as text: "1", the scale, "|", base64 of round(number × scale) + 127. */
function decoded(text: string): Float32Array {
  const bar = text.indexOf("|");
  const scale = Number(text.slice(1, bar));
  if (text[0] !== "1" || !(scale > 0)) throw new Error(`lande: got numbers that begin with ${text.slice(0, 8)}, expected 1, a scale and |`);
  return Float32Array.from(Buffer.from(text.slice(bar + 1), "base64"), (byte) => (byte - 127) / scale);
}

/** How often the strings occur among those of their length, into [620]: what the network was trained on. */
export function countStrings(text: string, strings: readonly (readonly string[])[], into: Float32Array): void {
  const letters = text
    .replace(/-+/g, " ")
    .replace(/[^\p{L}\p{M}\s]/gu, "")
    .replace(/\s{2,}/g, " ")
    .toLowerCase()
    .trim();
  const padded = ` ${letters} `;
  let at = 0;
  for (const [n, ofLength] of strings.entries()) {
    const counts = new Map<string, number>();
    const total = padded.length - n;
    for (let i = 0; i < total; i++) {
      const found = padded.slice(i, i + n + 1);
      counts.set(found, (counts.get(found) ?? 0) + 1);
    }
    for (const one of ofLength) into[at++] = (counts.get(one) ?? 0) / total;
  }
}
