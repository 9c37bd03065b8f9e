// The page of a run beside co-runners: attainment and effective accuracy per load and deadline, steps over time, and expected against observed
// latency. Drawn from the data alone.

import { join } from "node:path";
import type { MachineFacts } from "../machine.ts";
import { type Chart, drawFigure, drawLegend, percent, type Series } from "../report/chart.ts";
import { html, type Markup, trusted } from "../report/markup.ts";
import { style } from "../report/style.ts";
import { writeFiles } from "../write-files.ts";
import { beginning, type Reaction, reactionText } from "./reactions.ts";
import type { Score } from "./score.ts";

export interface InterferenceData {
  version: 1;
  network: string;
  madeAt: string;
  command: string;
  machine: MachineFacts;
  /** Dense's median, alone. */
  denseMs: number;
  /** What deciding and learning add to a query. */
  overheadUs: number;
  percentile: number;
  constant: { load: string; multiple: number; deadlineMs: number; scores: Score[] }[];
  steps: {
    multiple: number;
    deadlineMs: number;
    scores: Score[];
    /** Queries of each contender that had been asked when co-runners were started or stopped. */
    edges: { q: number; on: boolean; atMs: number }[];
    reactions: { contender: string; steps: Reaction[] }[];
    /** Share in time of every `perPoint` queries. */
    blocks: { contender: string; attained: number[] }[];
  }[];
}

/** Queries that make a point of attainment over time. */
export const perPoint = 50;

/** Writes interference.json and interference.html; gives the page's path. */
export async function writeInterference(data: InterferenceData, folder: string): Promise<string> {
  await writeFiles(folder, {
    "interference.json": `${JSON.stringify(data, null, 1)}\n`,
    "interference.html": renderInterference(data),
  });
  return join(folder, "interference.html");
}

function renderInterference(data: InterferenceData): string {
  const { machine } = data;
  const title = `slonn: ${data.network} under deadlines on a shared machine`;
  return `<!doctype html>\n${
    html`<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${title}</title><style>${trusted(style)}</style></head>
<body><header><h1>${title}</h1>
<p class="facts">${machine.cpu}, ${machine.cores} cores · ${machine.os} · ${machine.runtime} · <time datetime="${data.madeAt}">${data.madeAt}</time></p>
<p class="facts">Deadlines are multiples of dense's own median alone, ${(1000 * data.denseMs).toFixed(1)} µs, asked at p${data.percentile}. In time / in time and right. Deciding and learning take ${data.overheadUs.toFixed(2)} µs a query.</p></header>
<main>${loadsOf(data).map((load) => renderLoad(data, load))}${renderCalibration(data)}${data.steps.map(renderSteps)}</main>
<footer><p>Made by <code>${data.command}</code>; the numbers are in <a href="interference.json">interference.json</a>.</p></footer>
</body></html>`.markup
  }\n`;
}

const loadsOf = ({ constant }: InterferenceData): string[] => [...new Set(constant.map(({ load }) => load))];

/** Best of the fixed levels, in hindsight. */
export function bestFixed(scores: readonly Score[]): Score {
  const fixed = scores.filter(({ contender }) => contender === "dense" || contender.startsWith("level "));
  return fixed.reduce((a, b) => (b.effective > a.effective ? b : a));
}

/** Those worth a line: the best fixed level stands for all of them. */
function shown(scores: readonly Score[]): { name: string; score: Score }[] {
  const best = bestFixed(scores);
  const others = scores.filter(({ contender }) => !contender.startsWith("level "));
  return [...others.map((score) => ({ name: score.contender, score })), { name: "best fixed level in hindsight", score: best }];
}

function renderLoad(data: InterferenceData, load: string): Markup {
  const runs = data.constant.filter((run) => run.load === load);
  const names = [...new Set(runs.flatMap(({ scores }) => shown(scores).map(({ name }) => name)))];
  const shapes = ["circle", "diamond", "star", "square", "circle"] as const;
  const series = names.map(
    (name, n): Series => ({
      name,
      shape: shapes[n % shapes.length],
      joined: true,
      marks: runs.map(({ deadlineMs, scores }) => {
        const score = shown(scores).find((one) => one.name === name)?.score;
        return {
          x: 1000 * deadlineMs,
          y: score?.effective ?? Number.NaN,
          title: `${name}: ${percent(score?.effective ?? Number.NaN)} in time and right by ${(1000 * deadlineMs).toFixed(0)} µs`,
          filled: name.startsWith("ours"),
          label: null,
        };
      }),
    }),
  );
  const reference = Math.max(...runs.flatMap(({ scores }) => scores.map(({ effective }) => effective)));
  const chart: Chart = {
    title: `Effective accuracy against the deadline beside ${load}`,
    xLabel: "deadline, µs (logarithmic)",
    yLabel: "in time and right, points from the best of all",
    tick: (x) => `${x}`,
    reference,
    referenceName: "best",
    allowedLoss: null,
    series,
  };
  return html`<section><h2>Beside ${load === "none" ? "nothing" : load}</h2>${drawFigure(`effective accuracy against the deadline`, chart)}${drawLegend(series)}
<div class="scroll" tabindex="0" role="region" aria-label="Scores beside ${load}"><table><thead><tr><th scope="col">contender</th>${runs.map(({ multiple }) => html`<th scope="col">${multiple}× dense</th>`)}</tr></thead>
<tbody>${(runs[0]?.scores ?? []).map(({ contender }) => html`<tr><th scope="row">${contender}</th>${runs.map(({ scores }) => cell(scores.find((score) => score.contender === contender)))}</tr>`)}</tbody></table></div></section>`;
}

