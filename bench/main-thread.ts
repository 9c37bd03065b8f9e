// How long slonn/worker keeps a page's main thread busy: a session is created from a URL and from bytes, then answers queries, while Chromium
// traces the page. What counts is the processor time of each of the main thread's tasks, which does not grow when others use the machine.
//
//   npm run bench:main-thread [-- --queries 500]

import { flagsOf, wholeNumber } from "../examples/flags.ts";
import { projectPath } from "../examples/networks.ts";
import { sayRefusals } from "../examples/say-refusals.ts";
import { openPage } from "./chromium-page.ts";
import { quantile } from "./statistics.ts";

/** One event of Chromium's trace; times in microseconds. */
interface TraceEvent {
  name: string;
  cat: string;
  pid: number;
  tid: number;
  ts: number;
  tdur?: number;
  args: { name?: string };
}

sayRefusals("bench:main-thread");
const { values } = flagsOf(import.meta.filename, { options: { queries: { type: "string", default: "500" } } });
const queries = wholeNumber("queries", values.queries, 1);

const imports = { "slonn/worker": "/build/js/worker.js", "#kernels": "/build/js/engine/kernels.js" };
const page = `<!doctype html><title>main thread</title><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports })}</script><script type="module">
import { createWorkerSession } from "slonn/worker";
const bytes = new Uint8Array(await (await fetch("/model.slonn")).arrayBuffer());
const inputs = Array.from({ length: 100 }, () => Float32Array.from({ length: 784 }, Math.random));
const queries = async (slo) => { for (let i = 0; i < ${queries}; i++) await session.run(inputs[i % 100], slo); };
let session;
globalThis.parts = {
  "a session from a URL": async () => { (await createWorkerSession("/model.slonn")).dispose(); },
  "a session from 5 MB, handed over": async () => { session = await createWorkerSession(bytes, { transfer: true }); },
  "queries": () => queries({ loss: 0.003 }),
  "queries with a signal": () => queries({ dense: true, signal: new AbortController().signal }),
};
// once beforehand, for the code to be compiled, as pages have it after their first seconds
const first = await createWorkerSession("/model.slonn");
for (const input of inputs) await first.run(input, { loss: 0.003 });
first.dispose();
globalThis.isReady = true;
</script>`;

const model = projectPath("examples", "playground", "mnist.slonn");
const { tab, browser, close } = await openPage(page, (path) => (path === "/model.slonn" ? model : projectPath(path)));
try {
  await tab.waitForFunction("globalThis.isReady");
  const parts = await tab.evaluate<string[]>("Object.keys(parts)");
  for (const part of parts) {
    await browser.startTracing(tab, { categories: ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"] });
    await tab.evaluate(`parts[${JSON.stringify(part)}]()`);
    const { traceEvents } = JSON.parse(String(await browser.stopTracing())) as { traceEvents: TraceEvent[] };
    const tasks = mainThreadTasks(traceEvents);
    const sorted = Float64Array.from(tasks).sort();
    const at = (q: number): string => `${quantile(sorted, q).toFixed(2)} ms`;
    console.log(`${part}: ${tasks.length} tasks; processor time of one: median ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}`);
  }
} finally {
  await close();
}

/** Processor milliseconds of each task on the main thread of the page that took most of it. */
function mainThreadTasks(events: readonly TraceEvent[]): number[] {
  const mains = events.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
  const byThread = mains.map(({ pid, tid }) =>
    events.filter((event) => event.pid === pid && event.tid === tid && event.name === "RunTask").map(({ tdur = 0 }) => tdur / 1000),
  );
  const sum = (list: readonly number[]): number => list.reduce((total, ms) => total + ms, 0);
  return byThread.sort((a, b) => sum(b) - sum(a))[0] ?? [];
}
