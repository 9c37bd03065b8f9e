// A report of invented numbers with everything a page has to cope with: hostile names, uncertified levels, missing values.

import type { LevelMark, NetworkReport, ReportData } from "../../bench/report/report-data.ts";
import type { Latency } from "../../src/cli/measure.ts";
import type { Run } from "../../src/cli/results.ts";

export const hostileName = `<script>alert("x")</script> & 'net'`;

const spread = (us: number): Latency => ({ mean: us / 950, p50: us / 1000, p90: us / 800, p99: us / 500 });

function level(name: string, metric: number, us: number, macs: number, bound: number | null): LevelMark {
  const certificates = bound === null ? [] : [{ kind: "loss" as const, bound, confidence: 0.95, samples: 10_000 }];
  return { name, metric, latencyMs: spread(us), macs, certificates };
}

function run(slo: string, metric: number, us: number, macs: number, bound: number | null): Run {
  const certificate = bound === null ? null : { kind: "loss" as const, bound, confidence: 0.95, samples: 10_000 };
  return {
    slo,
    metric,
    agreement: 0.9931,
    latencyMs: spread(us),
    speedup: 152 / us,
    macs,
    bytes: macs * 1.1,
    nodes: [0.12, 0.31, 1],
    attained: 0.9982,
    certificate,
  };
}

export function madeUpNetwork(name: string, accuracy: number): NetworkReport {
  return {
    name,
    data: "official test rows",
    samples: 10_000,
    queries: 10_000,
    widths: [784, 1024, 1024, 10],
    metric: "accuracy",
    backend: "simd",
    dense: { metric: accuracy, latencyMs: spread(152), macs: 1_861_632 },
    promise: { kind: "loss", bound: 0.003, confidence: 0.95, metric: "accuracy" },
    levels: [
      level("level 0", accuracy - 0.21, 11, 0.012, null),
      level("level 1", accuracy - 0.06, 15, 0.021, null),
      level("level 2", accuracy - 0.018, 21, 0.044, 0.03),
      level("level 3", accuracy - 0.0041, 29, 0.071, 0.01),
      level("level 4", accuracy - 0.0012, 38, 0.11, 0.003),
      level("level 5", accuracy + 0.0002, 52, 0.19, 0.002),
      level("level 6", accuracy, 71, 0.42, 0.001),
      level("level 7", accuracy, 152, 1, 0),
    ],
    hash: [
      level("hash 4 tables", accuracy - 0.34, 26, 0.05, null),
      level("hash 16 tables", accuracy - 0.09, 55, 0.16, null),
      level("hash 50 tables", accuracy - 0.011, 118, 0.45, null),
    ],
    peers: [
      { name: "onnxruntime-node", version: "1.30.0", metric: accuracy, latencyMs: spread(149) },
      { name: "onnxruntime-node-native", version: "1.30.0", metric: accuracy, latencyMs: spread(118) },
      { name: "onnxruntime-web", version: "1.30.0", metric: accuracy, latencyMs: spread(178) },
      { name: "tfjs-backend-wasm", version: "4.22.0", metric: accuracy, latencyMs: spread(345) },
    ],
    runs: [
      run("dense", accuracy, 152, 1, null),
      run("loss=0.003", accuracy - 0.0012, 38, 0.11, 0.003),
      run("agreement=0.99", accuracy - 0.0041, 29, 0.071, null),
      run("nodes=5%", accuracy - 0.06, 15, 0.021, null),
      run("latency=2ms@p99,loss=0.01", accuracy - 0.0041, 29, 0.071, 0.01),
    ],
    ratios: [
      { slower: "our dense", faster: "loss=0.003", ratio: 4.01, low: 3.92, high: 4.11, confidence: 0.95 },
      { slower: "onnxruntime-node", faster: "loss=0.003", ratio: 3.92, low: 3.7, high: 4.05, confidence: 0.95 },
    ],
  };
}

/** A network of many outputs and several labels a row. */
export function madeUpWideNetwork(name: string): NetworkReport {
  const at = (right: number) => ({ 1: right, 3: right - 0.08, 5: right - 0.21 });
  const network = madeUpNetwork(name, 0.58);
  return {
    ...network,
    widths: [22_873, 256, 11_708],
    metric: "precision@1",
    dense: { ...network.dense, precision: at(0.58) },
    promise: { kind: "loss", bound: 0.003, confidence: 0.95, metric: "precision@1" },
    runs: network.runs.map((one) => ({ ...one, nodes: [1, 0.02], precision: at(one.metric) })),
    peers: [
      ...network.peers.map((peer) => ({ ...peer, precision: at(peer.metric) })),
      { name: "onnxruntime-node-int8", version: "1.30.0", metric: 0.579, precision: at(0.579), latencyMs: spread(61) },
    ],
  };
}

export function madeUpReport(): ReportData {
  return {
    version: 1,
    title: "slonn: accuracy, latency and multiply-adds",
    madeAt: "2024-01-02T03:04:05.000Z",
    command: "npm start -- --peers",
    machine: { cpu: "Example CPU", cores: 2, memoryBytes: 8 * 2 ** 30, os: "linux x64", runtime: "Node 20.20.2" },
    versions: { slonn: "0.1.0", "onnxruntime-node": "1.30.0" },
    race: { order: "blocks", blockSize: 50 },
    networks: [madeUpNetwork("fashion-mnist 784-1024-1024-10", 0.9052), madeUpNetwork(hostileName, 0.9841)],
  };
}
