// Whether memory stays flat: a thousand sessions made, asked and disposed, then a million queries on one, in Node and in Chromium. Measured
// after garbage went: the resident memory of the process, engine and code included, and its JavaScript heap. Draws docs/images/memory.svg,
// with other numbers than these build/memory.svg.
//
//   npm run bench:leaks [-- --cycles 1000 --queries 1000000]
//
// Linux only: resident memory is VmRSS of /proc.

import { fork } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { flagsOf, wholeNumber } from "../examples/flags.ts";
import { loadNetwork, projectPath } from "../examples/networks.ts";
import { sayRefusals } from "../examples/say-refusals.ts";
import { openPage } from "./chromium-page.ts";
import { drawMemory, type Line, type Sample } from "./leaks/drawing.ts";
import { writeWhole } from "./write-files.ts";

type Step = "cycles" | "queries";

/** A runtime that takes steps and says what its heap holds then. */
interface Runtime {
  name: string;
  step(step: Step, count: number): Promise<number>;
  residentBytes(): number;
  end(): Promise<void>;
}

const samples = 50;
const usual: Record<Step, number> = { cycles: 1000, queries: 1_000_000 };
sayRefusals("bench:leaks");
const { values } = flagsOf(import.meta.filename, {
  options: { cycles: { type: "string", default: `${usual.cycles}` }, queries: { type: "string", default: `${usual.queries}` } },
});
const counts: Record<Step, number> = {
  cycles: wholeNumber("cycles", values.cycles, 1),
  queries: wholeNumber("queries", values.queries, 1),
};
/** The committed drawing shows what docs/runtimes.md says of it: a shorter look leaves it alone. */
const isUsual = counts.cycles === usual.cycles && counts.queries === usual.queries;
const drawing = isUsual ? projectPath("docs", "images", "memory.svg") : projectPath("build", "memory.svg");

const folder = mkdtempSync(join(tmpdir(), "slonn-leaks-"));
const modules = join(folder, "node_modules", "slonn");
mkdirSync(join(modules, "build"), { recursive: true });
for (const part of ["package.json", "build/js"]) cpSync(projectPath(part), join(modules, part), { recursive: true });
cpSync(projectPath("bench", "leaks", "program.js"), join(folder, "program.js"));
cpSync(projectPath("examples", "playground", "mnist.slonn"), join(folder, "model.slonn"));
const { test } = await loadNetwork("mnist");
writeFileSync(join(folder, "images.bin"), new Uint8Array((test.rows as { data: Float32Array }).data.slice(0, 784 * 100).buffer));
writeFileSync(join(folder, "package.json"), '{"type":"module"}');

function resident(pid: number): number {
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

async function startNode(): Promise<Runtime> {
  writeFileSync(
    join(folder, "node.mjs"),
    `import { readFileSync } from "node:fs";
import { createSteps } from "./program.js";
const floats = new Float32Array(new Uint8Array(readFileSync("images.bin")).buffer);
const steps = await createSteps(readFileSync("model.slonn"), floats, () => process.memoryUsage().heapUsed);
process.on("message", async ({ step, count }) => process.send(await steps[step](count)));
process.send("ready");`,
  );
  const child = fork(join(folder, "node.mjs"), { cwd: folder, execArgv: ["--expose-gc"] });
  const ended = new Promise<never>((_, reject) => child.once("exit", (code) => reject(new Error(`Node: ended with ${code}`))));
  ended.catch(() => {}); // at the end of the bench it ends
  const next = (): Promise<number> =>
    Promise.race([ended, new Promise<number>((resolve) => child.once("message", (value) => resolve(Number(value))))]);
  await next();
  return {
    name: `Node ${process.versions.node.split(".")[0]}`,
    step: (step, count) => {
      const answer = next();
      child.send({ step, count });
      return answer;
    },
    residentBytes: () => resident(child.pid as number),
    end: async () => void child.kill(),
  };
}

async function startChromium(): Promise<Runtime> {
  const args = ["--enable-precise-memory-info", "--js-flags=--expose-gc"];
  const { tab, browser, close } = await openPage(page, (path) => join(folder, path), args);
  await tab.waitForFunction("globalThis.steps");
  const pid = rendererPid();
  return {
    name: `Chromium ${browser.version().split(".")[0]}`,
    step: (step, count) => tab.evaluate(`steps.${step}(${count})`),
    residentBytes: () => resident(pid),
    end: close,
  };
}

const page = `<!doctype html><title>leaks</title><link rel="icon" href="data:,"><script type="importmap">${JSON.stringify({
  imports: { slonn: "/node_modules/slonn/build/js/index.js", "#kernels": "/node_modules/slonn/build/js/engine/kernels.js" },
})}</script><script type="module">
import { createSteps } from "/program.js";
const bytes = async (path) => (await fetch(path)).arrayBuffer();
const images = new Float32Array(await bytes("/images.bin"));
globalThis.steps = await createSteps(await bytes("/model.slonn"), images, () => performance.memory.usedJSHeapSize);
</script>`;

/** The process that runs the page: the largest renderer below this process. */
function rendererPid(): number {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const parents = new Map<number, number>();
  const renderers: number[] = [];
  for (const pid of pids)
    try {
      parents.set(Number(pid), Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]));
      if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--type=renderer")) renderers.push(Number(pid));
    } catch {
      // it has ended meanwhile
    }
  const isOurs = (pid: number | undefined): boolean => pid === process.pid || (pid !== undefined && pid > 1 && isOurs(parents.get(pid)));
  const [largest] = renderers.filter((pid) => isOurs(pid)).sort((a, b) => resident(b) - resident(a));
  if (largest === undefined) throw new Error("Chromium: got no renderer below this process");
  return largest;
}

async function follow(runtime: Runtime, step: Step): Promise<Sample[]> {
  const each = Math.ceil(counts[step] / samples);
  await runtime.step(step, each); // code is compiled, pools are filled
  const taken: Sample[] = [];
  for (let done = 0; done < counts[step]; done += each) {
    const heap = await runtime.step(step, each);
    taken.push({ at: done + each, heap, resident: runtime.residentBytes() });
  }
  return taken;
}

const lines: Line[] = [];
try {
  for (const start of [startNode, startChromium]) {
    const runtime = await start();
    for (const step of ["cycles", "queries"] as const) {
      const taken = await follow(runtime, step);
      lines.push({ name: runtime.name, step, samples: taken });
      await writeWhole(drawing, drawMemory(lines));
      const [first, last] = [taken[Math.floor(taken.length / 5)], taken[taken.length - 1]];
      const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)} MB`;
      const most = Math.max(...taken.map(({ resident: bytes }) => bytes));
      console.log(
        `${runtime.name}, ${counts[step].toLocaleString("en")} ${step}: from a fifth to the end heap ${mb(first.heap)} → ${mb(last.heap)}, ` +
          `resident ${mb(first.resident)} → ${mb(last.resident)}, at most ${mb(most)}`,
      );
    }
    await runtime.end();
  }
  console.log(drawing);
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
