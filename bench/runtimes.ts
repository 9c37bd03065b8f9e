// The same network, queries and kernels in every runtime, taking turns: Node, Deno, Bun, workerd, Chromium, Firefox, and onnxruntime-web where it
// runs. Every runtime is a program of its own that waits for its next block of queries, so that one computes at a time and whatever the
// machine does falls on all of them.
//
//   npm run bench:runtimes [-- --rounds 60 --queries 200 --output build/runtimes.json]
//
// Times are a block's, divided by its queries: browsers' clocks are too coarse for single ones.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { flagsOf, wholeNumber } from "../examples/flags.ts";
import { loadNetwork, projectPath } from "../examples/networks.ts";
import { sayRefusals } from "../examples/say-refusals.ts";
import { machineOf } from "./machine.ts";
import { ensurePeers, peersFolder } from "./peers/install.ts";
import { writeOnnx } from "./peers/write-onnx.ts";
import { available, prepare, start, startWorkerd } from "./runtimes/start.ts";
import { median, quantile } from "./statistics.ts";
import { writeWhole } from "./write-files.ts";

interface Block {
  way: string;
  settle: number;
  count: number;
}

/** A runtime that is up: which ways it has (null) or why not (a message), and how to have it answer a block. */
interface Lane {
  name: string;
  ways: Record<string, string | null>;
  time(block: Block): Promise<number>;
}

const patienceMs = 600_000;
const images = 200;
/** Queries at the start of a block that are not counted: 2 ms of the fastest way, for what the runtimes before it left of the caches. */
const settle = 250;
/** What ratios are to. */
const reference = "Node 24";

sayRefusals("bench:runtimes");
const { values } = flagsOf(import.meta.filename, {
  options: {
    rounds: { type: "string", default: "60" },
    queries: { type: "string", default: "200" },
    output: { type: "string", default: projectPath("build", "runtimes.json") },
  },
});
const rounds = wholeNumber("rounds", values.rounds, 1);
const count = wholeNumber("queries", values.queries, 1);
const log = (text: string): void => void process.stderr.write(`${text}\n`);

await ensurePeers(log);
const folder = mkdtempSync(join(tmpdir(), "slonn-bench-runtimes-"));
prepare(folder);
const { model, test } = await loadNetwork("mnist");
const rows = test.rows as { data: Float32Array };
const served: Record<string, Uint8Array> = {
  "/model.slonn": readFileSync(projectPath("examples", "playground", "mnist.slonn")),
  "/model.onnx": writeOnnx(model),
  "/images.bin": new Uint8Array(rows.data.slice(0, 784 * images).buffer),
};
for (const name of ["model.slonn", "images.bin"]) writeFileSync(join(folder, name), served[`/${name}`]);

/** Resolvers by runtime and by what is waited for: its next question, its word that it is ready, its result. */
const waiting = new Map<string, (value: unknown) => void>();
const arrived = new Map<string, unknown>();
function wait<T>(name: string, what: string): Promise<T> {
  const key = `${what} ${name}`;
  return new Promise((resolve, reject) => {
    if (arrived.has(key)) {
      resolve(arrived.get(key) as T);
      arrived.delete(key);
      return;
    }
    const timer = setTimeout(() => reject(new Error(`${name}: got no ${what} within ${patienceMs / 1000} s`)), patienceMs);
    waiting.set(key, (value) => {
      clearTimeout(timer);
      waiting.delete(key);
      resolve(value as T);
    });
  });
}
function deliver(name: string, what: string, value: unknown): void {
  const key = `${what} ${name}`;
  const resolve = waiting.get(key);
  if (resolve) resolve(value);
  else arrived.set(key, value);
}