function cell(score: Score | undefined): Markup {
  if (!score) return html`<td>–</td>`;
  return html`<td>${percent(score.attained)} / ${percent(score.effective)}<br>${(1000 * score.latencyMs.p50).toFixed(0)}, ${(1000 * score.latencyMs.p99).toFixed(0)}, ${(1000 * score.latencyMs.p999).toFixed(0)} µs</td>`;
}

function renderCalibration(data: InterferenceData): Markup {
  const series = ["ours", "ours, one effort for all"].map(
    (name, n): Series => ({
      name,
      shape: n === 0 ? "circle" : "square",
      joined: false,
      marks: data.constant.flatMap(({ load, multiple, scores }) => {
        const found = scores.find(({ contender }) => contender === name)?.calibration;
        if (!found) return [];
        const us = (ms: number): string => (1000 * ms).toFixed(0);
        return [
          {
            x: 1000 * found.keptMs,
            y: found.seenOverExpected,
            title: `${load}, ${multiple}×: expected ${us(found.expectedMs)} µs, seen ${us(found.keptMs)} µs, ${us(found.observedMs)} µs with lost time slices; ${percent(found.within)} within`,
            filled: n === 0,
            label: null,
          },
        ];
      }),
    }),
  );
  const chart: Chart = {
    title: `Seen over expected p${data.percentile}`,
    xLabel: `p${data.percentile} of queries that kept their core, µs (logarithmic)`,
    yLabel: "seen over expected, points from equal",
    tick: (x) => `${x}`,
    reference: 1,
    referenceName: "equal",
    allowedLoss: null,
    series,
  };
  return html`<section><h2>Expected against seen</h2>${drawFigure(`p${data.percentile} of what a query that kept its core took over what was expected before it ran, every load and deadline`, chart)}${drawLegend(series)}</section>`;
}

function renderSteps({ multiple, deadlineMs, scores, edges, reactions, blocks }: InterferenceData["steps"][number]): Markup {
  const width = 640;
  const height = 150;
  const shownBlocks = blocks.filter(({ contender }) => !contender.startsWith("level "));
  const count = Math.max(1, ...shownBlocks.map(({ attained }) => attained.length));
  const x = (b: number): number => Math.round((b / count) * width * 10) / 10;
  const on = edges.flatMap((edge, e) =>
    edge.on ? [{ from: edge.q / perPoint, to: (edges[e + 1]?.q ?? count * perPoint) / perPoint }] : [],
  );
  const line = ({ contender, attained }: { contender: string; attained: number[] }): Markup => {
    const n = 8;
    const mean = (b: number): number => {
      const part = attained.slice(Math.max(0, b - n + 1), b + 1);
      return part.reduce((sum, v) => sum + v, 0) / part.length;
    };
    const s = shownBlocks.findIndex((one) => one.contender === contender);
    const points = attained.map((_, b) => `${x(b)},${Math.round(height * (1 - mean(b)) * 10) / 10}`).join(" ");
    return html`<polyline class="line c${s % 5}" style="opacity:1" points="${points}"><title>${contender}</title></polyline>`;
  };
  return html`<section><h2>Co-runners on and off, ${multiple}× dense</h2>
<figure><figcaption>share in time over the run, mean of eight times ${perPoint} queries; shaded: two computing and two streaming processes beside it; deadline ${(1000 * deadlineMs).toFixed(0)} µs</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Share in time over the run">${on.map(({ from, to }) => html`<rect x="${x(from)}" y="0" width="${Math.max(0, x(to) - x(from))}" height="${height}" fill="currentColor" opacity="0.08"/>`)}${shownBlocks.map(line)}</svg></figure>
<ul class="legend">${shownBlocks.map(({ contender }, s) => html`<li><svg class="key" viewBox="0 0 16 16" aria-hidden="true"><line class="c${s % 5}" x1="0" x2="16" y1="8" y2="8" stroke-width="3"/></svg>${contender}</li>`)}</ul>
<div class="scroll" tabindex="0" role="region" aria-label="Scores over the steps"><table><thead><tr><th scope="col">contender</th><th scope="col">in time / and right; p50, p99, p99.9</th><th scope="col">co-runners on and off: late of the first ${beginning}, and settled after; the worst of all steps</th></tr></thead>
<tbody>${scores.map((score) => html`<tr><th scope="row">${score.contender}</th>${cell(score)}<td>${reactionText(reactions.find(({ contender }) => contender === score.contender)?.steps ?? [])}</td></tr>`)}</tbody></table></div></section>`;
}
