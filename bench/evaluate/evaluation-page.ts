// The evaluation as a page: every number comes from the data, so that the page can be made again from the JSON beside it.

import { binomialLower, binomialUpper } from "../../src/calibrate/bounds.ts";
import { block } from "../interference/turns.ts";
import type { MachineFacts } from "../machine.ts";
import { quantile } from "../statistics.ts";
import {
  type BrowserPart,
  type Circumstances,
  type ContenderResult,
  type Evaluation,
  hashName,
  type InterferencePart,
  type NetworkPart,
  plainName,
  type Ratio,
} from "./evaluation.ts";
import { figure, micro, percent, points, ratioText, table } from "./markdown.ts";
import { plotCaption } from "./plots.ts";
import { choosingRows, sizes } from "./sizes.ts";
import {
  bestPeers,
  contender,
  deadlineScores,
  drops,
  hashLeavingOut,
  isWide,
  oracleKept,
  promiseOf,
  ratio,
  verdictsOf,
} from "./verdicts.ts";

export function evaluationPage(evaluation: Evaluation): string {
  const { networks, certificates, interference, browser, failed } = evaluation;
  const sections = [
    `## What it comes to\n\n${claims(evaluation)}`,
    `## What was to be reached\n\n${targets(evaluation)}`,
    ...(failed.length > 0
      ? [`## What failed in this run\n\n${failed.map(({ what, message }) => `- ${what}: ${message}`).join("\n")}`]
      : []),
    ...(networks.length > 0 ? [sparsitySection(networks), speedSection(networks), rangeSection(networks)] : []),
    ...interference.map(deadlineSection),
    ...(certificates.length > 0 ? [certificateSection(evaluation)] : []),
    ...(browser ? [browserSection(browser)] : []),
    ...(networks.length > 0 ? [coldSection(networks)] : []),
    method(evaluation),
  ];
  return `${["# The evaluation", introduction(evaluation), contents(sections), ...sections].join("\n\n")}\n`;
}

/** Links to the sections there are, by the anchors code hosts give headings. */
function contents(sections: readonly string[]): string {
  const links = sections.map((section) => {
    const heading = section.slice(3, section.indexOf("\n"));
    const anchor = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    return `[${heading}](#${anchor})`;
  });
  return `${links.join(" · ")} · [cost at scale](scaling.md)`;
}

function targets(evaluation: Evaluation): string {
  const rows = verdictsOf(evaluation).map(({ what, found, reached }) => [
    what,
    found,
    reached === null ? "–" : reached ? "reached" : "**not reached**",
  ]);
  return table(["set out to reach", "found", ""], rows, [1, 2]);
}

/** All that was measured, by name. */
function partsOf({ networks, certificates, interference, scaling, head, browser }: Evaluation): { name: string; part: Circumstances }[] {
  return [
    ...networks.map((part) => ({ name: part.name, part })),
    ...certificates.map((part) => ({ name: `certificates of ${part.network}`, part })),
    ...interference.map((part) => ({ name: `deadlines of ${part.network}`, part })),
    ...(scaling ? [{ name: "scaling", part: scaling }] : []),
    ...(head ? [{ name: "the made-up output layer", part: head }] : []),
    ...(browser ? [{ name: "the browser", part: browser }] : []),
  ];
}

