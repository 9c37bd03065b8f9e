// The one chart of the report as inline SVG: a metric against a cost on a logarithmic axis, series told apart by shape as well as colour.
// It knows marks and scales, not networks or levels.

import { html, type Markup } from "./markup.ts";

export interface Mark {
  /** The metric, a fraction. */
  y: number;
  /** The cost, above 0. */
  x: number;
  /** What a reader sees when pointing at it. */
  title: string;
  filled: boolean;
  /** Written above the plot with a line down to the mark; null for none. */
  label: string | null;
}

export interface Series {
  name: string;
  shape: "circle" | "diamond" | "square" | "star";
  /** Joined by a line in order of cost. */
  joined: boolean;
  marks: readonly Mark[];
}

export interface Chart {
  title: string;
  xLabel: string;
  yLabel: string;
  /** Writes a cost at a tick. */
  tick: (x: number) => string;
  /** The metric the vertical axis is measured from: our dense run. */
  reference: number;
  /** What the reference is called; dense unless given. */
  referenceName?: string;
  /** Drawn as a dashed line that far below the reference; null for none. */
  allowedLoss: number | null;
  series: readonly Series[];
}

const width = 640;
const frame = { left: 116, right: 620 };
/** Of the plot alone: labels stand above it, the horizontal axis below. */
const plotHeight = 326;
const labelHeight = 15;
/** Points off the reference at which the vertical axis turns from linear to logarithmic. */
const knee = 0.002;
const steps = [0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001, 0];

/**
 * Draws a chart. What matters lies within a few tenths of a point of dense while the cheapest levels lose tens, so the vertical axis is
 * stretched around the reference (inverse hyperbolic sine): even steps near it, logarithmic far away.
 */
