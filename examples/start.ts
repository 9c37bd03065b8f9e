// The main job, on real data: calibrate real networks, answer a real test set under a range of service level objectives, and show
// what each kept and what it saved, all contenders in one interleaved run.
//
//   npm start                           MNIST, Fashion-MNIST and WordNet, then what WordNet's network makes of a few definitions
//   npm start -- --peers                beside onnxruntime-node, onnxruntime-web and tfjs (installed into bench/peers on demand)
//   npm start -- --network fashion-mnist-l1 --network letters --fresh --queries 2000

import { existsSync, readFileSync } from "node:fs";
import { machineOf } from "../bench/machine.ts";
import { ensurePeers } from "../bench/peers/install.ts";
import { peerContender } from "../bench/peers/peer-contender.ts";
import { createPeers, firstInputs, int8PeerNames, type Peer, peerNames } from "../bench/peers/peers.ts";
import { type RaceResult, race, speedUp, usualTurn } from "../bench/race.ts";
import { writeReport } from "../bench/report/report.ts";
import type { LevelMark, NetworkReport, PeerMark, QuotedRatio, ReportData } from "../bench/report/report-data.ts";
import { encodeActivators } from "../src/activator/activator.ts";
import { dense, everyLayer, exact, hashShares, withLayer } from "../src/calibrate/candidates.ts";
import { evaluate, type Outcome } from "../src/calibrate/evaluate.ts";
import { fitActivators } from "../src/calibrate/fit.ts";
import { judge, sum } from "../src/calibrate/judge.ts";
import { latencyOf, rowOfQuery } from "../src/cli/measure.ts";
import { headline, rankOf } from "../src/cli/metric.ts";
import { metricOf, percent, resultsOf, resultsText } from "../src/cli/results.ts";
import { contendersFor } from "../src/cli/session-contenders.ts";
import { systemClock } from "../src/clock.ts";
import { createArrayKernels } from "../src/engine/array-kernels.ts";
import { createModel, type Model } from "../src/model/model.ts";
import { takeLabels, takeRows } from "../src/model/rows.ts";
import { decodeLadder } from "../src/profile/decode-ladder.ts";
import type { Certificate, LadderMetric, LayerSetting, Level, Rung } from "../src/profile/ladder.ts";
import { seeded } from "../src/random.ts";
import { createSession } from "../src/session/session.ts";
import { calibrated } from "./calibrated.ts";
import { categoriesText, createCategorizer } from "./categories.ts";
import { flagsOf, oneOf, wholeNumber } from "./flags.ts";
import { loadNetwork, type Network, type NetworkName, networkNames, projectPath, readNames, textNetworkNames } from "./networks.ts";
import { sayRefusals } from "./say-refusals.ts";

sayRefusals("start");
const { values } = flagsOf(import.meta.filename, {
  options: {
    peers: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    network: { type: "string", multiple: true },
    queries: { type: "string" },
  },
});
/** WordNet's network where it comes calibrated: fitting it here would take longer than the rest. */
const withText = existsSync(projectPath("examples", "models", "wordnet.slonn")) ? ["wordnet"] : [];
const names = (values.network ?? ["mnist", "fashion-mnist", ...withText]).map((name) => oneOf("network", name, networkNames));
const askedQueries = values.queries === undefined ? null : wholeNumber("queries", values.queries, 1);
const log = (line: string): void => void process.stderr.write(`${line}\n`);

/** What is asked of a network, beside dense. */
const slos = ["exact", "loss=0.003", "loss=0.01", "accuracy=0.85", "agreement=0.99", "nodes=5%", "operations=200000"];
/** The same where there are many outputs: few answers are right, and shares of hidden nodes say little. */
const textSlos = ["exact", "loss=0.003", "loss=0.01", "agreement=0.99", "agreement=0.95", "operations=200000"];
const isText = ({ name }: Network): boolean => textNetworkNames.some((one) => one === name);
/** Counted queries; fewer where there are many outputs, so that all of it takes two minutes. */
const queriesOf = (network: Network): number => askedQueries ?? (isText(network) ? 4000 : 10_000);

