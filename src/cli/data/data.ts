// Inputs and labels from files of any supported kind: chosen by content, and by name only between kinds of text.
// It knows no model; what the model expects comes in as numbers.

import { refusal } from "../../errors.ts";
import { maxWidth } from "../../model/model.ts";
import type { Labels, Rows } from "../../model/rows.ts";
import { readSafetensors } from "../../model/safetensors.ts";
import { type Tensor, toFloat32 } from "../../model/tensor.ts";
import { readBytes } from "../read-bytes.ts";
import { namedFor, type Role } from "./choose-array.ts";
import { readCsv } from "./csv.ts";
import { maxUnpackedBytes, unpackGzip } from "./gzip.ts";
import { isIdx, readIdx } from "./idx.ts";
import { isNpy, readNpy } from "./npy.ts";
import { readNpz } from "./npz.ts";
import { checkSparseFinite } from "./sparse-rows.ts";
import { looksLikeSvmlight, readSvmlight } from "./svmlight.ts";
import type { SparseTable, Table } from "./table.ts";
import { isZip } from "./zip.ts";

/** Text that is handed over for numbers: how it begins, and what it is. */
const foreign: readonly (readonly [begin: RegExp, what: string])[] = [
  [/^<(!|\?xml|html|table)/i, "a page (HTML, XML)"],
  [/^(\{\s*"|\[\s*[[{])/, "JSON"],
  [/^version https:\/\/git-lfs/, "a pointer of Git LFS (git lfs pull)"],
];

const supported = "npy, npz, safetensors, IDX, CSV or SVMlight";

export interface InputOptions {
  /** Divides every number; 1 unless given. */
  scale?: number;
  /** How many numbers the model takes. Sparse files that state no width get it; all others must have it. */
  width?: number;
}

/** @throws SlonnError naming the file, where it stands, what was found and what was expected. */
export async function readInputs(path: string, options: InputOptions = {}): Promise<Rows> {
  return toRows(await readTable(await readBytes(path), path, "inputs"), path, options);
}

/**
 * Labels for `count` rows: one class per row, or several labels per row where the file is sparse.
 * @param classes how many there are, where known: a label beyond them is refused.
 */
export async function readLabels(path: string, count: number, classes: number = maxWidth): Promise<Labels> {
  return toLabels(await readTable(await readBytes(path), path, "labels"), path, count, classes);
}

/**
 * Reads a file of any kind, gzipped or not.
 * @throws SlonnError `bad-file`, `checksum`, `unsupported` or `bad-input`.
 */
export async function readTable(packed: Uint8Array, name: string, role: Role, limit: number = maxUnpackedBytes): Promise<Table> {
  const bytes = await unpackGzip(packed, name, limit);
  if (bytes.length === 0) throw refusal("bad-input", name, "an empty file", role);
  if (isNpy(bytes)) return { kind: "array", tensor: readNpy(bytes, name) };
  if (isZip(bytes)) return readNpz(bytes, name, role);
  if (isIdx(bytes)) return { kind: "array", tensor: readIdx(bytes, name) };
  if (isSafetensors(bytes)) return { kind: "array", tensor: firstTensor(bytes, name, role) };
  // What many Windows programs save text in; half of its bytes are zeros, which below tell a binary file.
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw refusal("unsupported", name, "text in UTF-16", "it saved as UTF-8");
  // Text holds no zero byte; anything else that gets here is of an unknown kind.
  if (bytes.subarray(0, 4096).includes(0)) throw refusal("unsupported", name, "a binary file of unknown kind", supported);
  const begin = new TextDecoder().decode(bytes.subarray(0, 256)).trimStart();
  for (const [form, what] of foreign) if (form.test(begin)) throw refusal("unsupported", name, what, supported);
  const isSvm = /\.(svm|svmlight|libsvm|txt)(\.gz)?$/i.test(name) || (!/\.[ct]sv(\.gz)?$/i.test(name) && looksLikeSvmlight(bytes));
  return isSvm ? readSvmlight(bytes, name) : { kind: "array", tensor: readCsv(bytes, name) };
}

/** A table as inputs: every dimension after the first makes up one row. */
export function toRows(table: Table, name: string, { scale = 1, width }: InputOptions = {}): Rows {
  if (!(Number.isFinite(scale) && scale !== 0)) throw refusal("bad-option", "scale", scale, "a number other than 0");
  if (table.kind === "sparse") return toSparseRows(table, name, scale, width);
  const { shape, data } = table.tensor;
  if (shape.length < 2) throw refusal("bad-input", name, `shape (${shape.join(", ")})`, "(rows, numbers in a row)");
  const [count, ...rest] = shape;
  const got = rest.reduce((product, size) => product * size, 1);
  checkExtent(name, count, got);
  if (width !== undefined && got !== width) throw refusal("bad-input", name, `rows of ${got} numbers`, width);
  const values = toFloat32(data);
  if (scale !== 1) for (let i = 0; i < values.length; i++) values[i] /= scale;
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i]))
      throw refusal("bad-input", `${name}: row ${Math.floor(i / got)}, column ${i % got}`, `${data[i]}`, "a finite float32 number");
  return { kind: "dense", count, width: got, data: values };
}

