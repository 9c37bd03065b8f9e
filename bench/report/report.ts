// Writes a report: report.json is the data as it came, index.html shows it on one page that needs no network, no script and no font of its own.

import { join } from "node:path";
import { rankOf, ranks } from "../../src/cli/metric.ts";
import type { Run } from "../../src/cli/results.ts";
import { keeps } from "../../src/policy/levels.ts";
import type { Certificate } from "../../src/profile/ladder.ts";
import { writeFiles } from "../write-files.ts";
import { type Chart, drawFigure, drawLegend, percent, points, type Series } from "./chart.ts";
import { html, type Markup, trusted } from "./markup.ts";
import type { LevelMark, NetworkReport, ReportData } from "./report-data.ts";
import { style } from "./style.ts";

/** Writes `index.html` and `report.json`, each whole or not at all, into `folder`, which is made when missing; gives both paths. */
export async function writeReport(data: ReportData, folder: string): Promise<{ page: string; json: string }> {
  await writeFiles(folder, { "index.html": renderPage(data), "report.json": `${JSON.stringify(data, null, 2)}\n` });
  return { page: join(folder, "index.html"), json: join(folder, "report.json") };
}

/** The page as text. */
export function renderPage(data: ReportData): string {
  const { machine, race } = data;
  return `<!doctype html>\n${
    html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${data.title}</title>
<style>${trusted(style)}</style>
</head>
<body>
<header>
<h1>${data.title}</h1>
<p class="facts">${machine.cpu}, ${machine.cores} cores, ${gibibytes(machine.memoryBytes)} · ${machine.os} · ${machine.runtime} · one thread, one query at a time · <time datetime="${data.madeAt}">${data.madeAt}</time></p>
${data.networks.length > 1 ? html`<nav aria-label="Networks"><ul>${data.networks.map((network, n) => html`<li><a href="#network-${n}">${network.name}</a></li>`)}</ul></nav>` : null}
</header>
<main>
${data.networks.map(renderNetwork)}
</main>
<footer>
<h2>How it was measured</h2>
<p>All contenders answered the same test rows in one process, ${
      race.order === "blocks" ? `taking turns in blocks of ${race.blockSize} queries` : "taking turns query by query"
    }. Latencies are per query; a ratio is the ratio of two medians with its bootstrap interval. Those that answer with a promise are timed until it resolves.</p>
<dl class="versions">${Object.entries(data.versions).map(([name, version]) => html`<div><dt>${name}</dt><dd>${version}</dd></div>`)}</dl>
<p>Made by <code>${data.command}</code>; the numbers are in <a href="report.json">report.json</a>.</p>
</footer>
</body>
</html>`.markup
  }\n`;
}

function renderNetwork(network: NetworkReport, n: number): Markup {
  const { dense, promise } = network;
  const id = `network-${n}`;
  const levels = network.levels.slice().sort((a, b) => a.macs - b.macs);
  const hash = network.hash.slice().sort((a, b) => a.macs - b.macs);
  const byLatency = seriesOf(network, levels, hash, (mark) => mark.latencyMs.p50 * 1000);
  const byMacs = seriesOf(network, levels, hash, (mark) => mark.macs * 100);
  const frame = {
    yLabel: `${network.metric}, points from dense`,
    reference: dense.metric,
    allowedLoss: promise?.kind === "loss" && rankOf(promise.metric) === rankOf(network.metric) ? promise.bound : null,
  };
  const latencyChart: Chart = {
    ...frame,
    title: `${network.name}: ${network.metric} against latency`,
    xLabel: "median latency per query, µs (logarithmic)",
    tick: (x) => micro(x),
    series: byLatency,
  };
  const macsChart: Chart = {
    ...frame,
    title: `${network.name}: ${network.metric} against multiply-adds`,
    xLabel: "multiply-adds, % of dense (logarithmic)",
    tick: (x) => `${x} %`,
    series: byMacs,
  };
  return html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${network.name}</h2>
<p class="facts">${network.widths.join(" – ")} · ${network.data}, ${count(network.samples)} rows, ${count(network.queries)} queries · ${network.backend} kernels · dense: ${network.metric} ${percent(dense.metric)}, ${count(Math.round(dense.macs))} multiply-adds, ${microOf(dense.latencyMs.p50)} µs</p>
${promise === null ? null : html`<p>Calibrated for <strong>${promiseText(promise)}</strong>, by ${promise.metric}. ${summary(network)}</p>`}
<div class="charts">
${drawFigure(`${network.metric} against latency`, latencyChart)}
${drawFigure(`${network.metric} against multiply-adds`, macsChart)}
</div>
${drawLegend(byLatency)}
<p class="small">Vertical axes are stretched around dense: even steps near it, logarithmic further away.</p>
${sloTable(network, id)}
${precisionTable(network, id)}
${ratioTable(network, id)}
${markTable(network, levels, hash, id)}
</section>`;
}

