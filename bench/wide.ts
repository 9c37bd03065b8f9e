// Wide output layers and sparse inputs raced against the peers, every ratio from one interleaved run: our dense and `exact` and certified
// levels, each asked for its five best answers, beside peers that return all outputs (their best five are found outside the timing) from
// the graph they run fastest, in floats and in eight bits.
//
//   npm run bench:wide -- --peers                                wordnet and brown, where examples/models holds them
//   npm run bench:wide -- --network synthetic --peers            128 -> 205,443, made up: speed, memory and agreement with dense only
//   npm run bench:wide -- --network synthetic --labels 50000     a narrower one
//   npm run bench:wide -- --network wordnet --queries 2000 --weights int8 --fresh --json

import { type CalibratedOptions, calibrated } from "../examples/calibrated.ts";
import { flagsOf, oneOf, wholeNumber } from "../examples/flags.ts";
import { hasNetwork, loadNetwork, type Network, textNetworkNames } from "../examples/networks.ts";
import { sayRefusals } from "../examples/say-refusals.ts";
import { syntheticHead } from "../examples/synthetic-head.ts";
import { widenModel } from "../examples/widen-model.ts";
import { UsageError } from "../src/cli/arguments.ts";
import { latencyOf, type Measured, rowOfQuery } from "../src/cli/measure.ts";
import { depth } from "../src/cli/metric.ts";
import type { Model } from "../src/model/model.ts";
import { type Input, rowOf } from "../src/model/rows.ts";
import { decodeLadder } from "../src/profile/decode-ladder.ts";
import { seeded } from "../src/random.ts";
import { createSession } from "../src/session/session.ts";
import { type BestContender, bestContender, type Work } from "./best-contender.ts";
import { machineOf } from "./machine.ts";
import { peerContender } from "./peers/peer-contender.ts";
import { createPeers, int8PeerNames, type Peer, peerNames } from "./peers/peers.ts";
import { race, speedUp } from "./race.ts";
import { type WideContender, type WideResult, wideText } from "./wide-result.ts";

