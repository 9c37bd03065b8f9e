// The plots of an evaluation as SVG files that stand by themselves. They know the data, not the pages that show them.

import { type Chart, drawChart, type Mark, type Series } from "../report/chart.ts";
import { html, type Markup } from "../report/markup.ts";
import { style } from "../report/style.ts";
import type { CertificatePart, InterferencePart, NetworkPart, ScalingPoint } from "./evaluation.ts";
import { promised } from "./network.ts";
import { deadlineScores, promiseOf } from "./verdicts.ts";

/** Accuracy against the median time of a query: ours, the baselines and the peers. */
export function accuracyPlot(network: NetworkPart): string {
  const [dense] = network.contenders;
  const metricOf = (one: NetworkPart["contenders"][number]): number => one.right ?? one.agreement;
  const mark = (one: NetworkPart["contenders"][number], label: string | null): Mark => ({
    y: metricOf(one),
    x: 1000 * one.latencyMs.p50,
    title: one.name,
    filled: one.certified !== null,
    label,
  });
  const of = (kind: string): NetworkPart["contenders"] => network.contenders.filter((one) => one.kind.startsWith(kind));
  const series: Series[] = [
    { name: "ours", shape: "circle", joined: true, marks: of("ours").map((one) => mark(one, one.name)) },
    { name: "baselines", shape: "diamond", joined: false, marks: of("baseline").map((one) => mark(one, one.name)) },
    { name: "peers", shape: "square", joined: false, marks: of("peer").map((one) => mark(one, one.name)) },
  ];
  return standalone(
    drawChart({
      title: `${network.name}: accuracy against the median time of a query`,
      xLabel: "median time of a query, µs (logarithmic)",
      yLabel: "points from dense",
      tick: (x) => `${x}`,
      reference: metricOf(dense),
      allowedLoss: promised,
      series,
    }),
  );
}

/** Right and in time against the deadline, beside one load. */
export function deadlinePlot(part: InterferencePart, load: string): string {
  const runs = part.runs.filter((run) => run.load === load);
  const series = (["ours", "best", "dense"] as const).map(
    (which, s): Series => ({
      name: which,
      shape: (["circle", "diamond", "square"] as const)[s],
      joined: true,
      marks: runs.map((run, r) => ({
        x: 1000 * part.denseMs * run.multiple,
        y: deadlineScores(run)[which]?.effective ?? Number.NaN,
        title: which,
        filled: which === "ours",
        label: r === 0 ? { ours: "ours", best: "best fixed level in hindsight", dense: "dense" }[which] : null,
      })),
    }),
  );
  const chart: Chart = {
    title: `${part.network}: right and in time beside ${load}`,
    xLabel: "deadline, µs (logarithmic)",
    yLabel: "right and in time, points from the best",
    tick: (x) => `${x}`,
    reference: Math.max(...series.flatMap(({ marks }) => marks.map(({ y }) => y))),
    referenceName: "best",
    allowedLoss: null,
    series,
  };
  return standalone(drawChart(chart));
}

const [width, height, left, right, top, bottom] = [640, 300, 70, 620, 20, 250];

