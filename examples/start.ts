// The main job, on real data: calibrate real networks, answer a real test set under a range of service level objectives, and show
// what each kept and what it saved, all contenders in one interleaved run.
//
//   npm start                           MNIST and Fashion-MNIST
//   npm start -- --peers                beside onnxruntime-node, onnxruntime-web and tfjs (installed into bench/peers on demand)
//   npm start -- --network fashion-mnist-l1 --network letters --fresh

import { readFileSync } from "node:fs";
import { cpus, totalmem, type } from "node:os";
import { parseArgs } from "node:util";
import { ensurePeers } from "../bench/peers/install.ts";
import { peerContender } from "../bench/peers/peer-contender.ts";
import { createPeers, type Peer } from "../bench/peers/peers.ts";
import { type RaceResult, race, speedUp } from "../bench/race.ts";
import { writeReport } from "../bench/report/report.ts";
import type { LevelMark, NetworkReport, PeerMark, QuotedRatio, ReportData } from "../bench/report/report-data.ts";
import { encodeActivators } from "../src/activator/activator.ts";
import { everyLayer, exact, hashShares, withLayer } from "../src/calibrate/candidates.ts";
import { evaluate } from "../src/calibrate/evaluate.ts";
import { fitActivators } from "../src/calibrate/fit.ts";
import { latencyOf } from "../src/cli/measure.ts";
import { resultsOf, resultsText } from "../src/cli/results.ts";
import { contendersFor } from "../src/cli/session-contenders.ts";
import { systemClock } from "../src/clock.ts";
import { createArrayKernels } from "../src/engine/array-kernels.ts";
import { createModel, denseMacs, type Model } from "../src/model/model.ts";
import { isRight } from "../src/model/rows.ts";
import { decodeLadder } from "../src/profile/decode-ladder.ts";
import type { Certificate, LayerSetting, Level, Rung } from "../src/profile/ladder.ts";
import { seeded } from "../src/random.ts";
import { createSession } from "../src/session/session.ts";
import { calibrated } from "./calibrated.ts";
import { loadNetwork, type Network, type NetworkName, networkNames, projectPath } from "./networks.ts";

const { values } = parseArgs({
  options: {
    peers: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    network: { type: "string", multiple: true },
    queries: { type: "string", default: "10000" },
    json: { type: "boolean", default: false },
  },
});
const names = (values.network ?? ["mnist", "fashion-mnist"]).map((name): NetworkName => {
  const known = networkNames.find((one) => one === name);
  if (!known) throw new Error(`--network: got ${name}, expected one of ${networkNames.join(", ")}`);
  return known;
});
const queries = Number(values.queries);
const log = (line: string): void => void process.stderr.write(`${line}\n`);

/** What is asked of every network, beside dense. */
const slos = ["exact", "loss=0.003", "loss=0.01", "accuracy=0.85", "agreement=0.99", "nodes=5%", "operations=200000"];

/** The hash baseline: the first hidden layer by hash tables, at shares of its nodes from few to half. */
async function hashMarks(network: Network): Promise<LevelMark[]> {
  const { model, fit } = network;
  const { fitted } = await fitActivators(model, fit, { kinds: ["hash"], rows: fit.count, random: seeded(1) }, await createArrayKernels());
  const withHash = createModel(model.name, model.layers, { ladder: null, tensors: encodeActivators(fitted) });
  const rungs = hashShares.map((amount): Rung => {
    const hash: LayerSetting = {
      kind: "ranked",
      activator: "hash",
      variant: fitted[0].hash?.tables ?? 0,
      unit: "node",
      by: "top-k",
      amount,
    };
    return withLayer(everyLayer(model.layers.length, exact), 0, hash);
  });
  const names = hashShares.map((share) => `hash, ${100 * share} % of nodes`);
  return marks(
    withHash,
    rungs.map((rung) => [rung]),
    names,
    [],
    network,
  );
}