/** The hash baseline: the first layer that has one ranked by hash tables, at shares of its nodes from few to half. */
async function hashMarks(network: Network, metric: LadderMetric): Promise<LevelMark[]> {
  const { model, fit } = network;
  const options = { kinds: ["hash"], rows: fit.count, random: seeded(1) };
  const { layers, fitted } = await fitActivators(model, fit, options, await createArrayKernels());
  const withHash = createModel(model.name, layers, { ladder: null, tensors: encodeActivators(fitted) });
  const l = fitted.findIndex(({ hash }) => hash !== null);
  const rungs = hashShares.map((amount): Rung => {
    const hash: LayerSetting = {
      kind: "ranked",
      activator: "hash",
      variant: fitted[l].hash?.tables ?? 0,
      unit: "node",
      by: "top-k",
      amount,
    };
    return withLayer(everyLayer(layers.length, exact), l, hash);
  });
  const plain = [everyLayer(layers.length, dense)];
  return marksOf(
    withHash,
    [...rungs.map((rung) => [rung]), plain],
    hashShares.map((share) => ({ name: `hash, ${100 * share} % of nodes`, certificates: [] })),
    network,
    metric,
  );
}

/** Runs settings over the rows the race took, one after another; the last of them is dense and has no mark where `named` leaves it out. */
async function marksOf(
  model: Model,
  settings: readonly (readonly Rung[])[],
  named: readonly { name: string; certificates: readonly Certificate[] }[],
  network: Network,
  metric: LadderMetric,
): Promise<LevelMark[]> {
  const { test } = network;
  const all = test.rows.count;
  const count = Math.min(queriesOf(network), all);
  const which = Uint32Array.from({ length: count }, (_, q) => rowOfQuery(q, count, all));
  const outcomes = await evaluate(model, settings, takeRows(test.rows, which), { clock: systemClock });
  const whole = outcomes[outcomes.length - 1];
  const meanMacs = ({ macs }: Outcome): number => sum(macs) / macs.length;
  return named.map(({ name: mark, certificates }, i) => {
    const { precision } = judge(outcomes[i], whole, takeLabels(test.labels, which), rankOf(metric));
    return {
      name: mark,
      metric: precision ? sum(precision) / count : Number.NaN,
      latencyMs: latencyOf(Float64Array.from(outcomes[i].timesMs)),
      macs: meanMacs(outcomes[i]) / meanMacs(whole),
      certificates,
    };
  });
}

function levelMarks(model: Model, levels: readonly Level[], network: Network, metric: LadderMetric): Promise<LevelMark[]> {
  const named = levels.map(({ certificates }, i) => ({ name: i === levels.length - 1 ? "dense" : `level ${i + 1}`, certificates }));
  return marksOf(
    model,
    levels.map(({ rungs }) => rungs),
    named,
    network,
    metric,
  );
}

function ratiosOf(result: RaceResult, ours: readonly string[], peers: readonly Peer[]): QuotedRatio[] {
  const pairs = ours.flatMap((faster) =>
    ["dense", ...peers.map(({ name }) => name)].filter((name) => name !== faster).map((slower) => ({ slower, faster })),
  );
  return pairs.map((pair) => ({ ...pair, ...speedUp(result, pair.slower, pair.faster, seeded(1)) }));
}

