// Numbers in lines: comma, semicolon or tab between them, an optional line of column names first. It knows no column by name.

import { SlonnError } from "../../errors.ts";
import type { Tensor } from "../../model/tensor.ts";
import { growing } from "./growing.ts";
import { parseNumber, shownText } from "./number-text.ts";

const [tab, newline, carriageReturn, space, quote, comma, semicolon] = [0x09, 0x0a, 0x0d, 0x20, 0x22, 0x2c, 0x3b];

/** Words that stand for a value: one that is missing or went wrong, as spreadsheets write it, or true or false. Where they stand, a line is data. */
const valueWord =
  /^"(?:|[-+]?(?:nan|inf|infinity|1\.#\w+)|null|nil|n\.?a\.?|#?n\/?a|nat|<na>|none|missing|undefined|true|false|#(?:div\/0|name|null|num|ref|value)[!?])"$/i;
/** Of any script; bytes that are not UTF-8 are of another encoding's. */
const letter = /[\p{L}\ufffd]/u;
/** The first field of a line that names columns, though others of its fields may be numbers. */
const columnName = /^"(?:# ?)?[\p{L}\ufffd_]/u;
/** Columns that are named by their numbers from 0, as pandas does, where so many cannot be chance; where the next line counts on, all is numbers. */
const leastNumbered = 3;

/**
 * Reads [rows, columns] float32. Blank lines are skipped; what is in quotes is of one field.
 * @throws SlonnError `bad-input` for a field that is no finite float32 number, or a row of another length than the first.
 */
export function readCsv(bytes: Uint8Array, name: string): Tensor {
  const values = growing(Float32Array);
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const delimiter = findDelimiter(bytes, start);
  let columns = 0;
  let rows = 0;
  let line = 0;
  let namesNumbered = false;
  for (let from = start; from < bytes.length; ) {
    let end = bytes.indexOf(newline, from);
    if (end < 0) end = bytes.length;
    line++;
    const next = end + 1;
    if (end > from && bytes[end - 1] === carriageReturn) end--;
    if (isBlank(bytes, from, end, delimiter)) {
      from = next;
      continue;
    }
    const before = values.length();
    let fields = 0;
    let wrong: { column: number; text: string } | null = null;
    // of the first line: whether it counts its columns, holds no number, and holds a word
    let [isNumbered, isText, hasName] = [true, true, false];
    for (let at = from; at <= end; fields++) {
      let stop = at;
      for (let isOpen = false; stop < end && (isOpen || bytes[stop] !== delimiter); stop++) if (bytes[stop] === quote) isOpen = !isOpen;
      let [first, last] = [at, stop];
      while (first < last && isTrimmed(bytes[first])) first++;
      while (last > first && isTrimmed(bytes[last - 1])) last--;
      const value = Math.fround(parseNumber(bytes, first, last));
      if (Number.isFinite(value)) values.push(value);
      else wrong ??= { column: fields + 1, text: shownText(bytes, first, last) };
      if (columns === 0) {
        const text = shownText(bytes, first, last);
        isNumbered &&= text === `"${fields}"`;
        isText &&= !Number.isFinite(value);
        hasName ||= letter.test(text) && !valueWord.test(text);
      }
      at = stop + 1;
    }
    const isNamed = wrong?.column === 1 && columnName.test(wrong.text) && !valueWord.test(wrong.text);
    const names = columns === 0 && (isNamed || (isText && hasName && fields > 1));
    if (columns === 0) {
      columns = fields;
      namesNumbered = isNumbered && fields >= leastNumbered;
    }
    if (fields !== columns) throw new SlonnError("bad-input", `${name}: line ${line}: got ${fields} columns, expected ${columns}`);
    if (names) values.cut(before);
    else {
      if (wrong)
        throw new SlonnError("bad-input", `${name}: line ${line}, column ${wrong.column}: got ${wrong.text}, expected a finite number`);
      rows++;
    }
    from = next;
  }
  const data = values.take();
  namesNumbered &&= rows > 1 && !data.subarray(columns, 2 * columns).every((value, i) => value === columns + i);
  return { dtype: "float32", shape: [namesNumbered ? rows - 1 : rows, columns], data: namesNumbered ? data.subarray(columns) : data };
}

/** The first line that is not blank decides: a semicolon outside quotes in it, else a tab, else a comma. */
function findDelimiter(bytes: Uint8Array, start: number): number {
  let from = start;
  while (from < bytes.length && [newline, carriageReturn, space, tab].includes(bytes[from])) from++;
  const end = bytes.indexOf(newline, from);
  const line = new TextDecoder("latin1").decode(bytes.subarray(from, end < 0 ? bytes.length : end)).replace(/"[^"]*"/g, "");
  return line.includes(";") ? semicolon : line.includes("\t") ? tab : comma;
}

function isTrimmed(byte: number): boolean {
  return byte === space || byte === quote || byte === tab;
}

/** Between tabs stand numbers that are missing. */
function isBlank(bytes: Uint8Array, from: number, to: number, delimiter: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] === delimiter || (bytes[i] !== space && bytes[i] !== tab)) return false;
  return true;
}
