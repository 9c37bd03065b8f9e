// What queries cost as labels, width and load grow, as a page: measured sizes, a straight line through them, and money by a stated price.

import type { Evaluation, NetworkPart, ScalingPart, ScalingPoint, WideHeadPart } from "./evaluation.ts";
import { figure, micro, percent, table } from "./markdown.ts";
import { contender, promiseOf } from "./verdicts.ts";

/** The one number that is not measured here. */
const dollarsPerCpuHour = 0.04;
const cpuLimitsMs = [10, 50];
const modelledLabels = [205_443, 1_000_000, 10_000_000];

export function scalingPage({ scaling, head, networks, interference, command }: Evaluation): string {
  return [
    "# What queries cost as things grow",
    `Made by \`${command}\` with [the evaluation](evaluation.md). Networks on this page are made up where it says so: their speed is real, their answers
mean nothing. Money is by one assumed price, ${dollarsPerCpuHour} dollars for an hour of one virtual CPU; another price scales every figure alike.`,
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

/** Least squares of relative errors, so that small sizes count as much as large ones: time = fixed + slope · size. */
export function lineThrough(points: readonly { x: number; y: number }[]): { fixed: number; slope: number } {
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0];
  for (const { x, y } of points) {
    const weight = 1 / (y * y);
    w += weight;
    wx += weight * x;
    wy += weight * y;
    wxx += weight * x * x;
    wxy += weight * x * y;
  }
  const slope = (w * wxy - wx * wy) / (w * wxx - wx * wx);
  return { slope, fixed: (wy - slope * wx) / w };
}

const ways = [
  { name: "dense", of: ({ denseUs }: ScalingPoint) => denseUs },
  { name: "dense, eight bits", of: ({ dense8Us }: ScalingPoint) => dense8Us },
  { name: "a level that leaves out", of: ({ levelUs }: ScalingPoint) => levelUs },
] as const;

/** With columns for eight bits where they were measured. */
function measured(points: readonly ScalingPoint[]): string {
  const inBytes = points.some(({ dense8Us }) => dense8Us !== null);
  const columns = (dense: string, dense8: string, level: string, ratio: string, ratio8: string): string[] =>
    inBytes ? [dense, dense8, level, ratio, ratio8] : [dense, level, ratio];
  return table(
    ["network", ...columns("dense, µs", "dense in eight bits, µs", "level, µs", "dense / level", "dense in eight bits / level")],
    points.map(({ what, denseUs, dense8Us, levelUs }) => [
      what,
      ...columns(
        figure(denseUs),
        dense8Us === null ? "" : figure(dense8Us),
        figure(levelUs),
        figure(denseUs / levelUs),
        dense8Us === null ? "" : figure(dense8Us / levelUs),
      ),
    ]),
  );
}

function labelsSection({ labels }: ScalingPart): string {
  const lines = ways.flatMap(({ name, of }) => {
    const points = labels.flatMap((one) => {
      const y = of(one);
      return y === null ? [] : [{ x: one.size, y }];
    });
    return points.length < 2 ? [] : [{ name, ...lineThrough(points) }];
  });
  const modelled = lines.map(({ name, fixed, slope }) => [
    name,
    figure(1000 * slope),
    ...modelledLabels.map((size) => figure((fixed + slope * size) / 1000)),
    ...modelledLabels.map((size) => figure(dollarsOf(fixed + slope * size))),
  ]);
  return `## Labels

A made-up head of 128 inputs. The level looks at the eight strongest inputs of every label in eight bits and computes the best 64 labels exactly (\`screen\`);
it still touches every label, so it grows with them too, along a flatter line. \`clusters\` touches few
labels and is faster where calibration finds that it keeps the promise ([wide outputs](wide-outputs.md)).

${measured(labels)}

![Median time of a query against the number of labels](evaluation/scaling-labels.svg)

A straight line through these, least squares of relative errors; past the largest size measured it is a model, and sizes beyond the caches
take longer than it says.

${table(["", "ns a label", ...modelledLabels.map((n) => `${n.toLocaleString("en")}, ms`), ...modelledLabels.map((n) => `${n.toLocaleString("en")}, $ a million`)], modelled)}`;
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
      found
        ? `${figure(found.ratio)} (${figure(found.low)} to ${figure(found.high)})${found.reproduced ? "" : ` †${figure(found.again)}`}`
        : "1",
    ];
  });
  const faster = ratios[0]?.faster ?? "";
  return `## ${labels.toLocaleString("en")} labels beside the peers

The same made-up head, ${inputs} → ${labels.toLocaleString("en")}, with weights in eight bits, raced beside the engines of [the evaluation](evaluation.md) in one process, taking turns; ${queries} queries,
twice. Only screens were calibrated; clusters, which take minutes to fit to so many labels, are faster where they keep the promise ([wide outputs](wide-outputs.md)). Its answers mean nothing, so what counts is how often they are dense's. † marks a ratio that the second race did not find within the
first one's 95 % interval, and what it found.

${table(["contender", "agrees with dense", "certified", "MACs", "p50 µs", "p99 µs", `as long as ${faster}`], rows, [2])}`;
}

