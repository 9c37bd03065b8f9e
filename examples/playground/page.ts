// The playground's page: what is drawn or typed and what is asked go to the network's Worker, what comes back is shown. One question is
// under way at a time, so that no query waits for another.

import type { Slo } from "slonn";
import { bagOf, createVocabulary, type Vocabulary, wordsOf } from "../text.ts";
import { createDigitPad } from "./digit-pad.ts";
import type { Guess, Query, Question, Raced, Reply, Subject } from "./messages.ts";
import { createLayers, type Pictured, showLayers } from "./network-picture.ts";
import { figuresOf, sameShare, timeText, withRows } from "./race-window.ts";
import { drawTimes } from "./time-chart.ts";

const find = <E extends HTMLElement>(selector: string): E => {
  const element = document.querySelector<E>(selector);
  if (!element) throw new Error(`page: got no ${selector}`);
  return element;
};
const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;
const count = (n: number): string => Math.round(n).toLocaleString("en");

/** What the slider offers of each kind, from careful to bold. */
const amounts = {
  loss: [0, 0.0005, 0.001, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1],
  latencyMs: [5, 3, 2, 1, 0.7, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03],
  nodes: [1, 0.5, 0.3, 0.2, 0.1, 0.07, 0.05, 0.03, 0.02],
};
type Kind = keyof typeof amounts;
const amountText: Record<Kind, (amount: number) => string> = {
  loss: (amount) => (amount === 0 ? "no accuracy lost" : `at most ${Number((100 * amount).toFixed(2))} points of it lost`),
  latencyMs: (amount) => `done within ${amount} ms`,
  nodes: (amount) => `at most ${Number((100 * amount).toFixed(1))} % of nodes, where any are left out`,
};
/** Where the slider starts; a deadline starts just above what dense takes here. */
const starts: Record<Kind, () => number> = {
  loss: () => 3,
  latencyMs: () => {
    const idleMs = raced.length > 0 ? figuresOf(raced, "dense", null).p50 : 0.3;
    return Math.max(
      0,
      amounts.latencyMs.findLastIndex((ms) => ms >= 1.3 * idleMs),
    );
  },
  nodes: () => 4,
};

const form = find<HTMLFormElement>("#controls");
const slider = find<HTMLInputElement>("#amount");
const definition = find<HTMLTextAreaElement>("#definition");
const answerText = find("#answer");
const layers = find("#layers");
const mostRaced = 500;
const pauseMs = 80;
const ticksAnInput = 8;

let worker: Worker | null = null;
let loaded: (Reply & { kind: "loaded" }) | null = null;
let vocabulary: Vocabulary = new Map();
let raced: Raced[] = [];
let isWaiting = false;
/** The input or the objective changed since it was last asked. */
let isStale = true;
let isPaused = false;
/** Questions before the last change of what is asked: their rows say nothing of it. */
let isOutdated = false;
let isBusy = false;
let images: Uint8Array | null = null;
let examples = 0;
let ticks = 0;
const busy: Worker[] = [];
const pad = createDigitPad(find<HTMLCanvasElement>("#pad"), () => changed());

const chosen = (name: string): string => String(new FormData(form).get(name));
const subject = (): Subject => chosen("subject") as Subject;
function objective(): { kind: Kind; amount: number; slo: Slo } {
  const kind = chosen("kind") as Kind;
  const amount = amounts[kind][Number(slider.value)];
  return { kind, amount, slo: { [kind]: amount } };
}

function query(): Query | null {
  if (subject() === "digits") return pad.input();
  const typed = wordsOf(definition.value);
  const unknown = [...new Set(typed)].filter((word) => !vocabulary.has(word));
  find("#unknown").textContent = unknown.length > 0 ? `never seen: ${unknown.join(", ")}` : "";
  const bag = bagOf(typed, vocabulary);
  return bag.indices.length > 0 ? { indices: bag.indices, values: bag.values as Float32Array } : null;
}

function send(question: Question): void {
  isWaiting = question.kind !== "load";
  worker?.postMessage(question);
}

function load(): void {
  worker?.terminate();
  loaded = null;
  raced = [];
  isWaiting = false;
  isStale = true;
  isOutdated = false;
  say("Loading the network …");
  forget();
  for (const part of ["digits", "words"] as const) find(`#${part}`).hidden = part !== subject();
  const failed = (message: string): void => say(`The network's Worker failed: ${message}`);
  try {
    worker = new Worker("network-worker.js");
  } catch (error) {
    failed(String(error));
    return;
  }
  worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => hear(data));
  worker.addEventListener("error", ({ message = "its program could not be loaded" }) => failed(message));
  send({ kind: "load", subject: subject() });
}

/** What is drawn, typed or asked changed. */
function changed(): void {
  isStale = true;
  askNext();
}