function introduction(evaluation: Evaluation): string {
  const { command, machine, versions } = evaluation;
  const parts = partsOf(evaluation).map(({ part }) => part);
  const loads = Float64Array.from(parts.flatMap(({ load }) => load)).sort();
  const [middle, highest] = [quantile(loads, 0.5), quantile(loads, 1)];
  const minutes = parts.reduce((sum, { seconds }) => sum + seconds, 0) / 60;
  const days = [...new Set(parts.map(({ madeAt }) => madeAt.slice(0, 10)))].sort();
  const others = Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
  const busy =
    middle > machine.cores + 0.5
      ? ` **The machine was busy with other work**: with ${machine.cores} cores, ratios below still come from contenders taking turns, but times are longer than the machine's own and intervals wider.`
      : "";
  return `\`slonn\` implements the idea of "Dynamic Network Adaptation at Inference" (arXiv 2204.08400): compute, for every query, only the nodes its service
level objective needs. This page makes the claims of that paper's abstract again, on data and networks anyone can get, beside the engines a user would
otherwise pick. \`${command}\` makes it, the plots and [the JSON they are drawn from](evaluation/evaluation.json) again; nothing here is typed by hand.

${machineText(machine)}; ${others}.${elsewhere(evaluation)} Measured on ${days.join(", ")} in ${figure(minutes)} minutes, one thread, one query
at a time. Load average while measuring: ${figure(middle)} in the median, at most ${figure(highest)}; one query after another makes about 1.${busy}

A *node* is one output of a layer. *Dense* is our own engine computing all of them; *exact* skips what is multiplied by zero and answers the same. Other levels of effort
leave nodes out: a cheap predictor ranks a layer's nodes for the very input, the best are computed, the rest count as zero; or only the nodes that usually give
most are computed; and inputs that stay close to call get more. An
*objective* says what may be lost: \`loss=0.003\` asks for at most 0.3 points of accuracy less than dense, \`agreement=0.997\` for dense's answer in 99.7 % of
queries. It is answered by the fastest level that was *certified* to keep it: proved beforehand, at 95 % confidence, on rows used for nothing else ([how](certificates.md)).
*Report rows* are yet others, which the figures below come from.`;
}

const machineText = ({ cpu, cores, os, runtime }: MachineFacts): string => `${cpu}, ${cores} cores, ${os}, ${runtime}`;

/** What was measured on another machine: ratios are of contenders on one machine, times of two do not compare. */
function elsewhere(evaluation: Evaluation): string {
  const namesOn = new Map<string, string[]>();
  for (const { name, part } of partsOf(evaluation)) {
    const where = machineText(part.machine);
    namesOn.set(where, [...(namesOn.get(where) ?? []), name]);
  }
  namesOn.delete(machineText(evaluation.machine));
  return [...namesOn]
    .map(
      ([where, names]) =>
        ` On another machine (${where}): ${names.join(", ")}; ratios are always of contenders on one machine, but times of the two do not compare.`,
    )
    .join("");
}

