// The playground's page: what is drawn or typed and what is asked go to the network's Worker, what comes back is shown. Two queries are
// never under way at once, so the times shown are those of a query alone.

import type { Slo } from "slonn";
import { bagOf, createVocabulary, type Vocabulary, wordsOf } from "../text.ts";
import { createDigitPad } from "./digit-pad.ts";
import type { Answered, Query, Question, Reply, Subject } from "./messages.ts";
import { drawLayer } from "./network-picture.ts";
import { drawTimes, type Timed } from "./time-chart.ts";

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
  latencyMs: [5, 2, 1, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03],
  nodes: [1, 0.5, 0.3, 0.2, 0.1, 0.07, 0.05, 0.03, 0.02],
};
type Kind = keyof typeof amounts;
const amountText: Record<Kind, (amount: number) => string> = {
  loss: (amount) => `at most ${Number((100 * amount).toFixed(2))} points lost`,
  latencyMs: (amount) => `${amount} ms`,
  nodes: (amount) => `at most ${Number((100 * amount).toFixed(1))} % of hidden nodes`,
};

const form = find<HTMLFormElement>("#controls");
const slider = find<HTMLInputElement>("#amount");
const definition = find<HTMLTextAreaElement>("#definition");
const answerText = find("#answer");
const timesKept = 200;
const pauseMs = 40;

let worker: Worker | null = null;
let loaded: (Reply & { kind: "loaded" }) | null = null;
let vocabulary: Vocabulary = new Map();
let times: Timed[] = [];
let isAsking = false;
let examined = "";
let examples = 0;
const busy: Worker[] = [];
const pad = createDigitPad(find<HTMLCanvasElement>("#pad"), () => ask());

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

const send = (question: Question): void => worker?.postMessage(question);

function load(): void {
  worker?.terminate();
  loaded = null;
  times = [];
  isAsking = false;
  examined = "";
  say("Loading the network …");
  find("#layers").replaceChildren();
  for (const part of ["digits", "words"] as const) find(`#${part}`).hidden = part !== subject();
  worker = new Worker("network-worker.js");
  worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => hear(data));
  worker.addEventListener("error", ({ message }) => say(`The network's Worker failed: ${message}`));
  send({ kind: "load", subject: subject() });
}

function ask(): void {
  if (!loaded || isAsking) return;
  const asked = query();
  if (!asked) {
    say(subject() === "digits" ? "Draw a digit, or show an example." : "No word of this is known; type a definition.");
    find("#best").replaceChildren();
    return;
  }
  const { slo } = objective();
  if (examined !== JSON.stringify(slo)) {
    examined = JSON.stringify(slo);
    send({ kind: "examine", slo });
  }
  isAsking = true;
  send({ kind: "ask", query: asked, slo });
}

function hear(reply: Reply): void {
  switch (reply.kind) {
    case "loading":
      say(`Loading the network … ${percent(reply.share, 0)}`);
      break;
    case "loaded":
      loaded = reply;
      vocabulary = createVocabulary(reply.words);
      makeLayers(reply.widths);
      find("#footer").textContent =
        `Kernels: ${reply.backend}${reply.reason ? ` (${reply.reason})` : ""}. ${reply.levels} levels of effort. Nothing leaves this page.`;
      say("Ready.");
      ask();
      break;
    case "answer":
      isAsking = false;
      show(reply);
      break;
    case "examined":
      find("#rows-text").textContent = `right, of ${reply.rows} test rows`;
      find("#asked-right").textContent = percent(reply.right.asked / reply.rows);
      find("#dense-right").textContent = percent(reply.right.dense / reply.rows);
      find("#asked-same").textContent = percent(reply.same / reply.rows);
      break;
    case "failed":
      isAsking = false;
      say(reply.message);
      break;
    default:
      reply satisfies never;
  }
}

/** Only what changed is said, so that a screen reader hears each answer once. */
function say(text: string): void {
  if (answerText.textContent !== text) answerText.textContent = text;
}

function makeLayers(widths: number[]): void {
  const layers = widths.slice(1).map((width, layer) => {
    const figure = document.createElement("figure");
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    figure.append(canvas, document.createElement("figcaption"));
    figure.dataset.width = String(width);
    figure.dataset.name = layer === widths.length - 2 ? "outputs" : `hidden layer ${layer + 1}`;
    return figure;
  });
  find("#layers").replaceChildren(...layers);
}