/** Runs settings over the test rows, one after another. */
async function marks(
  model: Model,
  settings: readonly (readonly Rung[])[],
  names: readonly string[],
  certificates: readonly (readonly Certificate[])[],
  { test }: Network,
): Promise<LevelMark[]> {
  const outcomes = await evaluate(model, settings, test.rows, { clock: systemClock });
  return outcomes.map(({ answers, macs, timesMs }, i) => ({
    name: names[i],
    metric: answers.reduce((right, answer, r) => right + (isRight(test.labels, r, answer) ? 1 : 0), 0) / answers.length,
    latencyMs: latencyOf(Float64Array.from(timesMs)),
    macs: macs.reduce((a, b) => a + b, 0) / macs.length / denseMacs(model),
    certificates: certificates[i] ?? [],
  }));
}

function levelMarks(model: Model, levels: readonly Level[], network: Network): Promise<LevelMark[]> {
  const names = levels.map((_, i) => (i === levels.length - 1 ? "dense" : `level ${i + 1}`));
  return marks(
    model,
    levels.map(({ rungs }) => rungs),
    names,
    levels.map(({ certificates }) => certificates),
    network,
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
  const ladder = decodeLadder(model);
  const session = await createSession(model);
  const contenders = contendersFor(session, slos, null);
  const peers = values.peers ? await createPeers(network.model, log) : [];
  const all = [...contenders, ...peers.map((peer) => peerContender(peer, network.model.layers[0].inputs))];
  const result = await race(all, network.test.rows, { labels: network.test.labels, queries });
  const ours = result.measured.slice(0, contenders.length);
  const results = resultsOf(
    model,
    network.test.labels,
    session.backend,
    ours,
    contenders.slice(1).map((contender) => contender.certificate()),
  );
  process.stdout.write(`\n${resultsText(results)}`);
  const ratios = ratiosOf(result, ["dense", "loss=0.003"], peers);
  const peerMarks = peers.map(({ name: peer, version }, i): PeerMark => {
    const { right, timesMs } = result.measured[contenders.length + i];
    return { name: peer, version, metric: right ?? 0, latencyMs: latencyOf(timesMs) };
  });
  for (const { name: peer, metric, latencyMs } of peerMarks)
    process.stdout.write(
      `${peer}: ${(100 * metric).toFixed(2)} % accuracy, p50 ${latencyMs.p50.toFixed(4)} ms, p99 ${latencyMs.p99.toFixed(4)} ms\n`,
    );
  for (const { slower, faster, ratio, low, high } of ratios)
    process.stdout.write(
      `${faster} is ${ratio.toFixed(2)}x as fast as ${slower} (95 % interval ${low.toFixed(2)} to ${high.toFixed(2)})\n`,
    );

  const report: NetworkReport = {
    name,
    data: network.data,
    samples: network.test.rows.count,
    widths: [model.layers[0].inputs, ...model.layers.map(({ outputs }) => outputs)],
    metric: "accuracy",
    backend: session.backend,
    dense: { ...results.dense, macs: denseMacs(model) },
    promise: ladder?.promise ?? null,
    levels: await levelMarks(model, session.levels, network),
    hash: await hashMarks(network),
    peers: peerMarks,
    runs: results.runs,
    ratios,
  };
  session.dispose();
  for (const peer of peers) await peer.dispose();
  return report;
}

if (values.peers) await ensurePeers(log);
const networks: NetworkReport[] = [];
for (const name of names) networks.push(await measure(name));
const { version } = JSON.parse(readFileSync(projectPath("package.json"), "utf8"));
const data: ReportData = {
  version: 1,
  title: "slonn: accuracy against latency and work",
  madeAt: new Date().toISOString(),
  command: `npm start${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(" ")}` : ""}`,
  machine: {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    os: type(),
    runtime: `node ${process.version}`,
  },
  versions: {
    slonn: version,
    ...Object.fromEntries(networks.flatMap(({ peers }) => peers.map(({ name, version: peer }) => [name, peer]))),
  },
  race: { order: "blocks", blockSize: 50, queries },
  networks,
};
const { page, json } = await writeReport(data, projectPath("build", "report"));
process.stdout.write(`\nreport: ${page}\ndata: ${json}\n`);
