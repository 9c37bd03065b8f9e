// Rows and the class of each as gzipped IDX files, the format MNIST comes in (http://yann.lecun.com/exdb/mnist/).

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/**
 * Writes `<name>-images` or `<name>-rows` and `<name>-labels`, and says so.
 * @param shape of a row
 * @param data [labels, …shape]
 * @param labels one class a row
 */
export function writeIdx(
  folder: string,
  name: string,
  what: "images" | "rows",
  shape: readonly number[],
  data: Uint8Array | Int16Array,
  labels: Uint8Array,
): void {
  mkdirSync(folder, { recursive: true });
  for (const [part, file] of [
    [what, idxFile([labels.length, ...shape], data)],
    ["labels", idxFile([labels.length], labels)],
  ] as const)
    writeFileSync(join(folder, `${name}-${part}.idx.gz`), gzipSync(file, { level: 9 }));
  process.stdout.write(`${name}: ${labels.length} rows\n`);
}

/**
 * Two zero bytes, a type, a number of dimensions, their sizes and the numbers, highest byte first.
 * @throws Error where the numbers are more or fewer than the shape has
 */
export function idxFile(shape: readonly number[], data: Uint8Array | Int16Array): Buffer {
  const count = shape.reduce((a, b) => a * b, 1);
  if (data.length !== count) throw new Error(`numbers: got ${data.length}, expected ${count}`);
  const start = 4 + 4 * shape.length;
  const file = Buffer.alloc(start + data.byteLength);
  file.set([0, 0, data instanceof Uint8Array ? 0x08 : 0x0b, shape.length]);
  for (const [d, size] of shape.entries()) file.writeUInt32BE(size, 4 + 4 * d);
  if (data instanceof Uint8Array) file.set(data, start);
  else for (const [i, n] of data.entries()) file.writeInt16BE(n, start + 2 * i);
  return file;
}
