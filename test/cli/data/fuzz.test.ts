import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readTable, toLabels, toRows } from "../../../src/cli/data/data.ts";
import { listZip, readZipEntry } from "../../../src/cli/data/zip.ts";
import { SlonnError } from "../../../src/errors.ts";
import { type Random, seeded } from "../../../src/random.ts";
import { bytesOf, idxFile, safetensorsFile, text, zipFile } from "./build-files.ts";

const golden = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`goldens/${name}`, import.meta.url)));
const seeds: readonly [string, Uint8Array][] = [
  ...["f2-fortran.npy", "f8-big.npy", "bool.npy", "version3.npy", "cube-fortran.npy", "labels-i8.npy", "stored.npz", "deflated.npz"].map(
    (name): [string, Uint8Array] => [name, golden(name)],
  ),
  ["csr.npz", golden("csr.npz")],
  ["csr-stored.npz", golden("csr-stored.npz")],
  ["x.npz", zipFile([{ name: "x.npy", content: golden("bool.npy") }])],
  ["x.idx", idxFile(0x0c, [2, 3, 1], new Uint8Array(24))],
  ["x.csv", text("a,b,c\n1,2.5,-3\n4,5e-1,6\n")],
  ["y.csv", text("1\n2\n")],
  ["x.svm", text("1 1:0.5 3:2 # words\n0 qid:3 2:-1 2:4\n")],
  ["x.txt", text("3 10 5\n0,3 1:0.5 9:1\n 2:1\n4\n")],
  ["x.safetensors", safetensorsFile({ x: { dtype: "F32", shape: [2, 3], bytes: bytesOf(new Float32Array(6)) } })],
  ["x.csv.gz", new Uint8Array(gzipSync("1,2\n3,4\n"))],
];

const extremes = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const fragments = ["9999999999999", "-1", "nan", "1e999", ":", ",", "\n", " ", "(", "\0", "True", "18446744073709551615", "<f8", "|O"].map(
  text,
);

/** One to four changes: bits, bytes, fields, cuts, repeats, insertions. */
function mutate(file: Uint8Array, random: Random): Uint8Array {
  let out = file.slice();
  const below = (n: number): number => Math.floor(random() * n);
  for (let change = 0; change <= below(4); change++) {
    const at = below(Math.max(1, out.length));
    const kind = below(7);
    if (kind === 0 && out.length > 0) out[at] ^= 1 << below(8);
    else if (kind === 1 && out.length > 0) out[at] = below(256);
    else if (kind === 2 && out.length >= 4) {
      const view = new DataView(out.buffer);
      view.setUint32(Math.min(at, out.length - 4), extremes[below(extremes.length)], random() < 0.5);
    } else if (kind === 3) out = out.slice(0, at);
    else if (kind === 4) out = new Uint8Array(Buffer.concat([out.subarray(0, at), out.subarray(below(at + 1))]));
    else if (kind === 5) out = new Uint8Array(Buffer.concat([out.subarray(0, at), fragments[below(fragments.length)], out.subarray(at)]));
    else out = new Uint8Array(Buffer.concat([out.subarray(0, at), out.subarray(Math.min(out.length, at + 1 + below(8)))]));
  }
  return out;
}

const parts = ["indptr", "indices", "data", "shape", "format"];
const matrix = listZip(golden("csr.npz"), "csr.npz").map((entry) => ({
  name: entry.name,
  content: readZipEntry(golden("csr.npz"), entry, "csr.npz"),
}));

/** A CSR archive with one damaged part and right checksums: what a checksum would otherwise hide from the parts' readers. */
function damagedMatrix(random: Random): Uint8Array {
  const damaged = `${parts[Math.floor(random() * parts.length)]}.npy`;
  return zipFile(matrix.map(({ name, content }) => ({ name, content: name === damaged ? mutate(content.slice(), random) : content })));
}

test("answers 10,000 mutated files with sound rows or a SlonnError, in bounded memory", async () => {
  const random = seeded(20260);
  let read = 0;
  let mostBytes = 0;
  for (let i = 0; i < 10_000; i++) {
    const [name, file] = seeds[i % seeds.length];
    const mutated = i % 6 === 0 ? damagedMatrix(random) : mutate(file, random);
    const limit = 1 << 20;
    for (const role of ["inputs", "labels"] as const) {
      try {
        const table = await readTable(mutated.slice(), name, role, limit);
        if (role === "labels") {
          const count = table.kind === "sparse" ? table.count : (table.tensor.shape[0] ?? 0);
          const labels = toLabels(table, name, count, 1000);
          const indices = labels.kind === "class" ? labels.classes : labels.indices;
          if (indices.some((label) => label >= 1000)) throw new Error("a label beyond the classes");
        } else {
          const rows = toRows(table, name, { scale: 2 });
          const numbers = rows.kind === "dense" ? rows.data : rows.values;
          if (!numbers.every(Number.isFinite)) throw new Error("numbers that are not finite");
          if (rows.kind === "dense" && rows.data.length !== rows.count * rows.width) throw new Error("a size that is not its rows'");
          if (rows.kind === "csr") {
            if (rows.indptr.length !== rows.count + 1 || rows.indptr[rows.count] !== rows.values.length)
              throw new Error("rows that do not end");
            if (rows.indices.length !== rows.values.length || rows.indices.some((index) => index >= rows.width))
              throw new Error("a column outside");
          }
          read++;
        }
      } catch (error) {
        if (!(error instanceof SlonnError)) throw new Error(`${name}, file ${i}, ${role}: ${(error as Error).stack}`);
        if (error.message.length > 600) throw new Error(`${name}, file ${i}: a message of ${error.message.length} characters`);
      }
    }
    mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers);
  }
  expect(read).toBeGreaterThan(500);
  expect(mostBytes).toBeLessThan(256 * 2 ** 20);
});