function claims(evaluation: Evaluation): string {
  const { networks, interference } = evaluation;
  const span = (of: readonly number[], write: (value: number) => string): string => {
    if (of.length === 0) return "not measured";
    const [least, most] = [write(Math.min(...of)), write(Math.max(...of))];
    return least === most ? least : `${least} to ${most}`;
  };
  const ratioSpan = (of: readonly Ratio[]): string => {
    const ascending = [...of].sort((a, b) => a.ratio - b.ratio);
    return ascending.length === 0 ? "not measured" : `${times(ascending[0])} to ${times(ascending[ascending.length - 1])}`;
  };
  const over = networks.flatMap((network) => ratio(network, "dense", promiseOf(network)) ?? []);
  const overPeer = networks.flatMap((network) => {
    const { usual } = bestPeers(network);
    return usual ? (ratio(network, usual.name, promiseOf(network)) ?? []) : [];
  });
  const lost = networks.flatMap((network) => contender(network, promiseOf(network))?.loss?.loss ?? []);
  const inactive = networks.flatMap(({ sparsity }) => sparsity.layers.slice(0, -1).map(({ active }) => 1 - active));
  const certified = networks.map((network) => network.contenders.filter(({ kind, certified: proved }) => kind === "ours" && proved).length);
  const oracle = networks.filter(drops).flatMap((network) => oracleKept(network) ?? []);
  const deadlines = interference.flatMap((part) => part.runs.filter(({ load }) => load !== "none").map(deadlineScores));
  const tight = deadlines.filter(({ ours, dense }) => ours !== null && dense !== null);
  const gained = tight.map(({ ours, dense }) => (ours?.effective ?? 0) - (dense?.effective ?? 0));
  const short = tight.map(({ ours, best }) => (best?.effective ?? 0) - (ours?.effective ?? 0));
  const percents = (value: number): string => percent(value, 0);
  return table(
    ["claim of the abstract", "the paper's figure", "ours", "the limit", "gap to it"],
    [
      [
        "1. high activation sparsity for each input",
        "none in the abstract",
        `${span(inactive, percents)} of a hidden layer's nodes inactive for an input; ${span(
          networks.map(({ sparsity }) => sparsity.macs.reached),
          (v) => percent(v, 1),
        )} of multiply-adds spent`,
        `an oracle's nodes: ${span(
          networks.map(({ sparsity }) => sparsity.macs.oracle),
          (v) => percent(v, 1),
        )} of multiply-adds`,
        "per network below",
      ],
      [
        "2. average speed-ups at under 0.3 % loss",
        "1.3–56.7×",
        `${ratioSpan(over)} over our own dense${overPeer.length > 0 ? `, ${ratioSpan(overPeer)} over the best peer` : ""}; ${span(lost, points)} points lost on the report rows`,
        `time in proportion to work: ${span(
          networks.map(({ limits }) => limits.ideal),
          (v) => `${figure(v)}×`,
        )}`,
        oracle.length === 0
          ? "an oracle would save next to nothing"
          : `${span(oracle, percents)} of the time a free oracle would save, where that is a tenth and more`,
      ],
      [
        "3. a range of accuracy targets from one trained network",
        "none in the abstract",
        `${span(certified, String)} certified objectives per network, each with its time below`,
        "dense's accuracy, at any time",
        "the loss asked for",
      ],
      [
        "4. interference alleviated under a deadline, accuracy kept",
        "none in the abstract",
        gained.length === 0 ? "not measured" : `${span(gained, points)} points more right and in time than dense beside other processes`,
        "the best fixed level, known in hindsight",
        short.length === 0 ? "" : `${span(short, points)} points`,
      ],
    ],
    [1, 2, 3, 4],
  );
}

function sparsitySection(networks: readonly NetworkPart[]): string {
  const rows = networks.flatMap(({ name, widths, sparsity }) =>
    sparsity.layers.map(({ nodes, active, oracle, reached }, l) => [
      l === 0 ? `${name}, ${widths.join("-")}` : "",
      `${l + 1}`,
      nodes.toLocaleString("en"),
      percent(l === 0 ? 1 - sparsity.zeroInputs : sparsity.layers[l - 1].active, 1),
      percent(active, 1),
      percent(oracle, 2),
      percent(reached, 2),
    ]),
  );
  const macs = networks.map(({ name, sparsity: { macs: of } }) => [name, percent(of.exact), percent(of.oracle), percent(of.reached)]);
  return `## 1. Activation sparsity

"At work" is the share of nodes that are not zero after the activation, on average over held-out rows. "Oracle" is the least share of a layer's
nodes, ranked by what they truly give, that keeps the promise of 0.3 % by the same bound a certificate takes, every other layer computed
exactly; of a wide output layer it names the five best labels. "Computed" is what the certified level computes on the report rows.

${table(["network", "layer", "nodes", "inputs at work", "at work", "oracle", "computed"], rows)}

Multiply-adds of the whole network, as shares of dense's: zeros skipped and nothing else, the oracle's nodes in all layers at once (naming
them is free), and the certified level, its predictor included.

${table(["network", "exact", "oracle", "certified level"], macs)}`;
}