/** Levels apart by whether anything was certified of them, so that the legend can say so; then the baseline and the peers. */
function seriesOf(
  network: NetworkReport,
  levels: readonly LevelMark[],
  hash: readonly LevelMark[],
  cost: (mark: LevelMark) => number,
): Series[] {
  const toMark = (mark: LevelMark) => ({
    x: cost(mark),
    y: mark.metric,
    title: `${mark.name}: ${percent(mark.metric)}, ${microOf(mark.latencyMs.p50)} µs, ${percent(mark.macs, 1)} of dense multiply-adds${mark.certificates.length === 0 ? ", not certified" : `, certified: ${mark.certificates.map(certificateText).join("; ")}`}`,
    filled: mark.certificates.length > 0,
    label: null,
  });
  const asLevel = (peer: NetworkReport["peers"][number]): LevelMark => ({ ...peer, macs: 1, certificates: [] });
  const series: Series[] = [
    { name: "level, certified", shape: "circle", joined: false, marks: levels.filter((mark) => mark.certificates.length > 0).map(toMark) },
    {
      name: "level, not certified",
      shape: "circle",
      joined: false,
      marks: levels.filter((mark) => mark.certificates.length === 0).map(toMark),
    },
    {
      name: "hash baseline",
      shape: "diamond",
      joined: true,
      marks: hash.map((mark) => ({ ...toMark(mark), filled: mark.certificates.length > 0 })),
    },
    {
      name: "our dense",
      shape: "star",
      joined: false,
      marks: [
        {
          ...toMark({ name: "our dense", ...network.dense, macs: 1, certificates: [] }),
          title: `our dense: ${percent(network.dense.metric)}, ${microOf(network.dense.latencyMs.p50)} µs`,
          filled: true,
          label: "dense",
        },
      ],
    },
    {
      name: "other engines",
      shape: "square",
      joined: false,
      marks: network.peers.map((peer) => ({
        ...toMark(asLevel(peer)),
        title: `${peer.name} ${peer.version}: ${percent(peer.metric)}, ${microOf(peer.latencyMs.p50)} µs, every node`,
        filled: true,
        label: peer.name,
      })),
    },
  ];
  return series;
}

function sloTable(network: NetworkReport, id: string): Markup {
  const best = bestPeer(network);
  const rows = network.runs.map(
    (
      run,
    ) => html`<tr><th scope="row"><code>${run.slo}</code></th><td>${percent(run.metric)}</td><td>${signedPoints(run.metric - network.dense.metric)}</td><td>${percent(run.agreement)}</td>
<td>${microOf(run.latencyMs.p50)}</td><td>${microOf(run.latencyMs.p90)}</td><td>${microOf(run.latencyMs.p99)}</td><td class="strong">${times(run.speedup)}</td>${best === null ? null : html`<td>${times(best.latencyMs.p50 / run.latencyMs.p50)}</td>`}
<td>${percent(run.macs, 1)}</td><td>${percent(run.bytes, 1)}</td><td>${run.nodes.map((share) => percent(share, share < 0.1 ? 1 : 0)).join(", ")}</td><td>${percent(run.attained, 1)}</td><td class="words wraps">${certified(run)}</td></tr>`,
  );
  return table(
    id,
    "slos",
    "Service level objectives",
    html`<tr><th scope="col">SLO</th><th scope="col">${network.metric}</th><th scope="col">points from dense</th><th scope="col">agreement</th><th scope="col">p50 µs</th><th scope="col">p90 µs</th><th scope="col">p99 µs</th><th scope="col">over our dense</th>${best === null ? null : html`<th scope="col">over ${best.name}</th>`}
<th scope="col">multiply-adds</th><th scope="col">bytes</th><th scope="col">active nodes by layer</th><th scope="col">attained</th><th scope="col" class="words">certified</th></tr>`,
    rows,
  );
}

/** How right the best answers are of everybody, at every rank: a setting that keeps the best one may lose those behind it. */
function precisionTable({ dense, runs, peers }: NetworkReport, id: string): Markup | null {
  if (!dense.precision) return null;
  const whole = dense.precision;
  const rows = [
    { name: "dense", precision: whole },
    ...runs.map(({ slo, precision }) => ({ name: slo, precision })),
    ...peers.map(({ name, version, precision }) => ({ name: `${name} ${version}`, precision })),
  ].map(
    ({ name, precision }) =>
      html`<tr><th scope="row">${name}</th>${ranks.map((k) => html`<td>${precision ? percent(precision[k]) : "–"}</td><td>${precision ? signedPoints(precision[k] - whole[k]) : "–"}</td>`)}</tr>`,
  );
  return table(
    id,
    "precision",
    "Right answers among the best 1, 3 and 5",
    html`<tr><th scope="col">who</th>${ranks.map((k) => html`<th scope="col">precision@${k}</th><th scope="col">points from dense</th>`)}</tr>`,
    rows,
  );
}

function ratioTable(network: NetworkReport, id: string): Markup | null {
  if (network.ratios.length === 0) return null;
  return table(
    id,
    "ratios",
    "Ratios of medians",
    html`<tr><th scope="col">faster</th><th scope="col" class="words">than</th><th scope="col">ratio</th><th scope="col">interval</th></tr>`,
    network.ratios.map(
      ({ faster, slower, ratio, low, high, confidence }) =>
        html`<tr><th scope="row">${faster}</th><td class="words">${slower}</td><td class="strong">${times(ratio)}</td><td>${times(low)} to ${times(high)} at ${percent(confidence, 0)}</td></tr>`,
    ),
  );
}

