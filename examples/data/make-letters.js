// Makes the `letters` data: rows that look like UCI's letter recognition (26 classes, 16 whole features from 0 to 15, all of them in
// use), since that set is not on npm. A class is a mixture of six shapes (letters come in fonts); a row is a shape with correlated noise,
// rounded. Seeded, so that everybody gets the same files: test 5,000 · held-out 12,000 · fit 5,000 (of the training rows).
// `--train DIR` also writes the 15,000 training rows.
//
//   node examples/data/make-letters.js [--train DIR]
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = fileURLToPath(new URL("./letters/", import.meta.url));
const trainDir = process.argv[2] === "--train" ? process.argv[3] : undefined;
const classes = 26;
const features = 16;
const shapes = 6;

/** mulberry32 */
function random(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const next = random(26);
const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
const vector = (scale) => Array.from({ length: features }, () => scale * normal());

/** Shapes of a class lie around its own centre; each has two directions in which its rows vary together. */
const mixtures = Array.from({ length: classes }, () => {
  const centre = vector(1.6);
  return Array.from({ length: shapes }, () => ({
    mean: vector(1.9).map((v, f) => 7.5 + centre[f] + v),
    along: [vector(0.5), vector(0.5)],
  }));
});

function row() {
  const label = Math.floor(next() * classes);
  const { mean, along } = mixtures[label][Math.floor(next() * shapes)];
  const [a, b] = [normal(), normal()];
  const numbers = mean.map((m, f) => m + a * along[0][f] + b * along[1][f] + 1.3 * normal());
  return { label, numbers: numbers.map((v) => Math.min(15, Math.max(0, Math.round(v)))) };
}

function write(dir, name, rows) {
  const header = Buffer.alloc(12);
  [0x00000802, rows.length, features].forEach((n, i) => {
    header.writeUInt32BE(n, 4 * i);
  });
  const labels = Buffer.alloc(8 + rows.length);
  labels.writeUInt32BE(0x00000801, 0);
  labels.writeUInt32BE(rows.length, 4);
  rows.forEach(({ label }, r) => {
    labels[8 + r] = label;
  });
  mkdirSync(dir, { recursive: true });
  const numbers = Buffer.concat([header, Buffer.from(rows.flatMap((one) => one.numbers))]);
  writeFileSync(join(dir, `${name}-rows.idx.gz`), gzipSync(numbers, { level: 9 }));
  writeFileSync(join(dir, `${name}-labels.idx.gz`), gzipSync(labels, { level: 9 }));
}

const rows = Array.from({ length: 32_000 }, row);
write(here, "fit", rows.slice(0, 5_000));
if (trainDir) write(trainDir, "train", rows.slice(0, 15_000));
write(here, "held-out", rows.slice(15_000, 27_000));
write(here, "test", rows.slice(27_000));