function askNext(): void {
  if (!loaded || isWaiting) return;
  const { slo } = objective();
  const asked = isStale ? query() : null;
  if (isStale && !asked) {
    say(subject() === "digits" ? "Draw a digit, or show an example." : "No word of this is known; type a definition.");
    forget();
  }
  isStale = false;
  if (asked) send({ kind: "ask", query: asked, slo });
  else if (!isPaused && document.visibilityState === "visible") send({ kind: "race", slo });
}

function hear(reply: Reply): void {
  switch (reply.kind) {
    case "loading":
      say(`Loading the network … ${percent(reply.share, 0)}`);
      break;
    case "loaded":
      loaded = reply;
      vocabulary = createVocabulary(reply.words);
      find("#footer").textContent =
        `Kernels: ${reply.backend}${reply.reason ? ` (${reply.reason})` : ""}. ${reply.levels} levels of effort. This browser's clock ` +
        `counts in steps of ${Number((1000 * reply.tickMs).toPrecision(2))} µs. Nothing leaves this page.`;
      say("Ready.");
      askNext();
      break;
    case "answer":
      isWaiting = false;
      show(reply);
      break;
    case "raced":
      isWaiting = false;
      if (!isOutdated) showRace(reply);
      isOutdated = false;
      break;
    case "failed":
      isWaiting = false;
      say(reply.message);
      break;
    default:
      reply satisfies never;
  }
  if (isStale) askNext();
}

/** Only what changed is said, so that a screen reader hears each answer once. */
function say(text: string): void {
  if (answerText.textContent !== text) answerText.textContent = text;
}

/** Leaves nothing of the answer before. */
function forget(): void {
  find("#best").replaceChildren();
  find("#dense-says").textContent = find("#plan").textContent = "";
  layers.replaceChildren();
}

function show({ best, dense, active, isDense, why, certificate, gaveUp }: Reply & { kind: "answer" }): void {
  if (!loaded) return;
  const { names, widths } = loaded;
  const called = (index: number): string => {
    const [name] = names[index].split(",");
    return subject() === "words" ? `a kind of ${name}` : `${name === "8" ? "an" : "a"} ${name}`;
  };
  say(`This is ${called(best[0].index)}`);
  find("#best").replaceChildren(...best.map((guess) => bestLine(names[guess.index], guess)));
  find("#dense-says").textContent =
    dense === best[0].index ? "The whole network says the same." : `The whole network says ${called(dense)}.`;
  if (layers.childElementCount === 0) createLayers(layers, widths.length);
  showLayers(layers, pictured(widths, active, isDense));
  // dense has a certificate as well, from no rows
  const bound = certificate?.samples
    ? ` Certified: ${certificate.kind} ${certificate.kind === "loss" ? "at most" : "at least"} ${percent(certificate.bound, 2)} at ` +
      `${percent(certificate.confidence, 0)} confidence, from ${count(certificate.samples)} held-out rows.`
    : "";
  find("#plan").textContent = `${why}.${bound}${gaveUp.length > 0 ? ` Given up: ${gaveUp.join(", ")}.` : ""}`;
}

/**
 * Dropped nodes count as zero and zeros are skipped, so that a layer is computed from what is lit before it, or less; dense skips nothing
 * but words that are not there.
 */
function pictured(widths: number[], active: (Uint32Array | null)[], isDense: boolean): Pictured[] {
  const things = subject() === "digits" ? "pixels" : "words";
  const lit = (i: number): number => active[i]?.length ?? widths[i];
  const from = (i: number): string => {
    if (i === 0) return `from ${count(isDense && subject() === "digits" ? widths[i] : lit(i))} ${things}`;
    return isDense ? `from ${count(widths[i])} nodes` : `from ${count(lit(i))} nodes, zeros skipped`;
  };
  return widths.map((width, i) => ({
    name: i === 0 ? "input" : i === widths.length - 1 ? "outputs" : `hidden layer ${i}`,
    width,
    lit: active[i],
    text: `${count(lit(i))} of ${count(width)} ${i === 0 ? things : "nodes"}`,
    more: i === 0 ? "" : from(i - 1),
  }));
}

function bestLine(name: string, { share }: Guess): HTMLElement {
  const line = document.createElement("li");
  const bar = document.createElement("i");
  const filled = bar.appendChild(document.createElement("b"));
  filled.style.inlineSize = percent(share).replace(" ", "");
  const parts = [percent(share), name].map((text) => Object.assign(document.createElement("span"), { textContent: text }));
  line.append(bar, ...parts);
  return line;
}

