import { expect, test } from "vitest";
import { runBundled } from "./bundled.ts";

/** A calibrated model of three layers with levels of one rung and of several, and inputs of every form. */
const setUp = `
import { createSession } from "slonn";
import { calibrate } from "slonn/calibrate";
import { compressed, madeUpModel, madeUpRows } from "made-up";
const rows = madeUpRows(1200, 40, 1);
const model = await calibrate(madeUpModel([40, 96, 64, 10], 2), { rows, maxLoss: 0.05, cost: "macs" });
// the system's clock hands out a new number on the heap at every look; this one does not, so what is left is our own
const time = new Float64Array(1);
const clock = { now: () => (time[0] += 0.0007) };
const session = await createSession(model, { clock, latencyProfile: { levels: model.calibration.ladder.levels.map(() => ({ p50: 1, p90: 1, p99: 1 })) } });
// cores get lost so often that nothing fits nine in ten of these deadlines, which is no reason to refuse them
const losing = await createSession(model, { clock, load: { stretch: 1, lostPerMs: 5 }, latencyProfile: { levels: model.calibration.ladder.levels.map(() => ({ p50: 1, p90: 1, p99: 1 })) } });
const dense = Array.from({ length: 64 }, (_, r) => rows.data.slice(r * 40, (r + 1) * 40));
const lists = dense.map((x) => [...x]);
const { indptr, indices, values } = compressed(rows);
const sparse = dense.map((_, r) => ({ indices: indices.slice(indptr[r], indptr[r + 1]), values: values.slice(indptr[r], indptr[r + 1]) }));
/** A wide output, ranked, behind a first layer of so many inputs that they come as a list. */
const wideSession = async (inputs) => {
  const plain = madeUpModel([inputs, 24, 300], 3);
  const screen = (nodes) => ({ layers: [{ kind: "exact" }, { kind: "ranked", activator: "screen", variant: 8, unit: "node", by: "top-k", amount: nodes / 300 }] });
  const level = (rungs, mean, loss) => ({ rungs, cost: { macs: { mean, p99: mean, max: mean }, bytes: mean, nodes: [1, 1] }, observed: { agreement: 1, accuracy: 1, loss }, certificates: [{ kind: "loss", bound: loss, confidence: 0.95, samples: 1000 }] });
  const every = { layers: [{ kind: "dense" }, { kind: "dense" }] };
  const ladder = { version: 1, metric: "accuracy", promise: { kind: "loss", bound: 0.05, confidence: 0.95 }, levels: [level([{ ...screen(12), margin: 0.5 }, screen(60)], 100, 0.05), level([every], 1000, 0)] };
  return createSession({ ...plain, calibration: { ladder, tensors: new Map() } }, { clock });
};
const best = { indices: new Uint32Array(5), scores: new Float32Array(5) };
const unsorted = sparse.map(({ indices, values }) => ({ indices: Uint32Array.from(indices).reverse(), values: Float32Array.from(values).reverse() }));
const slos = { promise: undefined, dense: { dense: true }, agreement: { agreement: 0.9 }, deadline: { latencyMs: 5.5, loss: 0.01 }, tight: { latencyMs: 0.0051 }, nodes: { nodes: 0.1 }, maybe: { loss: 0.01, operations: undefined, signal: undefined } };
const out = new Float32Array(10);
`;

test("runInto allocates nothing, whatever the input and the SLO", async () => {
  const measured = (await runBundled(
    `${setUp}
import { getHeapStatistics } from "node:v8";
import { PerformanceObserver } from "node:perf_hooks";
const calls = 100_000;
let kept = null;
/** Bytes the JavaScript heap grows by in \`calls\` calls, once the code is compiled. */
function grown(call, rounds = 3) {
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    globalThis.gc(); // which may have some of the code compiled anew
    for (let i = 0; i < 10_000; i++) call(i);
    const before = getHeapStatistics().used_heap_size;
    for (let i = 0; i < calls; i++) call(i);
    least = Math.min(least, getHeapStatistics().used_heap_size - before);
  }
  return least;
}
let collections = 0; // beside those asked for
new PerformanceObserver((list) => { for (const { detail } of list.getEntries()) if (!(detail.flags & 4)) collections++; }).observe({ entryTypes: ["gc"] });
const result = {};
for (const [name, slo] of Object.entries(slos)) result[name] = grown((i) => session.runInto(dense[i & 63], out, slo));
const refusing = { latencyMs: 2.5, late: "refuse" };
result.refusing = grown((i) => losing.runInto(dense[i & 63], out, refusing));
result.sparse = grown((i) => session.runInto(sparse[i & 63], out));
result.lists = grown((i) => session.runInto(lists[i & 63], out));
for (const inputs of [40, 9000]) {
  const wide = await wideSession(inputs);
  result["best of " + inputs] = grown((i) => wide.runInto(sparse[i & 63], best));
  result["best of unsorted " + inputs] = grown((i) => wide.runInto(unsorted[i & 63], best));
  result["best of all of " + inputs] = grown((i) => wide.runInto(sparse[i & 63], best, slos.dense));
}
const planted = { plantedObject: grown((i) => { session.runInto(dense[i & 63], out); kept = { i }; }, 1), plantedRun: grown((i) => { kept = session.run(dense[i & 63]).report; }, 1) };
await new Promise((resolve) => setTimeout(resolve, 20));
console.log(JSON.stringify({ result, planted, collections, levels: model.calibration.ladder.levels.length, gaveUp: losing.run(dense[0], refusing).report.plan.gaveUp }));
`,
    // young objects stay where they are until the collector is called: what was allocated shows in full
    ["--expose-gc", "--single-threaded", "--min-semi-space-size=256", "--max-semi-space-size=256"],
  )) as { result: Record<string, number>; planted: Record<string, number>; collections: number; levels: number; gaveUp: string[] };
  // the smallest object would take 16 bytes a call; a page of 256 kB may count as used once anything at all lies in it
  for (const [name, bytes] of Object.entries(measured.result)) expect(bytes, name).toBeLessThan(100_000 * 4);
  expect(measured.collections).toBe(0);
  expect(measured.gaveUp).toEqual(["latency=2.5ms"]);
  for (const [name, bytes] of Object.entries(measured.planted)) expect(bytes, name).toBeGreaterThan(100_000 * 16);
}, 240_000);