function speedSection(networks: readonly NetworkPart[]): string {
  const over = (network: NetworkPart, slower: string): string => {
    const found = ratio(network, slower, promiseOf(network));
    return found ? ratioText(found) : "";
  };
  const hashText = (network: NetworkPart): string => {
    const name = hashLeavingOut(network);
    if (name === hashName) return over(network, name);
    return [`${over(network, hashName)} as exact`, ...(name ? [`${over(network, name)} leaving out`] : [])].join("; ");
  };
  const rows = networks.map((network) => {
    const { usual, hardest } = bestPeers(network);
    const ours = contender(network, promiseOf(network));
    const [dense] = network.contenders;
    return [
      network.name,
      percent(dense.right),
      ours?.loss ? `${points(ours.loss.loss)} (${points(ours.loss.low)} to ${points(ours.loss.high)})` : "",
      ours?.certified ?? "nothing; runs dense",
      micro(dense.latencyMs.p50),
      ours ? micro(ours.latencyMs.p50) : "",
      over(network, "dense"),
      ours ? figure(dense.latencyMs.mean / ours.latencyMs.mean) : "",
      usual ? `${usual.name} ${over(network, usual.name)}` : "",
      hardest ? `${hardest.name} ${over(network, hardest.name)}` : "",
      hashText(network),
      over(network, plainName),
    ];
  });
  const limits = networks.map((network) => {
    const { name, limits: of } = network;
    const kept = oracleKept(network);
    return [
      name,
      figure(of.denseUs),
      figure(of.oursUs),
      figure(of.oracleUs),
      kept === null ? "–" : percent(kept, 0),
      figure(of.ideal),
      figure(of.denseUs / of.oursUs),
      figure(of.denseUs / of.bandwidthUs.dense),
      figure(of.oursUs / of.bandwidthUs.ours),
    ];
  });
  const inBytes = networks.filter(({ weights }) => weights === "int8").map(({ name }) => name);
  return `## 2. Speed at under 0.3 % loss

All contenders of a network answer the same report rows in one process, taking turns. "×" says how many times as long another takes as ours: the ratio of medians
from that run, with its 95 % interval; "in means" says the same of means, which the inputs that a level grows for weigh on. † marks a ratio that a second run did not find within the interval, and what it found
([what intervals say](#how-it-was-done)).

${table(
  [
    "network",
    "accuracy, dense",
    "points lost",
    "certified",
    "dense, µs",
    "ours, µs",
    "× own dense",
    "in means",
    "× best peer",
    "× hardest peer",
    "× hash tables",
    "× plain loops",
  ],
  rows,
  [3],
)}

"Best peer" is the fastest engine by its public API, with weights in eight bits where ours are${inBytes.length > 0 ? ` (${inBytes.join(", ")})` : ""}, else in floats. "Hardest" is the fastest of all: entered
below its public API, as no user calls it, and with weights in eight bits. A peer counts as long as it answers within 0.3 points of our dense.
In plots filled marks are certified, the dashed line is what the promise allows.

How far from what bounds it, on a sample of the report rows, each level in an engine of its own and apart from the race, so that times differ
from the race's: a free oracle ("–" where it would save less than a tenth); time in proportion to multiply-adds; and bytes touched over the fastest read of memory of that
size (above 1 is slower than that, below 1 sits in a nearer cache).

${table(["network", "dense, µs", "ours, µs", "oracle, µs", "of its saving kept", "ideal ×", "found ×", "dense / bandwidth", "ours / bandwidth"], limits)}

${networks.map(details).join("\n\n")}`;
}

function details(network: NetworkPart): string {
  const { name, contenders, rows: r, widths, weights, data, trainedBy, calibrationSeconds, queries } = network;
  const row = (one: ContenderResult): string[] => {
    const found = ratio(network, one.name, promiseOf(network));
    return [
      one.form ? `${one.name} (${one.form})` : one.name,
      percent(one.right),
      percent(one.agreement),
      one.certified ?? "",
      percent(one.macs),
      percent(one.bytes),
      micro(one.latencyMs.p50),
      micro(one.latencyMs.p90),
      micro(one.latencyMs.p99),
      found ? ratioText(found) : "1",
    ];
  };
  return `### ${name}

${widths.join("-")}, weights in ${weights}; ${data}${trainedBy ? `; trained by ${trainedBy}` : ""}. Rows: ${r.fit.toLocaleString("en")} fit, ${r.search.toLocaleString("en")} search, ${r.certify.toLocaleString("en")} certify, ${r.report.toLocaleString("en")} report (${queries.toLocaleString("en")} asked, twice)${network.knownInputs ? `, ${network.knownInputs.toLocaleString("en")} of which bring the very input of a fit or held-out row` : ""};
${calibrationSeconds !== null ? `calibrated in ${calibrationSeconds} s` : "as it comes, calibrated on the same rows when it was made"}; load average ${figure(network.load[0])} to ${figure(network.load[1])}.

![${plotCaption(network)}](evaluation/${name}.svg)

<details><summary>every contender</summary>

${table(["contender", "right", "agrees", "certified", "MACs", "bytes", "p50 µs", "p90 µs", "p99 µs", `as long as ${promiseOf(network)}`], contenders.map(row), [3])}

</details>`;
}

