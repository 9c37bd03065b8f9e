// Numbers in lines: comma, semicolon, tab or spaces between them, an optional line of column names first. It knows no column by name.

import { refusal } from "../../errors.ts";
import type { Tensor } from "../../model/tensor.ts";
import { growing } from "./growing.ts";
import { linesOf } from "./lines.ts";
import { parseNumber, shownText } from "./number-text.ts";

const [tab, space, quote, hash, comma, semicolon] = [0x09, 0x20, 0x22, 0x23, 0x2c, 0x3b];

/** Words that stand for a value: one that is missing or went wrong, as spreadsheets write it, or true or false. Where they stand, a line is data. */
const valueWord =
  /^"(?:|[-+]?(?:nan|inf|infinity|1\.#\w+)|null|nil|n\.?a\.?|#?n\/?a|nat|<na>|none|missing|undefined|true|false|#(?:div\/0|name|null|num|ref|value)[!?])"$/i;
/** Of any script; bytes that are not UTF-8 are of another encoding's. */
const letter = /[\p{L}\ufffd]/u;
/** The first field of a line that names columns, though others of its fields may be numbers. */
const columnName = /^"#?[\p{L}\ufffd_]/u;
/** Columns that are named by their numbers from 0, as pandas does, where so many cannot be chance; where the next line counts on, all is numbers. */
const leastNumbered = 3;

/**
 * Reads [rows, columns] float32. Blank lines and comments are skipped, and so is a first column without a name before others that have one,
 * which holds names or numbers of rows; what is in quotes is of one field.
 * @throws SlonnError `bad-input` for a field that is no finite float32 number, or a row of another length than the first.
 */
export function readCsv(bytes: Uint8Array, name: string): Tensor {
  const values = growing(Float32Array);
  const delimiter = findDelimiter(bytes);
  let columns = 0;
  let rows = 0;
  let isNumbered = false;
  /** How many columns before the numbers are names of rows. */
  let rowNames = 0;
  for (const { from, to, number } of linesOf(bytes)) {
    if (isBlank(bytes, from, to, delimiter) || isComment(bytes, from, to)) continue;
    const before = values.length();
    const { fields, wrong } = readFields(bytes, from, to, delimiter, rowNames, values.push);
    if (columns === 0) {
      columns = fields;
      const texts = textsOf(bytes, from, to, delimiter);
      const [first, ...others] = texts;
      const numbers = values.length() - before;
      isNumbered = texts.length >= leastNumbered && areNumbers(texts);
      if (first === '""' && others.length > 0 && (areNumbers(others) || namesColumns(others, numbers))) rowNames = 1;
      if (rowNames > 0 || namesColumns(texts, numbers)) {
        values.cut(before);
        continue;
      }
    }
    if (fields !== columns) throw refusal("bad-input", `${name}: line ${number}`, `${fields} columns`, columns);
    if (wrong) throw refusal("bad-input", `${name}: line ${number}, column ${wrong.column}`, wrong.text, "a finite number");
    rows++;
  }
  const data = values.take();
  columns -= rowNames;
  const countsOn = rows > 1 && data.subarray(columns, 2 * columns).every((value, column) => value === columns + column);
  return isNumbered && rows > 1 && !countsOn
    ? { dtype: "float32", shape: [rows - 1, columns], data: data.subarray(columns) }
    : { dtype: "float32", shape: [rows, columns], data };
}

/** Hands over the numbers of a line behind the names of its row; says how many fields it has, and which is the first that is no finite number. */
function readFields(
  bytes: Uint8Array,
  from: number,
  to: number,
  delimiter: number,
  rowNames: number,
  take: (value: number) => void,
): { fields: number; wrong: { column: number; text: string } | null } {
  let wrong: { column: number; text: string } | null = null;
  let fields = 0;
  visitFields(bytes, from, to, delimiter, (first, last) => {
    if (++fields <= rowNames) return;
    const value = Math.fround(parseNumber(bytes, first, last));
    if (Number.isFinite(value)) take(value);
    else wrong ??= { column: fields, text: shownText(bytes, first, last) };
  });
  return { fields, wrong };
}

/** The fields of a line, in quotes. */
function textsOf(bytes: Uint8Array, from: number, to: number, delimiter: number): string[] {
  const texts: string[] = [];
  visitFields(bytes, from, to, delimiter, (first, last) => texts.push(shownText(bytes, first, last)));
  return texts;
}

/** Whether columns are named by their numbers from 0. */
function areNumbers(texts: readonly string[]): boolean {
  return texts.every((text, column) => text === `"${column}"`);
}

/** Whether the first line names columns: its first field does, or none of several is a number and one is a word that stands for no value. */
function namesColumns(texts: readonly string[], numbers: number): boolean {
  const isWord = (text: string): boolean => letter.test(text) && !valueWord.test(text);
  return (columnName.test(texts[0]) && !valueWord.test(texts[0])) || (numbers === 0 && texts.length > 1 && texts.some(isWord));
}

/** Says where each field of a line begins and ends, without white space and quotes around; delimiters in quotes part none, several spaces as one. */
function visitFields(bytes: Uint8Array, from: number, to: number, delimiter: number, visit: (first: number, last: number) => void): void {
  const isSpaced = delimiter === space;
  const end = isSpaced ? trimmed(bytes, from, to)[1] : to;
  for (let at = from, stop: number; at <= end; at = stop + 1) {
    if (isSpaced) while (bytes[at] === space) at++;
    stop = at;
    for (let isOpen = false; stop < end && (isOpen || bytes[stop] !== delimiter); stop++) if (bytes[stop] === quote) isOpen = !isOpen;
    visit(...trimmed(bytes, at, stop));
  }
}

function trimmed(bytes: Uint8Array, from: number, to: number): [first: number, last: number] {
  let [first, last] = [from, to];
  while (first < last && isTrimmed(bytes[first])) first++;
  while (last > first && isTrimmed(bytes[last - 1])) last--;
  return [first, last];
}

/** The first line that is neither blank nor a comment decides: a semicolon outside quotes in it, else a tab, else a comma, else spaces between numbers. */
function findDelimiter(bytes: Uint8Array): number {
  for (const { from, to } of linesOf(bytes)) {
    if (isBlank(bytes, from, to, null) || isComment(bytes, from, to)) continue;
    const line = new TextDecoder("latin1")
      .decode(bytes.subarray(from, to))
      .trimStart()
      .replace(/"[^"]*"/g, "");
    if (line.includes(";")) return semicolon;
    if (line.includes("\t")) return tab;
    const words = line.includes(",") ? [] : line.trimEnd().split(/ +/);
    return words.length > 1 && words.every((word) => Number.isFinite(Number(word))) ? space : comma;
  }
  return comma;
}

/** As `numpy.savetxt` writes every line of a header or footer; "#N/A" stands for a value. */
function isComment(bytes: Uint8Array, from: number, to: number): boolean {
  return bytes[from] === hash && (to - from === 1 || bytes[from + 1] === space);
}

function isTrimmed(byte: number): boolean {
  return byte === space || byte === quote || byte === tab;
}

/** Between tabs stand numbers that are missing. */
function isBlank(bytes: Uint8Array, from: number, to: number, delimiter: number | null): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== space && (bytes[i] !== tab || delimiter === tab)) return false;
  return true;
}