async function measure(name: NetworkName): Promise<NetworkReport> {
  const network = await loadNetwork(name);
  const model = await calibrated(network, { fresh: values.fresh, log });
  models.set(name, model);
  const { rows, labels } = network.test;
  const ladder = decodeLadder(model);
  const metric = headline(labels, ladder?.metric ?? null);
  const session = await createSession(model);
  const contenders = contendersFor(session, isText(network) ? textSlos : slos, null);
  const peers = values.peers ? await peersOf(network) : [];
  const all = [...contenders, ...peers.map((peer) => peerContender(peer, network.model.layers[0].inputs))];
  const queries = queriesOf(network);
  const result = await race(all, rows, { labels, queries });
  const ours = result.measured.slice(0, contenders.length);
  const results = resultsOf(ours, {
    model,
    labels,
    backend: session.backend,
    metric,
    certificates: contenders.slice(1).map((contender) => contender.certificate()),
  });
  process.stdout.write(`\n${resultsText(results, ladder?.metric)}`);
  const ratios = ratiosOf(result, ["dense", "loss=0.003"], peers);
  const peerMarks = peers.map(({ name: peer, version }, i): PeerMark => {
    const measured = result.measured[contenders.length + i];
    return {
      name: peer,
      version,
      metric: metricOf(measured, metric),
      ...(labels.kind === "multi" && measured.precision ? { precision: measured.precision } : {}),
      latencyMs: latencyOf(measured.timesMs),
    };
  });
  for (const { name: peer, metric: right, precision, latencyMs } of peerMarks) {
    const best = precision ? `, precision@1, @3, @5 ${([1, 3, 5] as const).map((k) => percent(precision[k])).join(", ")}` : "";
    process.stdout.write(
      `${peer}: ${percent(right)} ${metric}${best}, p50 ${latencyMs.p50.toFixed(4)} ms, p99 ${latencyMs.p99.toFixed(4)} ms\n`,
    );
  }
  for (const { slower, faster, ratio, low, high } of ratios)
    process.stdout.write(
      `${faster} is ${ratio.toFixed(2)}x as fast as ${slower} (95 % interval ${low.toFixed(2)} to ${high.toFixed(2)})\n`,
    );

  const report: NetworkReport = {
    name,
    data: network.data,
    samples: Math.min(queries, rows.count),
    queries,
    widths: [model.layers[0].inputs, ...model.layers.map(({ outputs }) => outputs)],
    metric,
    backend: session.backend,
    dense: { ...results.dense, macs: ours[0].spent?.macs ?? Number.NaN },
    promise: ladder ? { ...ladder.promise, metric: ladder.metric } : null,
    levels: await levelMarks(model, session.levels, network, metric),
    hash: await hashMarks(network, metric),
    peers: peerMarks,
    runs: results.runs,
    ratios,
  };
  session.dispose();
  for (const peer of peers) await peer.dispose();
  return report;
}

/** Peers choose their graph by what they will be asked; a wide network's come in eight bits too. */
function peersOf(network: Network): Promise<Peer[]> {
  return createPeers(network.model, firstInputs(network.test.rows), log, isText(network) ? [...peerNames, ...int8PeerNames] : peerNames);
}

const definitions = [
  "a small domesticated carnivorous mammal with soft fur that purrs",
  "a stringed musical instrument played with a bow",
  "a person who studies stars and planets",
];

/** What the WordNet network takes a few definitions for, and how little of it is computed to tell. */
async function showDefinitions(model: Model): Promise<void> {
  const categorizer = await createCategorizer(model, readNames("wordnet", "words"), readNames("wordnet", "labels"));
  for (const definition of definitions) {
    const found = categorizer.categorize(definition, 4);
    if (found) process.stdout.write(`\n"${definition}"\n${categoriesText(found)}`);
  }
  categorizer.dispose();
  process.stdout.write('\nyour own: npm run define -- "..."\n');
}

const models = new Map<NetworkName, Model>();
if (values.peers) await ensurePeers(log);
const networks: NetworkReport[] = [];
for (const name of names) networks.push(await measure(name));
const { version } = JSON.parse(readFileSync(projectPath("package.json"), "utf8"));
const data: ReportData = {
  version: 1,
  title: "slonn: accuracy against latency and work",
  madeAt: new Date().toISOString(),
  command: `npm start${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(" ")}` : ""}`,
  machine: machineOf(),
  versions: {
    slonn: version,
    ...Object.fromEntries(networks.flatMap(({ peers }) => peers.map(({ name, version: peer }) => [name, peer]))),
  },
  race: { order: "blocks", blockSize: usualTurn },
  networks,
};
const wordnet = models.get("wordnet");
if (wordnet) await showDefinitions(wordnet);
const { page, json } = await writeReport(data, projectPath("build", "report"));
process.stdout.write(`\nreport: ${page}\ndata: ${json}\n`);
