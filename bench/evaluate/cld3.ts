// A network trained and published by others: Google's Compact Language Detector 3, which names the language of a text in Chrome, as npm
// cld3-asm (MIT; the detector itself Apache-2.0) ships it: compiled to WebAssembly with its weights among the data. Letters in rows of
// one to four are hashed into buckets, whose embeddings are averaged by how often they occur; an average is a sum weighted by shares, so
// that the embeddings are a dense layer that reads shares, and the whole is a chain of dense layers: same weights, same answers.
//
//   shares of 11,215 buckets ─► 80 averages ─► 208 nodes ─► 109 languages

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { widenBfloat16 } from "../../src/model/half.ts";
import { createModel, type FloatLayer, type Model } from "../../src/model/model.ts";
import { transposed } from "../../src/model/transposed.ts";
import { tables } from "./cld3-shares.ts";

export interface Cld3 {
  model: Model;
  /** What the outputs stand for, as BCP 47 tags: "en", "zh-Latn", … */
  languages: string[];
  version: string;
}

const [averages, hidden, outputs] = [80, 208, 109];

/** @throws Error where the package is missing or does not hold the network that is expected */
export function readCld3(): Cld3 {
  const folder = dirname(createRequire(import.meta.url).resolve("cld3-asm/package.json"));
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  const script = readFileSync(join(folder, "dist", "cjs", "lib", "node", "cld3.js"), "latin1");
  const wasm = /data:application\/octet-stream;base64,([\w+/]+=*)/.exec(script);
  if (!wasm) throw new Error(`cld3 ${version}: got a script without WebAssembly, expected it in base64`);
  const memory = memoryOf(Buffer.from(wasm[1], "base64"));
  const parts = partsOf(memory, version);

  const inputs = tables.reduce((sum, { rows }) => sum + rows, 0);
  const first = layerOf("buckets", inputs, averages, "identity");
  let [input, average] = [0, 0];
  for (const [t, { rows, columns }] of tables.entries()) {
    const { scales, codes } = parts.embeddings[t];
    for (let row = 0; row < rows; row++, input++)
      for (let c = 0; c < columns; c++) first.weight[(average + c) * inputs + input] = (codes[row * columns + c] - 128) * scales[row];
    average += columns;
  }
  const second = layerOf("hidden", averages, hidden, "relu", parts.hidden, parts.hiddenBias);
  const last = layerOf("languages", hidden, outputs, "identity", parts.output, parts.outputBias);
  return { model: createModel("cld3", [first, second, last]), languages: namesOf(memory, version), version };
}

/** What memory holds before anything runs: the data segments of a WebAssembly module, each where it belongs. */
function memoryOf(wasm: Buffer): Buffer {
  const dataSection = 11;
  const memory = Buffer.alloc(1 << 20);
  let at = 8;
  /** LEB128; addresses are below 2³¹, where signed and unsigned agree but for a sign bit that is 0. */
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < wasm.length) {
    const kind = wasm[at++];
    const end = number() + at;
    if (kind === dataSection)
      for (let left = number(); left > 0; left--) {
        at += 2; // memory 0, i32.const
        const address = number();
        at += 1; // end of the expression
        const length = number();
        wasm.copy(memory, address, at, at + length);
        at += length;
      }
    at = end;
  }
  return memory;
}

interface Parts {
  /** A scale per row, and what it scales. */
  embeddings: { scales: Float32Array; codes: Buffer }[];
  hidden: Float32Array;
  hiddenBias: Float32Array;
  output: Float32Array;
  outputBias: Float32Array;
}

/** The tensors stand one behind the other, each from a multiple of 16 bytes on, before the numbers of their columns. */
function partsOf(memory: Buffer, version: string): Parts {
  const sizes = [
    ...tables.flatMap(({ rows, columns }) => [2 * rows, rows * columns]),
    ...[averages * hidden, hidden, hidden * outputs, outputs].map((count) => 4 * count),
  ];
  const aligned = (size: number): number => Math.ceil(size / 16) * 16;
  const columns = Buffer.from(Int32Array.from(tables, (table) => table.columns).buffer);
  const end = memory.indexOf(columns);
  let at = end - sizes.reduce((sum, size) => sum + aligned(size), 0);
  if (at < 0) throw new Error(`cld3 ${version}: got no tables of ${tables.map((table) => table.columns)} columns, expected some`);
  const pieces = sizes.map((size) => {
    const piece = memory.subarray(at, at + size);
    at += aligned(size);
    return piece;
  });
  const floats = pieces.slice(2 * tables.length).map((piece) => new Float32Array(piece.buffer, piece.byteOffset, piece.length / 4));
  const [hiddenWeight, hiddenBias, output, outputBias] = floats;
  return {
    embeddings: tables.map(({ rows }, t) => ({
      scales: widenBfloat16(new Uint16Array(pieces[2 * t].buffer, pieces[2 * t].byteOffset, rows)),
      codes: pieces[2 * t + 1],
    })),
    hidden: hiddenWeight,
    hiddenBias,
    output,
    outputBias,
  };
}

/** The names are a list of addresses of texts, ended by 0; the first is "eo". */
function namesOf(memory: Buffer, version: string): string[] {
  const textAt = (address: number): string => memory.toString("latin1", address, memory.indexOf(0, address));
  const address = Buffer.alloc(4);
  address.writeUInt32LE(memory.indexOf("\0eo\0") + 1);
  const names: string[] = [];
  for (let at = memory.indexOf(address); memory.readUInt32LE(at) !== 0; at += 4) names.push(textAt(memory.readUInt32LE(at)));
  if (names.length !== outputs) throw new Error(`cld3 ${version}: got ${names.length} languages, expected ${outputs}`);
  return names;
}

/** @param kernel [inputs, outputs], as the detector keeps it */
function layerOf(
  name: string,
  width: number,
  nodes: number,
  activation: "identity" | "relu",
  kernel?: Float32Array,
  bias: Float32Array = new Float32Array(nodes),
): FloatLayer {
  const weight = kernel ? transposed(kernel, width, nodes) : new Float32Array(nodes * width);
  return { name, inputs: width, outputs: nodes, weight, bias: bias.slice(), activation, alpha: 0 };
}