const wideNames = [...textNetworkNames, "synthetic"] as const;
sayRefusals("bench:wide");
const { values } = flagsOf(import.meta.filename, {
  options: {
    network: { type: "string", multiple: true },
    queries: { type: "string" },
    labels: { type: "string", default: "205443" },
    weights: { type: "string" },
    peers: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const names = (values.network ?? textNetworkNames.filter(hasNetwork)).map((name) => oneOf("network", name, wideNames));
if (names.length === 0) throw new UsageError(`--network: got none, and examples/models holds neither ${textNetworkNames.join(" nor ")}`);
const askedQueries = values.queries === undefined ? null : wholeNumber("queries", values.queries, 1);
const labels = wholeNumber("labels", values.labels, 1);
const int8 = values.weights !== undefined && oneOf("weights", values.weights, ["int8"]) === "int8";
const log = (line: string): void => void process.stderr.write(`${line}\n`);
const slos = ["dense", "exact", "loss=0.003", "loss=0.01", "agreement=0.99"];
/** Inputs that peers choose their graph by. */
const choosingInputs = 200;

interface Task {
  network: Network;
  options: CalibratedOptions;
  slos: readonly string[];
  queries: number;
  synthetic: boolean;
}

async function taskOf(name: (typeof names)[number]): Promise<Task> {
  const options = { fresh: values.fresh, log, int8 };
  if (name === "synthetic") {
    const queries = askedQueries ?? 1000;
    return {
      network: syntheticNetwork(labels, queries),
      options: { ...options, agreement: 0.99 },
      slos: slos.filter((slo) => !slo.startsWith("loss")),
      queries,
      synthetic: true,
    };
  }
  const network = await loadNetwork(name);
  return { network, options, slos, queries: askedQueries ?? network.test.rows.count, synthetic: false };
}

/** A head on its own, with rows of which none is in two parts. */
function syntheticNetwork(labels: number, queries: number): Network {
  const { model, queries: draw } = syntheticHead({ labels });
  return {
    name: `synthetic-${labels}`,
    data: `a generated head of ${labels} labels`,
    model,
    fit: draw(26_000, 2).rows,
    heldOut: draw(6000, 3),
    test: draw(queries, 4),
  };
}

async function raceWide({ network, options, slos: asked, queries, synthetic }: Task): Promise<WideResult> {
  const { test } = network;
  const model = await calibrated(network, options);
  const session = await createSession(model);
  const ours = asked.map((slo) => bestContender(session, slo, depth));
  // eight bits make dense faster too: what they gain is not what leaving out gains
  const inFloats = await createSession(widenModel(network.model));
  if (network.model.layers.some(({ weight }) => !(weight instanceof Float32Array)))
    ours.push({ ...bestContender(inFloats, "dense", depth), name: "dense in floats" });
  const inputs = Array.from({ length: queries }, (_, q) => rowOf(test.rows, rowOfQuery(q, queries, test.rows.count)));
  const peers = values.peers ? await peersOf(network.model, inputs.slice(0, choosingInputs)) : [];
  const all = [...ours, ...peers.map((peer) => peerContender(peer, model.layers[0].inputs))];
  const result = await race(all, test.rows, { labels: synthetic ? null : test.labels, queries });
  const contenders = [...oursOf(ours, result.measured, inputs), ...peers.map((peer, p) => peerOf(peer, result.measured[ours.length + p]))];
  const slower = ["dense", ...ours.slice(asked.length).map(({ name }) => name), ...peers.map(({ name }) => name)];
  const ratios = asked.flatMap((faster) =>
    slower.filter((one) => one !== faster).map((one) => ({ slower: one, faster, ...speedUp(result, one, faster, seeded(1)) })),
  );
  const { backend, memoryBytes } = session;
  session.dispose();
  inFloats.dispose();
  for (const peer of peers) await peer.dispose();
  return {
    network: network.name,
    data: network.data,
    synthetic,
    widths: [model.layers[0].inputs, ...model.layers.map(({ outputs }) => outputs)],
    queries,
    backend,
    certifiedMetric: decodeLadder(model)?.metric ?? null,
    memoryBytes,
    contenders,
    ratios,
  };
}

function peersOf(model: Model, inputs: readonly Input[]): Promise<Peer[]> {
  return createPeers(model, inputs, log, [...peerNames, ...int8PeerNames]);
}

function oursOf(ours: readonly BestContender[], measured: readonly Measured[], inputs: readonly Input[]): WideContender[] {
  const works = ours.map((one): Work => one.workOf(inputs));
  const [dense] = works;
  return works.map(({ macs, bytes, nodes, plan }, i) => ({
    ...judgedOf(measured[i]),
    kind: "ours",
    form: null,
    version: null,
    spent: {
      macs,
      bytes,
      macsShare: macs / dense.macs,
      bytesShare: bytes / dense.bytes,
      nodes,
      certificate: plan.certificate,
      reason: plan.reason,
    },
  }));
}

function peerOf({ name, form, version }: Peer, measured: Measured): WideContender {
  return {
    ...judgedOf(measured),
    kind: int8PeerNames.includes(name) ? "peer in eight bits" : "peer",
    form,
    version,
    spent: null,
  };
}

function judgedOf({
  name,
  precision,
  agreementAt,
  timesMs,
}: Measured): Pick<WideContender, "name" | "precision" | "agreement" | "latencyMs"> {
  if (!agreementAt) throw new Error(`${name}: got its best answer only, expected the best ${depth}`);
  return { name, precision, agreement: agreementAt, latencyMs: latencyOf(timesMs) };
}

const networks: WideResult[] = [];
for (const name of names) {
  networks.push(await raceWide(await taskOf(name)));
  if (!values.json) process.stdout.write(wideText(networks[networks.length - 1]));
}
if (values.json) {
  const { cpu, runtime } = machineOf();
  const command = `npm run bench:wide -- ${process.argv.slice(2).join(" ")}`;
  process.stdout.write(`${JSON.stringify({ command, madeAt: new Date().toISOString(), machine: { cpu, runtime }, networks }, null, 2)}\n`);
}