/** A table as labels of `count` rows. */
export function toLabels(table: Table, name: string, count: number, classes: number = maxWidth): Labels {
  if (table.kind === "array") {
    const { shape, data } = table.tensor;
    if (shape.length === 0 || data.length !== shape[0])
      throw refusal("bad-input", name, `labels of shape (${shape.slice(0, 8).join(", ")})`, "one per row, or sparse rows of several");
    checkCount(name, data.length, count);
    return {
      kind: "class",
      count,
      classes: Uint32Array.from(data as ArrayLike<unknown>, (label, r) => checkedLabel(Number(label), name, r, classes)),
    };
  }
  checkCount(name, table.count, count);
  const { labels } = table;
  if (!labels) return labelColumns(table, name, classes);
  const indices = new Uint32Array(labels.values.length);
  for (let r = 0; r < count; r++)
    for (let i = labels.indptr[r]; i < labels.indptr[r + 1]; i++) indices[i] = checkedLabel(labels.values[i], name, r, classes);
  if (!labels.several && labels.indptr.every((start, r) => start === r)) return { kind: "class", count, classes: indices };
  return severalLabels(name, count, labels.indptr, indices);
}

/** The columns of a sparse matrix that are not zero, as several labels per row. */
function labelColumns({ count, width, indptr, indices, values }: SparseTable, name: string, classes: number): Labels {
  if (width > classes) throw refusal("bad-input", name, `${width} label columns`, `at most ${classes}`);
  // classes kept sparse would all become label 0
  if (width === 1) throw refusal("bad-input", name, "1 label column", "one per label (of classes: an array)");
  const starts = new Uint32Array(count + 1);
  const kept = new Uint32Array(indices.length);
  let n = 0;
  for (let r = 0; r < count; r++) {
    for (let i = indptr[r]; i < indptr[r + 1]; i++) if (values[i] !== 0) kept[n++] = indices[i];
    starts[r + 1] = n;
  }
  return severalLabels(name, count, starts, kept.subarray(0, n));
}

/** Rows may be without a label, but not all of them: metrics would be of nothing. */
function severalLabels(name: string, count: number, indptr: Uint32Array, indices: Uint32Array): Labels {
  if (indices.length === 0) throw refusal("bad-input", name, `${count} rows without a label`, "one in some of them");
  return { kind: "multi", count, indptr, indices };
}

function toSparseRows(table: SparseTable, name: string, scale: number, width: number | undefined): Rows {
  const { count, indptr, indices, values } = table;
  if (count > 0 && table.width === 0 && !table.widthStated)
    throw refusal("bad-input", name, `${count} rows without an index:value`, "SVMlight (columns of numbers: a .csv)");
  checkExtent(name, count, table.width);
  if (width !== undefined && (table.widthStated ? table.width !== width : table.width > width)) {
    const expected = table.widthStated ? `${width}` : `at most ${width}`;
    throw refusal("bad-input", name, `sparse rows of ${table.width} columns`, expected);
  }
  if (scale !== 1) for (let i = 0; i < values.length; i++) values[i] /= scale;
  checkSparseFinite(table, name); // a division may leave the range of float32
  return { kind: "csr", count, width: width ?? table.width, indptr, indices, values };
}

function checkExtent(name: string, count: number, width: number): void {
  if (count === 0 || width === 0) throw refusal("bad-input", name, `${count} rows of ${width} numbers`, "at least 1 of each");
  if (width > maxWidth) throw refusal("bad-input", name, `rows of ${width} numbers`, `at most ${maxWidth}`);
}

function checkCount(name: string, got: number, expected: number): void {
  if (got !== expected) throw refusal("bad-input", name, `labels for ${got} rows`, `${expected}, the rows of the inputs`);
}

function checkedLabel(label: number, name: string, row: number, classes: number): number {
  if (Number.isInteger(label) && label >= 0 && label < classes) return label;
  throw refusal("bad-input", `${name}: row ${row}`, `label ${label}`, `an integer from 0 to ${classes - 1}`);
}

/** A safetensors file opens with the length of its JSON header (8 bytes) and a brace. */
function isSafetensors(bytes: Uint8Array): boolean {
  return bytes.length > 9 && bytes[8] === 0x7b && bytes[6] === 0 && bytes[7] === 0;
}

/** The tensor named for the role, else the first. */
function firstTensor(bytes: Uint8Array, name: string, role: Role): Tensor {
  const { tensors } = readSafetensors(bytes, name);
  const names = [...tensors.keys()];
  const tensor = tensors.get(namedFor(names, role) ?? names[0]);
  if (!tensor) throw refusal("bad-input", name, "no tensor", "one");
  return tensor;
}
