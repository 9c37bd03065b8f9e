// Whole networks raced against the peers, every ratio from one interleaved run: our dense pass, `exact`, a certified `loss=0.003`, and the
// same promise kept by levels of one fixed setting, so that what effort per input is worth can be told. Beside it, how far a query's time
// is from reading its bytes.
//
//   npm run bench                                    the committed networks that read images or numbers
//   npm run bench -- --network letters --fresh       one network, calibrated anew
//   npm run bench -- --weights int8 --network mnist  weights brought to eight bits under the same promise, peers in both
//   npm run bench -- --no-peers --queries 2000 --json

import Table from "cli-table3";
import { calibrated } from "../examples/calibrated.ts";
import { flagsOf, oneOf, wholeNumber } from "../examples/flags.ts";
import { denseNetworkNames, loadNetwork, type Network, networkNames } from "../examples/networks.ts";
import { sayRefusals } from "../examples/say-refusals.ts";
import { type Contender, latencyOf } from "../src/cli/measure.ts";
import { contenderFor, denseBytes, type SloContender } from "../src/cli/session-contenders.ts";
import { systemClock } from "../src/clock.ts";
import type { Model } from "../src/model/model.ts";
import { rowOf } from "../src/model/rows.ts";
import { seeded } from "../src/random.ts";
import { measureBandwidth } from "../src/session/bandwidth.ts";
import { breakdown } from "../src/session/breakdown.ts";
import { createSession, type Session } from "../src/session/session.ts";
import { peerContender } from "./peers/peer-contender.ts";
import { createPeers, firstInputs, int8PeerNames, type Peer, peerNames } from "./peers/peers.ts";
import { type RaceResult, race, speedUp } from "./race.ts";
import { ratioOfMeans } from "./statistics.ts";

