// What queries cost as labels, width and load grow, as a page: measured sizes, what they say of others, and money by a stated price.

import type { Evaluation, NetworkPart, ScalingPart, ScalingPoint, WideHeadPart } from "./evaluation.ts";
import { figure, micro, percent, ratioText, table } from "./markdown.ts";
import { contender, promiseOf } from "./verdicts.ts";

/** The one number that is not measured here. */
const dollarsPerCpuHour = 0.04;
const cpuLimitsMs = [10, 50];
const modelledLabels = [1_000_000, 10_000_000];

export function scalingPage({ scaling, head, networks, interference, command }: Evaluation): string {
  return [
    "# What queries cost as things grow",
    `Made by \`${command}\` with [the evaluation](evaluation.md). Some networks on this page are made up, where it says so: their speed is real, their
answers mean nothing. Money is at one assumed price, ${dollarsPerCpuHour} dollars per hour of one virtual CPU; another price scales every figure alike.`,
    ...(scaling ? [labelsSection(scaling)] : []),
    ...(head ? [headSection(head)] : []),
    ...(scaling ? [widthSection(scaling)] : []),
    ...(networks.length > 0 ? [moneySection(networks)] : []),
    ...(interference.length > 0 ? [loadSection(interference[0])] : []),
    ...(scaling ? [edgeSection(scaling)] : []),
  ]
    .join("\n\n")
    .concat("\n");
}

/** Microseconds of a query by size, ascending. */
type Curve = readonly { size: number; us: number }[];

/**
 * Along straight lines between the sizes measured. Past the largest in proportion to it: there weights are read once, in one stream, from
 * the farthest memory that any size reads them from. Below the smallest in proportion too.
 */
export function usAt(curve: Curve, size: number): number {
  return along(curve, size, "size", "us");
}

/** The size that takes so long. */
export function sizeAt(curve: Curve, us: number): number {
  return along(curve, us, "us", "size");
}

function along(curve: Curve, at: number, from: "size" | "us", to: "size" | "us"): number {
  const next = curve.findIndex((point) => point[from] >= at);
  const end = next < 0 ? curve[curve.length - 1] : curve[next];
  const start = next > 0 ? curve[next - 1] : { size: 0, us: 0 };
  if (next < 0) return (end[to] * at) / end[from];
  return start[to] + ((end[to] - start[to]) * (at - start[from])) / (end[from] - start[from]);
}

const ways = [
  { name: "dense", of: ({ denseUs }: ScalingPoint) => denseUs },
  { name: "dense, eight bits", of: ({ dense8Us }: ScalingPoint) => dense8Us },
  { name: "a level that leaves out", of: ({ levelUs }: ScalingPoint) => levelUs },
] as const;

/** Those that were measured, by name. */
function curvesOf(points: readonly ScalingPoint[]): { name: string; curve: Curve }[] {
  return ways.flatMap(({ name, of }) => {
    const curve = points.flatMap((one) => {
      const us = of(one);
      return us === null ? [] : [{ size: one.size, us }];
    });
    return curve.length === 0 ? [] : [{ name, curve }];
  });
}

/** With columns for eight bits where they were measured. */
function measured(points: readonly ScalingPoint[]): string {
  const inBytes = points.some(({ dense8Us }) => dense8Us !== null);
  const columns = (dense: string, dense8: string, level: string, ratio: string, ratio8: string, agrees: string): string[] =>
    inBytes ? [dense, dense8, level, ratio, ratio8, agrees] : [dense, level, ratio];
  return table(
    ["network", ...columns("dense, µs", "dense in eight bits, µs", "level, µs", "dense / level", "dense in eight bits / level", "agrees")],
    points.map(({ what, denseUs, dense8Us, levelUs, agreement }) => [
      what,
      ...columns(
        figure(denseUs),
        dense8Us === null ? "" : figure(dense8Us),
        figure(levelUs),
        figure(denseUs / levelUs),
        dense8Us === null ? "" : figure(dense8Us / levelUs),
        percent(agreement, 1),
      ),
    ]),
  );
}

function labelsSection({ labels, screen }: ScalingPart): string {
  const largest = labels[labels.length - 1].size;
  const rows = curvesOf(labels).map(({ name, curve }) => [
    name,
    ...curve.map(({ size, us }) => figure((1000 * us) / size)),
    ...[largest, ...modelledLabels].map((size) => figure(dollarsOf(usAt(curve, size)))),
    ...modelledLabels.map((size) => figure(usAt(curve, size) / 1000)),
  ]);
  return `## Labels

A made-up head of 128 inputs. The level looks at the ${screen.inputs} strongest inputs of every label in eight bits and computes the best ${screen.kept} labels exactly (\`screen\`);
it still touches every label, so its time grows with them too. The last column is how often its best label is that of dense in eight bits. \`clusters\`
touches few labels and is faster where calibration finds that it keeps the promise ([wide outputs](wide-outputs.md)).

${measured(labels)}

![Median time of a query against the number of labels](evaluation/scaling-labels.svg)

Time per label rises when weights no longer fit a cache. Past the largest size measured, time is taken to grow in proportion. Whatever still lies in a
cache at that size, as much of what the level reads does, takes longer than that says.

${table(
  [
    "",
    ...labels.map(({ size }) => `${size.toLocaleString("en")}, ns a label`),
    ...[largest, ...modelledLabels].map((n) => `${n.toLocaleString("en")}, $ a million queries`),
    ...modelledLabels.map((n) => `${n.toLocaleString("en")}, ms`),
  ],
  rows,
)}`;
}