export function drawChart(chart: Chart): Markup {
  const marks = chart.series.flatMap(({ marks }) => marks.filter(isDrawable));
  const top = 14 + labelHeight * marks.filter(({ label }) => label !== null).length;
  const bottom = top + plotHeight;
  const height = bottom + 52;
  const offs = marks.map(({ y }) => y - chart.reference);
  const bend = (off: number) => Math.asinh(off / knee);
  const lowest = bend(Math.min(-0.003, ...offs)) - 0.35;
  const highest = bend(Math.max(0.001, ...offs)) + 0.35;
  const [xFrom, xTo] = domainOf(marks.map(({ x }) => x));
  const toX = (x: number) =>
    round(frame.left + ((Math.log(x) - Math.log(xFrom)) / (Math.log(xTo) - Math.log(xFrom))) * (frame.right - frame.left));
  const toY = (y: number) => round(bottom - ((bend(y - chart.reference) - lowest) / (highest - lowest)) * plotHeight);

  const offTicks = [...steps.map((step) => -step), 0.001, 0.003, 0.01, 0.02, 0.05].filter(
    (off) => bend(off) >= lowest && bend(off) <= highest,
  );
  const yTicks = offTicks.map((off) => {
    const at = toY(chart.reference + off);
    return html`<line class="grid" x1="${frame.left}" x2="${frame.right}" y1="${at}" y2="${at}"/>
<text class="tick" x="${frame.left - 8}" y="${at + 4}" text-anchor="end">${off === 0 ? `${chart.referenceName ?? "dense"} ${percent(chart.reference)}` : signed(off)}</text>`;
  });
  const xTicks = ticksOf(xFrom, xTo).map(
    (x) => html`<line class="grid" x1="${toX(x)}" x2="${toX(x)}" y1="${top}" y2="${bottom}"/>
<text class="tick" x="${toX(x)}" y="${bottom + 18}" text-anchor="middle">${chart.tick(x)}</text>`,
  );
  const allowed = chart.allowedLoss === null ? null : toY(chart.reference - chart.allowedLoss);

  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${chart.title}. The same numbers are in the table below.">
${yTicks}${xTicks}
<line class="reference" x1="${frame.left}" x2="${frame.right}" y1="${toY(chart.reference)}" y2="${toY(chart.reference)}"/>
${
  allowed === null
    ? null
    : html`<line class="allowed" x1="${frame.left}" x2="${frame.right}" y1="${allowed}" y2="${allowed}"/>
${drawNote(`promised: at most ${points(chart.allowedLoss ?? 0)} lost`, allowed, chart.series, toX, toY)}`
}
<text class="axis" x="${(frame.left + frame.right) / 2}" y="${height - 10}" text-anchor="middle">${chart.xLabel}</text>
<text class="axis" transform="translate(14 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${chart.yLabel}</text>
${drawLabels(chart.series, top, toX, toY)}
${chart.series.map((series, s) => drawSeries(series, s, toX, toY))}
</svg>`;
}

/** A chart with its caption. It keeps a width at which it can be read: where the page is narrower, it scrolls in its box, as tables do. */
export function drawFigure(caption: string, chart: Chart): Markup {
  return html`<figure><figcaption>${caption}</figcaption><div class="scroll" tabindex="0" role="group" aria-label="Chart of ${chart.title}">${drawChart(chart)}</div></figure>`;
}

/** The key to shapes and colours; `s` numbers the colours as in the chart. */
export function drawLegend(series: readonly Series[]): Markup {
  return html`<ul class="legend">${series.map(({ name, shape, marks }, s) =>
    marks.length === 0
      ? null
      : html`<li><svg class="key" viewBox="0 0 16 16" aria-hidden="true">${drawShape(shape, 8, 8, marks.every(({ filled }) => filled) ? "filled" : "hollow", s, null)}</svg>${name}</li>`,
  )}</ul>`;
}

function drawSeries({ joined, marks, shape }: Series, s: number, toX: (x: number) => number, toY: (y: number) => number): Markup {
  const drawn = marks.filter(isDrawable);
  const path = drawn
    .slice()
    .sort((a, b) => a.x - b.x)
    .map(({ x, y }) => `${toX(x)},${toY(y)}`)
    .join(" ");
  return html`<g>${joined && drawn.length > 1 ? html`<polyline class="line c${s}" points="${path}"/>` : null}
${drawn.map((mark) => drawShape(shape, toX(mark.x), toY(mark.y), mark.filled ? "filled" : "hollow", s, mark.title))}</g>`;
}

function drawShape(shape: Series["shape"], x: number, y: number, fill: "filled" | "hollow", s: number, title: string | null): Markup {
  const style = `mark ${fill} c${s}`;
  const told = title === null ? null : html`<title>${title}</title>`;
  if (shape === "circle") return html`<circle class="${style}" cx="${x}" cy="${y}" r="5">${told}</circle>`;
  if (shape === "square") return html`<rect class="${style}" x="${x - 4.5}" y="${y - 4.5}" width="9" height="9">${told}</rect>`;
  const outline =
    shape === "diamond"
      ? [
          [0, -6],
          [6, 0],
          [0, 6],
          [-6, 0],
        ]
      : starOutline;
  return html`<polygon class="${style}" points="${outline.map(([dx, dy]) => `${round(x + dx)},${round(y + dy)}`).join(" ")}">${told}</polygon>`;
}

const starOutline: readonly (readonly [number, number])[] = Array.from({ length: 10 }, (_, i) => {
  const radius = i % 2 === 0 ? 8 : 3.5;
  return [radius * Math.sin((i * Math.PI) / 5), -radius * Math.cos((i * Math.PI) / 5)] as const;
});

/**
 * Names of marks as a staircase above the plot, the cheapest highest, each with a line down to its mark: marks that lie close together,
 * as those of dense engines do, keep their names apart.
 */
function drawLabels(series: readonly Series[], top: number, toX: (x: number) => number, toY: (y: number) => number): Markup[] {
  const labelled = series
    .flatMap(({ marks }, s) => marks.filter(isDrawable).map((mark) => ({ x: toX(mark.x), y: toY(mark.y), label: mark.label, s })))
    .filter(({ label }) => label !== null)
    .sort((a, b) => a.x - b.x);
  const lines = labelled.map(
    ({ x, y }, row) =>
      html`<line class="leader" x1="${x}" y1="${y}" x2="${x}" y2="${top - 8 - labelHeight * (labelled.length - 1 - row)}"/>`,
  );
  const names = labelled.map(({ x, label, s }, row) => {
    const text = label ?? "";
    const fits = x + 4 + text.length * labelCharacter <= width;
    return html`<text class="label t${s}" x="${round(fits ? x + 4 : x - 4)}" y="${top - 4 - labelHeight * (labelled.length - 1 - row)}" text-anchor="${fits ? "start" : "end"}">${text}</text>`;
  });
  return [...lines, ...names];
}

/** A note on a line across the plot, where it covers least of what is drawn: at either end, below or above. */
function drawNote(text: string, line: number, series: readonly Series[], toX: (x: number) => number, toY: (y: number) => number): Markup {
  const drawn = series.flatMap((one) => pathOf(one, toX, toY));
  const width = text.length * labelCharacter;
  const places = [line + 14, line - 6].flatMap((y) => [
    { y, anchor: "end", x: frame.right - 4, from: frame.right - 4 - width },
    { y, anchor: "start", x: frame.left + 4, from: frame.left + 4 },
  ]);
  const covered = places.map(({ y, from }) =>
    drawn.filter(
      (at) => at.x > from - markRadius && at.x < from + width + markRadius && at.y > y - 12 - markRadius && at.y < y + 3 + markRadius,
    ),
  );
  const least = Math.min(...covered.map(({ length }) => length));
  const { x, y, anchor } = places[covered.findIndex(({ length }) => length === least)];
  return html`<text class="note" x="${x}" y="${round(y)}" text-anchor="${anchor}">${text}</text>`;
}

const markRadius = 6;

/** Where a series is drawn: its marks, and points close together on the line that joins them. */
function pathOf({ joined, marks }: Series, toX: (x: number) => number, toY: (y: number) => number): { x: number; y: number }[] {
  const at = marks
    .filter(isDrawable)
    .sort((a, b) => a.x - b.x)
    .map(({ x, y }) => ({ x: toX(x), y: toY(y) }));
  if (!joined) return at;
  return at.flatMap((end, i) => {
    const start = at[Math.max(0, i - 1)];
    const steps = Math.max(1, Math.ceil(Math.hypot(end.x - start.x, end.y - start.y) / markRadius));
    return Array.from({ length: steps }, (_, step) => {
      const share = (step + 1) / steps;
      return { x: start.x + share * (end.x - start.x), y: start.y + share * (end.y - start.y) };
    });
  });
}

/** About the width of a character at a label's size. */
const labelCharacter = 6.6;

/** A logarithmic axis has no place for a cost of 0, and neither has one for what was not measured. */
function isDrawable({ x, y }: Mark): boolean {
  return x > 0 && Number.isFinite(x) && Number.isFinite(y);
}

/** From below the least to above the greatest, with air at both ends. */
function domainOf(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0.1, 1];
  return [Math.min(...values) / 1.25, Math.max(...values) * 1.25];
}

/** 1, 2 and 5 in every decade; only 1s when that is too many. */
function ticksOf(from: number, to: number): number[] {
  const ticks: number[] = [];
  const firsts = to / from > 1000 ? [1] : [1, 2, 5];
  for (let decade = Math.floor(Math.log10(from)); decade <= Math.log10(to); decade++)
    for (const first of firsts) {
      const x = Number(`${first}e${decade}`);
      if (x >= from && x <= to) ticks.push(x);
    }
  return ticks;
}

export function percent(share: number, digits = 2): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(digits)} %` : "–";
}

/** A difference of two shares: 0.003 is 0.3 points. */
export function points(share: number): string {
  const n = Number((share * 100).toPrecision(3));
  return n === 1 ? "1 point" : `${n} points`;
}

function signed(off: number): string {
  return `${off < 0 ? "−" : "+"}${Number((Math.abs(off) * 100).toPrecision(3))}`;
}

function round(v: number): number {
  return Math.round(v * 10) / 10;
}