test("a deadline that was never asked before allocates little: its decision is an object like all others", async () => {
  const bytes = (await runBundled(
    `${setUp}
import { getHeapStatistics } from "node:v8";
const slo = { latencyMs: 5, loss: 0.01 };
const ask = (calls) => { for (let i = 0; i < calls; i++, slo.latencyMs++) session.runInto(dense[i & 63], out, slo); };
ask(20_000);
globalThis.gc();
ask(1_000);
const before = getHeapStatistics().used_heap_size;
ask(2_000);
console.log(JSON.stringify((getHeapStatistics().used_heap_size - before) / 2_000));
`,
    ["--expose-gc", "--single-threaded", "--min-semi-space-size=256", "--max-semi-space-size=256"],
  )) as number;
  // 4 kB, and twice that where every decision has a hidden class of its own
  expect(bytes).toBeGreaterThan(500);
  expect(bytes).toBeLessThan(6_000);
}, 240_000);

test("a disposed session's memory goes", async () => {
  const { peakMb, bytes } = (await runBundled(
    `
import { createSession } from "slonn";
import { madeUpModel } from "made-up";
const model = madeUpModel([1024, 4096, 256, 10], 3);
let bytes = 0;
let peak = 0;
const disposed = [];
for (let i = 0; i < 50; i++) {
  const session = await createSession(model);
  bytes = session.memoryBytes;
  session.run(new Float32Array(1024).fill(1), { exact: true });
  session.dispose();
  disposed.push(session);
  globalThis.gc();
  await new Promise((resolve) => setTimeout(resolve));
  peak = Math.max(peak, process.memoryUsage().external + process.memoryUsage().arrayBuffers, process.memoryUsage().rss);
}
console.log(JSON.stringify({ peakMb: peak / 2 ** 20, bytes }));
`,
    ["--expose-gc"],
  )) as { peakMb: number; bytes: number };
  // fifty sessions of 20 MB each, of which only the objects themselves are kept
  expect(bytes).toBeGreaterThan(20 * 2 ** 20);
  expect(peakMb).toBeLessThan(600);
});

/** A tenth of the head that 40 MB are promised for: bytes it may take, with a margin for whole pages of memory. */
const labels = 20_544;
const mostBytes = 4_000_000 + 65_536;

test.each(["whole", "stream"])("a wide head in eight bits, loaded %s, lies in memory once, with all that its levels need", async (way) => {
  const measured = (await runBundled(
    `
import { writeFileSync } from "node:fs";
import { createSession, loadModel } from "slonn";
import { encodeModel } from "slonn/calibrate";
import { footprintModel } from "memory-model";
const path = new URL("head.slonn", import.meta.url);
const stream = ${way === "stream"};
const settle = async () => {
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
writeFileSync(path, encodeModel(footprintModel(${labels})));
await settle();
const before = process.memoryUsage().arrayBuffers;
const outside = process.memoryUsage().external;
let most = 0;
const watch = () => { most = Math.max(most, process.memoryUsage().arrayBuffers - before); };
let kept;
async function create() {
  const model = await loadModel(path, { stream, onProgress: watch });
  kept = new WeakRef(model.layers[0].bias);
  const session = await createSession(model);
  watch();
  return session;
}
const session = await create();
for (const slo of [{ dense: true }, { exact: true }, { operations: 1 }]) session.run(new Float32Array(128).fill(0.5), slo);
await settle();
const { external, arrayBuffers } = process.memoryUsage();
console.log(JSON.stringify({
  memoryBytes: session.memoryBytes,
  mostArrays: most,
  arraysLeft: arrayBuffers - before,
  external: external - outside,
  modelKept: kept.deref() !== undefined,
}));
`,
    ["--expose-gc"],
  )) as { memoryBytes: number; mostArrays: number; arraysLeft: number; external: number; modelKept: boolean };
  const weights = labels * 128;
  expect(measured.memoryBytes).toBeGreaterThan(weights);
  expect(measured.memoryBytes).toBeLessThan(mostBytes);
  expect(measured.modelKept).toBe(false);
  expect(measured.arraysLeft).toBeLessThan(weights / 50);
  // the engine's memory, and little beside it: the compiled kernels' bytes
  expect(measured.external).toBeLessThan(mostBytes + 100_000);
  // beside the engine: what is small, a chunk of the file, a block of rows; whole, the file's content
  if (way === "stream") expect(measured.mostArrays).toBeLessThan(weights / 3);
  else expect(measured.mostArrays).toBeLessThan(1.5 * weights);
});
