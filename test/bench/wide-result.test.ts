import { expect, test } from "vitest";
import { bestPeers, type WideContender, type WideResult, wideText } from "../../bench/wide-result.ts";

const spread = (us: number) => ({ mean: us / 900, p50: us / 1000, p90: us / 800, p99: us / 500 });

function contender(name: string, kind: WideContender["kind"], us: number, right: number, share?: number): WideContender {
  return {
    name,
    kind,
    form: kind === "ours" ? null : "gather-gemm, gemm",
    version: kind === "ours" ? null : "1.2.3",
    precision: { 1: right, 3: right - 0.1, 5: right - 0.2 },
    agreement: { 1: 0.99 + right / 100, 3: 0.98, 5: 0.97 },
    latencyMs: spread(us),
    spent:
      share === undefined
        ? null
        : {
            macs: 1000 * share,
            bytes: 4000 * share,
            macsShare: share,
            bytesShare: share,
            nodes: [256, 11_708 * share],
            certificate: share === 1 ? null : { kind: "loss", bound: 0.003, confidence: 0.95, samples: 900 },
            reason: `${name} was asked`,
          },
  };
}

const result: WideResult = {
  network: "wordnet",
  data: "definitions",
  synthetic: false,
  widths: [22_873, 256, 11_708],
  queries: 1000,
  backend: "relaxed",
  certifiedMetric: "precision@1",
  memoryBytes: 12_340_000,
  contenders: [
    contender("dense", "ours", 400, 0.58, 1),
    contender("loss=0.003", "ours", 40, 0.578, 0.05),
    contender("onnxruntime-node", "peer", 300, 0.58),
    contender("onnxruntime-node-native", "peer", 280, 0.58),
    contender("tfjs-backend-wasm", "peer", 500, 0.58),
    contender("onnxruntime-node-int8", "peer in eight bits", 120, 0.579),
    contender("onnxruntime-web-int8", "peer in eight bits", 20, 0.57),
  ],
  ratios: [
    { slower: "dense", faster: "loss=0.003", ratio: 10, low: 9.5, high: 10.5, confidence: 0.95 },
    { slower: "onnxruntime-node", faster: "loss=0.003", ratio: 7.5, low: 7, high: 8, confidence: 0.95 },
  ],
};

test("who is quoted against: public and in floats, and whatever is fastest while it answers well enough", () => {
  const { usual, hardest } = bestPeers(result);
  expect([usual?.name, hardest?.name]).toEqual(["onnxruntime-node", "onnxruntime-node-int8"]);
  const unlabelled = result.contenders.map((one) => ({ ...one, precision: null }));
  expect(bestPeers({ contenders: unlabelled }).hardest?.name).toBe("onnxruntime-web-int8");
  const disagreeing = unlabelled.map((one) => ({ ...one, agreement: { ...one.agreement, 1: one.name.endsWith("int8") ? 0.98 : 1 } }));
  expect(bestPeers({ contenders: disagreeing }).hardest?.name).toBe("onnxruntime-node-native");
  expect(bestPeers({ contenders: result.contenders.slice(0, 2) })).toEqual({ usual: null, hardest: null });
});

test("every contender stands in the table with its precision, shares and ratios", () => {
  const text = wideText(result);
  expect(text).toContain("wordnet: 22873-256-11708, definitions; 1000 queries one by one, relaxed kernels, 12.3 MB of engine memory\n");
  expect(text).not.toContain("SYNTHETIC");
  const cells = (name: string): string[] => {
    const line = text.split("\n").find((one) => one.startsWith(`│ ${name} `)) ?? expect.fail(`${name} has no row`);
    return line
      .split("│")
      .slice(1, -1)
      .map((cell) => cell.trim());
  };
  expect(cells("loss=0.003")).toEqual([
    "loss=0.003",
    "57.8 %",
    "47.8 %",
    "37.8 %",
    "99.58 %",
    "97 %",
    "0.0400",
    "0.0800",
    "5 %",
    "5 %",
    "10.00",
    "7.50",
    "3.00",
    "loss ≤ 0.3 %",
  ]);
  expect(cells("onnxruntime-node-int8").slice(6)).toEqual(["0.1200", "0.2400", "", "", "3.33", "2.50", "1.00", ""]);
  expect(text).toContain("certified (precision@1)");
  expect(text).toContain("× own dense │ × onnxruntime-node │ × onnxruntime-node-int8");
  expect(text).toContain("loss=0.003 is as fast as 10.00 (9.50 to 10.50) × dense, 7.50 (7.00 to 8.00) × onnxruntime-node\n");
  expect(text).toContain("tfjs-backend-wasm 1.2.3: gather-gemm, gemm\n");
});

test("a synthetic network says so and shows no precision", () => {
  const contenders = result.contenders.map((one) => ({ ...one, precision: null }));
  const text = wideText({ ...result, synthetic: true, certifiedMetric: null, contenders, ratios: [] });
  expect(text).toContain("SYNTHETIC weights and queries");
  expect(text).not.toContain("precision");
  expect(text).toContain(" agreement ");
});
