// benchmark.js suites of the kernels at named shapes, every backend that runs here. They run one after another: good for watching one
// kernel change between two builds. Ratios that are quoted come from bench/race.ts.
//
//   npm run bench:kernels [-- part of a case's name]

import { pathToFileURL } from "node:url";
import Benchmark from "benchmark";
import { flagsOf } from "../examples/flags.ts";
import { sayRefusals } from "../examples/say-refusals.ts";
import { UsageError } from "../src/cli/arguments.ts";
import { type Backend, createEngine } from "../src/engine/engine.ts";
import * as abi from "../src/engine/generated/abi.ts";
import { reserveList } from "../src/engine/list.ts";
import { createMemoryPlan, reserveFloats } from "../src/engine/memory-plan.ts";
import { type Row, reservePlan } from "../src/engine/plan-writer.ts";
import { placeMatrix } from "../src/model/place.ts";
import { normal, type Random, seeded } from "../src/random.ts";
import { chosenScores } from "./chosen-scores.ts";

/** One kernel at one shape, ready to run. */
interface KernelCase {
  name: string;
  run(): void;
}

/** [outputs, inputs]: the layers of the example networks, a wider one, and the wide heads of extreme classification. */
const shapes = {
  "1024x784": [1024, 784],
  "1024x1024": [1024, 1024],
  "4096x784": [4096, 784],
  "4096x4096": [4096, 4096],
  "10x1024": [10, 1024],
  "32768x128": [32768, 128],
} as const;
const shares = [0.01, 0.05, 0.1, 0.2];
const topKs = [
  [1024, 102],
  [4096, 205],
  [16384, 820],
  [262144, 2621],
] as const;

/** The cases of one backend whose name holds `part`; a shape's engine is made when its turn comes, since large ones take hundreds of megabytes. */
async function* kernelCases(backend: Backend, part: string): AsyncGenerator<KernelCase> {
  for (const [shape, [outputs, inputs]] of Object.entries(shapes)) yield* layerCases(backend, shape, outputs, inputs, part);
  for (const [n, k] of topKs) {
    const name = `${backend} top-k, ${k} of ${n}`;
    if (name.includes(part)) yield await topKCase(backend, name, n, k);
  }
}

/** Dense rows and panels; selected rows and panels; active inputs by panels and by columns, all over the same weights. */
async function* layerCases(backend: Backend, shape: string, outputs: number, inputs: number, part: string): AsyncGenerator<KernelCase> {
  const random = seeded(1);
  const memory = createMemoryPlan();
  const weight = new Float32Array(outputs * inputs).map(() => random() - 0.5);
  const matrix = placeMatrix(memory, weight, outputs, inputs);
  const bias = reserveFloats(memory, outputs, new Float32Array(outputs));
  const out = reserveFloats(memory, outputs);
  const full = reserveFloats(memory, inputs, inputOf(inputs, 1, random));
  const plans: { name: string; prepare: number; prepareRows: number; plan: number }[] = [];
  // Rows are written only for the cases asked for: a layout is placed when a row first names it.
  const add = (kernel: string, row: () => Row, prepare: readonly Row[] = []): void => {
    const name = `${backend} ${kernel} ${shape}`;
    if (!name.includes(part)) return;
    plans.push({ name, prepare: reservePlan(memory, prepare), prepareRows: prepare.length, plan: reservePlan(memory, [row()]) });
  };

  add("panels, dense", () => [abi.PANELS, matrix.panels(), bias, full, inputs, matrix.panelCount, out]);

  const everyBlock = reserveList(memory, Math.ceil(inputs / abi.BLOCK));
  const everyInput = reserveList(memory, inputs);
  const found = reserveList(memory, outputs);
  for (const share of shares) {
    const percent = `${share * 100} %`;
    // Chosen by a threshold on scores that are above it for just that share: the activators' own way.
    const rows = reserveList(memory, outputs);
    const rowScores = reserveFloats(memory, outputs, chosenScores(outputs, share, random));
    add(
      `rows, ${percent} selected`,
      () => [abi.ROWS_SELECTED, matrix.rows(), bias, full, matrix.rowStride, everyBlock, rows, found, abi.RELU, { float: 0 }, 0],
      [
        [abi.BLOCKS, full, inputs, everyBlock],
        [abi.THRESHOLD, rowScores, outputs, { float: 0.5 }, { float: 2 }, rows],
      ],
    );

    const panels = reserveList(memory, matrix.panelCount);
    const panelScores = reserveFloats(memory, matrix.panelCount, chosenScores(matrix.panelCount, share, random));
    add(`panels, ${percent} selected`, () => [abi.PANELS_SELECTED, matrix.panels(), bias, everyInput, inputs, panels, out], [
      [abi.COMPACT, full, inputs, everyInput, abi.IDENTITY, { float: 0 }, 0],
      [abi.THRESHOLD, panelScores, matrix.panelCount, { float: 0.5 }, { float: 2 }, panels],
    ]);

    const sparse = reserveFloats(memory, inputs, inputOf(inputs, share, random));
    const active = reserveList(memory, inputs);
    const compact: Row = [abi.COMPACT, sparse, inputs, active, abi.IDENTITY, { float: 0 }, 0];
    add(`panels, ${percent} of inputs active`, () => [abi.PANELS_ACTIVE, matrix.panels(), bias, active, inputs, matrix.panelCount, out], [
      compact,
    ]);
    add(`columns, ${percent} of inputs active`, () => [abi.COLUMNS, matrix.columns(), bias, active, matrix.columnStride, outputs, out], [
      compact,
    ]);
  }

  if (plans.length === 0) return;
  const engine = await memory.create({ backend });
  for (const { name, prepare, prepareRows, plan } of plans)
    yield {
      name,
      run: readied(
        () => engine.execute(prepare, 0, prepareRows),
        () => engine.execute(plan, 0, 1),
      ),
    };
}

