// Sparse matrices as scipy.sparse.save_npz writes them, so that SciPy and the command line both read the data files. The same rows give the
// same bytes: dates in the archive are fixed.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zipSync } from "fflate";
import type { SparseInput } from "../../src/model/rows.ts";
import { csrRows } from "./csr-rows.ts";

/**
 * Rows of `width` columns in compressed sparse row form.
 * @param values float32, or uint8 where all are 1 (labels)
 */
export function csrFile(rows: readonly SparseInput[], width: number, values: "float32" | "uint8" = "float32"): Uint8Array {
  const { indptr, indices, values: floats } = csrRows(rows, width);
  const stored = indices.length;
  const data = values === "float32" ? floats : Uint8Array.from(floats);
  return zipSync(
    {
      "indices.npy": npy("<i4", `(${stored},)`, indices),
      "indptr.npy": npy("<i4", `(${rows.length + 1},)`, indptr),
      "format.npy": npy("|S3", "()", new TextEncoder().encode("csr")),
      "shape.npy": npy("<i8", "(2,)", BigInt64Array.of(BigInt(rows.length), BigInt(width))),
      "data.npy": npy(values === "float32" ? "<f4" : "|u1", `(${stored},)`, data),
    },
    { level: 9, mtime: new Date(1980, 0, 1) },
  );
}

/** Labels, one row each, as a matrix of ones. */
export function labelFile(labels: readonly Uint32Array[], width: number): Uint8Array {
  return csrFile(
    labels.map((indices) => ({ indices, values: new Float32Array(indices.length).fill(1) })),
    width,
    "uint8",
  );
}

/** A row and its labels. */
export interface LabelledRow {
  input: SparseInput;
  labels: Uint32Array;
}

/** Writes `<name>.npz` and `<name>-labels.npz`, of so many columns each, and says so. */
export function writeNpz(folder: string, name: string, rows: readonly LabelledRow[], columns: { inputs: number; labels: number }): void {
  mkdirSync(folder, { recursive: true });
  const inputs = rows.map(({ input }) => input);
  const labels = rows.map((row) => row.labels);
  writeFileSync(join(folder, `${name}.npz`), csrFile(inputs, columns.inputs));
  writeFileSync(join(folder, `${name}-labels.npz`), labelFile(labels, columns.labels));
  process.stdout.write(`${name}: ${rows.length} rows\n`);
}

/** NumPy's .npy, version 1.0; the header is padded so that the data start on a multiple of 64 bytes. */
function npy(descr: string, shape: string, body: ArrayBufferView): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  const start = Math.ceil((10 + text.length + 1) / 64) * 64;
  const file = new Uint8Array(start + body.byteLength);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, (start - 10) & 0xff, (start - 10) >> 8]);
  file.set(new TextEncoder().encode(`${text.padEnd(start - 11)}\n`), 10);
  file.set(new Uint8Array(body.buffer, body.byteOffset, body.byteLength), start);
  return file;
}
