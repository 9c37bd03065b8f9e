import { describe, expect, it } from "vitest";
import type { Measured } from "../../src/cli/measure.ts";
import { resultsOf, resultsText } from "../../src/cli/results.ts";
import { createModel } from "../../src/model/model.ts";

const model = createModel("net", [
  { name: "a", inputs: 4, outputs: 10, weight: new Float32Array(40), bias: new Float32Array(10), activation: "relu", alpha: 0 },
  { name: "b", inputs: 10, outputs: 2, weight: new Float32Array(20), bias: new Float32Array(2), activation: "identity", alpha: 0 },
]);
const certificate = { kind: "loss" as const, bound: 0.003, confidence: 0.95, samples: 10000 };
const measured: Measured[] = [
  { name: "dense", timesMs: Float64Array.of(4, 4), right: 0.9, agreement: 1, spent: { macs: 60, bytes: 240, nodes: [10, 2], attained: 1 } },
  {
    name: "loss=0.003",
    timesMs: Float64Array.of(1, 1),
    right: 0.89,
    agreement: 0.95,
    spent: { macs: 15, bytes: 120, nodes: [2.5, 2], attained: 0.5 },
  },
];

describe("results", () => {
  it("has exactly the keys other programs read", () => {
    const results = resultsOf(model, { kind: "class", count: 2, classes: new Uint32Array(2) }, "simd", measured, [certificate]);
    const { machine, ...rest } = results;
    expect(Object.keys(results)).toEqual(["model", "samples", "metric", "backend", "machine", "dense", "runs"]);
    expect(Object.keys(machine)).toEqual(["cpu", "runtime"]);
    expect(rest).toEqual({
      model: "net",
      samples: 2,
      metric: "accuracy",
      backend: "simd",
      dense: { metric: 0.9, latencyMs: { mean: 4, p50: 4, p90: 4, p99: 4 } },
      runs: [
        {
          slo: "loss=0.003",
          metric: 0.89,
          agreement: 0.95,
          latencyMs: { mean: 1, p50: 1, p90: 1, p99: 1 },
          speedup: 4,
          macs: 0.25,
          bytes: 0.5,
          nodes: [0.25, 1],
          attained: 0.5,
          certificate,
        },
      ],
    });
  });

  it("falls back to agreement without labels and says precision@1 for several", () => {
    const unlabelled = measured.map((run) => ({ ...run, right: null }));
    expect(resultsOf(model, null, "js", unlabelled, [null])).toMatchObject({
      metric: "agreement",
      dense: { metric: 1 },
      runs: [{ metric: 0.95, certificate: null }],
    });
    expect(
      resultsOf(model, { kind: "multi", count: 2, indptr: new Uint32Array(3), indices: new Uint32Array(0) }, "js", measured, [null]).metric,
    ).toBe("precision@1");
  });

  it("prints a table that a hostile name cannot break", () => {
    const text = resultsText(resultsOf({ ...model, name: "net\u001b[2J\nslonn: fine" }, null, "simd", measured, [certificate]));
    expect(text).toContain("net\\u001b[2J\\u000aslonn: fine: 2 samples on ");
    expect(text).toContain("loss ≤ 0.3 % (95 % sure, 10000 rows)");
    expect(text).toContain("4.00x");
    expect(text).not.toContain("\u001b");
  });
});