/** How often which true loss came of a draw, with and without certificates. */
export function lossPlot({ network, trueLoss, promised: bound, resamples }: CertificatePart): string {
  const every = [...trueLoss.certified, ...trueLoss.uncertified];
  const [from, to] = [Math.min(0, ...every), Math.max(2 * bound, ...every)];
  const bins = 40;
  const step = (to - from) / bins;
  const counts = (["uncertified", "certified"] as const).map((kind) => {
    const count = new Array<number>(bins).fill(0);
    for (const loss of trueLoss[kind]) count[Math.min(bins - 1, Math.floor((loss - from) / step))]++;
    return { kind, count };
  });
  const most = Math.max(1, ...counts.flatMap(({ count }) => count));
  const x = (loss: number): number => rounded(left + ((loss - from) / (to - from)) * (right - left));
  const y = (n: number): number => rounded(bottom - (n / most) * (bottom - top));
  const bar = (kind: string, n: number, b: number): Markup | null =>
    n === 0
      ? null
      : html`<rect class="mark ${kind === "certified" ? "filled c0" : "hollow c2"}" fill-opacity="0.7" x="${x(from + b * step) + 1}" y="${y(n)}" width="${rounded((right - left) / bins - 2)}" height="${rounded(bottom - y(n))}"><title>${kind}: ${n} of ${resamples}</title></rect>`;
  const ticks = [0, bound, 2 * bound].filter((loss) => loss >= from && loss <= to);
  return standalone(html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${network}: true losses of ${resamples} draws">
${counts.map(({ kind, count }) => count.map((n, b) => bar(kind, n, b)))}
<line class="allowed" x1="${x(bound)}" x2="${x(bound)}" y1="${top}" y2="${bottom}"/>
<line class="reference" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
${ticks.map((loss) => html`<text class="tick" x="${x(loss)}" y="${bottom + 18}" text-anchor="middle">${Number((100 * loss).toFixed(2))} %</text>`)}
<text class="tick" x="${left - 8}" y="${top + 8}" text-anchor="end">${most}</text>
<text class="axis" transform="translate(24 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">draws</text>
<text class="axis" x="${(left + right) / 2}" y="${height - 10}" text-anchor="middle">true loss of the level chosen; filled: certified, hollow: tuned without; dashed: promised</text>
</svg>`);
}

/** Times of a query over a size, both logarithmic. */
export function scalingPlot(points: readonly ScalingPoint[], xLabel: string): string {
  const lines = [
    { name: "dense", of: (one: ScalingPoint) => one.denseUs },
    { name: "dense, eight bits", of: (one: ScalingPoint) => one.dense8Us ?? Number.NaN },
    { name: "a level that leaves out", of: (one: ScalingPoint) => one.levelUs },
  ].filter(({ of }) => points.some((one) => Number.isFinite(of(one))));
  const ys = lines.flatMap(({ of }) => points.map(of).filter(Number.isFinite));
  const scale = (values: readonly number[], low: number, high: number) => {
    const [from, to] = [Math.log(Math.min(...values) / 1.3), Math.log(Math.max(...values) * 1.3)];
    return (v: number): number => rounded(low + ((Math.log(v) - from) / (to - from)) * (high - low));
  };
  const x = scale(
    points.map(({ size }) => size),
    left,
    right,
  );
  const y = scale(ys, bottom, top);
  const decades = [0.1, 1, 10, 100, 1000, 10_000, 100_000].filter((v) => v > Math.min(...ys) / 1.3 && v < Math.max(...ys) * 1.3);
  return standalone(html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Median time of a query against ${xLabel}">
${decades.map((v) => html`<line class="grid" x1="${left}" x2="${right}" y1="${y(v)}" y2="${y(v)}"/><text class="tick" x="${left - 8}" y="${y(v) + 4}" text-anchor="end">${v} µs</text>`)}
${points.map(({ size }) => html`<text class="tick" x="${x(size)}" y="${bottom + 18}" text-anchor="middle">${size.toLocaleString("en")}</text>`)}
${lines.map(({ name, of }, s) => {
  const drawn = points.filter((one) => Number.isFinite(of(one)));
  const last = drawn[drawn.length - 1];
  const colour = [3, 4, 0][lines.length === 3 ? s : s * 2];
  return html`<g><polyline class="line c${colour}" points="${drawn.map((one) => `${x(one.size)},${y(of(one))}`).join(" ")}"/>
${drawn.map((one) => html`<circle class="mark filled c${colour}" cx="${x(one.size)}" cy="${y(of(one))}" r="4"/>`)}
<text class="label t${colour}" x="${x(last.size)}" y="${y(of(last)) - 8}" text-anchor="end">${name}</text></g>`;
})}
<text class="axis" x="${(left + right) / 2}" y="${height - 10}" text-anchor="middle">${xLabel} (both logarithmic)</text>
</svg>`);
}

/** Which objective a plot's dashed line is about is the network's own. */
export function plotCaption(network: NetworkPart): string {
  return `${network.name}: accuracy against the median time of a query; dashed: what ${promiseOf(network)} allows`;
}

function rounded(v: number): number {
  return Math.round(v * 10) / 10;
}

/** With its own name space, style and ground, as an image needs. */
function standalone({ markup }: Markup): string {
  const ground = '<rect width="100%" height="100%" fill="var(--ground)"/>';
  const font = 'svg { font-family: system-ui, "Liberation Sans", sans-serif; }';
  return `${markup.replace(/^<svg ([^>]*)>/, `<svg xmlns="http://www.w3.org/2000/svg" $1><style>${font}${style}</style>${ground}`)}\n`;
}
