// Wide outputs and sparse inputs as a session takes and gives them.

import { describe, expect, test } from "vitest";
import { encodeActivators, noActivators } from "../../src/activator/activator.ts";
import { forward } from "../../src/model/forward.ts";
import { type Activation, createModel, denseMacs, type Model } from "../../src/model/model.ts";
import { quantizeModel } from "../../src/model/quantize.ts";
import type { Ladder, LayerSetting, Level, Rung } from "../../src/profile/ladder.ts";
import { permutation, seeded } from "../../src/random.ts";
import type { BestAnswers } from "../../src/session/output.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";
import { opened } from "./opened.ts";

const outputs = 300;
const few = 12;
const exact: LayerSetting = { kind: "exact" };
const screen = (nodes: number): LayerSetting => ({
  kind: "ranked",
  activator: "screen",
  variant: 8,
  unit: "node",
  by: "top-k",
  amount: nodes / outputs,
});
const rungOf = (last: LayerSetting): Rung => ({ layers: [exact, last] });

/** Levels: a dozen candidates; a dozen and, for the unsure, sixty; exact; dense. */
function wide(inputs: number, output: Activation = "identity", seed = 1): Model {
  const plain = madeUpModel([inputs, 24, outputs], seed, "relu", output);
  const level = (rungs: Rung[], share: number, loss: number): Level => {
    const mean = share * denseMacs(plain);
    return {
      rungs,
      cost: { macs: { mean, p99: mean, max: mean }, bytes: 4 * mean, nodes: [1, share] },
      observed: { agreement: 1 - loss, accuracy: 0.9 - loss, loss },
      certificates: [{ kind: "loss", bound: loss, confidence: 0.95, samples: 1000 }],
    };
  };
  const ladder: Ladder = {
    version: 1,
    metric: "accuracy",
    promise: { kind: "loss", bound: 0.05, confidence: 0.95 },
    levels: [
      level([rungOf(screen(few))], 0.1, 0.05),
      level([{ ...rungOf(screen(few)), margin: 0.5 }, rungOf(screen(60))], 0.3, 0.02),
      level([rungOf(exact)], 0.6, 0),
      level([{ layers: [{ kind: "dense" }, { kind: "dense" }] }], 1, 0),
    ],
  };
  const order = permutation(outputs, seeded(8));
  return createModel("wide", plain.layers, { ladder, tensors: encodeActivators([noActivators, { ...noActivators, order }]) });
}

const row = (r: number, width = 40): Float32Array => madeUpRows(1, width, 90 + r).data;
const room = (n: number): BestAnswers => ({ indices: new Uint32Array(n).fill(777), scores: new Float32Array(n).fill(777) });
const slos = [undefined, { loss: 0.02 }, { exact: true }, { dense: true }] as const;

