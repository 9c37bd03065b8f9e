// The Worker that holds a network: it answers every query twice, under the objective and densely, and says which nodes it computed.

import { createSession, loadModel, type Output, type Report, type Session, type Slo } from "slonn";
import type { Answered, Query, Question, Reply, Subject } from "./messages.ts";

interface Loaded {
  session: Session;
  widths: number[];
  tests: { query: Query; labels: number[] }[];
}

/** A network's names and test rows, as served. */
interface Described {
  names: string[];
  words: string[];
  tests: { at: number[]; labels: number[] }[];
}

const post = (reply: Reply): void => (postMessage as (message: unknown) => void)(reply);
const dense: Slo = { dense: true };
let loaded: Loaded | null = null;
/** Objectives by their text: a session remembers what it planned for an object. */
const objectives = new Map<string, Slo>();

async function load(subject: Subject): Promise<void> {
  const onProgress = (bytes: number, total: number | null): void => post({ kind: "loading", share: total ? bytes / total : 0 });
  const model = await loadModel(new URL(`${subject}.slonn`, location.href), { onProgress, stream: true });
  const session = await createSession(model);
  const { names, words, tests }: Described = await (await fetch(`${subject}.json`)).json();
  const pixels = subject === "digits" ? new Uint8Array(await (await fetch("digits.bin")).arrayBuffer()) : null;
  const widths = model.layers.map(({ outputs }) => outputs);
  loaded?.session.dispose();
  loaded = {
    session,
    widths,
    tests: tests.map(({ at, labels }, i) => ({
      labels,
      query: pixels ? Float32Array.from(pixels.subarray(784 * i, 784 * (i + 1)), (pixel) => pixel / 255) : bag(at),
    })),
  };
  const { ladder } = (model.calibration ?? { ladder: null }) as { ladder: { promise?: { bound: number } } | null };
  const { backend, backendReason, levels } = session;
  // so that the first deadline is not the one that measures
  session.measureLatency(loaded.tests.slice(0, 16).map(({ query }) => query));
  post({
    kind: "loaded",
    widths: [model.layers[0].inputs, ...widths],
    backend,
    reason: backendReason,
    levels: levels.length,
    promise: ladder?.promise?.bound ?? null,
    names,
    words,
  });
}

function bag(at: number[]): Query {
  return { indices: Uint32Array.from(at), values: new Float32Array(at.length).fill(1 / Math.sqrt(at.length)) };
}

/** An objective as the object first seen with its text. */
function known(slo: Slo): Slo {
  const text = JSON.stringify(slo);
  const found = objectives.get(text) ?? slo;
  objectives.set(text, found);
  return found;
}

function shares(output: Output, count: number): Answered["best"] {
  const best = output.top(count);
  const sum = output.scores.reduce((total, score) => total + Math.exp(score - best[0].score), 0);
  return best.map(({ index, score }) => ({ index, share: Math.exp(score - best[0].score) / sum }));
}

let isDenseFirst = false;

/** Both ways, taking turns in going first: the first of the two finds less in the caches. */
function ask({ session, widths }: Loaded, query: Query, slo: Slo): void {
  isDenseFirst = !isDenseFirst;
  const early = isDenseFirst ? timed(session, query, dense) : null;
  const asked = timed(session, query, slo);
  const active = widths.map((_, layer) => session.activeNodes(layer));
  const full = early ?? timed(session, query, dense);
  const { plan } = asked.report;
  post({
    kind: "answer",
    asked: asked.answered,
    dense: full.answered,
    active,
    level: plan.level,
    why: plan.reason,
    gaveUp: plan.gaveUp,
    stretch: session.load().stretch,
  });
}

function timed(session: Session, query: Query, slo: Slo): { answered: Answered; report: Report } {
  const began = performance.now();
  const { output, report } = session.run(query, slo);
  const ms = performance.now() - began;
  return { answered: { best: shares(output, 5), ms, macs: report.macs }, report };
}

function examine({ session, tests }: Loaded, slo: Slo): void {
  let same = 0;
  const right = { asked: 0, dense: 0 };
  for (const { query, labels } of tests) {
    const [asked] = session.run(query, slo).output.top(1);
    const [full] = session.run(query, dense).output.top(1);
    if (asked.index === full.index) same++;
    if (labels.includes(asked.index)) right.asked++;
    if (labels.includes(full.index)) right.dense++;
  }
  post({ kind: "examined", rows: tests.length, right, same });
}

addEventListener("message", ({ data }: MessageEvent<Question>) => {
  const failed = (error: unknown): void => post({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  if (data.kind === "load") load(data.subject).catch(failed);
  else if (loaded)
    try {
      if (data.kind === "ask") ask(loaded, data.query, known(data.slo));
      else examine(loaded, known(data.slo));
    } catch (error) {
      failed(error);
    }
});
