// What a wide model in eight bits takes of a process: resident memory beyond a bare runtime's, and the peak while loading. The synthetic head
// of Delicious-200K's shape is loaded in a process of its own, whole and as a stream, from a file and over HTTP.
//
//   npm run bench:memory [-- --labels 205443]
//
// Linux only: peaks are VmHWM of /proc/self/status, which counts code, heap and engine memory alike.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { flagsOf, wholeNumber } from "../examples/flags.ts";
import { sayRefusals } from "../examples/say-refusals.ts";
import { createSession, loadModel, type Session, type Slo } from "../src/index.ts";
import { encodeModel } from "../src/model/slonn-file.ts";
import { footprintModel } from "./memory-model.ts";

/** Bytes, and what loading took. */
interface Footprint {
  /** After queries at every kind of level, when garbage went. */
  resident: number;
  /** While loading. */
  peak: number;
  /** What the session says of itself; 0 without one. */
  session: number;
  loadMs: number;
}

/** How a child gets the model: not at all, by fetching it and keeping nothing, whole, as a stream. */
type Way = "nothing" | "fetch" | "whole" | "stream";

/** Runs in a process of its own: loads, answers at every kind of level, and measures itself. */
async function child(way: Way, source: string): Promise<Footprint> {
  const start = performance.now();
  let session: Session | null = null;
  if (way === "fetch") await (await fetch(source)).body?.pipeTo(new WritableStream());
  if (way === "whole") session = await createSession(await loadModel(source));
  if (way === "stream") session = await createSession(await loadModel(source, { stream: true }));
  const loadMs = performance.now() - start;
  const peak = status("VmHWM");
  const slos: Slo[] = [{ dense: true }, { exact: true }, { operations: 1 }, { operations: 2 }];
  if (session) for (const slo of slos) session.run(new Float32Array(128).fill(0.5), slo);
  // what is garbage goes, and the allocator gives back what it will
  for (let i = 0; i < 5; i++) {
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { resident: status("VmRSS"), peak, session: session?.memoryBytes ?? 0, loadMs };
}

function status(field: string): number {
  const found = readFileSync("/proc/self/status", "utf8").match(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m"));
  return Number(found?.[1]) * 1024;
}

/** The footprint of a process that gets the model so. */
async function footprint(way: Way, source: string): Promise<Footprint> {
  const options = { encoding: "utf8", maxBuffer: 1 << 20 } as const;
  const run = promisify(execFile);
  const { stdout } = await run(
    process.execPath,
    ["--expose-gc", fileURLToPath(import.meta.url), "--child", way, "--source", source],
    options,
  );
  return JSON.parse(stdout) as Footprint;
}

async function main(labels: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "slonn-memory-"));
  const path = join(folder, "head.slonn");
  const bytes = encodeModel(footprintModel(labels));
  writeFileSync(path, bytes);
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-length": bytes.length });
    response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/head.slonn`;
  try {
    const mb = (n: number, width = 0): string => (n / 1e6).toFixed(1).padStart(width);
    console.log(
      `SYNTHETIC head 128 -> ${labels} in eight bits, a file of ${mb(bytes.length)} MB; Node ${process.version}; MB are 10^6 bytes\n`,
    );
    console.log("                              resident    peak   of resident   engine memory   loaded in ms");
    for (const [beside, location, what] of [
      ["nothing", path, "file"],
      ["fetch", url, "HTTP"],
    ] as const) {
      const bare = await footprint(beside, location);
      console.log(
        `${what}: ${beside === "fetch" ? "fetched, nothing kept" : "bare runtime"}`.padEnd(30) + mb(bare.resident, 8) + mb(bare.peak, 8),
      );
      for (const way of ["whole", "stream"] as const) {
        const { resident, peak, session, loadMs } = await footprint(way, location);
        const [kept, most] = [resident - bare.resident, peak - bare.peak];
        const ratio = (most / kept).toFixed(2).padStart(14);
        console.log(
          `  ${way}, beyond that`.padEnd(30) + mb(kept, 8) + mb(most, 8) + ratio + mb(session, 16) + loadMs.toFixed(0).padStart(15),
        );
      }
    }
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  sayRefusals("bench:memory");
  const { values } = flagsOf(import.meta.filename, {
    options: { labels: { type: "string", default: "205443" }, child: { type: "string" }, source: { type: "string", default: "" } },
  });
  const labels = wholeNumber("labels", values.labels, 1);
  if (values.child) console.log(JSON.stringify(await child(values.child as Way, values.source)));
  else await main(labels);
}