const server = createServer((request, response) => void answer(request, response));
server.keepAliveTimeout = 0; // a runtime that computes for long asks again on the same connection
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://localhost:${(server.address() as AddressInfo).port}`;

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", origin);
  const name = searchParams.get("runtime") ?? "";
  const send = (type: string, body: string | Uint8Array): void => {
    // isolated pages get finer clocks
    response.writeHead(200, {
      "content-type": type,
      "cache-control": "no-store",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    response.end(body);
  };
  if (pathname === "/next") return deliver(name, "question", (block: object) => send("application/json", JSON.stringify(block)));
  if (pathname === "/ready" || pathname === "/took") {
    let text = "";
    for await (const chunk of request) text += chunk;
    send("application/json", "{}");
    return deliver(name, pathname.slice(1), JSON.parse(text));
  }
  if (pathname in served) return send("application/octet-stream", served[pathname]);
  if (pathname === "/page") return send("text/html", page(name));
  const [, root, path] = /^\/(node_modules|ort)\/([\w./-]+)$/.exec(pathname) ?? [];
  if (pathname === "/program.js") return send("text/javascript", readFileSync(join(folder, "program.js")));
  const file =
    root === "ort"
      ? join(peersFolder(), "node_modules", "onnxruntime-web", "dist", path)
      : root && !path.includes("..")
        ? join(folder, root, path)
        : null;
  if (!file) return void response.writeHead(404).end();
  send(file.endsWith(".wasm") ? "application/wasm" : "text/javascript", readFileSync(file));
}

function page(name: string): string {
  const package_ = "/node_modules/slonn/build/js";
  const imports = {
    slonn: `${package_}/index.js`,
    "#kernels": `${package_}/engine/kernels.js`,
    "onnxruntime-web/wasm": "/ort/ort.wasm.min.mjs",
  };
  return `<!doctype html><title>bench</title><script type="importmap">${JSON.stringify({ imports })}</script><script type="module">
import { serveBlocks } from "/program.js";
serveBlocks(${JSON.stringify(name)}, location.origin, location.origin + "/ort/");
</script>`;
}

const ending: (() => unknown)[] = [];
const lanes: Lane[] = [];
try {
  for (const name of available()) {
    log(`starting ${name}`);
    const { said, end } = await start(name, folder, origin);
    ending.push(end);
    const ways = await wait<Lane["ways"]>(name, "ready").catch((error) => {
      throw new Error(`${error.message}\n${said.join("").slice(-2000)}`);
    });
    lanes.push({
      name,
      ways,
      async time(block) {
        const ask = await wait<(block: object) => void>(name, "question");
        const took = wait<{ ms: number }>(name, "took");
        ask(block);
        return (await took).ms;
      },
    });
  }
  log("starting workerd");
  const workerd = await startWorkerd(folder);
  ending.push(workerd.end);
  lanes.push({
    name: "workerd",
    ways: (await workerd.ask({})) as Lane["ways"],
    time: async (block) => ((await workerd.ask(block)) as { ms: number }).ms,
  });
  await report(await measure());
} finally {
  for (const end of ending) await end();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Microseconds a query of every block, by way and runtime. */
async function measure(): Promise<Map<string, Map<string, number[]>>> {
  const ways = [...new Set(lanes.flatMap((lane) => Object.keys(lane.ways)))].filter((way) => !way.startsWith("js"));
  const times = new Map(ways.map((way) => [way, new Map<string, number[]>()]));
  for (let round = -3; round < rounds; round++) {
    if (round % 10 === 0) log(`round ${round} of ${rounds}`);
    for (const way of ways)
      for (let i = 0; i < lanes.length; i++) {
        const lane = lanes[(i + Math.max(0, round)) % lanes.length];
        if (lane.ways[way] !== null) continue;
        const ms = await lane.time({ way, settle, count: round < 0 ? 5 * count : count });
        if (round < 0) continue; // for the runtimes' compilers
        const lists = times.get(way) as Map<string, number[]>;
        lists.set(lane.name, [...(lists.get(lane.name) ?? []), (1000 * ms) / count]);
      }
  }
  return times;
}

async function report(times: Map<string, Map<string, number[]>>): Promise<void> {
  const ways = [...times.keys()];
  const result = lanes.map(({ name, ways: given }) => ({
    runtime: name,
    ways: Object.fromEntries(
      ways.map((way) => {
        const blocks = times.get(way)?.get(name);
        if (!blocks) return [way, { missing: given[way] ?? "not tried" }];
        const sorted = blocks.slice().sort((a, b) => a - b);
        const own = times.get(way)?.get(reference);
        const ratios = own ? Float64Array.from(blocks, (us, i) => us / own[i]) : null;
        return [way, { us: quantile(sorted, 0.5), us25: quantile(sorted, 0.25), ratio: ratios ? median(ratios) : null }];
      }),
    ),
  }));
  const document = {
    command: `npm run bench:runtimes -- --rounds ${rounds} --queries ${count}`,
    machine: { cpu: machineOf().cpu },
    reference,
    runtimes: result,
  };
  await writeWhole(values.output, `${JSON.stringify(document, null, 2)}\n`);
  const cell = (found: { us?: number; ratio?: number | null }): string =>
    found.us === undefined ? "–" : `${found.us.toFixed(1)}${found.ratio ? ` (${found.ratio.toFixed(2)})` : ""}`;
  const lines = [
    ["µs a query (× Node 24's)", ...ways],
    ["---", ...ways.map(() => "---:")],
    ...result.map(({ runtime, ways: found }) => [runtime, ...ways.map((way) => cell(found[way]))]),
  ];
  console.log(lines.map((line) => `| ${line.join(" | ")} |`).join("\n"));
  for (const { runtime, ways: found } of result)
    for (const [way, { missing }] of Object.entries(found) as [string, { missing?: string }][])
      if (missing) console.log(`${runtime}, ${way}: ${missing}`);
}