describe.each(["simd", "js"] as const)("a wide output on %s", (backend) => {
  test("gives the candidates, their scores, and everything else as less than any score", async () => {
    for (const [activation, missing] of [
      ["identity", Number.NEGATIVE_INFINITY],
      ["log-softmax", Number.NEGATIVE_INFINITY],
      ["softmax", 0],
      ["sigmoid", 0],
    ] as const) {
      const s = await opened(wide(40, activation), { backend });
      for (let r = 0; r < 4; r++) {
        const { output, report } = s.run(row(r));
        expect(report.nodes[1]).toBe(few);
        const { indices, scores, data } = output;
        expect([indices?.length, scores.length, data.length]).toEqual([few, few, outputs]);
        expect(new Set(indices).size).toBe(few);
        expect([...(indices ?? [])].map((o) => data[o])).toEqual([...scores]);
        expect(data.filter((v) => v === missing)).toHaveLength(outputs - few);
        expect(output.data).toBe(data);
        const sorted = [...data.keys()].sort((a, b) => data[b] - data[a] || a - b).slice(0, 5);
        expect(output.top(5)).toEqual(sorted.map((index) => ({ index, score: data[index] })));
        expect(output.top(1000)).toHaveLength(few);
      }
    }
  });

  test("gives all outputs where all were computed, in the model's order", async () => {
    const model = wide(40);
    const s = await opened(model, { backend });
    for (const slo of [{ exact: true }, { dense: true }] as const) {
      const { output } = s.run(row(1), slo);
      expect(output.indices).toBeNull();
      expect(output.scores).toBe(output.data);
      forward(model, row(1)).forEach((v, o) => {
        expect(output.data[o]).toBeCloseTo(v, 4);
      });
    }
  });

  test("candidates are the caller's own", async () => {
    const ordered = wide(40);
    const asTheyAre = createModel("wide", ordered.layers, { ladder: ordered.calibration?.ladder, tensors: new Map() });
    for (const model of [ordered, asTheyAre]) {
      const s = await opened(model, { backend });
      const { output } = s.run(row(0));
      const [indices, scores] = [output.indices?.slice(), output.scores.slice()];
      s.run(row(1));
      expect([output.indices, output.scores]).toEqual([indices, scores]);
    }
  });

  test("one that may grow from candidates to everything, and does not, gives its candidates", async () => {
    const { layers, calibration } = wide(40);
    const ladder = calibration?.ladder as Ladder;
    const stays = [{ ...rungOf(screen(few)), margin: 0 }, rungOf(exact)];
    const levels = ladder.levels.map((level, i) => (i === 1 ? { ...level, rungs: stays } : level));
    const s = await opened(createModel("wide", layers, { tensors: calibration?.tensors ?? new Map(), ladder: { ...ladder, levels } }), {
      backend,
    });
    const { output, report } = s.run(row(0), { loss: 0.02 });
    expect([report.rungs, output.indices?.length]).toEqual([1, few]);
    expect(output.data).toEqual(s.run(row(0), { loss: 0.05 }).output.data);
    const best = room(30);
    expect(s.runInto(row(0), best, { loss: 0.02 })).toBe(few);
    expect([...best.indices.subarray(0, few)]).toEqual(output.top(few).map(({ index }) => index));
  });

  test("very many outputs are the caller's own", async () => {
    const s = await opened(madeUpModel([40, 1025], 1), { backend });
    const { output } = s.run(row(0));
    const kept = output.data.slice();
    s.run(row(1));
    expect(output.data).toEqual(kept);
  });

  test("the best of one that grew from candidates to everything are the best of everything", async () => {
    const { layers, calibration } = wide(40);
    const ladder = calibration?.ladder as Ladder;
    const toEverything = [{ ...rungOf(screen(few)), margin: 1e9 }, rungOf(exact)];
    const levels = ladder.levels.map((level, i) => (i === 1 ? { ...level, rungs: toEverything } : level));
    const grown = createModel("wide", layers, { tensors: new Map(calibration?.tensors), ladder: { ...ladder, levels } });
    const s = await opened(grown, { backend });
    const { output, report } = s.run(row(0), { loss: 0.02 });
    expect([report.rungs, output.indices]).toEqual([2, null]);
    const best = room(30);
    expect(s.runInto(row(0), best, { loss: 0.02 })).toBe(30);
    expect([...best.indices].map((index, i) => ({ index, score: best.scores[i] }))).toEqual(output.top(30));
  });

  test("is written into the caller's room, whole or the best of it", async () => {
    for (const activation of ["identity", "softmax", "sigmoid"] as const)
      for (const model of [wide(40, activation), bytesOf(wide(40, activation))]) {
        const s = await opened(model, { backend });
        for (const slo of slos)
          for (let r = 0; r < 4; r++) {
            const { output, report } = s.run(row(r), slo);
            const all = new Float32Array(outputs);
            expect(s.runInto(row(r), all, slo)).toBe(outputs);
            expect(all).toEqual(output.data);
            for (const n of [0, 1, 5, few, 100, 128]) {
              const best = room(n);
              const count = s.runInto(row(r), best, slo);
              expect(count).toBe(Math.min(n, report.nodes[1]));
              const written = [...best.indices.subarray(0, count)].map((index, i) => ({ index, score: best.scores[i] }));
              expect(written).toEqual(output.top(count));
              expect([...best.indices.subarray(count), ...best.scores.subarray(count)]).toEqual(new Array(2 * (n - count)).fill(777));
            }
          }
      }
  });

  test("room asked for once does not change the next answer", async () => {
    const s = await opened(wide(40), { backend });
    const expected = s.run(row(2)).output.top(5);
    s.runInto(row(3), room(1));
    s.runInto(row(3), room(0));
    expect(s.run(row(2)).output.top(5)).toEqual(expected);
    const best = room(5);
    expect(s.runInto(row(2), best)).toBe(5);
    expect([...best.indices]).toEqual(expected.map(({ index }) => index));
  });
});

/** The same ladder and order, weights in eight bits. */
function bytesOf(model: Model): Model {
  return createModel(model.name, quantizeModel(model).layers, model.calibration);
}