/** A ratio by itself, with the mark of one that did not reproduce. */
function times(found: Ratio | null): string {
  return found ? `${figure(found.ratio)}×${found.reproduced ? "" : " †"}` : "";
}

function rangeSection(networks: readonly NetworkPart[]): string {
  const asked = networks[0].contenders
    .filter(({ kind, name }) => kind === "ours" && name !== "dense" && name !== "exact")
    .map(({ name }) => name);
  const rows = networks.map((network) => {
    const cells = network.contenders
      .filter(({ kind, name }) => kind === "ours" && name !== "dense")
      .map((one) => `${percent(one.right ?? one.agreement)}, ${micro(one.latencyMs.p50)} µs, ${times(ratio(network, "dense", one.name))}`);
    return [network.name, percent(network.contenders[0].right ?? network.contenders[0].agreement), ...cells];
  });
  return `## 3. A range of accuracies from one network

Each network was trained once and calibrated once; every column is an objective asked of the same session: accuracy on the report rows (where there are
no labels, agreement with dense, and objectives are of agreement), median time, and how many times as fast as dense, † as above. An objective nothing cheaper is certified for runs exact or dense.

${table(["network", "dense", "exact", ...asked], rows)}`;
}

function deadlineSection(part: InterferencePart): string {
  const { network, denseMs, percentile, runs, load } = part;
  const loads = [...new Set(runs.map((run) => run.load))];
  const multiples = [...new Set(runs.map((run) => run.multiple))];
  const cell = (score: ReturnType<typeof deadlineScores>["ours"]): string =>
    score ? `${percent(score.attained, 1)} / ${percent(score.effective, 1)}` : "";
  const rows = loads.flatMap((one) =>
    (["dense", "ours", "best"] as const).map((which) => [
      which === "dense" ? (one === "none" ? "alone" : `beside ${one}`) : "",
      { dense: "dense", ours: "**ours**", best: "best fixed level in hindsight" }[which],
      ...multiples.map((multiple) => {
        const run = runs.find((candidate) => candidate.load === one && candidate.multiple === multiple);
        return run ? cell(deadlineScores(run)[which]) : "";
      }),
    ]),
  );
  const worst = loads[loads.length - 1];
  const fixed = runs[0].scores.filter(({ contender: name }) => name.startsWith("level")).length;
  const inTurns = deadlineScores(runs[0]).dense;
  const inTime = (which: "ours" | "best"): number[] => runs.flatMap((run) => deadlineScores(run)[which]?.attained ?? []);
  const kept = (which: "ours" | "best"): string => `${inTime(which).filter((share) => 100 * share >= percentile).length} of ${runs.length}`;
  return `## 4. Deadlines beside other processes

${network}, asked for deadlines at the ${percentile}th percentile, alone and beside processes that compute ("compute 2": two of them), stream through memory, or both; load average
${figure(load[0])} to ${figure(load[1])}. Deadlines are multiples of what dense takes in the median when it answers alone, query after query: ${micro(denseMs)} µs. Here it takes turns of ${block}
queries with the others${inTurns ? `, and takes ${micro(inTurns.latencyMs.p50)} µs before other processes start` : ""}. Cells say what share of queries was answered in time / in time and right. The best fixed level is picked
for each cell afterwards, among dense and ${fixed} others from the cheapest to exact. A deadline at that percentile is kept where ${percentile} % of the answers are in time: ours
keep it in ${kept("ours")} cells and bring ${percent(Math.min(...inTime("ours")), 1)} in time in the worst, the best fixed level keeps it in ${kept("best")}.

${table(["", "", ...multiples.map((multiple) => `${multiple}× dense`)], rows, [1])}

![${network}: right and in time against the deadline beside ${worst}](evaluation/deadlines-${network}.svg)`;
}

