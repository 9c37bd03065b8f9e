import { describe, expect, test } from "vitest";
import type { Measured } from "../../src/cli/measure.ts";
import { boundText, certificateText, type ResultsContext, resultsOf, resultsText, toldCertificate } from "../../src/cli/results.ts";
import { createModel } from "../../src/model/model.ts";

const model = createModel("net", [
  { name: "a", inputs: 4, outputs: 10, weight: new Float32Array(40), bias: new Float32Array(10), activation: "relu", alpha: 0 },
  { name: "b", inputs: 10, outputs: 2, weight: new Float32Array(20), bias: new Float32Array(2), activation: "identity", alpha: 0 },
]);
const certificate = { kind: "loss" as const, bound: 0.003, confidence: 0.95, samples: 10000 };
const several = { kind: "multi" as const, count: 2, indptr: new Uint32Array(3), indices: new Uint32Array(0) };
const measured: Measured[] = [
  {
    name: "dense",
    timesMs: Float64Array.of(4, 4),
    right: 0.9,
    agreement: 1,
    precision: { 1: 0.9, 3: 0.5, 5: 0.4 },
    agreementAt: { 1: 1, 3: 1, 5: 1 },
    spent: { macs: 48, bytes: 200, nodes: [10, 2], attained: 1 },
  },
  {
    name: "loss=0.003",
    timesMs: Float64Array.of(1, 1),
    right: 0.89,
    agreement: 0.95,
    precision: { 1: 0.89, 3: 0.49, 5: 0.36 },
    agreementAt: { 1: 0.95, 3: 0.8, 5: 0.7 },
    spent: { macs: 12, bytes: 100, nodes: [2.5, 2], attained: 0.5 },
  },
];

const context: ResultsContext = { model, labels: null, backend: "simd", metric: "accuracy", certificates: [certificate] };