sayRefusals("bench");
const { values } = flagsOf(import.meta.filename, {
  options: {
    network: { type: "string", multiple: true },
    queries: { type: "string", default: "10000" },
    weights: { type: "string", default: "float32" },
    fresh: { type: "boolean", default: false },
    "no-peers": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const names = (values.network ?? denseNetworkNames).map((name) => oneOf("network", name, networkNames));
const queries = wholeNumber("queries", values.queries, 1);
const int8 = oneOf("weights", values.weights, ["float32", "int8"]) === "int8";
const log = (line: string): void => void process.stderr.write(`${line}\n`);
const promise = "loss=0.003";
/** Rows a breakdown runs. */
const brokenDown = 200;

interface Ratio {
  slower: string;
  faster: string;
  ratio: number;
  low: number;
  high: number;
}

interface NetworkResult {
  network: string;
  contenders: {
    name: string;
    metric: number | null;
    latencyMs: ReturnType<typeof latencyOf>;
    /** Share of dense multiply-adds; null for peers. */
    macs: number | null;
    certified: string | null;
    timeOverLimit: number | null;
  }[];
  /** Of medians. */
  ratios: Ratio[];
  /** The fixed level's mean (without the slowest hundredth) and 99th percentile over those of the level that grows; null where none does. */
  growing: { mean: Ratio; p99: number } | null;
}

/** Bytes touched over the bandwidth that memory of the size of the weights is read with, and the time of a query over that. */
async function timeOverLimit(model: Model, { rows }: Network["test"], session: Session, contender: SloContender): Promise<number | null> {
  const { backend } = session;
  const bytesPerUs = await measureBandwidth(denseBytes(model), systemClock, { backend });
  const count = Math.min(brokenDown, rows.count);
  const inputs = Array.from({ length: count }, (_, i) => rowOf(rows, Math.floor((i * rows.count) / count)));
  const { queryUs, stages } = await breakdown(model, session.levels[contender.plan().level], inputs, { backend });
  const bytes = stages.reduce((sum, stage) => sum + stage.bytes, 0);
  return Number.isFinite(bytesPerUs) ? queryUs / (bytes / bytesPerUs) : null;
}

async function raceNetwork(network: Network): Promise<NetworkResult> {
  const model = await calibrated(network, { fresh: values.fresh, log, int8 });
  const fixedModel = await calibrated(network, { fresh: values.fresh, log, int8, fixed: true });
  const session = await createSession(model);
  const fixedSession = await createSession(fixedModel);
  const ours = [
    contenderFor(session, "dense", "dense"),
    contenderFor(session, "exact", "exact"),
    contenderFor(session, promise, promise),
    contenderFor(fixedSession, `${promise}, fixed`, promise),
  ];
  const inFloats = int8 ? await createSession(network.model) : null;
  if (inFloats) ours.push(denseInFloats(inFloats));
  const peers = await peersOf(network);
  const all: Contender[] = [...ours, ...peers.map((peer) => peerContender(peer, model.layers[0].inputs))];
  const result = await race(all, network.test.rows, { labels: network.test.labels, queries });

  const limits = [
    null,
    null,
    await timeOverLimit(model, network.test, session, ours[2]),
    await timeOverLimit(fixedModel, network.test, fixedSession, ours[3]),
  ];
  const grows = session.levels[ours[2].plan().level].rungs.length > 1;
  const [, , growing, fixed] = result.measured;
  const contenders = result.measured.map(({ name, right, timesMs, spent }, i) => {
    const certificate = ours[i]?.certificate() ?? null;
    return {
      name,
      metric: right,
      latencyMs: latencyOf(timesMs.slice()),
      macs: spent && spent.macs / (result.measured[0].spent?.macs ?? Number.NaN),
      certified: certificate && `${certificate.kind} ${(100 * certificate.bound).toFixed(2)} %`,
      timeOverLimit: limits[i] ?? null,
    };
  });
  session.dispose();
  fixedSession.dispose();
  inFloats?.dispose();
  for (const peer of peers) await peer.dispose();
  return {
    network: network.name,
    contenders,
    ratios: ratiosOf(
      result,
      ["dense", promise],
      result.measured.map(({ name }) => name).filter((name) => name !== "exact" && name !== promise),
    ),
    growing: grows
      ? {
          mean: {
            slower: fixed.name,
            faster: growing.name,
            ...ratioOfMeans(fixed.timesMs, growing.timesMs, seeded(1), { groupSize: result.blockSize }),
          },
          p99: contenders[3].latencyMs.p99 / contenders[2].latencyMs.p99,
        }
      : null,
  };
}

/** Eight bits make dense faster too: what they gain is not what leaving out gains. */
function denseInFloats(session: Session): SloContender {
  return { ...contenderFor(session, "dense", "dense"), name: "dense in floats" };
}

/** Peers are compared on rows they will be asked. */
async function peersOf({ model, test: { rows } }: Network): Promise<Peer[]> {
  return values["no-peers"] ? [] : createPeers(model, firstInputs(rows), log, int8 ? [...peerNames, ...int8PeerNames] : peerNames);
}

function ratiosOf(result: RaceResult, faster: readonly string[], slower: readonly string[]): Ratio[] {
  return faster.flatMap((one) =>
    slower
      .filter((other) => other !== one && !(one === "dense" && other.startsWith(promise)))
      .map((other) => ({ slower: other, faster: one, ...speedUp(result, other, one, seeded(1)) })),
  );
}

function textOf({ network, contenders, ratios, growing }: NetworkResult): string {
  const table = new Table({
    head: [network, "accuracy", "certified", "MACs", "mean ms", "p50 ms", "p99 ms", "time / limit"],
    style: { head: [], border: [], compact: true },
    colAligns: ["left", "right", "left", "right", "right", "right", "right", "right"],
  });
  const percent = (share: number | null): string => (share === null ? "" : `${(100 * share).toFixed(2)} %`);
  for (const { name, metric, certified, macs, latencyMs, timeOverLimit } of contenders)
    table.push([
      name,
      percent(metric),
      certified ?? "",
      percent(macs),
      latencyMs.mean.toFixed(4),
      latencyMs.p50.toFixed(4),
      latencyMs.p99.toFixed(4),
      timeOverLimit?.toFixed(2) ?? "",
    ]);
  const lineOf = ({ slower, faster, ratio, low, high }: Ratio, what: string): string =>
    `${faster} is ${ratio.toFixed(2)}x as fast as ${slower} ${what} (95 % interval ${low.toFixed(2)} to ${high.toFixed(2)})\n`;
  const lines = ratios.map((one) => lineOf(one, "in the median"));
  if (growing) lines.push(lineOf(growing.mean, "in the mean"), `its 99th percentile is ${growing.p99.toFixed(2)}x as fast\n`);
  return `\n${table.toString()}\n${lines.join("")}`;
}

const results: NetworkResult[] = [];
for (const name of names) {
  const result = await raceNetwork(await loadNetwork(name));
  results.push(result);
  if (!values.json) process.stdout.write(textOf(result));
}
if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