/** How many of how many, with the bounds of Clopper and Pearson at 95 %. */
function brokenText(broken: number, of: number): string {
  const [low, high] = [binomialLower(broken, of, 0.025), binomialUpper(broken, of, 0.025)];
  return `${broken} of ${of} (${percent(broken / of, 1)}, interval ${percent(low, 1)} to ${percent(high, 1)})`;
}

function certificateSection({ certificates }: Evaluation): string {
  const rows = certificates.map(({ network, population, resamples, broken, speedUp, confidence }) => [
    network,
    population.toLocaleString("en"),
    `${brokenText(broken.certified, resamples)}; ${percent(1 - confidence, 0)} allowed`,
    brokenText(broken.uncertified, resamples),
    `${figure(speedUp.certified)}×`,
    `${figure(speedUp.uncertified)}×`,
  ]);
  const plots = certificates.map(
    ({ network, resamples }) =>
      `![${network}: what the levels chosen in ${resamples} draws truly lose](evaluation/certificates-${network}.svg)`,
  );
  return `## Do certificates hold?

The held-out rows are taken as a population known to the last row. Calibration rows are drawn from it with replacement again and again; each draw
chooses a ladder on 3,000 rows, certifies it on as many as the population has, with the code calibration uses, and takes the fastest level certified
for a loss of at most 0.3 %. What that level truly loses over the population is then looked up. Beside it the usual way: the fastest rule that lost
at most 0.3 % on the rows it was tuned on, as many again, without a certificate. What tuning without one gains in speed it pays for in broken promises.

${table(["network", "population", "certified: promise broken", "tuned without: promise broken", "certified, × dense", "tuned, × dense"], rows)}

${plots.join("\n\n")}`;
}

function browserSection({ network, browser, versions, blocks, checked, contenders, ratios }: BrowserPart): string {
  const rows = checked.map(({ name, off, agreement, failed }) => {
    const us = contenders.find((one) => one.name === name)?.us;
    const found = ratios.find(({ slower }) => slower === name);
    return [
      name,
      failed ?? (us === undefined ? "left out: not dense's outputs" : off === null ? "" : off.toExponential(1)),
      percent(agreement),
      us === undefined ? "" : figure(us),
      found ? ratioText(found) : us === undefined ? "" : "1",
    ];
  });
  const others = Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
  return `## In a browser

${network} in a page of ${browser}, headless, one thread: slonn under two objectives beside ${others}. LiteRT.js runs its \`wasm\` accelerator on a TensorFlow Lite file of the
same weights that the bench writes. Each answers ${blocks.count} queries in a row, by turns, ${blocks.rounds} times, and all of that twice; before, every engine's outputs are
held against dense's, and one further off than 0.0001 of the largest is left out. Chromium's clock steps by a tenth of a millisecond, so a turn is timed as a whole. † as above.

${table(["contender", "furthest from dense", "agrees", "median µs", `as long as ${ratios[0]?.faster ?? ""}`], rows, [1])}`;
}

function coldSection(networks: readonly NetworkPart[]): string {
  const names = [...new Set(networks.flatMap(({ cold }) => cold.map(({ name }) => name)))];
  return `## Cold starts

Milliseconds from before the first import to the first answer in a fresh process, median of several. Ours reads the calibrated file with all its
levels; peers are handed the bytes of the network alone, and read no file.

${table(
  ["network", ...names],
  networks.map(({ name, cold }) => [
    name,
    ...names.map((one) => {
      const start = cold.find((candidate) => candidate.name === one);
      return start ? figure(start.firstAnswerMs) : "";
    }),
  ]),
)}`;
}