/** Every mark of both charts, for those who read rather than look. */
function markTable(network: NetworkReport, levels: readonly LevelMark[], hash: readonly LevelMark[], id: string): Markup {
  const row = (
    kind: string,
    mark: LevelMark,
  ) => html`<tr><th scope="row">${mark.name}</th><td class="words">${kind}</td><td>${percent(mark.metric)}</td><td>${signedPoints(mark.metric - network.dense.metric)}</td>
<td>${microOf(mark.latencyMs.p50)}</td><td>${microOf(mark.latencyMs.p90)}</td><td>${microOf(mark.latencyMs.p99)}</td><td>${percent(mark.macs, 1)}</td><td class="words wraps">${mark.certificates.length === 0 ? "–" : mark.certificates.map(certificateText).join("; ")}</td></tr>`;
  return html`<details><summary>Every mark of the charts as a table</summary>
${table(
  id,
  "marks",
  "Marks",
  html`<tr><th scope="col">mark</th><th scope="col" class="words">kind</th><th scope="col">${network.metric}</th><th scope="col">points from dense</th><th scope="col">p50 µs</th><th scope="col">p90 µs</th><th scope="col">p99 µs</th><th scope="col">multiply-adds</th><th scope="col" class="words">certified</th></tr>`,
  [
    ...levels.map((mark) => row("level", mark)),
    ...hash.map((mark) => row("hash baseline", mark)),
    row("our dense", { name: "dense", ...network.dense, macs: 1, certificates: [] }),
    ...network.peers.map((peer) => row("other engine", { ...peer, name: `${peer.name} ${peer.version}`, macs: 1, certificates: [] })),
  ],
)}</details>`;
}

/** A table in a box that scrolls sideways and can be reached and scrolled by keyboard; its name says of which network it is. */
function table(id: string, part: string, caption: string, head: Markup, rows: readonly Markup[]): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-labelledby="${id}-title ${id}-${part}"><table><caption id="${id}-${part}">${caption}</caption><thead>${head}</thead><tbody>${rows}</tbody></table></div>`;
}

/** The fastest other engine, native call or not: the one an honest ratio is over. */
function bestPeer({ peers }: NetworkReport): NetworkReport["peers"][number] | null {
  return peers.reduce<NetworkReport["peers"][number] | null>(
    (best, peer) => (best === null || peer.latencyMs.p50 < best.latencyMs.p50 ? peer : best),
    null,
  );
}

/** What the promise came to, by the fastest run whose certificate says as much or more, in a sentence. */
function summary({ promise, dense, runs }: NetworkReport): string {
  const [run] = runs.filter(({ certificate }) => isKept(promise, certificate)).sort((a, b) => b.speedup - a.speedup);
  if (!run) return "No run below is certified to keep that.";
  const lost = dense.metric - run.metric;
  const kept = lost > 0 ? `${points(lost)} lost on the test rows` : `nothing lost on the test rows`;
  return `Under ${run.slo}: ${times(run.speedup)} as fast as our dense run on ${percent(run.macs, 1)} of its multiply-adds, ${kept}.`;
}

function isKept(promise: NetworkReport["promise"], certificate: Certificate | null): boolean {
  if (certificate === null || promise === null || certificate.kind !== promise.kind) return false;
  return keeps(certificate, promise.bound) && certificate.confidence >= promise.confidence;
}

function promiseText({ kind, bound, confidence }: NonNullable<NetworkReport["promise"]>): string {
  return `${boundText(kind, bound)} at ${percent(confidence, 0)} confidence`;
}

function boundText(kind: Certificate["kind"], bound: number): string {
  return kind === "loss"
    ? `at most ${points(bound)} lost against dense`
    : `${kind === "agreement" ? "agreement with dense" : "accuracy"} of at least ${percent(bound)}`;
}

function certificateText({ kind, bound, confidence, samples }: Certificate): string {
  const what = kind === "loss" ? `loss ≤ ${points(bound)}` : `${kind} ≥ ${percent(bound)}`;
  return `${what} at ${percent(confidence, 0)}, n = ${count(samples)}`;
}

function certified({ certificate }: Run): string {
  return certificate === null ? "–" : certificateText(certificate);
}

function signedPoints(share: number): string {
  if (!Number.isFinite(share)) return "–";
  const text = (Math.abs(share) * 100).toFixed(2);
  return Number(text) === 0 ? "0.00" : `${share < 0 ? "−" : "+"}${text}`;
}

function times(ratio: number): string {
  return Number.isFinite(ratio) ? `${ratio.toFixed(ratio < 10 ? 2 : 1)}×` : "–";
}

function microOf(ms: number): string {
  return Number.isFinite(ms) ? micro(ms * 1000) : "–";
}

/** Three significant digits, thousands apart. */
function micro(us: number): string {
  return Number(us.toPrecision(3)).toLocaleString("en-US");
}

function count(n: number): string {
  return n.toLocaleString("en-US");
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(0)} GiB`;
}