function show({ asked, dense, active, level, why, gaveUp, stretch }: Reply & { kind: "answer" }): void {
  const { names = [], levels = 0 } = loaded ?? {};
  const [best] = asked.best;
  say(`${subject() === "digits" ? "This is a" : "A kind of"} ${names[best.index]}`);
  find("#best").replaceChildren(...asked.best.map(({ index, share }) => bestLine(names[index], share)));
  document.querySelectorAll<HTMLElement>("#layers figure").forEach((figure, layer) => {
    const width = Number(figure.dataset.width);
    const lit = active[layer]?.length ?? width;
    const text = `${figure.dataset.name}: ${count(lit)} of ${count(width)} nodes`;
    const canvas = figure.querySelector("canvas");
    if (canvas) drawLayer(canvas, width, active[layer]);
    canvas?.setAttribute("aria-label", text);
    const caption = figure.querySelector("figcaption");
    if (caption) caption.textContent = text;
  });
  const slower = stretch > 1.2 ? ` This machine is taken to be ${stretch.toFixed(1)} times slower than idle.` : "";
  find("#plan").textContent =
    `Level ${level + 1} of ${levels}: ${why}.${gaveUp.length > 0 ? ` Given up: ${gaveUp.join(", ")}.` : ""}${slower}`;
  times.push({ asked: asked.ms, dense: dense.ms });
  if (times.length > timesKept) times.shift();
  showTimes(asked, dense);
}

function bestLine(name: string, share: number): HTMLElement {
  const line = document.createElement("li");
  const meter = Object.assign(document.createElement("meter"), { value: share });
  meter.setAttribute("aria-hidden", "true");
  const parts = [percent(share), name].map((text) => Object.assign(document.createElement("span"), { textContent: text }));
  line.append(meter, ...parts);
  return line;
}

function showTimes(asked: Answered, dense: Answered): void {
  const { kind, amount } = objective();
  const deadline = kind === "latencyMs" ? amount : null;
  for (const [key, { macs }] of [
    ["asked", asked],
    ["dense", dense],
  ] as const) {
    const sorted = times.map((one) => one[key]).sort((a, b) => a - b);
    const at = (share: number): string => `${sorted[Math.floor(share * (sorted.length - 1))].toFixed(3)} ms`;
    find(`#${key}-p50`).textContent = at(0.5);
    find(`#${key}-p95`).textContent = at(0.95);
    find(`#${key}-macs`).textContent = count(macs);
    if (deadline !== null) find(`#${key}-kept`).textContent = percent(sorted.filter((ms) => ms <= deadline).length / sorted.length, 0);
  }
  find("#kept").hidden = deadline === null;
  drawTimes(find<HTMLCanvasElement>("#times"), times, timesKept, deadline);
}

function showAmount(): void {
  const { kind, amount } = objective();
  const text = amountText[kind](amount);
  find("#amount-text").textContent = text;
  slider.setAttribute("aria-valuetext", text);
  times = [];
}

function toggleBusy(): void {
  const button = find("#busy");
  if (busy.length > 0) for (const one of busy.splice(0)) one.terminate();
  else for (let i = 0; i < (navigator.hardwareConcurrency || 4); i++) busy.push(new Worker("busy-worker.js"));
  button.setAttribute("aria-pressed", String(busy.length > 0));
  button.textContent = busy.length > 0 ? "Let it rest" : "Make this machine busy";
  find("#busy-text").textContent = busy.length > 0 ? `${busy.length} Workers read memory as fast as they can.` : "";
  times = [];
}

async function showExample(): Promise<void> {
  const images = new Uint8Array(await (await fetch("digits.bin")).arrayBuffer());
  const at = 784 * (examples++ % (images.length / 784));
  pad.show(Float32Array.from(images.subarray(at, at + 784), (pixel) => pixel / 255));
}

form.addEventListener("change", ({ target }) => {
  showAmount();
  if ((target as HTMLInputElement).name === "subject") load();
  else ask();
});
form.addEventListener("submit", (event) => event.preventDefault());
slider.addEventListener("input", () => {
  showAmount();
  ask();
});
definition.addEventListener("input", () => ask());
find("#clear").addEventListener("click", () => pad.clear());
find("#example").addEventListener("click", () => void showExample());
find("#busy").addEventListener("click", toggleBusy);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  pad.redraw();
  ask();
});
// times stay live while nothing changes
setInterval(() => {
  if (document.visibilityState === "visible") ask();
}, pauseMs);

showAmount();
void showExample();
load();
