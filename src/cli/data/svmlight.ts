// SVMlight text (`label index:value …`) and the extreme-classification format built on it: several labels before the
// features (`3,17 0:0.5 9:1.25`), and a header line of sizes.
//
// Where columns start: a file with a header counts from 0, as the extreme-classification repository does. One without is
// SVMlight, which counts from 1, unless column 0 occurs in it or a comment says `zero-based`: then it counts from 0, as many writers do.
// The header is `rows columns labels`, or `rows columns` where no labels stand before the features. Everything after `#`
// is a comment; `qid:…` is passed over.

import { refusal, type SlonnError } from "../../errors.ts";
import { maxWidth } from "../../model/model.ts";
import { type Growing, growing } from "./growing.ts";
import { linesOf } from "./lines.ts";
import { parseIndex, parseNumber, shownText } from "./number-text.ts";
import { canonical, checkSparseFinite } from "./sparse-rows.ts";
import type { SparseTable } from "./table.ts";

const [tab, carriageReturn, space, hash, comma, colon] = [0x09, 0x0d, 0x20, 0x23, 0x2c, 0x3a];
const isSpace = (byte: number): boolean => byte === space || byte === tab || byte === carriageReturn;

/** Whether text looks like SVMlight rather than columns of numbers: a number and a colon among its first characters. */
export function looksLikeSvmlight(bytes: Uint8Array): boolean {
  return /(?:^|\s)\d+:[-+.\d]/.test(new TextDecoder("latin1").decode(bytes.subarray(0, 1 << 16)));
}

/**
 * Reads rows and the labels before them. Unsorted columns are sorted and repeated ones added up.
 * @throws SlonnError `bad-input` for a token that is no `index:value`, a column or row beyond the header's sizes, NaN or infinity.
 */
export function readSvmlight(bytes: Uint8Array, name: string): SparseTable {
  const indptr = growing(Uint32Array);
  const labelIndptr = growing(Uint32Array);
  const read: RowNumbers = { indices: growing(Uint32Array), values: growing(Float32Array), labels: growing(Float64Array) };
  const { indices, values, labels } = read;
  indptr.push(0);
  labelIndptr.push(0);
  let header: Header | null = null;
  let stated: 0 | 1 | null = null;
  let rows = 0;
  for (const { from, to, number } of linesOf(bytes)) {
    const end = beforeComment(bytes, from, to);
    if (end < to) stated ??= statedBase(bytes.subarray(end, to));
    const where = `${name}: line ${number}`;
    if (number === 1) {
      header = readHeader(bytes, from, end, where);
      if (header) continue;
    }
    const at = skipSpace(bytes, from, end);
    if (at === end && (!header || rows === header.rows)) continue;
    if (header && rows === header.rows) throw refusal("bad-input", where, "more rows", `${header.rows} as the first line says`);
    readRow(bytes, at, end, where, header, read);
    indptr.push(indices.length());
    labelIndptr.push(labels.length());
    rows++;
  }
  if (header && rows !== header.rows) throw refusal("bad-input", name, `${rows} rows`, `${header.rows} as the first line says`);

  const columns = indices.take();
  let [least, greatest] = [Number.POSITIVE_INFINITY, -1];
  for (const column of columns) {
    if (column < least) least = column;
    if (column > greatest) greatest = column;
  }
  const base = header || columns.length === 0 || least === 0 ? 0 : (stated ?? 1);
  if (base === 1) for (let i = 0; i < columns.length; i++) columns[i]--;
  const sparse = canonical({ indptr: indptr.take(), indices: columns, values: values.take() });
  checkSparseFinite(sparse, name);
  return {
    kind: "sparse",
    count: rows,
    width: header ? header.columns : greatest + 1 - base,
    widthStated: header !== null,
    ...sparse,
    labels: header?.labels === null ? null : { indptr: labelIndptr.take(), values: labels.take(), several: header !== null },
  };
}