function showRace({ rows, stretch }: Reply & { kind: "raced" }): void {
  if (!loaded) return;
  raced = withRows(raced, rows, mostRaced);
  const { tickMs } = loaded;
  const deadline = deadlineMs();
  for (const way of ["asked", "dense"] as const) {
    const { p50, p95, kept, macs, right } = figuresOf(raced, way, deadline);
    find(`#${way}-p50`).textContent = timeText(p50, tickMs);
    find(`#${way}-p95`).textContent = timeText(p95, tickMs);
    find(`#${way}-macs`).textContent = count(macs);
    find(`#${way}-right`).textContent = percent(right);
    if (kept !== null) find(`#${way}-kept`).textContent = percent(kept, 0);
  }
  find("#asked-same").textContent = percent(sameShare(raced));
  const slower = stretch > 1.2 ? ` The session takes this machine to be ${stretch.toFixed(1)} times slower than idle.` : "";
  find("#live-text").textContent =
    `The latest ${count(raced.length)} answers to ${count(loaded.rows)} test rows the network was not trained on, in blocks of ` +
    `${rows.length}, both ways by turns.${slower}`;
  showTimes();
}

function deadlineMs(): number | null {
  const { kind, amount } = objective();
  return kind === "latencyMs" ? amount : null;
}

function showTimes(): void {
  drawTimes(find<HTMLCanvasElement>("#times"), raced, mostRaced, deadlineMs());
}

/** The slider has as many steps as there are amounts of the chosen kind; a browser may bring a page back with another kind than at first. */
function offerAmounts(): void {
  slider.max = String(amounts[objective().kind].length - 1);
}

function showAmount(): void {
  const { kind, amount } = objective();
  const text = amountText[kind](amount);
  find("#amount-text").textContent = text;
  slider.setAttribute("aria-valuetext", text);
  startOver();
}

/** What was raced so far says nothing of what is asked now. */
function startOver(): void {
  raced = [];
  isOutdated = isWaiting;
  find("#live-text").textContent = isPaused ? "Paused." : "";
  for (const cell of document.querySelectorAll("tbody td")) cell.textContent = "";
  find("#kept").hidden = deadlineMs() === null;
  showTimes();
}

function toggleBusy(): void {
  isBusy = !isBusy;
  const button = find("#busy");
  button.classList.toggle("on", isBusy);
  button.textContent = isBusy ? "Let it rest" : "Make this machine busy";
  keepBusy();
  find("#busy-text").textContent = isBusy ? `${busy.length} Workers read memory as fast as they can` : "";
  startOver();
}

/** A page that nobody sees lets the machine rest. */
function keepBusy(): void {
  const wanted = isBusy && document.visibilityState === "visible" ? 2 * (navigator.hardwareConcurrency || 2) : 0;
  for (const one of busy.splice(wanted)) one.terminate();
  while (busy.length < wanted) {
    const one = new Worker("busy-worker.js");
    one.addEventListener("error", () => {
      if (isBusy) toggleBusy();
      find("#busy-text").textContent = "Their program could not be loaded";
    });
    busy.push(one);
  }
}

function togglePause(): void {
  isPaused = !isPaused;
  const button = find("#pause");
  button.classList.toggle("on", isPaused);
  button.textContent = isPaused ? "Go on" : "Pause";
  askNext();
}

async function showExample(): Promise<void> {
  try {
    images ??= new Uint8Array(await (await fetch("digits.bin")).arrayBuffer());
  } catch (error) {
    say(`No example could be loaded: ${error instanceof Error ? error.message : error}`);
    return;
  }
  const at = 784 * (examples++ % (images.length / 784));
  pad.show(Float32Array.from(images.subarray(at, at + 784), (pixel) => pixel / 255));
}

form.addEventListener("change", ({ target }) => {
  const { name } = target as HTMLInputElement;
  if (name === "kind") {
    offerAmounts();
    slider.value = String(starts[objective().kind]());
  }
  showAmount();
  if (name === "subject") load();
  else changed();
});
form.addEventListener("submit", (event) => event.preventDefault());
slider.addEventListener("input", () => {
  showAmount();
  changed();
});
definition.addEventListener("input", changed);
find("#clear").addEventListener("click", () => pad.clear());
find("#example").addEventListener("click", () => void showExample());
find("#busy").addEventListener("click", toggleBusy);
find("#pause").addEventListener("click", togglePause);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  pad.redraw();
  showTimes();
  changed();
});
addEventListener("resize", showTimes);
document.addEventListener("visibilitychange", keepBusy);
setInterval(() => {
  // what a deadline allows changes with the load
  if (!isPaused && document.visibilityState === "visible" && ++ticks % ticksAnInput === 0) isStale = true;
  askNext();
}, pauseMs);
if (matchMedia("(prefers-reduced-motion: reduce)").matches) togglePause();

// not before: a browser that goes back to this page fills in what was chosen and typed after this script has run
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) return;
  offerAmounts();
  showAmount();
  void showExample();
  load();
});