/** How many ratios of the races did not reproduce. */
function markedText(networks: readonly NetworkPart[], browser: BrowserPart | null): string {
  const ratios = [...networks.flatMap((network) => network.ratios), ...(browser?.ratios ?? [])];
  return ratios.length === 0 ? "" : `; here ${ratios.filter(({ reproduced }) => !reproduced).length} of ${ratios.length} are such`;
}

function method({ networks, browser, size }: Evaluation): string {
  const wide = networks.some(isWide);
  const judged = sizes[size].most.oracle;
  const turns = networks[0]?.turns;
  return `## How it was done

- **Rows.** Networks were trained on rows none of which is used again but to fit activators. Held-out rows search and certify
  ([who gets which](certificates.md#who-gets-which-rows)), oracles are chosen on them, peers choose their graphs by them. Report rows are run for
  the first time in the race; its second run, the limits, deadlines and the browser take the same rows, and no level and no graph is chosen by any of them.
- **Weights** of the networks of 2,048 and 4,096 nodes are committed rounded to eight bits, for their size, and widened again when read:
  everybody computes the same floats. A peer in eight bits gives next to nothing up on them, and its ratio stands under "hardest".
- **Contenders** take turns ${turns ? `of ${turns.queries} queries behind ${turns.settlingMs} ms of uncounted ones, in a round no two the same ones, ` : ""}in an order that changes ([why](decisions/race-in-blocks.md)). Every query is timed by
  itself. Ours find the best five answers within the timing; peers hand over all outputs, ranked outside of it.
- **Peers at their best**: one thread, every optimisation, tensors made once, of several graphs the fastest
  ([how](decisions/peers-at-their-best.md)); which one stands beside each name. They run in floats and, onnxruntime, in eight bits as well${wide ? "; with us wide networks' weights are in eight bits" : ""}.
- **Hash tables** are the paper's kind of activator, tuned as ours is: the same search, growing levels and certificates. Of several shapes of tables the one competes
  that was fastest at 1 % on ${choosingRows.toLocaleString("en")} held-out rows. Where those chosen by time leave nothing out and run exact, which skips
  zeros, those that spend the fewest multiply-adds compete as well, if any that leave nodes out are certified.
- **The oracle** ranks by true activations and is handed the nodes for nothing; it takes the same share of every input's nodes. A level of ours
  that grows spends less on easy inputs, so more than 100 % kept is possible${Number.isFinite(judged) ? `; and it proves its promise on ${judged.toLocaleString("en")} held-out rows, fewer than ours does, which asks a little more of it` : ""}.
- **Intervals** of ratios are bootstrap intervals that draw whole turns, or two or four of them together where that is wider, since what slows a machine down may outlast a
  turn. They say where a second run should lie: the errors of both runs are in them. Those of losses are normal approximations. Seeds are fixed; answers, counts and certificates of
  a given calibration repeat, while a calibration by measured time chooses among settings that take about as long by what the clock said.
- **Twice**: every ratio of a race is measured in two races of the same evaluation, one after the other. † marks those that the second did not find within the interval, of which chance alone
  makes one in twenty${markedText(networks, browser)}. What is not a ratio of a race (what bounds it, deadlines, cold starts, cost at scale) is measured once and bears no mark.
- **Raw times** of every query stay in \`build/evaluation\`; the JSON keeps the median of each turn of both runs.

${size === "full" ? "" : `This is the ${size} size: fewer networks, rows and queries than the full evaluation, so that it ends in minutes.\n\n`}### What is not here

- **The paper's own code and figures per data set**: it has published none; only its abstract's figures are compared with.
- **More networks trained and published by others**: \`guesslang\`, \`lande\` and \`cld3\` are those found on npm that are chains of dense layers (once folded) and have
  texts to ask them about. \`guesslang\`'s pieces of one file are alike, so its certificates, which take rows to be drawn independently, say less than the
  others'.
${browser ? "" : "- **LiteRT.js** and engines that run in browsers only: the full size races them in a page of Chromium where there is one.\n"}- **Audio**: no network takes sound as its input.`;
}
