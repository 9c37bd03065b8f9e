// The page of requests that arrive on their own time: a table per load and objective. Drawn from the data alone.

import { join } from "node:path";
import type { MachineFacts } from "../machine.ts";
import { type Chart, drawFigure, drawLegend, percent, type Series } from "../report/chart.ts";
import { html, type Markup, trusted } from "../report/markup.ts";
import { style } from "../report/style.ts";
import { writeFiles } from "../write-files.ts";
import type { Score } from "./score.ts";

export interface ArrivalsRun {
  process: string;
  objective: string;
  /** Multiple of what dense can answer alone. */
  rate: number;
  load: string;
  arrivals: number;
  contenders: (Score & { longestLine: number; refused: number })[];
}

export interface ArrivalsData {
  version: 1;
  network: string;
  madeAt: string;
  command: string;
  /** Null where the machine was simulated. */
  machine: MachineFacts | null;
  denseMs: number;
  runs: ArrivalsRun[];
}

/** Writes arrivals.json and arrivals.html; gives the page's path. */
export async function writeArrivals(data: ArrivalsData, folder: string): Promise<string> {
  await writeFiles(folder, { "arrivals.json": `${JSON.stringify(data, null, 1)}\n`, "arrivals.html": renderArrivals(data) });
  return join(folder, "arrivals.html");
}

function renderArrivals(data: ArrivalsData): string {
  const { machine, runs } = data;
  const title = `slonn: ${data.network} answering requests as they arrive`;
  const loads = [...new Set(runs.map(({ load }) => load))];
  return `<!doctype html>\n${
    html`<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${title}</title><style>${trusted(style)}</style></head>
<body><header><h1>${title}</h1>
<p class="facts">${machine === null ? "a simulated machine" : `${machine.cpu}, ${machine.cores} cores · ${machine.os} · ${machine.runtime}`} · <time datetime="${data.madeAt}">${data.madeAt}</time></p>
<p class="facts">Rates are multiples of what dense answers alone, one in ${(1000 * data.denseMs).toFixed(0)} µs; deadlines count from arrival.</p></header>
<main>${loads.map((load) => renderLoad(load, runs))}</main>
<footer><p>Made by <code>${data.command}</code>; the numbers are in <a href="arrivals.json">arrivals.json</a>.</p></footer>
</body></html>`.markup
  }\n`;
}

function renderLoad(load: string, all: readonly ArrivalsRun[]): Markup {
  const runs = all.filter((run) => run.load === load);
  const names = [...new Set(runs.flatMap(({ contenders }) => contenders.map(({ contender }) => contender)))];
  const shapes = ["circle", "diamond", "star", "square", "circle"] as const;
  const poisson = runs.filter(({ process, objective }) => process === runs[0].process && objective === runs[0].objective);
  const series = names.map(
    (name, n): Series => ({
      name,
      shape: shapes[n % shapes.length],
      joined: true,
      marks: poisson.map(({ rate, contenders }) => {
        const y = contenders.find(({ contender }) => contender === name)?.effective ?? Number.NaN;
        return { x: rate, y, title: `${name}: ${percent(y)} right and in time at ${rate}×`, filled: name.startsWith("ours"), label: null };
      }),
    }),
  );
  const chart: Chart = {
    title: `Effective accuracy against the rate of arrivals, ${load}`,
    xLabel: "arrivals, multiples of what dense can do (logarithmic)",
    yLabel: "right and in time, points from the best",
    tick: (x) => `${x}×`,
    reference: Math.max(...series.flatMap(({ marks }) => marks.map(({ y }) => y))),
    referenceName: "best",
    allowedLoss: null,
    series,
  };
  return html`<section><h2>${load === "none" ? "Alone" : `Beside ${load}`}</h2>${drawFigure(`${runs[0].process}, ${runs[0].objective}: effective accuracy`, chart)}${drawLegend(series)}
<div class="scroll" tabindex="0" role="region" aria-label="Requests ${load}"><table><thead><tr><th scope="col">arrivals</th><th scope="col" class="words">objectives</th><th scope="col">rate</th>${names.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${runs.map(({ process, objective, rate, contenders }) => html`<tr><th scope="row">${process}</th><td class="words">${objective}</td><td>${rate}×</td>${names.map((name) => cell(contenders.find(({ contender }) => contender === name)))}</tr>`)}</tbody></table></div>
<p class="small">In time / in time and right; right and in time per second; the most that waited, and how many were refused.</p></section>`;
}

function cell(found: ArrivalsRun["contenders"][number] | undefined): Markup {
  if (!found) return html`<td>–</td>`;
  return html`<td>${percent(found.attained)} / ${percent(found.effective)}<br>${Math.round(found.goodputPerSecond).toLocaleString("en-US")} /s<br>${found.longestLine}, ${found.refused}</td>`;
}
