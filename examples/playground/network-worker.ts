// The Worker that holds a network: it answers one input and says which nodes that took, and it answers test rows both ways, under the
// objective and densely.

import { createSession, loadModel, type Session, type Slo } from "slonn";
import type { Finish, Guess, Query, Question, Raced, Reply, Subject } from "./messages.ts";

interface TestRow {
  query: Query;
  labels: number[];
}

interface Loaded {
  session: Session;
  /** Inputs of the first layer, then outputs of every layer. */
  widths: number[];
  tests: TestRow[];
}

/** A network's names and test rows, as served. */
interface Described {
  names: string[];
  words: string[];
  tests: { at: number[]; labels: number[] }[];
}

const post = (reply: Reply): void => (postMessage as (message: unknown) => void)(reply);
const dense: Slo = { dense: true };
const rowsAtOnce = 16;
let loaded: Loaded | null = null;
let nextRow = 0;
let isDenseFirst = false;

async function load(subject: Subject): Promise<void> {
  const onProgress = (bytes: number, total: number | null): void => post({ kind: "loading", share: total ? bytes / total : 0 });
  const model = await loadModel(new URL(`${subject}.slonn`, location.href), { onProgress, stream: true });
  const session = await createSession(model);
  const { names, words, tests: described }: Described = await (await fetched(`${subject}.json`)).json();
  const pixels = subject === "digits" ? new Uint8Array(await (await fetched("digits.bin")).arrayBuffer()) : null;
  const tests = described.map(({ at, labels }, i) => ({ labels, query: pixels ? image(pixels, i) : bag(at) }));
  const widths = [model.layers[0].inputs, ...model.layers.map(({ outputs }) => outputs)];
  // measured here so that the first deadline asked for is not the one that waits for it
  session.measureLatency(tests.slice(0, 16).map(({ query }) => query));
  loaded = { session, widths, tests };
  const { backend, backendReason: reason, levels } = session;
  post({ kind: "loaded", widths, backend, reason, levels: levels.length, tickMs: clockTick(), rows: tests.length, names, words });
}

async function fetched(path: string): Promise<Response> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: got status ${response.status}, expected 200`);
  return response;
}

function image(pixels: Uint8Array, i: number): Float32Array {
  return Float32Array.from(pixels.subarray(784 * i, 784 * (i + 1)), (pixel) => pixel / 255);
}

function bag(at: number[]): Query {
  return { indices: Uint32Array.from(at), values: new Float32Array(at.length).fill(1 / Math.sqrt(at.length)) };
}

/** The least that this runtime's clock moves by. */
function clockTick(): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 20; i++) {
    const before = performance.now();
    let after = before;
    while (after === before) after = performance.now();
    least = Math.min(least, after - before);
  }
  return least;
}

function answer({ session, widths }: Loaded, query: Query, slo: Slo): void {
  const { output, report } = session.run(query, slo);
  const { level, reason: why, certificate, gaveUp } = report.plan;
  const computed = widths.slice(1).map((_, layer) => session.activeNodes(layer));
  const best = output.top(5);
  const sum = output.scores.reduce((total, score) => total + Math.exp(score - best[0].score), 0);
  const guesses: Guess[] = best.map(({ index, score }) => ({ index, share: Math.exp(score - best[0].score) / sum }));
  const active = [nonZeros(query), ...computed];
  const isDense = level === session.levels.length - 1;
  post({
    kind: "answer",
    best: guesses,
    dense: session.run(query, dense).output.top(1)[0].index,
    active,
    isDense,
    why,
    certificate,
    gaveUp,
  });
}

function nonZeros(query: Query): Uint32Array {
  return "indices" in query ? query.indices : Uint32Array.from(query.keys()).filter((i) => query[i] !== 0);
}

/** The two ways answer the same rows, one block after the other, taking turns in going first. */
function race({ session, tests }: Loaded, slo: Slo): void {
  const rows = Array.from({ length: rowsAtOnce }, () => tests[nextRow++ % tests.length]);
  isDenseFirst = !isDenseFirst;
  const early = isDenseFirst ? rows.map((row) => timed(session, row, dense)) : null;
  const asked = rows.map((row) => timed(session, row, slo));
  const full = early ?? rows.map((row) => timed(session, row, dense));
  const raced: Raced[] = asked.map((one, i) => ({ asked: one.finish, dense: full[i].finish, isSame: one.best === full[i].best }));
  post({ kind: "raced", rows: raced, stretch: session.load().stretch });
}

function timed(session: Session, { query, labels }: TestRow, slo: Slo): { best: number; finish: Finish } {
  const began = performance.now();
  const { output, report } = session.run(query, slo);
  const ms = performance.now() - began;
  const best = output.top(1)[0].index;
  return { best, finish: { ms, macs: report.macs, isRight: labels.includes(best) } };
}

addEventListener("message", ({ data }: MessageEvent<Question>) => {
  const failed = (error: unknown): void => post({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  if (data.kind === "load") load(data.subject).catch(failed);
  else if (loaded)
    try {
      if (data.kind === "ask") answer(loaded, data.query, data.slo);
      else race(loaded, data.slo);
    } catch (error) {
      failed(error);
    }
});
