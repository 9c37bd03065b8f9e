// A text as the Compact Language Detector 3 reads it: which share each bucket has of the rows of one to four letters that occur in it,
// of alphabets that tell much, and of scripts.

import type { SparseInput } from "../../src/model/rows.ts";

/** Tables of embeddings in the order of the inputs: rows, columns, and how many letters a row stands for; the other two are by alphabet. */
export const tables = [
  { rows: 1000, columns: 16, letters: 2 },
  { rows: 5000, columns: 16, letters: 4 },
  { rows: 12, columns: 8, letters: null },
  { rows: 103, columns: 8, letters: null },
  { rows: 5000, columns: 16, letters: 3 },
  { rows: 100, columns: 16, letters: 1 },
] as const;
const [alphabets, scripts] = [2, 3];
const firstOf = tables.map((_, t) => tables.slice(0, t).reduce((sum, { rows }) => sum + rows, 0));

/**
 * Shares of the buckets of a text, of 11,215. The detector first cuts out of a text what repeats itself or is mostly spaces, which is
 * not done here: of pieces of 40 to 60 characters it shortens about one in five hundred.
 */
export function readShares(text: string): SparseInput {
  const letters = lettersOf(text);
  const shares = new Map<number, number>();
  const add = (table: number, rows: readonly number[]): void => {
    for (const row of rows) {
      const bucket = firstOf[table] + row;
      shares.set(bucket, (shares.get(bucket) ?? 0) + 1 / rows.length);
    }
  };
  const ended = ["^", ...letters.flatMap((letter) => (letter === " " ? ["$", " ", "^"] : [letter])), "$"];
  for (const [t, { rows, letters: length }] of tables.entries())
    if (length !== null)
      add(
        t,
        runsOf(ended, length).map((run) => hashOf(run) % rows),
      );
  const written = letters.filter((letter) => letter !== " ");
  add(alphabets, written.map(alphabetOf));
  add(scripts, [scriptOf(written)]);
  const indices = Uint32Array.from(shares.keys()).sort();
  return { indices, values: Float32Array.from(indices, (bucket) => shares.get(bucket) ?? 0) };
}

/** Letters and marks in lower case, whatever lies between them as one space, and one space at either end. */
function lettersOf(text: string): string[] {
  // modifier letters of no script count as no letters
  const kept = text.replace(/[^\p{L}\p{M}]|[\u02b9-\u02df]/gu, " ").replace(/ +/g, " ");
  return Array.from(` ${kept.trim()} `, (letter) => Array.from(letter.toLowerCase())[0]);
}

/** Every `length` letters in a row within a word. */
function runsOf(letters: readonly string[], length: number): string[] {
  const runs: string[] = [];
  for (let i = 0; i + length <= letters.length; i++) {
    const run = letters.slice(i, i + length);
    if (!run.includes(" ")) runs.push(run.join(""));
  }
  return runs;
}

/** Ranges of Unicode that tell much about the language, and the rows they have; other letters go by the bytes they take in UTF-8. */
const ranges = [
  { from: 0x370, to: 0x3ff, row: 5 }, // Greek
  { from: 0x400, to: 0x4ff, row: 6 }, // Cyrillic
  { from: 0x590, to: 0x5ff, row: 7 }, // Hebrew
  { from: 0x600, to: 0x6ff, row: 8 }, // Arabic
  { from: 0x1100, to: 0x11ff, row: 9 }, // Hangul, letter by letter
  { from: 0x3041, to: 0x309f, row: 10 }, // Hiragana
  { from: 0x30a0, to: 0x30ff, row: 11 }, // Katakana
];

function alphabetOf(letter: string): number {
  const code = letter.codePointAt(0) ?? 0;
  return ranges.find(({ from, to }) => code >= from && code <= to)?.row ?? Buffer.byteLength(letter);
}

/** Rows of the scripts that are asked about, by their name in Unicode. */
const rowOfScript = Object.entries({
  ...{ Latin: 1, Greek: 2, Cyrillic: 3, Armenian: 4, Hebrew: 5, Arabic: 6, Devanagari: 9, Bengali: 10, Gurmukhi: 11, Gujarati: 12 },
  ...{ Tamil: 14, Telugu: 15, Kannada: 16, Malayalam: 17, Sinhala: 18, Thai: 19, Lao: 20, Myanmar: 22, Georgian: 23, Ethiopic: 25 },
  ...{ Khmer: 30 },
}).map(([name, row]) => ({ pattern: new RegExp(`\\p{Script=${name}}`, "u"), row }));
/** The letters of Chinese, Japanese and Korean are one script, unless most are Korean. */
const [rowOfHan, rowOfHangul] = [24, 102];

/** The first letter's script is taken for all of them. */
function scriptOf([first = "", ...others]: readonly string[]): number {
  if (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(first)) {
    const korean = [first, ...others].filter((letter) => /\p{Script=Hangul}/u.test(letter)).length;
    return korean > others.length + 1 - korean ? rowOfHangul : rowOfHan;
  }
  return rowOfScript.find(({ pattern }) => pattern.test(first))?.row ?? 0;
}

/** MurmurHash2 (Austin Appleby, public domain), 32 bits, of a text in UTF-8. */
function hashOf(text: string): number {
  const [seed, multiplier] = [0xbeef, 0x5bd1e995];
  const bytes = Buffer.from(text);
  let hash = seed ^ bytes.length;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    const word = Math.imul(bytes.readInt32LE(at), multiplier);
    hash = Math.imul(hash, multiplier) ^ Math.imul(word ^ (word >>> 24), multiplier);
  }
  if (at < bytes.length) hash = Math.imul(hash ^ bytes.readUIntLE(at, bytes.length - at), multiplier);
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return (hash ^ (hash >>> 15)) >>> 0;
}
