import { describe, expect, test } from "vitest";
import { ladderText, layersText } from "../../src/cli/model-text.ts";
import { boundText } from "../../src/cli/results.ts";
import { createModel } from "../../src/model/model.ts";
import type { Ladder, LayerSetting } from "../../src/profile/ladder.ts";

const model = createModel("net\u001b", [
  { name: "a\nb", inputs: 4, outputs: 10, weight: new Float32Array(40), bias: new Float32Array(10), activation: "leaky-relu", alpha: 0.5 },
]);
const level = {
  observed: { agreement: 1, accuracy: null, loss: null },
  cost: { macs: { mean: 10, p99: 20, max: 30 }, bytes: 4, nodes: [0.125] },
};
const ladder: Ladder = {
  version: 1,
  metric: "accuracy",
  promise: { kind: "loss", bound: 0.003, confidence: 0.95 },
  levels: [
    {
      ...level,
      rungs: [
        { layers: [{ kind: "ranked", activator: "low-rank", variant: 16, unit: "panel", by: "top-k", amount: 0.05 }], margin: 1.25 },
        { layers: [{ kind: "exact" }] },
      ],
      certificates: [{ kind: "loss", bound: 0.003, confidence: 0.95, samples: 900 }],
    },
    {
      ...level,
      cost: { macs: { mean: 40, p99: 40, max: 40 }, bytes: 160, nodes: [1] },
      rungs: [{ layers: [{ kind: "dense" }] }],
      certificates: [],
    },
  ],
};

describe("model text", () => {
  test("names what is proved after the metric, as accuracy of three answers is none", () => {
    const certificates = (["loss", "agreement", "accuracy"] as const).map((kind) => ({ kind, bound: 0.5, confidence: 0.95, samples: 900 }));
    const levels = [{ ...ladder.levels[0], certificates }, ladder.levels[1]];
    const heads = (metric: Ladder["metric"]): RegExpMatchArray | null =>
      ladderText({ ...ladder, metric, levels }).match(/ nodes │\s+(\S+) │\s+(\S+) │\s+(\S+) │ layers /);
    expect(heads("accuracy")?.slice(1)).toEqual(["loss", "agreement", "accuracy"]);
    expect(heads("precision@1")?.slice(1)).toEqual(["loss", "agreement", "precision@1"]);
    expect(heads("precision@3")?.slice(1)).toEqual(["loss", "agreement@3", "precision@3"]);
  });

  test("shows layers and levels", () => {
    expect(layersText(model)).toMatch(
      /net\\u001b: 4-10, 40 multiply-adds, 200 bytes of weights\n[\s\S]*a\\u000ab[\s\S]*leaky-relu \(0\.5\)/,
    );
    const text = ladderText(ladder);
    expect(text).toContain("calibrated for loss ≤ 0.3 % (accuracy): 2 levels, certified on 900 rows, 95 % sure\n");
    expect(text).toMatch(/ 1 │\s+25 % │\s+50 % │\s+12\.5 % │ ≤ 0\.3 % │ low-rank 16 top 5 % of panels, until 1\.25 apart/);
    expect(text).toMatch(/ 2 │\s+100 % │\s+100 % │\s+100 %/);
    expect(ladderText({ ...ladder, metric: "agreement", promise: { kind: "agreement", bound: 0.99, confidence: 0.95 } })).toContain(
      "calibrated for agreement ≥ 99 %: ",
    );
    expect(ladderText({ ...ladder, levels: [ladder.levels[1]] })).toContain("1 level, none certified");
  });

  test("says so where only levels that leave nothing out keep the promise", () => {
    const [cheap, dense] = ladder.levels;
    const exact = { ...dense, rungs: [{ layers: [{ kind: "exact" as const }] }] };
    const note =
      "\nno level that leaves nodes out keeps loss ≤ 0.3 % at a gain: the whole network answers queries that ask for it (more rows or a larger max loss may change that)\n";
    const dear = { ...cheap, certificates: [{ ...cheap.certificates[0], bound: 0.02 }] };
    for (const levels of [[dear, dense], [dear, exact, dense], [dense]]) expect(ladderText({ ...ladder, levels })).toContain(note);
    expect(ladderText(ladder)).not.toContain(note);
    const promise = { kind: "agreement", bound: 0.99, confidence: 0.95 } as const;
    const agreeing = { ...cheap, certificates: [{ ...promise, samples: 900 }] };
    expect(ladderText({ ...ladder, promise, levels: [agreeing, dense] })).not.toContain("at a gain");
  });

  test("shows of a level that leaves nothing out what is promised of it, not what its test came to", () => {
    const [cheap, dense] = ladder.levels;
    const rungs = [{ layers: [{ kind: "exact" as const }] }];
    const exact = { ...dense, rungs, certificates: [{ ...cheap.certificates[0], bound: 0.0007 }] };
    expect(ladderText({ ...ladder, levels: [cheap, exact, dense] })).toMatch(/ 2 │[^\n]* ≤ 0 % │ exact/);
  });

  test("never rounds how sure a certificate is up to certainty", () => {
    expect(ladderText({ ...ladder, promise: { ...ladder.promise, confidence: 0.999999 } })).toContain(", 99.9999 % sure\n");
  });

  test("takes shares against what the last level did, which skips the inputs of a sparse first layer", () => {
    const [cheap, dense] = ladder.levels;
    const sparse = { ...dense, cost: { ...dense.cost, macs: { mean: 20, p99: 30, max: 40 } } };
    expect(ladderText({ ...ladder, levels: [cheap, sparse] })).toMatch(/ 1 │\s+50 % │\s+100 % │[\s\S]* 2 │\s+100 % │\s+150 %/);
  });

  test("says where the promise was proved of no level, as weights in eight bits may lose more than it allows", () => {
    const proved = (bound: number): Ladder => ({
      ...ladder,
      reference: "float32",
      levels: ladder.levels.map((one) => ({ ...one, certificates: [{ kind: "loss", bound, confidence: 0.95, samples: 900 }] })),
    });
    expect(ladderText(proved(0.003))).toContain("against the weights in float32: 2 levels, certified on 900 rows");
    expect(ladderText(proved(0.004))).toContain("against the weights in float32, proved of no level: 2 levels, certified on 900 rows");
  });

  test("says by what units are chosen", () => {
    const setting = { kind: "ranked", variant: 4, unit: "node", amount: 2.3456 } as const;
    const text = (layer: LayerSetting): string =>
      ladderText({ ...ladder, levels: [{ ...ladder.levels[1], rungs: [{ layers: [layer] }] }] });
    expect(text({ ...setting, activator: "low-rank", by: "threshold" })).toContain("│ low-rank 4 above 2.35 ");
    expect(text({ ...setting, activator: "clusters", rank: 16, unit: "cluster", by: "within" })).toContain(
      "│ clusters 4 by 16 within 2.35 of the best ",
    );
  });

  test("counts the bytes that weights take", () => {
    const [layer] = model.layers;
    const bytes = { values: new Int8Array(40), scale: new Float32Array(10).fill(1) };
    expect(layersText(createModel("net", [{ ...layer, weight: bytes }]))).toContain("40 multiply-adds, 120 bytes of weights");
  });

  test("rounds bounds to the side that promises less", () => {
    expect([0.003, 0.00301, 0].map((bound) => boundText("loss", bound))).toEqual(["≤ 0.3 %", "≤ 0.31 %", "≤ 0 %"]);
    expect([0.97, 0.96999, 1].map((bound) => boundText("agreement", bound))).toEqual(["≥ 97 %", "≥ 96.99 %", "≥ 100 %"]);
  });
});
