// Makes the `letters` data: rows that look like UCI's letter recognition (26 classes, 16 whole features from 0 to 15, all of them in
// use), since that set is not on npm. A class is a mixture of six shapes (letters come in fonts); a row is a shape with correlated noise,
// rounded. Seeded, so that everybody gets the same files: test 5,000 · held-out 12,000 · fit 5,000 (of the training rows).
// `--train DIR` also writes the 15,000 training rows.
//
//   npm run build:tools && node build/tools/examples/data/make-letters.js [--train DIR]

import { createRequire } from "node:module";
import { join } from "node:path";
import { normal, seeded } from "../../src/random.ts";
import { writeIdx } from "./write-idx.ts";

const root = join(createRequire(import.meta.url).resolve("slonn/package.json"), "..");
const folder = join(root, "examples", "data", "letters");
const trainFolder = process.argv[2] === "--train" ? process.argv[3] : undefined;
const classes = 26;
const features = 16;
const shapes = 6;

const random = seeded(26);
const vector = (scale: number): number[] => Array.from({ length: features }, () => scale * normal(random));

/** Shapes of a class lie around its own centre; each has two directions in which its rows vary together. */
const mixtures = Array.from({ length: classes }, () => {
  const centre = vector(1.6);
  return Array.from({ length: shapes }, () => ({
    mean: vector(1.9).map((v, f) => 7.5 + centre[f] + v),
    along: [vector(0.5), vector(0.5)],
  }));
});

interface Row {
  label: number;
  numbers: number[];
}

function draw(): Row {
  const label = Math.floor(random() * classes);
  const { mean, along } = mixtures[label][Math.floor(random() * shapes)];
  const [a, b] = [normal(random), normal(random)];
  const numbers = mean.map((m, f) => m + a * along[0][f] + b * along[1][f] + 1.3 * normal(random));
  return { label, numbers: numbers.map((v) => Math.min(15, Math.max(0, Math.round(v)))) };
}

function write(dir: string, name: string, rows: readonly Row[]): void {
  const numbers = Uint8Array.from(rows.flatMap((row) => row.numbers));
  writeIdx(
    dir,
    name,
    "rows",
    [features],
    numbers,
    Uint8Array.from(rows, ({ label }) => label),
  );
}

const rows = Array.from({ length: 32_000 }, draw);
write(folder, "fit", rows.slice(0, 5_000));
if (trainFolder) write(trainFolder, "train", rows.slice(0, 15_000));
write(folder, "held-out", rows.slice(15_000, 27_000));
write(folder, "test", rows.slice(27_000));