test.each<[string, unknown, string]>([
  ["more answers than there may be", room(129), "Uint32Array of 129 and Float32Array of 129"],
  ["more indices than scores", { indices: new Uint32Array(3), scores: new Float32Array(2) }, "Uint32Array of 3 and Float32Array of 2"],
  ["more scores than indices", { indices: new Uint32Array(2), scores: new Float32Array(3) }, "Uint32Array of 2 and Float32Array of 3"],
  ["indices of another type", { indices: new Int32Array(3), scores: new Float32Array(3) }, "Int32Array of 3 and Float32Array of 3"],
  ["scores of another type", { indices: new Uint32Array(3), scores: new Float64Array(3) }, "Uint32Array of 3 and Float64Array of 3"],
  ["plain lists", { indices: [0, 0], scores: [0, 0] }, "a list of 2 of 2 and a list of 2 of 2"],
  ["no scores", { indices: new Uint32Array(3) }, "Uint32Array of 3 and nothing of undefined"],
  ["null", null, "null"],
  ["nothing", undefined, "nothing"],
  ["floats of another type", new Float64Array(outputs), "Float64Array"],
])("room is refused: %s", async (_, out, shown) => {
  const s = await opened(wide(40));
  expect(() => s.runInto(row(0), out as BestAnswers)).toThrow(new RegExp(`^out: got ${shown}, expected .* at most 128$`));
  expect(() => s.runInto(row(0), out as BestAnswers)).toThrow(expect.objectContaining({ code: "bad-input" }));
});

describe("a sparse input", () => {
  test.each<[string, ArrayLike<number> & object, ArrayLike<number> & object, RegExp]>([
    ["an index past the end", Uint32Array.of(3, 40), Float32Array.of(1, 1), /index 40 at position 1, expected a whole number from 0 to 39/],
    ["a negative index", Int32Array.of(-1), Float32Array.of(1), /index -1 at position 0/],
    ["a fraction", Float64Array.of(0, 1.5), Float32Array.of(1, 1), /index 1.5 at position 1/],
    ["fewer values", Uint32Array.of(1, 2, 3), Float32Array.of(1, 1), /3 indices and 2 values/],
    ["more values", Uint32Array.of(1), Float32Array.of(1, 1), /1 indices and 2 values/],
  ])("is refused for %s, and the next query is answered as if nothing had been", async (_, indices, values, message) => {
    const s = await opened(wide(40));
    const expected = s.run(row(0)).output.data;
    const broken = { indices, values } as { indices: Uint32Array; values: Float32Array };
    for (const ask of [() => s.run(broken), () => s.runInto(broken, new Float32Array(outputs)), () => s.runInto(broken, room(3))]) {
      expect(ask).toThrow(message);
      expect(ask).toThrow(expect.objectContaining({ code: "bad-input" }));
    }
    expect(s.run(row(0)).output.data).toEqual(expected);
  });

  // from 8192 inputs on even dense reads only what is there
  test.each([40, 8191, 8192, 9000])("of %i numbers answers as the vector does", async (width) => {
    for (const model of width < 8192 ? [wide(width)] : [wide(width), bytesOf(wide(width))]) {
      const s = await opened(model);
      const random = seeded(7);
      const places = [0, width - 1, ...Array.from({ length: 30 }, () => Math.floor(random() * width))];
      const inputs = [
        { indices: Uint32Array.from(places), values: Float32Array.from(places, () => Math.round(random() * 8 - 4)) },
        { indices: new Uint32Array(0), values: new Float32Array(0) },
        { indices: Uint32Array.of(5, 5), values: Float32Array.of(2, -2) },
        { indices: Uint32Array.from({ length: width + 3 }, (_, i) => i % width), values: new Float32Array(width + 3).fill(0.25) },
      ];
      for (const input of inputs) {
        const vector = new Float32Array(width);
        input.indices.forEach((at, i) => void (vector[at] += input.values[i]));
        for (const slo of slos) {
          const [a, b] = [s.run(vector, slo), s.run(input, slo)];
          expect(b.output.data).toEqual(a.output.data);
          expect(b.report.nodes).toEqual(a.report.nodes);
        }
        const truth = forward(model, vector);
        const { data } = s.run(input, { dense: true }).output;
        expect(Math.max(...truth.map((v, o) => Math.abs(v - data[o])))).toBeLessThan(2e-3 * Math.max(1, ...truth.map(Math.abs)));
      }
    }
  });

  test("of a wide first layer costs by what is there, not by what could be", async () => {
    const s = await opened(wide(9000));
    const input = { indices: Uint32Array.of(4, 8000), values: Float32Array.of(1, -1) };
    expect(s.run(input, { dense: true }).report.macs).toBeLessThan(2 * 32 + 24 * 304 + 1);
  });
});