function widthSection({ widths, bytesPerUs }: ScalingPart): string {
  const rows = widths.map(({ size, denseUs }) => {
    const bytes = 4 * (784 * size + size * size + size * 10);
    return [`${size}`, (bytes / 1e6).toFixed(1), figure(denseUs), figure(bytes / bytesPerUs), figure(denseUs / (bytes / bytesPerUs))];
  });
  return `## Width

Made-up perceptrons of two hidden layers. The level predicts the first hidden layer with 16 components, computes 4 % of it, and skips zeros after that:
what the trained image networks come to. Dense grows about with the square of the width; so does the level in the end, since 4 % of a layer into all of
the next is a square too, with a far smaller factor.

${measured(widths)}

![Median time of a query against the width of the hidden layers](evaluation/scaling-widths.svg)

Dense against the fastest read of memory past the caches, ${figure(bytesPerUs / 1000)} GB/s here (below 1: the weights lie in a cache):

${table(["width", "weights, MB", "dense, µs", "reading them, µs", "dense / reading"], rows)}`;
}

function dollarsOf(us: number): number {
  return (us * dollarsPerCpuHour) / 3600;
}

function moneySection(networks: readonly NetworkPart[]): string {
  const rows = networks.map((network) => {
    const [dense] = network.contenders;
    const ours = contender(network, promiseOf(network)) ?? dense;
    const [wholeUs, oursUs] = [1000 * dense.latencyMs.p50, 1000 * ours.latencyMs.p50];
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

From median times of the race (a mean would count what other processes took too), one core kept busy. Millions of queries for a dollar is the same figure the other way round.

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

${network} under a deadline of ${figure(widest * denseMs * 1000)} µs: times of a query, and queries right and in time per second of answering.

${table(["", "dense, p50 µs", "p99 µs", "right and in time a second", "ours, p50 µs", "p99 µs", "right and in time a second"], rows)}`;
}

function edgeSection({ labels }: ScalingPart): string {
  const rows = ways.flatMap(({ name, of }) => {
    const points = labels.flatMap((one) => {
      const y = of(one);
      return y === null ? [] : [{ x: one.size, y }];
    });
    if (points.length < 2) return [];
    const { fixed, slope } = lineThrough(points);
    return [[name, ...cpuLimitsMs.map((ms) => Math.max(0, Math.floor((1000 * ms - fixed) / slope)).toLocaleString("en"))]];
  });
  return `## What an edge platform's limit buys

Edge platforms bound the CPU time of a request: ${cpuLimitsMs.map((ms) => `${ms} ms`).join(" and ")} are common. By the line above, the most labels of a 128-wide head that one query
answers within it, on a machine like this one and with nothing else in the request. Memory bounds it sooner: 128 MB hold 250,000 such labels in floats and a million in eight bits.

${table(["", ...cpuLimitsMs.map((ms) => `labels in ${ms} ms`)], rows)}

Where the clock stands still during a request, ask for \`operations\` instead of a deadline ([objectives](../README.md#objectives)).`;
}