function headSection({ labels, inputs, queries, contenders, ratios }: WideHeadPart): string {
  const rows = contenders.map(({ name, form, agreement, latencyMs, macs, certified }) => {
    const found = ratios.find(({ slower }) => slower === name);
    return [
      form ? `${name} (${form})` : name,
      percent(agreement),
      certified ?? "",
      percent(macs),
      micro(latencyMs.p50),
      micro(latencyMs.p99),
      found ? ratioText(found) : "1",
    ];
  });
  const faster = ratios[0]?.faster ?? "";
  return `## ${labels.toLocaleString("en")} labels beside the peers

The same made-up head, ${inputs} → ${labels.toLocaleString("en")}, with weights in eight bits, raced beside the engines of [the evaluation](evaluation.md) in one process, taking turns; ${queries} queries,
twice. Only screens were calibrated; clusters, which take minutes to fit to so many labels, are faster where they keep the promise ([wide outputs](wide-outputs.md)). Its answers mean nothing, so what counts is how often they are dense's. † marks a ratio that the second race found outside the interval,
and shows what it found.

${table(["contender", "agrees with dense", "certified", "MACs", "p50 µs", "p99 µs", `as long as ${faster}`], rows, [2])}`;
}

function widthSection({ widths, bytesPerUs }: ScalingPart): string {
  const rows = widths.map(({ size, denseUs }) => {
    const bytes = 4 * (784 * size + size * size + size * 10);
    return [`${size}`, (bytes / 1e6).toFixed(1), figure(denseUs), figure(bytes / bytesPerUs), figure(denseUs / (bytes / bytesPerUs))];
  });
  return `## Width

Made-up perceptrons of two hidden layers. The level predicts the first hidden layer with 16 components, computes 4 % of it, and skips zeros after that:
about what levels of the trained image networks do. Dense grows roughly with the square of the width. So does the level in the end, since 4 % of a layer
into all of the next is a square too, but with a far smaller factor.

${measured(widths)}

![Median time of a query against the width of the hidden layers](evaluation/scaling-widths.svg)

Dense against the fastest read of memory beyond the caches, ${figure(bytesPerUs / 1000)} GB/s here (below 1: the weights lie in a cache):

${table(["width", "weights, MB", "dense, µs", "reading them, µs", "dense / reading"], rows)}`;
}

function dollarsOf(us: number): number {
  return (us * dollarsPerCpuHour) / 3600;
}

function moneySection(networks: readonly NetworkPart[]): string {
  const rows = networks.map((network) => {
    const [dense] = network.contenders;
    const ours = contender(network, promiseOf(network)) ?? dense;
    const [wholeUs, oursUs] = [1000 * dense.latencyMs.mean, 1000 * ours.latencyMs.mean];
    const perDollar = (us: number): string => figure(1 / dollarsOf(us));
    return [
      network.name,
      figure(1e6 / wholeUs),
      figure(1e6 / oursUs),
      dollarsOf(wholeUs).toPrecision(3),
      dollarsOf(oursUs).toPrecision(3),
      perDollar(wholeUs),
      perDollar(oursUs),
    ];
  });
  return `## Money

From mean times of the race, with one core kept busy. Means, since a level that grows takes longer for some inputs, which cost too. Millions of queries for a
dollar is the same figure the other way round.

${table(
  ["network", "queries a second, dense", "ours at 0.3 %", "$ a million, dense", "ours", "million queries a $, dense", "ours"],
  rows,
)}`;
}

function loadSection({ network, runs, denseMs }: Evaluation["interference"][number]): string {
  const widest = Math.max(...runs.map(({ multiple }) => multiple));
  const rows = runs
    .filter(({ multiple }) => multiple === widest)
    .map(({ load, scores }) => {
      const named = (name: string) => scores.find((one) => one.contender === name);
      const [dense, ours] = [named("dense"), named("ours")];
      const cells = [dense, ours].flatMap((one) =>
        one ? [figure(1000 * one.latencyMs.p50), figure(1000 * one.latencyMs.p99), figure(one.goodputPerSecond)] : ["", "", ""],
      );
      return [load === "none" ? "alone" : `beside ${load}`, ...cells];
    });
  return `## Load

${network} under a deadline of ${figure(widest * denseMs * 1000)} µs: times per query, and queries right and in time per second of answering.

${table(["", "dense, p50 µs", "p99 µs", "right and in time a second", "ours, p50 µs", "p99 µs", "right and in time a second"], rows)}`;
}

function edgeSection({ labels }: ScalingPart): string {
  const largest = labels[labels.length - 1].size;
  const rows = curvesOf(labels).map(({ name, curve }) => [
    name,
    ...cpuLimitsMs.map((ms) => (1000 * Math.floor(sizeAt(curve, 1000 * ms) / 1000)).toLocaleString("en")),
  ]);
  return `## What an edge platform's limit buys

Edge platforms limit the processor time of a request: 10 ms on Cloudflare's free plan, 50 ms on Deno Deploy and Netlify. This is the most labels of a
128-wide head that one query answers within that, by the measurements above, on a machine like this one and with nothing else in the request. None larger
than ${largest.toLocaleString("en")} was measured: beyond, time is taken to grow in proportion, as above. Memory may be the limit sooner: 128 MB hold 250,000 such labels in
floats and 940,000 in eight bits.

${table(["", ...cpuLimitsMs.map((ms) => `labels in ${ms} ms`)], rows)}

Where the clock stands still during a request, ask for \`operations\` instead of a deadline ([objectives](../README.md#objectives)).`;
}
