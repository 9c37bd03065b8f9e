// Ladders of which every field may be what it is and which mean harm together: whatever they ask, both engines answer the same, what is
// computed lies in the network, and what dense answers does not change.

import { expect, test } from "vitest";
import { encodeActivators, type Hash, type LayerActivators, type LowRank, noActivators } from "../../src/activator/activator.ts";
import { SlonnError } from "../../src/errors.ts";
import type { Model } from "../../src/model/model.ts";
import { quantizeModel } from "../../src/model/quantize.ts";
import { decodeModel, encodeModel } from "../../src/model/slonn-file.ts";
import { seeded } from "../../src/random.ts";
import { createSession, type Session } from "../../src/session/session.ts";
import { madeUpLowRank, madeUpModel } from "../made-up-models.ts";

/** Half of them have a hidden layer whose input may grow. */
const widthsOf = (seed: number): number[] => (seed % 2 ? [20, 33, 300] : [20, 33, 70, 300]);
const extremes = [0, 1, 2, 3, 20, 2 ** 30 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER];
const amounts = [-Number.MAX_VALUE, -1, 0, 1e-300, 0.1, 0.5, 1, 1e38, Number.MAX_VALUE];

function hostile(seed: number): Uint8Array {
  const random = seeded(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)];
  const numbers = (n: number): Float32Array => Float32Array.from({ length: n }, () => random() - 0.5);
  const lowRank = (inputs: number, outputs: number): LowRank => madeUpLowRank(inputs, outputs, 3, numbers);
  const widths = widthsOf(seed);
  const fitted = widths.slice(1).map((_, before): LayerActivators => {
    const l = before + 1;
    const clusters = [1, 2, 999_999_999].map((panels) => ({
      panels,
      router: lowRank(widths[l - 1], Math.ceil(widths[l] / 16 / panels)),
    }));
    return { lowRank: lowRank(widths[l - 1], widths[l]), hash: null, clusters, order: null };
  });
  const setting = (): object => {
    const kind = pick(["dense", "exact", "ranked", "ranked", "ranked"]);
    if (kind !== "ranked") return { kind };
    const activator = pick(["low-rank", "screen", "oracle", "clusters", "static", "all"]);
    const variant = pick(activator === "clusters" ? [1, 2, 999_999_999] : activator === "low-rank" ? [1, 3] : extremes);
    const unit = pick(activator === "clusters" ? ["cluster", "cluster", "cluster", "node"] : ["node", "panel", "panel", "cluster"]);
    return { kind, activator, variant, rank: pick([1, 2, 3]), unit, by: pick(["top-k", "threshold", "within"]), amount: pick(amounts) };
  };
  const rung = (): object => ({ layers: widths.slice(1).map(setting), macs: pick(extremes) });
  const grows = (): object => ({ ...rung(), margin: pick([0, 0.1, Number.MAX_VALUE]) });
  const rungs = [grows(), ...(random() < 0.5 ? [grows()] : []), rung()];
  const plain = madeUpModel(widths, seed);
  return encodeModel(withRungs(random() < 0.5 ? quantizeModel(plain) : plain, rungs, fitted));
}

/** The model with a level of these rungs, and dense. */
function withRungs(model: Model, rungs: readonly object[], fitted: readonly LayerActivators[] = []): Model {
  const level = (of: readonly object[]): object => ({
    rungs: of,
    cost: { macs: { mean: 1, p99: 1, max: 1 }, bytes: 1, nodes: model.layers.map(() => 1) },
    observed: { agreement: 1, accuracy: null, loss: null },
    certificates: [{ kind: "agreement", bound: 0.5, confidence: 0.9, samples: 10 }],
  });
  const levels = [level(rungs), level([{ layers: model.layers.map(() => ({ kind: "dense" })) }])];
  const ladder = { version: 1, metric: "agreement", promise: { kind: "agreement", bound: 0.5, confidence: 0.9 }, levels };
  return { ...model, calibration: { ladder, tensors: encodeActivators(fitted) } };
}

