// From having a model's bytes to its first answers: in a fresh process, where code and memory are new, and repeated, where only memory is;
// both also with bytes that are still arriving when the session is created, as of a download: there it counts from the last of them.
// Beside it, what it takes merely to touch as many fresh pages as the session's memory has: on virtual machines that is most of it.
//
//   npm run bench:ready [-- --repeats 30] [file.slonn …]
//
// Without files: the committed .slonn models, and those of `npm start` where it has run.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import Table from "cli-table3";
import { flagsOf, wholeNumber } from "../examples/flags.ts";
import { sayRefusals } from "../examples/say-refusals.ts";
import { UsageError } from "../src/cli/arguments.ts";
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

/** Bytes a millisecond of a good connection. */
const bytesPerMs = 25_000;

async function once(bytes: Uint8Array, streamed: boolean): Promise<{ ready: Ready; memoryBytes: number }> {
  let start = performance.now();
  const since = (): number => performance.now() - start;
  const model = streamed
    ? await loadModel(
        arrivingBytes(bytes, () => {
          start = performance.now();
        }),
        { stream: true },
      )
    : await loadModel(bytes);
  const loaded = since();
  const session = await createSession(model);
  const created = since();
  const input = new Float32Array(model.layers[0].inputs).fill(0.5, 0, 100);
  session.run(input);
  const answered = since();
  session.run(input, { dense: true });
  const dense = since() - answered;
  session.dispose();
  return { ready: { loaded, created, answered, dense }, memoryBytes: session.memoryBytes };
}

/** Bytes as they come over a connection, in chunks of 64 kB. */
function arrivingBytes(bytes: Uint8Array, whenLastArrives: () => void): ReadableStream<Uint8Array> {
  const began = performance.now();
  let at = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        const early = began + at / bytesPerMs - performance.now();
        if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
        const chunk = bytes.slice(at, at + 65536);
        at += chunk.length;
        controller.enqueue(chunk);
        if (at < bytes.length) return;
        whenLastArrives();
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Milliseconds to write one byte to each page of fresh memory. */
function touch(bytes: number): number {
  const memory = new Uint8Array(new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) }).buffer);
  const start = performance.now();
  for (let at = 0; at < bytes; at += 4096) memory[at] = 1;
  return performance.now() - start;
}

sayRefusals("bench:ready");
const { values, positionals } = flagsOf(import.meta.filename, {
  options: { repeats: { type: "string", default: "30" }, child: { type: "string" }, arriving: { type: "boolean", default: false } },
  allowPositionals: true,
});
const repeats = wholeNumber("repeats", values.repeats, 1);
for (const file of positionals) if (!existsSync(file)) throw new UsageError(`got ${file}, which is not there, expected a .slonn file`);

if (values.child) {
  process.stdout.write(JSON.stringify((await once(readFileSync(values.child), values.arriving)).ready));
} else {
  const usual = ["examples/models/brown", "examples/models/wordnet", "build/models/mnist", "build/models/fashion-mnist"];
  const files = positionals.length > 0 ? positionals : usual.map((path) => `${path}.slonn`).filter((path) => existsSync(path));
  const table = new Table({ head: ["ms", "MB", "loaded", "session", "first answer", "first dense", "touching its pages"] });
  const show = (ready: Ready): string[] => [ready.loaded, ready.created, ready.answered, ready.dense].map((ms) => ms.toFixed(1));
  for (const file of files) {
    const fresh = (...flags: string[]): Ready[] =>
      Array.from({ length: 5 }, () =>
        JSON.parse(execFileSync(process.execPath, [fileURLToPath(import.meta.url), "--child", file, ...flags]).toString()),
      );
    const bytes = readFileSync(file);
    const runs = [];
    const streamed: Ready[] = [];
    const touched: number[] = [];
    for (let i = 0; i < repeats; i++) {
      runs.push(await once(bytes, false));
      streamed.push((await once(bytes, true)).ready);
      touched.push(touch(runs[0].memoryBytes));
    }
    const middle = (all: Ready[]): Ready => ({
      loaded: median(Float64Array.from(all, ({ loaded }) => loaded)),
      created: median(Float64Array.from(all, ({ created }) => created)),
      answered: median(Float64Array.from(all, ({ answered }) => answered)),
      dense: median(Float64Array.from(all, ({ dense }) => dense)),
    });
    const size = (runs[0].memoryBytes / 1e6).toFixed(1);
    const half = runs.length >> 1; // before, code is still being compiled
    const warm = middle(runs.slice(half).map(({ ready }) => ready));
    table.push([`${basename(file)}, fresh process`, size, ...show(middle(fresh())), ""]);
    table.push(["  arriving", size, "", ...show(middle(fresh("--arriving"))).slice(1), ""]);
    table.push([`${basename(file)}, repeated`, size, ...show(warm), median(Float64Array.from(touched)).toFixed(1)]);
    table.push(["  arriving", size, "", ...show(middle(streamed.slice(half))).slice(1), ""]);
  }
  console.log(table.toString());
}
