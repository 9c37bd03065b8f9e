// Batches of inputs and their labels as plain data: what the data readers give and what calibration and benches take.

import { refusal } from "../errors.ts";
import { show } from "../quoted.ts";

/** `count` inputs of `width` numbers: dense row-major, or compressed sparse rows (CSR). */
export type Rows =
  | {
      kind: "dense";
      count: number;
      width: number;
      /** [count, width], row-major. */
      data: Float32Array;
    }
  | {
      kind: "csr";
      count: number;
      width: number;
      /** [count + 1], ascending, starting at 0. */
      indptr: Uint32Array;
      /** Column of each stored value, below `width`: those of row r from place indptr[r] to before indptr[r + 1]. */
      indices: Uint32Array;
      /** As many as `indices`. */
      values: Float32Array;
    };

/** What is right for each row: one class, or several labels in CSR form, of which precision@1 counts any as a hit. */
export type Labels =
  | {
      kind: "class";
      count: number;
      /** [count], each below the number of outputs. */
      classes: Uint32Array;
    }
  | {
      kind: "multi";
      count: number;
      /** [count + 1], ascending, starting at 0. */
      indptr: Uint32Array;
      /** The labels, each below the number of outputs: those of row r from place indptr[r] to before indptr[r + 1]. */
      indices: Uint32Array;
    };

/** Rows, with their labels where these are known. */
export interface Labelled<L extends Labels | null = Labels | null> {
  rows: Rows;
  labels: L;
}

/** One row of a batch, as a session takes it. Dense rows are views, not copies. */
export type Input = Float32Array | SparseInput;

/** An input given by its non-zero numbers. */
export interface SparseInput {
  indices: Uint32Array;
  values: Float32Array;
}

/**
 * @param name for messages
 * @throws SlonnError `bad-input` where a batch contradicts itself, has rows of another width, or holds a number that is not finite.
 */
export function checkRows(name: string, rows: Rows, width: number): void {
  const refuse: Refuse = refusing(name);
  const { kind, count } = rows ?? {};
  if (kind !== "dense" && kind !== "csr") refuse(rows ? `kind ${show(kind)}` : show(rows), 'kind "dense" or "csr"');
  if (!Number.isSafeInteger(count)) refuse(`${show(count)} as count`, "a whole number");
  if (rows.width !== width) refuse(`rows of ${show(rows.width)} numbers`, `${width}`);
  const values = rows.kind === "dense" ? rows.data : rows.values;
  if (!(values instanceof Float32Array)) refuse(`numbers as ${show(values)}`, "a Float32Array");
  if (rows.kind === "dense") {
    if (values.length !== count * width) refuse(`${values.length} numbers`, `${count} x ${width}`);
  } else {
    const { indptr, indices } = rows;
    if (!(indptr instanceof Uint32Array && indices instanceof Uint32Array))
      refuse(`row pointers as ${show(indptr)}, columns as ${show(indices)}`, "a Uint32Array of each");
    if (indptr.length !== count + 1 || indptr[0] !== 0) refuse(`${indptr.length} row pointers from ${indptr[0]}`, `${count + 1} from 0`);
    if (indptr[count] !== values.length || indices.length !== values.length)
      refuse(`${indices.length} columns and ${values.length} values`, `${indptr[count]} of both`);
    checkAscending(indptr, refuse);
    for (const i of indices) if (i >= width) refuse(`column ${i}`, `below ${width}`);
  }
  for (const v of values) if (!Number.isFinite(v)) refuse(`${v}`, "finite numbers");
}

/**
 * @param classes how many classes there are
 * @throws SlonnError `bad-input` where labels contradict themselves, are not one or several a row, or name a class there is not.
 */
export function checkLabels(name: string, labels: Labels, rows: number, classes: number): void {
  const refuse = refusing(name);
  if (labels.kind !== "class" && labels.kind !== "multi")
    refuse(`kind ${show((labels as { kind: unknown }).kind)}`, 'kind "class" or "multi"');
  if (labels.count !== rows) refuse(show(labels.count), `${rows}, one a row`);
  const all = labels.kind === "class" ? labels.classes : labels.indices;
  if (!ArrayBuffer.isView(all)) refuse(show(all), "a Uint32Array");
  if (labels.kind === "multi") {
    const { indptr } = labels;
    if (!(indptr instanceof Uint32Array)) refuse(`row pointers as ${show(indptr)}`, "a Uint32Array");
    if (all.length === 0) refuse("no label in any row", "at least one");
    if (indptr.length !== rows + 1 || indptr[0] !== 0 || indptr[rows] !== all.length)
      refuse(`${indptr.length} row pointers from ${indptr[0]} to ${indptr[rows]}`, `${rows + 1} from 0 to ${all.length}`);
    checkAscending(indptr, refuse);
  } else if (all.length !== rows) refuse(`${all.length} classes`, `${rows}, one a row`);
  const odd = all.findIndex((label) => !(Number.isInteger(label) && label >= 0 && label < classes));
  if (odd >= 0)
    refuse(`label ${all[odd]}${typeof all[odd] === "bigint" ? "n" : ""} at position ${odd}`, `a whole number from 0 to ${classes - 1}`);
}