test("whatever a ladder asks, both engines answer the same or refuse it", async () => {
  const answered = [0, 0];
  for (let seed = 1; seed <= 400; seed++) {
    const sessions: Session[] = [];
    try {
      for (const backend of ["js", "simd"] as const) sessions.push(await createSession(decodeModel(hostile(seed)), { backend }));
    } catch (error) {
      expect(error).toBeInstanceOf(SlonnError);
      expect(sessions).toEqual([]);
      continue;
    }
    const widths = widthsOf(seed);
    const input = Float32Array.from({ length: widths[0] }, (_, i) => (i % 3 === 0 ? 0 : Math.sin(i * seed)));
    const [js, simd] = sessions.map((session) => {
      const dense = session.run(input, { dense: true }).output.data;
      const { output, report } = session.run(input);
      report.nodes.forEach((nodes, l) => void expect([nodes >= 0, nodes <= widths[l + 1]]).toEqual([true, true]));
      expect(session.run(input, { dense: true }).output.data).toEqual(dense);
      return { data: output.data, nodes: report.nodes, macs: report.macs, rungs: report.rungs, dense };
    });
    expect(simd, `seed ${seed}`).toEqual(js);
    answered[seed % 2]++;
  }
  for (const count of answered) expect(count).toBeGreaterThan(10);
});

const chosen = { kind: "ranked", unit: "panel", by: "top-k", amount: 0.3 };

test.each(["js", "simd"] as const)("a query that is not finite leaves nothing behind that changes the next, on %s", async (backend) => {
  const random = seeded(1);
  const numbers = (n: number): Float32Array => Float32Array.from({ length: n }, () => random());
  const [nodes, votes] = [Uint32Array.of(1, 2, 17, 18, 1, 2, 17, 18), numbers(8)];
  const hash: Hash = { tables: 1, bits: 1, planes: numbers(20), starts: Uint32Array.of(0, 4, 8), nodes, votes };
  const fitted = [{ ...noActivators, lowRank: madeUpLowRank(20, 33, 3, numbers), hash }, noActivators];
  const rungs = [
    { layers: [{ ...chosen, activator: "hash", variant: 1 }, { kind: "exact" }], margin: Number.MAX_VALUE },
    { layers: [{ ...chosen, activator: "low-rank", variant: 3 }, { kind: "exact" }] },
  ];
  using session = await createSession(withRungs(madeUpModel([20, 33, 5], 2), rungs, fitted), { backend });
  const input = numbers(20);
  const few = { operations: 1, agreement: 0.5 };
  const { report } = session.run(input, few);
  expect(report.rungs).toBe(1);
  const before = session.activeNodes(0);
  session.run(new Float32Array(20).fill(Number.POSITIVE_INFINITY));
  session.run(input, few);
  expect(session.activeNodes(0)).toEqual(before);
});

test("many layers, and as many rungs as a level may have, are laid out in time that grows with them", async () => {
  const layers = Array.from({ length: 12_000 }, (_, l) => madeUpModel([1, 1], l).layers[0]);
  const rungs = Array.from({ length: 16 }, (_, r) => ({
    layers: layers.map(() => ({ kind: r % 2 ? "exact" : "dense" })),
    ...(r < 15 && { margin: 1 }),
  }));
  using session = await createSession(withRungs({ name: "deep", layers, calibration: null }, rungs));
  expect(session.run([1]).output.data).toHaveLength(1);
});

test("a level whose activator is missing is refused in one short line, whatever its layer is called", async () => {
  const [layer] = madeUpModel([20, 5], 1).layers;
  const model = { name: "m", layers: [{ ...layer, name: `a\nb${"c".repeat(1000)}` }], calibration: null };
  const rungs = [{ layers: [{ ...chosen, activator: "low-rank", variant: 1 }] }];
  await expect(createSession(withRungs(model, rungs))).rejects.toThrow(
    expect.objectContaining({
      code: "bad-file",
      message: expect.stringMatching(/^"a\\nbc+\.\.\.": got no low-rank activator of 1, expected .{1,50}$/),
    }),
  );
});

test("a rung that may cost more than can be counted is never within a budget", async () => {
  const exact = { kind: "exact" };
  for (const macs of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 40]) {
    const rungs = [
      { layers: [{ ...chosen, activator: "oracle", variant: 0 }, exact], margin: Number.MAX_VALUE },
      { layers: [exact, exact], macs },
    ];
    using session = await createSession(withRungs(madeUpModel([20, 33, 5], 2), rungs));
    expect(session.run(new Float32Array(20).fill(1), { operations: 1e6, agreement: 0.5 }).report.stopped).toBe("budget");
  }
});