async function topKCase(backend: Backend, name: string, n: number, k: number): Promise<KernelCase> {
  const memory = createMemoryPlan();
  const random = seeded(1);
  const values = new Float32Array(n).map(() => normal(random));
  const scores = reserveFloats(memory, n, values);
  const list = reserveList(memory, k);
  const scratch = memory.reserve(Math.max(k, 2048) * 4);
  const plan = reservePlan(memory, [[abi.TOP_K, scores, n, k, list, scratch]]);
  const engine = await memory.create({ backend });
  return { name, run: () => engine.execute(plan, 0, 1) };
}

/** Runs `prepare` before the first run only: cases of one shape share memory and each needs lists of its own filled. */
function readied(prepare: () => void, run: () => void): () => void {
  let isReady = false;
  return () => {
    if (!isReady) {
      prepare();
      isReady = true;
    }
    run();
  };
}

/** `share` of the numbers, at least one, are not 0. */
function inputOf(n: number, share: number, random: Random): Float32Array {
  return chosenScores(n, share, random).map((chosen) => chosen * (random() + 0.1));
}

/**
 * Runs every case whose name holds `part`, printing a line each.
 * @throws UsageError where none does
 */
export async function runKernels(part: string, log: (line: string) => void): Promise<void> {
  const fastest = (await createEngine(1024)).backend;
  const backends: Backend[] = fastest === "relaxed" ? ["relaxed", "simd"] : [fastest];
  let ran = 0;
  for (const backend of backends)
    for await (const { name, run } of kernelCases(backend, part)) {
      ran++;
      const bench = new Benchmark(name, run);
      bench.run();
      // benchmark keeps what a case throws instead of passing it on.
      if (bench.error) throw bench.error;
      const { mean, rme } = bench.stats;
      log(`${name.padEnd(54)} ${(mean * 1e6).toFixed(2).padStart(10)} µs  ±${rme.toFixed(1)} %`);
    }
  if (ran === 0) throw new UsageError(`got ${JSON.stringify(part)}, expected part of a case's name, such as "panels" or "1024x784"`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  sayRefusals("bench:kernels");
  const { positionals } = flagsOf(import.meta.filename, { allowPositionals: true });
  await runKernels(positionals.join(" "), console.log);
}