/** What rows hold, one behind the other, columns as they are written. */
interface RowNumbers {
  indices: Growing<Uint32Array>;
  values: Growing<Float32Array>;
  labels: Growing<Float64Array>;
}

/** Reads a row from its first token on: labels where it has them, then `index:value …`. */
function readRow(bytes: Uint8Array, from: number, end: number, where: string, header: Header | null, into: RowNumbers): void {
  const limit = header ? header.columns - 1 : maxWidth;
  for (let at = from; at < end; ) {
    let stop = at;
    let middle = -1;
    for (; stop < end && !isSpace(bytes[stop]); stop++) if (bytes[stop] === colon && middle < 0) middle = stop;
    if (middle >= 0) {
      if (!isQueryId(bytes, at, middle)) {
        const index = parseIndex(bytes, at, middle);
        const value = parseNumber(bytes, middle + 1, stop);
        if (Number.isNaN(index) || Number.isNaN(value)) throw noPair(bytes, at, stop, where);
        if (index > limit) throw refusal("bad-input", where, `column ${index}`, `at most ${limit}`);
        into.indices.push(index);
        into.values.push(value);
      }
    } else if (at === from && header?.labels !== null) readRowLabels(bytes, at, stop, where, into.labels.push);
    else throw noPair(bytes, at, stop, where, into.indices.length() === 0 ? " (columns of numbers: a .csv)" : "");
    at = skipSpace(bytes, stop, end);
  }
}

function noPair(bytes: Uint8Array, from: number, to: number, where: string, hint = ""): SlonnError {
  return refusal("bad-input", where, shownText(bytes, from, to), `index:value${hint}`);
}

interface Header {
  rows: number;
  columns: number;
  /** Null where the rows carry no labels. */
  labels: number | null;
}

/** Sizes in the first line: two or three integers and nothing else. */
function readHeader(bytes: Uint8Array, from: number, end: number, where: string): Header | null {
  const sizes: number[] = [];
  for (let at = skipSpace(bytes, from, end); at < end; ) {
    let stop = at;
    while (stop < end && !isSpace(bytes[stop])) stop++;
    sizes.push(parseIndex(bytes, at, stop));
    if (sizes.length > 3 || Number.isNaN(sizes[sizes.length - 1])) return null;
    at = skipSpace(bytes, stop, end);
  }
  if (sizes.length < 2) return null;
  const [rows, columns, labels = null] = sizes;
  if (columns < 1 || columns > maxWidth) throw refusal("bad-input", where, `${columns} columns`, `1 to ${maxWidth}`);
  return { rows, columns, labels };
}

/** `3,17,20`: pushes each number. What they may be depends on who asks for labels, so only the form is checked. */
function readRowLabels(bytes: Uint8Array, from: number, to: number, where: string, push: (label: number) => void): void {
  // a comma at the end promises one more
  for (let at = from; at <= to; ) {
    let stop = at;
    while (stop < to && bytes[stop] !== comma) stop++;
    const label = parseNumber(bytes, at, stop);
    if (Number.isNaN(label)) throw refusal("bad-input", where, `label ${shownText(bytes, at, stop)}`, "a number");
    push(label);
    at = stop + 1;
  }
}

function isQueryId(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from === 3 && bytes[from] === 0x71 && bytes[from + 1] === 0x69 && bytes[from + 2] === 0x64;
}

/** What a comment says of where columns start, as those do that scikit-learn writes. */
function statedBase(comment: Uint8Array): 0 | 1 | null {
  const [, word] = /(zero|one)-based/.exec(new TextDecoder("latin1").decode(comment)) ?? [];
  return word === undefined ? null : word === "zero" ? 0 : 1;
}

function beforeComment(bytes: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) if (bytes[i] === hash) return i;
  return to;
}

function skipSpace(bytes: Uint8Array, from: number, to: number): number {
  let i = from;
  while (i < to && isSpace(bytes[i])) i++;
  return i;
}