type Refuse = (got: string, expected: string) => never;

const refusing =
  (name: string): Refuse =>
  (got, expected) => {
    throw refusal("bad-input", name, got, expected);
  };

function checkAscending(indptr: Uint32Array, refuse: Refuse): void {
  for (let r = 1; r < indptr.length; r++)
    if (indptr[r] < indptr[r - 1]) refuse(`row pointer ${indptr[r]} after ${indptr[r - 1]}`, "ascending ones");
}

/** Row `r` of a batch, without copying. */
export function rowOf(rows: Rows, r: number): Input {
  if (rows.kind === "dense") return rows.data.subarray(r * rows.width, (r + 1) * rows.width);
  const [from, to] = [rows.indptr[r], rows.indptr[r + 1]];
  return { indices: rows.indices.subarray(from, to), values: rows.values.subarray(from, to) };
}

/** Whether class `answer` is right for row `r`. */
export function isRight(labels: Labels, r: number, answer: number): boolean {
  if (labels.kind === "class") return labels.classes[r] === answer;
  for (let i = labels.indptr[r]; i < labels.indptr[r + 1]; i++) if (labels.indices[i] === answer) return true;
  return false;
}

/** Whether two lists hold the same answers in any order. Compared both ways, as either may have fewer and be filled up. */
export function sameAnswers(a: Uint32Array | Int32Array, b: Uint32Array | Int32Array): boolean {
  return a.every((answer: number) => b.includes(answer)) && b.every((answer: number) => a.includes(answer));
}

/** The rows at `which`, in that order, copied. */
export function takeRows(rows: Rows, which: Uint32Array): Rows {
  const count = which.length;
  const { width } = rows;
  if (rows.kind === "dense") {
    const data = new Float32Array(count * width);
    which.forEach((r, i) => {
      data.set(rows.data.subarray(r * width, (r + 1) * width), i * width);
    });
    return { kind: "dense", count, width, data };
  }
  const { indptr, order } = takeSpans(rows.indptr, which);
  return {
    kind: "csr",
    count,
    width,
    indptr,
    indices: order.map((i) => rows.indices[i]),
    values: Float32Array.from(order, (i) => rows.values[i]),
  };
}

/** The labels at `which`, in that order, copied. */
export function takeLabels(labels: Labels, which: Uint32Array): Labels {
  if (labels.kind === "class") return { kind: "class", count: which.length, classes: which.map((r) => labels.classes[r]) };
  const { indptr, order } = takeSpans(labels.indptr, which);
  return { kind: "multi", count: which.length, indptr, indices: order.map((i) => labels.indices[i]) };
}

/** The same of rows and their labels. */
export function takeLabelled<L extends Labels | null>({ rows, labels }: Labelled<L>, which: Uint32Array): Labelled<L> {
  return { rows: takeRows(rows, which), labels: (labels && takeLabels(labels, which)) as L };
}

/** The first `most` rows, copied where there are more. */
export function firstRows(rows: Rows, most: number): Rows {
  return rows.count <= most ? rows : takeRows(rows, upTo(most));
}

/** The same of rows and their labels. */
export function firstLabelled<L extends Labels | null>(of: Labelled<L>, most: number): Labelled<L> {
  return of.rows.count <= most ? of : takeLabelled(of, upTo(most));
}

const upTo = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => i);

/** New row pointers for the chosen rows, and the old positions of their values. */
function takeSpans(old: Uint32Array, which: Uint32Array): { indptr: Uint32Array; order: Uint32Array } {
  const indptr = new Uint32Array(which.length + 1);
  which.forEach((r, i) => {
    indptr[i + 1] = indptr[i] + old[r + 1] - old[r];
  });
  const order = new Uint32Array(indptr[which.length]);
  which.forEach((r, i) => {
    for (let at = indptr[i], from = old[r]; at < indptr[i + 1]; ) order[at++] = from++;
  });
  return { indptr, order };
}
