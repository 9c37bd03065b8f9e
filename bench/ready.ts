// From having a model's bytes to its first answers: in a fresh process, where code and memory are new, and repeated, where only memory is.
// Beside it, what it takes merely to touch as many fresh pages as the session's memory has: on virtual machines that is most of it.
//
//   npm run bench:ready [-- --repeats 30] [file.slonn …]
//
// Without files: the committed .slonn models, and those of `npm start` where it has run.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { createSession, loadModel } from "../src/index.ts";
import { median } from "./statistics.ts";

/** Milliseconds since the bytes were there. */
interface Ready {
  loaded: number;
  created: number;
  /** The first answer of a query without an objective. */
  answered: number;
  /** From there, the first dense answer: all levels are filled then. */
  dense: number;
}

async function once(bytes: Uint8Array): Promise<{ ready: Ready; memoryBytes: number }> {
  const start = performance.now();
  const model = await loadModel(bytes);
  const loaded = performance.now() - start;
  const session = await createSession(model);
  const created = performance.now() - start;
  const input = new Float32Array(model.layers[0].inputs).fill(0.5, 0, 100);
  session.run(input);
  const answered = performance.now() - start;
  session.run(input, { dense: true });
  const dense = performance.now() - start - answered;
  session.dispose();
  return { ready: { loaded, created, answered, dense }, memoryBytes: session.memoryBytes };
}

/** Milliseconds to write one byte to each page of fresh memory. */
function touch(bytes: number): number {
  const memory = new Uint8Array(new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) }).buffer);
  const start = performance.now();
  for (let at = 0; at < bytes; at += 4096) memory[at] = 1;
  return performance.now() - start;
}

const { values, positionals } = parseArgs({
  options: { repeats: { type: "string", default: "30" }, child: { type: "string" } },
  allowPositionals: true,
});

if (values.child) {
  process.stdout.write(JSON.stringify((await once(readFileSync(values.child))).ready));
} else {
  const usual = ["examples/models/brown", "examples/models/wordnet", "build/models/mnist", "build/models/fashion-mnist"];
  const files = positionals.length > 0 ? positionals : usual.map((path) => `${path}.slonn`).filter((path) => existsSync(path));
  const table = new Table({ head: ["ms", "MB", "loaded", "session", "first answer", "first dense", "touching its pages"] });
  const show = (ready: Ready): string[] => [ready.loaded, ready.created, ready.answered, ready.dense].map((ms) => ms.toFixed(1));
  for (const file of files) {
    const fresh: Ready[] = Array.from({ length: 5 }, () =>
      JSON.parse(execFileSync(process.execPath, [fileURLToPath(import.meta.url), "--child", file]).toString()),
    );
    const bytes = readFileSync(file);
    const runs = [];
    const touched: number[] = [];
    for (let i = 0; i < Number(values.repeats); i++) {
      runs.push(await once(bytes));
      touched.push(touch(runs[0].memoryBytes));
    }
    const middle = (all: Ready[]): Ready => ({
      loaded: median(Float64Array.from(all, ({ loaded }) => loaded)),
      created: median(Float64Array.from(all, ({ created }) => created)),
      answered: median(Float64Array.from(all, ({ answered }) => answered)),
      dense: median(Float64Array.from(all, ({ dense }) => dense)),
    });
    const size = (runs[0].memoryBytes / 1e6).toFixed(1);
    const warm = middle(runs.slice(runs.length >> 1).map(({ ready }) => ready));
    table.push([`${basename(file)}, fresh process`, size, ...show(middle(fresh)), ""]);
    table.push([`${basename(file)}, repeated`, size, ...show(warm), median(Float64Array.from(touched)).toFixed(1)]);
  }
  console.log(table.toString());
}