describe("results", () => {
  test("has numbers where dense had nothing to do", () => {
    const idle = measured.map((run) => ({ ...run, spent: { ...run.spent!, macs: 0, bytes: 0 } }));
    expect(resultsOf(idle, { ...context, certificates: [null] }).runs[0]).toMatchObject({ macs: 1, bytes: 1 });
  });

  test("is as many times as fast as dense in the median, which few slow queries do not move", () => {
    const [dense, run] = measured;
    const uneven = [
      { ...dense, timesMs: Float64Array.of(4, 4, 400) },
      { ...run, timesMs: Float64Array.of(2, 2, 2) },
    ];
    expect(resultsOf(uneven, { ...context, certificates: [null] }).runs[0].speedup).toBe(2);
  });

  test("has exactly the keys other programs read", () => {
    const results = resultsOf(measured, { ...context, labels: { kind: "class", count: 2, classes: new Uint32Array(2) } });
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

  test("has agreement to show without labels, of which dense has all", () => {
    const unlabelled = measured.map((run) => ({ ...run, right: null, precision: null }));
    expect(resultsOf(unlabelled, { ...context, metric: "agreement", certificates: [null] })).toMatchObject({
      metric: "agreement",
      dense: { metric: 1 },
      runs: [{ metric: 0.95, certificate: null }],
    });
  });

  test("gives precision at 1, 3 and 5 of every run where rows have several labels, whatever the metric", () => {
    const precision = [
      { 1: 0.9, 3: 0.5, 5: 0.4 },
      { 1: 0.89, 3: 0.49, 5: 0.36 },
    ];
    const results = resultsOf(measured, { ...context, labels: several, metric: "precision@5" });
    expect(results).toMatchObject({
      metric: "precision@5",
      dense: { metric: 0.4, precision: precision[0] },
      runs: [{ metric: 0.36, precision: precision[1], agreement: 0.95 }],
    });
    expect(resultsOf(measured, { ...context, labels: several, metric: "agreement@3" })).toMatchObject({
      dense: { metric: 1 },
      runs: [{ metric: 0.8, precision: precision[1] }],
    });
    expect(JSON.parse(JSON.stringify(results)).runs[0].precision).toEqual({ "1": 0.89, "3": 0.49, "5": 0.36 });
  });

  test("shows precision@5 beside precision@1, and what certificates are about where it is something else", () => {
    const headOf = (text: string): string[] =>
      text
        .split("\n")[2]
        .split("│")
        .flatMap((cell) => cell.trim() || []);
    const text = resultsText(resultsOf(measured, { ...context, labels: several, metric: "precision@1" }), "precision@1");
    expect(headOf(text).slice(0, 4)).toEqual(["SLO", "precision@1", "precision@5", "agreement"]);
    expect(text).toMatch(/loss=0\.003\s+│\s+89 % │\s+36 % │\s+95 % /);
    const wide = resultsText(resultsOf(measured, { ...context, labels: several, metric: "precision@5" }), "precision@1");
    expect(headOf(wide).slice(0, 3)).toEqual(["SLO", "precision@5", "precision@1"]);
    expect(headOf(wide)).toContain("certified (precision@1)");
    expect(wide).toMatch(/loss=0\.003\s+│\s+36 % │\s+89 % │\s+95 % /);
  });

  test("says how sure a certificate is in all digits", () => {
    expect(certificateText({ ...certificate, confidence: 0.999999 })).toBe("loss ≤ 0.3 % (99.9999 % sure, 10000 rows)");
  });

  test("says what a certificate is about where that is not what the results lead with", () => {
    const agreement = { ...certificate, kind: "agreement" as const, bound: 0.99 };
    const byConstruction = { ...certificate, bound: 0, confidence: 1, samples: 0 };
    for (const [certified, metric] of [
      ["precision@1", "precision@1"],
      ["accuracy", "precision@1"],
      ["precision@5", "precision@5"],
      ["agreement", "accuracy"],
      ["agreement@5", "precision@5"],
      [undefined, "accuracy"],
    ] as const)
      expect(toldCertificate(certificate, certified, metric)).toEqual(certificate);
    for (const [certified, metric] of [
      ["precision@1", "precision@5"],
      ["precision@5", "precision@1"],
      ["accuracy", "agreement"],
      ["precision@3", "agreement@3"],
    ] as const)
      expect(toldCertificate(certificate, certified, metric)).toEqual({ ...certificate, metric: certified });
    expect(toldCertificate(agreement, "accuracy", "accuracy")).toEqual(agreement);
    expect(toldCertificate(agreement, "precision@5", "precision@5")).toEqual(agreement);
    expect(toldCertificate(agreement, "precision@1", "precision@5")).toEqual({ ...agreement, metric: "agreement" });
    expect(toldCertificate(agreement, "precision@5", "precision@1")).toEqual({ ...agreement, metric: "agreement@5" });
    expect(toldCertificate(byConstruction, "precision@1", "precision@5")).toEqual(byConstruction);
    expect(toldCertificate(null, "precision@1", "precision@5")).toBeNull();
    expect(certificateText(byConstruction)).toBe("loss ≤ 0 % (by construction)");
  });

  test("rounds a bound so that it promises no more than was proved", () => {
    expect([0.003, 0.00301, 0.00312, 0.00319].map((bound) => boundText("loss", bound))).toEqual([
      "≤ 0.3 %",
      "≤ 0.31 %",
      "≤ 0.32 %",
      "≤ 0.32 %",
    ]);
    expect([0.987, 0.98761, 0.98769].map((bound) => boundText("agreement", bound))).toEqual(["≥ 98.7 %", "≥ 98.76 %", "≥ 98.76 %"]);
    expect([0.07, 0.29, 0.57].map((bound) => boundText("accuracy", bound))).toEqual(["≥ 7 %", "≥ 29 %", "≥ 57 %"]);
    expect([0.07, 0.0055, 0.011].map((bound) => boundText("loss", bound))).toEqual(["≤ 7 %", "≤ 0.55 %", "≤ 1.1 %"]);
  });

  test("prints a table that a hostile name cannot break", () => {
    const text = resultsText(resultsOf(measured, { ...context, model: { ...model, name: "net\u001b[2J\nslonn: fine" } }));
    expect(text).toContain("net\\u001b[2J\\u000aslonn: fine: 2 samples on ");
    expect(text).toContain("loss ≤ 0.3 % (95 % sure, 10000 rows)");
    expect(text).toContain("4.00x");
    expect(text).not.toContain("\u001b");
  });
});
