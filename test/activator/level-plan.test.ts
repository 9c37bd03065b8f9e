import { describe, expect, test } from "vitest";
import { decodeActivators, encodeActivators, type LayerActivators, noActivators } from "../../src/activator/activator.ts";
import { placeLevel } from "../../src/activator/level-plan.ts";
import { placeNetwork } from "../../src/activator/network.ts";
import { fitActivators } from "../../src/calibrate/fit.ts";
import { createArrayKernels } from "../../src/engine/array-kernels.ts";
import { createMemoryPlan } from "../../src/engine/memory-plan.ts";
import { activate, forward } from "../../src/model/forward.ts";
import { type Activation, activations, createModel, floatWeights, type Model } from "../../src/model/model.ts";
import { quantizeModel } from "../../src/model/quantize.ts";
import type { LayerSetting, RankedSetting, Rung } from "../../src/profile/ladder.ts";
import { seeded } from "../../src/random.ts";
import { madeUpLowRank, madeUpModel, madeUpRows } from "../made-up-models.ts";
import { type LevelResult, runLevel } from "./run-level.ts";

const dense: LayerSetting = { kind: "dense" };
const exact: LayerSetting = { kind: "exact" };
const ranked = (part: Partial<RankedSetting> = {}): RankedSetting => ({
  kind: "ranked",
  activator: "oracle",
  variant: 0,
  unit: "node",
  by: "top-k",
  amount: 0.3,
  ...part,
});
/** One rung: the settings of the hidden layers, then exact. */
const rung = (...hidden: LayerSetting[]): Rung => ({ layers: [...hidden, exact] });
const growing = (margin: number, ...rungs: Rung[]): Rung[] => rungs.map((r, i) => (i < rungs.length - 1 ? { ...r, margin } : r));
const never = 1e30;
const always = 0;

function inputsFor(model: Model, seed = 5): Float32Array[] {
  const { inputs } = model.layers[0];
  const { data } = madeUpRows(5, inputs, seed);
  const rows = Array.from({ length: 5 }, (_, r) => data.slice(r * inputs, (r + 1) * inputs));
  rows.push(new Float32Array(inputs), new Float32Array(inputs).fill(1));
  return rows;
}

async function withActivators(model: Model, kinds = ["low-rank", "hash"]): Promise<Model> {
  const { inputs } = model.layers[0];
  const options = { kinds, rows: 200, random: seeded(3) };
  const { layers, fitted } = await fitActivators(model, madeUpRows(200, inputs, 9), options, await createArrayKernels());
  return createModel(model.name, layers, { ladder: null, tensors: encodeActivators(fitted) });
}

/** Outputs as numbers that compare equal where −0 and 0 differ. */
const plain = (results: readonly LevelResult[]): number[][] => results.map(({ output }) => output.map((v) => v + 0));

function expectClose(got: readonly LevelResult[], expected: readonly LevelResult[], tolerance = 1e-5): void {
  got.forEach(({ output }, r) => {
    const scale = Math.max(1, ...expected[r].output.map(Math.abs));
    output.forEach((v, i) => {
      expect(Math.abs(v - expected[r].output[i])).toBeLessThanOrEqual(tolerance * scale);
    });
  });
}

const shapes = [
  [20, 7],
  [33, 50, 10],
  [17, 45, 21, 5],
  [30, 64, 37, 18, 3],
];

for (const backend of ["simd", "js"] as const) {
  const run = (model: Model, rungs: readonly Rung[], inputs = inputsFor(model)) => runLevel(model, rungs, inputs, { backend });

  describe(`a level on ${backend}`, () => {
    test("dense is what the reference gives, exact is dense to the bit, for every activation", async () => {
      for (const activation of activations) {
        const last = activation.endsWith("softmax");
        const model = madeUpModel([33, 50, 21, 10], 1, last ? "relu" : activation, activation);
        const inputs = inputsFor(model);
        const byDense = await run(model, [{ layers: [dense, dense, dense] }], inputs);
        expectClose(
          byDense,
          inputs.map((x) => ({ ...byDense[0], output: [...forward(model, x)] })),
        );
        expect(plain(await run(model, [rung(exact, exact)], inputs))).toEqual(plain(byDense));
        expect(plain(await run(model, [{ layers: [exact, dense, exact] }], inputs))).toEqual(plain(byDense));
      }
    });

    test("any number of layers, widths off the panel", async () => {
      for (const widths of shapes) {
        const model = madeUpModel(widths, 2);
        const hidden = widths.length - 2;
        const byDense = await run(model, [{ layers: model.layers.map(() => dense) }]);
        expect(plain(await run(model, [rung(...new Array<LayerSetting>(hidden).fill(exact))]))).toEqual(plain(byDense));
        for (const unit of ["node", "panel"] as const) {
          const all = await run(model, [rung(...new Array<LayerSetting>(hidden).fill(ranked({ unit, amount: 1 })))]);
          expect(plain(all)).toEqual(plain(byDense));
          const low = await run(model, [rung(...new Array<LayerSetting>(hidden).fill(ranked({ unit, by: "threshold", amount: -1e30 })))]);
          expectClose(low, byDense);
        }
      }
    });

    test("the best k by true activation are what the reference keeps", async () => {
      for (const activation of ["relu", "leaky-relu", "sigmoid", "tanh", "gelu", "gelu-tanh", "identity"] as Activation[]) {
        const model = madeUpModel([33, 50, 37, 10], 3, activation);
        const inputs = inputsFor(model);
        const got = await run(model, [rung(ranked({ amount: 0.2 }), ranked({ amount: 0.5 }))], inputs);
        const expected = inputs.map((x) => masked(model, x, (z, l) => best(z, Math.round([0.2, 0.5][l] * z.length))));
        expectClose(
          got,
          expected.map((output) => ({ ...got[0], output: [...output] })),
          1e-4,
        );
        for (const { nodes } of got) expect(nodes.slice(0, 2)).toEqual([10, 19]);
      }
    });

    describe("all, handing on what exceeds a threshold", () => {
      const all = (amount: number, part: Partial<RankedSetting> = {}) => ranked({ activator: "all", by: "threshold", amount, ...part });
      const model = madeUpModel([33, 50, 37, 10], 3, "relu");
      const inputs = inputsFor(model);
      const above =
        (...amounts: number[]) =>
        (z: Float32Array, l: number): Set<number> =>
          new Set([...z.keys()].filter((i) => z[i] > amounts[l]));

      test("is what the reference keeps, and counts every node computed, those handed on active", async () => {
        for (const of of [model, quantizeModel(model)]) {
          const got = await run(of, [rung(all(0.3), all(0.1))], inputs);
          const scale = of === model ? 1e-5 : 0.05;
          expectClose(
            got,
            inputs.map((x) => ({ ...got[0], output: [...masked(model, x, above(0.3, 0.1))] })),
            scale,
          );
        }
        const [{ nodes, macs }] = await run(model, [rung(all(0.3), exact)], inputs);
        const z = preActivations(model, 0, inputs[0]);
        const handedOn = above(0.3)(z, 0).size;
        const second = preActivations(
          model,
          1,
          z.map((v) => (v > Math.fround(0.3) ? v : 0)),
        ).filter((v) => v > 0).length;
        expect(handedOn).toBeGreaterThan(0);
        expect(handedOn).toBeLessThan(z.filter((v) => v > 0).length);
        expect(nodes).toEqual([handedOn, 37, 10]);
        // panels of 16 nodes
        expect(macs).toBe(inputs[0].filter((v) => v !== 0).length * 64 + handedOn * 48 + second * 16);
      });

      test("hands on what is NaN, also where it grows, so that no answer hides it", async () => {
        const strange = inputs.map((x) => x.with(3, Number.NaN));
        for (const of of [model, quantizeModel(model)])
          for (const amount of [0, 0.3, 1e30]) {
            const high = rung(all(amount), all(amount));
            for (const rungs of [[rung(exact, exact)], [high], growing(never, high, rung(all(0), all(0)))])
              for (const { output } of await run(of, rungs, strange)) expect(output.every(Number.isNaN)).toBe(true);
          }
      });

      test("may read every input of its layer, with the same result", async () => {
        const ways = [0, 1].map((variant) => growing(never, rung(all(0.3, { variant }), exact), rung(all(0.1, { variant }), exact)));
        for (const of of [model, quantizeModel(model)]) {
          const [skipping, reading] = await Promise.all(ways.map((rungs) => run(of, rungs, inputs)));
          expect(plain(reading)).toEqual(plain(skipping));
          expect(reading.map(({ nodes }) => nodes)).toEqual(skipping.map(({ nodes }) => nodes));
          expect(reading.some(({ macs }, i) => macs > skipping[i].macs)).toBe(true);
        }
      });

      test("adds what a lower threshold lets through, and ends in what exact gives to the bit", async () => {
        const grown = await run(model, growing(never, rung(all(0.3), exact), rung(all(0.1), exact)), inputs);
        const once = await run(model, [rung(all(0.1), exact)], inputs);
        expectClose(grown, once);
        grown.forEach(({ nodes, macs, rungs }, i) => {
          expect(rungs).toBe(2);
          expect(nodes).toEqual(once[i].nodes);
          // the first layer is not computed again, the second adds to its sums; the output layer, whose inputs all changed, runs twice
          expect(macs).toBeLessThan(once[i].macs + 37 * 16);
        });
        const toTheEnd = await run(model, growing(never, rung(all(0.3), exact), rung(all(0.1), exact), rung(exact, exact)), inputs);
        expect(plain(toTheEnd)).toEqual(plain(await run(model, [rung(exact, exact)], inputs)));
        for (const { nodes } of toTheEnd) expect(nodes).toEqual([50, 37, 10]);
      });

      test("a threshold of 0 leaves nothing out of a hidden relu, and any other hidden or output layer is computed exactly", async () => {
        const byExact = plain(await run(model, [rung(exact, exact)], inputs));
        expect(plain(await run(model, [rung(all(0), all(0))], inputs))).toEqual(byExact);
        expect(plain(await run(model, [rung(all(-1), all(0.5, { by: "top-k" }))], inputs))).toEqual(byExact);
        expect(plain(await run(model, [{ layers: [exact, exact, all(0.3)] }], inputs))).toEqual(byExact);
        const byTanh = madeUpModel([33, 50, 10], 3, "tanh");
        expect(plain(await run(byTanh, [rung(all(0.3))], inputs))).toEqual(plain(await run(byTanh, [rung(exact)], inputs)));
      });
    });

    test("ranked among its first nodes, a layer is what it is where no other can be chosen", async () => {
      const model = await withActivators(madeUpModel([33, 50, 90, 10], 3, "relu"));
      const others = decodeActivators(model).map(({ lowRank }): LayerActivators => {
        if (!lowRank) return noActivators;
        return { ...noActivators, lowRank: { ...lowRank, mean: lowRank.mean.map((m, i) => (i < 36 ? m : -1e30)) } };
      });
      const never = createModel(model.name, model.layers, { ladder: null, tensors: encodeActivators(others) });
      const low = { activator: "low-rank", variant: 16 } as const;
      /** The same setting among the first 36 nodes, and among all: as many of `from` in panels of 16, or nodes, either way. */
      const both = (part: Partial<RankedSetting>, units: number, all: number): [RankedSetting, RankedSetting] => {
        const { amount = 0 } = part;
        const share = (of: number): number => (part.by === "threshold" ? amount : amount / of);
        return [ranked({ ...low, ...part, among: 36, amount: share(units) }), ranked({ ...low, ...part, amount: share(all) })];
      };
      for (const [among, plainly] of [
        both({ amount: 9 }, 36, 50),
        both({ by: "threshold", amount: 0.2 }, 36, 50),
        both({ unit: "panel", amount: 2 }, 3, 4),
        both({ amount: 36 }, 36, 50),
      ]) {
        const got = await run(model, [rung(among, exact)]);
        const expected = await run(never, [rung(plainly, exact)]);
        expect(plain(got)).toEqual(plain(expected));
        expect(got.map(({ nodes }) => nodes)).toEqual(expected.map(({ nodes }) => nodes));
        // 16 components of 64 nodes less those of 48
        expect(got[0].macs).toBe(expected[0].macs - 16 * 16);
      }
      const [few, more] = [both({ amount: 4 }, 36, 50)[0], both({ amount: 12 }, 36, 50)[0]];
      expectClose(await run(model, growing(1e30, rung(few, exact), rung(more, exact))), await run(model, [rung(more, exact)]));
      await expect(run(model, [rung(ranked({ ...low, among: 51 }), exact)])).rejects.toMatchObject({ code: "bad-file" });
    });

    describe("static, the first panels for every input", () => {
      const first = (amount: number): RankedSetting => ranked({ activator: "static", variant: 0, unit: "panel", amount });
      const model = madeUpModel([33, 50, 90, 10], 3, "relu");
      const inputs = inputsFor(model);
      const keeping =
        (...counts: number[]) =>
        (z: Float32Array, l: number) =>
          new Set([...z.keys()].filter((i) => i < counts[l]));

      test("is what the reference keeps, in floats and in bytes, and counts them", async () => {
        for (const [shares, counts] of [
          [
            [0.5, 0.5],
            [32, 48],
          ],
          [
            [0, 0.17],
            [16, 16],
          ],
          [
            [0.75, 0.84],
            [48, 80],
          ],
        ] as const)
          for (const of of [model, quantizeModel(model)]) {
            const got = await run(of, [rung(first(shares[0]), first(shares[1]))], inputs);
            expectClose(
              got,
              inputs.map((x) => ({ ...got[0], output: [...masked(model, x, keeping(...counts))] })),
              of === model ? 1e-5 : 0.05,
            );
            for (const { nodes } of got) expect(nodes).toEqual([...counts, 10]);
          }
        const [{ macs }] = await run(model, [rung(first(0.5), exact)], inputs);
        const handedOn = forwardHidden(model, inputs[0])
          .subarray(0, 32)
          .filter((v) => v !== 0);
        const second = preActivations(
          model,
          1,
          forwardHidden(model, inputs[0]).map((v, i) => (i < 32 ? v : 0)),
        ).filter((v) => v > 0).length;
        const notZero = inputs[0].filter((v) => v !== 0).length;
        expect(macs).toBe(notZero * 32 + handedOn.length * 90 + second * 16);
      });

      test("of any activation hands on what it gives, and of an output layer leaves nothing out", async () => {
        for (const activation of ["tanh", "sigmoid", "identity"] as const) {
          const other = madeUpModel([33, 50, 10], 3, activation);
          const got = await run(other, [rung(first(0.5))], inputs);
          expectClose(
            got,
            inputs.map((x) => ({ ...got[0], output: [...masked(other, x, keeping(32))] })),
          );
        }
        const byExact = plain(await run(model, [rung(exact, exact)], inputs));
        expect(plain(await run(model, [{ layers: [exact, exact, first(0.5)] }], inputs))).toEqual(byExact);
        expect(plain(await run(model, [rung(first(1), first(1))], inputs))).toEqual(byExact);
        // a share is a share, however it is said
        const half = plain(await run(model, [rung(exact, first(0.5))], inputs));
        const odd: Partial<RankedSetting> = { by: "threshold", unit: "node", variant: 7 };
        expect(plain(await run(model, [rung(exact, { ...first(0.5), ...odd })], inputs))).toEqual(half);
      });

      test("adds further inputs to the sums that stand, and further panels beside them", async () => {
        const above = (amount: number) => ranked({ activator: "all", by: "threshold", amount });
        const layouts = [{}, { layout: "panels" }, { layout: "columns" }] as const;
        for (const of of [model, quantizeModel(model)])
          for (const layout of layouts) {
            const whole = { ...exact, ...layout } as LayerSetting;
            const rungs = [rung(above(0.3), first(0.5)), rung(above(0.1), first(0.5)), rung(above(0.1), first(0.7)), rung(above(0), whole)];
            for (let last = 1; last < rungs.length; last++) {
              const grown = await run(of, growing(never, ...rungs.slice(0, last + 1)), inputs);
              const once = await run(of, [rungs[last]], inputs);
              // bytes code each part in steps of its own
              expectClose(grown, once, of === model ? 1e-5 : 0.05);
              grown.forEach(({ nodes, rungs: ran }, i) => {
                expect(ran).toBe(last + 1);
                expect(nodes).toEqual(once[i].nodes);
              });
            }
          }
        const twice = await run(model, growing(never, rung(above(0.3), first(0.5)), rung(above(0.1), first(0.5))), inputs);
        const once = await run(model, [rung(above(0.1), first(0.5))], inputs);
        // the output layer alone runs twice
        twice.forEach(({ macs }, i) => {
          expect(macs).toBeLessThan(once[i].macs + 48 * 16);
        });
        const wider = await run(model, growing(never, rung(above(0.1), first(0.5)), rung(above(0.1), first(0.7))), inputs);
        const wide = await run(model, [rung(above(0.1), first(0.7))], inputs);
        wider.forEach(({ macs }, i) => {
          expect(macs).toBeLessThanOrEqual(wide[i].macs + 48 * 16);
        });
      });

      test("adds nothing to sums that a ranking has left behind", async () => {
        const above = (amount: number) => ranked({ activator: "all", by: "threshold", amount });
        const last = rung(above(0), exact);
        for (const unit of ["node", "panel"] as const) {
          const rungs = [rung(above(0.3), first(0.5)), rung(above(0.1), ranked({ unit })), last];
          expectClose(await run(model, growing(never, ...rungs), inputs), await run(model, [last], inputs));
        }
      });
    });

    test("chosen panels are what the reference keeps", async () => {
      const model = madeUpModel([33, 70, 37, 10], 4);
      const inputs = inputsFor(model);
      const panel = ranked({ unit: "panel", amount: 0.4 });
      const got = await run(model, [rung(panel, panel)], inputs);
      const expected = inputs.map((x) => masked(model, x, (z) => bestPanels(z, Math.round(0.4 * Math.ceil(z.length / 16)))));
      expectClose(
        got,
        expected.map((output) => ({ ...got[0], output: [...output] })),
        1e-4,
      );
    });

    test("a share that comes to less than a node or a panel chooses one", async () => {
      const model = madeUpModel([33, 70, 10], 4);
      for (const amount of [0, 0.001]) {
        for (const { nodes } of await run(model, [rung(ranked({ amount }))])) expect(nodes[0]).toBe(1);
        for (const { nodes } of await run(model, [rung(ranked({ unit: "panel", amount }))])) expect(nodes[0]).toBeGreaterThan(0);
      }
    });

    test.each<["threshold" | "within", number, (most: number) => number]>([
      ["threshold", 1, () => 1],
      ["threshold", -0.5, () => -0.5],
      ["within", 1, (most) => most - 1],
      ["within", 0, (most) => most],
    ])("by a %s of %f, whatever scores so is chosen", async (by, amount, least) => {
      const model = madeUpModel([33, 70, 10], 4);
      const inputs = inputsFor(model);
      const got = await run(model, [rung(ranked({ by, amount }))], inputs);
      const chosen = inputs.map((x) => {
        const z = preActivations(model, 0, x);
        return z.filter((v) => v >= least(Math.max(...z))).length;
      });
      expect(got.map(({ nodes }) => nodes[0])).toEqual(chosen);
      expect(Math.max(...chosen)).toBeLessThan(70);
    });

    test("the oracle loses nothing once k covers the nodes that are not zero", async () => {
      const model = madeUpModel([40, 60, 10], 6);
      const inputs = inputsFor(model);
      const most = Math.max(...inputs.map((x) => forwardHidden(model, x).filter((v) => v > 0).length));
      expect(most).toBeLessThan(60);
      const byDense = await run(model, [{ layers: [dense, dense] }], inputs);
      expectClose(await run(model, [rung(ranked({ amount: most / 60 }))], inputs), byDense);
      expectClose(await run(model, [rung(ranked({ by: "threshold", amount: 0 }))], inputs), byDense);
    });

    test("growing: the first rung where the margin is always met, the last where it never is", async () => {
      const model = await withActivators(madeUpModel([33, 64, 50, 37, 10], 7));
      const lowRank = { activator: "low-rank", variant: 6 } as const;
      const ladders: Rung[][] = [
        [rung(ranked(), exact, exact), rung(ranked({ amount: 0.6 }), exact, exact)],
        [rung(ranked({ ...lowRank }), exact, exact), rung(ranked({ ...lowRank, amount: 0.6 }), exact, exact), rung(exact, exact, exact)],
        [
          rung(ranked(), ranked(), ranked()),
          rung(ranked({ amount: 0.5 }), ranked({ amount: 0.5 }), ranked({ amount: 0.5 })),
          rung(exact, exact, exact),
        ],
        [
          rung(ranked({ ...lowRank }), ranked({ ...lowRank }), exact),
          rung(ranked({ ...lowRank, amount: 0.7 }), ranked({ ...lowRank, amount: 0.7 }), exact),
        ],
        [
          rung(ranked({ by: "threshold", amount: 1 }), exact, exact),
          rung(ranked({ by: "threshold", amount: 0.2 }), exact, exact),
          rung(ranked({ by: "threshold", amount: -0.3 }), exact, exact),
        ],
        [rung(ranked({ unit: "panel" }), exact, ranked()), rung(ranked({ unit: "panel", amount: 0.8 }), exact, ranked({ amount: 0.7 }))],
        [rung(ranked(), exact, exact), rung(ranked({ ...lowRank }), exact, exact)],
        [rung(ranked(), ranked({ unit: "panel" }), exact), rung(ranked(), ranked({ unit: "panel", amount: 0.7 }), exact)],
        [
          rung(ranked({ amount: 0.6 }), exact, exact),
          rung(ranked({ amount: 0.2 }), exact, exact),
          rung(ranked({ amount: 0.7 }), exact, exact),
        ],
        [
          rung(ranked({ by: "threshold", amount: 0 }), exact, exact),
          rung(ranked({ by: "threshold", amount: 1 }), exact, exact),
          rung(ranked({ by: "threshold", amount: -1 }), exact, exact),
        ],
        [rung(exact, ranked(), exact), rung(exact, ranked({ amount: 0.7 }), exact)],
        [rung(ranked(), ranked(), exact), rung(ranked({ amount: 0.6 }), exact, exact)],
        [rung(ranked(), exact, exact), rung(ranked({ amount: 0.6 }), ranked({ ...lowRank, amount: 0.5 }), exact)],
        [rung(ranked(), { kind: "dense" }, exact), rung(ranked({ amount: 0.7 }), { kind: "dense" }, exact), rung(dense, dense, dense)],
        [
          rung(ranked({ activator: "hash", variant: 8 }), exact, exact),
          rung(ranked({ activator: "hash", variant: 8, amount: 0.8 }), exact, exact),
        ],
        [rung(ranked(), exact, exact), rung(ranked(), exact, exact), rung(ranked(), exact, exact)],
        [rung(exact, exact, exact), rung(exact, exact, exact), rung(exact, exact, exact)],
        [rung(ranked({ amount: 1 }), exact, exact), rung(exact, exact, exact), rung(dense, exact, exact)],
      ];
      for (const rungs of ladders) {
        const alone = await run(model, [rungs[rungs.length - 1]]);
        const grown = await run(model, growing(never, ...rungs));
        expectClose(grown, alone);
        if (new Set(rungs.map((r) => JSON.stringify(r))).size === rungs.length)
          for (const { rungs: ran } of grown) expect(ran).toBe(rungs.length);
        grown.forEach(({ nodes }, r) => {
          expect(nodes).toEqual(alone[r].nodes);
        });
        const first = await run(model, [rungs[0]]);
        const stopped = await run(model, growing(always, ...rungs));
        expect(stopped).toEqual(first);
      }
    });

    test("growing takes no more multiply-adds than the last rung alone: behind what grew only what came in is added", async () => {
      const model = madeUpModel([33, 64, 10], 7);
      const rungs = [0.2, 0.6].map((amount) => rung(ranked({ amount })));
      const macsOf = async (level: Rung[]) => (await run(model, level)).map(({ macs }) => macs);
      expect(await macsOf(growing(never, ...rungs))).toEqual(await macsOf([rungs[1]]));
    });

    test.each([2048, 2100])("in eight bits, exact by columns is dense to the bit, %i inputs", async (width) => {
      const model = quantizeModel(madeUpModel([width, 20, 5], 9));
      const few = [Float32Array.from({ length: width }, (_, i) => (i % 13 === 0 ? Math.sin(i) : 0))];
      const columns: LayerSetting = { kind: "exact", layout: "columns" };
      expect(plain(await run(model, [{ layers: [columns, columns] }], few))).toEqual(
        plain(await run(model, [{ layers: [dense, dense] }], few)),
      );
    });

    test("growing in eight bits by columns adds what came in to what is there, each part in codes of its own step", async () => {
      const columns: LayerSetting = { kind: "exact", layout: "columns" };
      const byColumns = (amount: number): Rung => ({ layers: [ranked({ amount }), columns, exact, columns] });
      const model = quantizeModel(madeUpModel([33, 64, 50, 37, 10], 7));
      const rungs = [byColumns(0.2), byColumns(0.4), byColumns(0.6)];
      const grown = await run(model, growing(never, ...rungs));
      const alone = await run(model, [rungs[2]]);
      expectClose(grown, alone, 1e-3);
      const bytes = (results: readonly LevelResult[]): number => results.reduce((sum, result) => sum + result.bytes, 0);
      const together = bytes(await run(model, [rungs[0]])) + bytes(alone);
      expect(bytes(grown)).toBeLessThan(together + bytes(await run(model, [rungs[1]])));
      expectClose(alone, await run(model, [rung(ranked({ amount: 0.6 }), exact, exact)]), 1e-3);
    });

    test("the margin decides input by input", async () => {
      const model = madeUpModel([33, 64, 10], 8);
      const low = rung(ranked({ amount: 0.2 }));
      const high = rung(ranked({ amount: 0.9 }));
      const inputs = inputsFor(model);
      const first = await run(model, [low], inputs);
      const leads = first.map(({ output }) => lead(output));
      const margin = [...leads].sort((a, b) => a - b)[3];
      const got = await run(model, growing(margin, low, high), inputs);
      expect(got.map(({ rungs }) => rungs)).toEqual(leads.map((v) => (v >= margin ? 1 : 2)));
      const last = await run(model, [high], inputs);
      expectClose(
        got,
        got.map(({ rungs }, r) => (rungs === 1 ? first[r] : last[r])),
      );
    });

    test("counts multiply-adds as an independent count does", async () => {
      const model = await withActivators(madeUpModel([33, 50, 10], 9));
      const inputs = inputsFor(model);
      const nonZero = (x: ArrayLike<number>): number => Array.from(x).filter((v) => v !== 0).length;
      const blocks = (x: ArrayLike<number>): number => new Set(Array.from(x).flatMap((v, i) => (v !== 0 ? [i >> 2] : []))).size;
      const byDense = await run(model, [{ layers: [dense, dense] }], inputs);
      for (const { macs, bytes } of byDense) {
        expect(macs).toBe(33 * 64 + 50 * 16);
        expect(bytes).toBe(macs * 4);
      }
      const byExact = await run(model, [rung(exact)], inputs);
      const byLowRank = await run(model, [rung(ranked({ activator: "low-rank", variant: 6, amount: 0.2 }))], inputs);
      inputs.forEach((x, r) => {
        expect(byExact[r].macs).toBe(nonZero(x) * 64 + nonZero(forwardHidden(model, x)) * 16);
        expect(byExact[r].nodes).toEqual([50, 10]);
        // rank 6 fills one panel; then 6, rounded up to fours, for every node; then 10 rows over the blocks; then at most 10 active inputs of the last layer
        const rest = byLowRank[r].macs - (nonZero(x) * 16 + 8 * 64 + 10 * blocks(x) * 4);
        expect(rest % 16).toBe(0);
        expect(rest / 16).toBeGreaterThanOrEqual(0);
        expect(rest / 16).toBeLessThanOrEqual(10);
        expect(byLowRank[r].nodes[0]).toBe(10);
      });
    });
  });
}

test("a low-rank activator of full rank scores nodes as they are, up to the rounding to eight bits", async () => {
  const { inputs, outputs, weight, bias } = madeUpModel([24, 40], 11).layers[0];
  const center = Float32Array.from({ length: inputs }, (_, i) => i / 10);
  const row = (o: number): Float32Array => weight.subarray(o * inputs, (o + 1) * inputs);
  const lowRank: LayerActivators["lowRank"] = {
    rank: inputs,
    down: Float32Array.from({ length: inputs * inputs }, (_, i) => (i % (inputs + 1) === 0 ? 1 : 0)),
    center,
    up: weight,
    mean: bias.map((b, o) => b - dot(row(o), center)),
  };
  // the second layer hands the first one's nodes out as they are, so that the outputs show which were chosen
  const layer = { name: "first", inputs, outputs, weight, bias, activation: "identity", alpha: 0 } as const;
  const through = {
    ...layer,
    name: "through",
    inputs: outputs,
    weight: Float32Array.from({ length: outputs ** 2 }, (_, i) => (i % (outputs + 1) === 0 ? 1 : 0)),
    bias: new Float32Array(outputs),
  };
  const tensors = encodeActivators([{ ...noActivators, lowRank }, noActivators]);
  const fitted = createModel("full rank", [layer, through], { ladder: null, tensors });
  const xs = inputsFor(fitted);
  const got = await runLevel(fitted, [rung(ranked({ activator: "low-rank", variant: inputs, amount: 0.25 }))], xs, {});
  got.forEach(({ output, nodes }, r) => {
    const z = Float32Array.from({ length: outputs }, (_, o) => dot(row(o), xs[r]) + bias[o]);
    const kth = [...z].sort((a, b) => b - a)[9];
    const chosen = [...z.keys()].filter((o) => output[o] !== 0);
    expect(nodes[0]).toBe(10);
    expect(chosen).toHaveLength(10);
    for (const o of chosen) {
      expect(output[o]).toBeCloseTo(z[o], 4);
      expect(z[o]).toBeGreaterThan(kth - 0.03 * Math.max(...z.map(Math.abs)));
    }
  });
});

test("a fitted low-rank activator of the layer's own rank predicts pre-activations to 1e-4", async () => {
  // 24 nodes over 60 inputs: rank 12 is half, so the weight is made of 10 directions only
  const random = seeded(4);
  const directions = Float32Array.from({ length: 10 * 60 }, () => random() - 0.5);
  const base = madeUpModel([60, 24, 5], 12);
  const weight = new Float32Array(24 * 60);
  for (let o = 0; o < 24; o++)
    for (let d = 0; d < 10; d++) {
      const w = random() - 0.5;
      for (let i = 0; i < 60; i++) weight[o * 60 + i] += w * directions[d * 60 + i];
    }
  const model = createModel("thin", [{ ...base.layers[0], weight }, base.layers[1]]);
  const { layers, fitted } = await fitActivators(
    model,
    madeUpRows(300, 60, 5),
    { kinds: ["low-rank"], rows: 300, random: seeded(1) },
    await createArrayKernels(),
  );
  const { lowRank } = fitted[0];
  if (!lowRank) throw new Error("nothing fitted");
  expect(lowRank.rank).toBe(12);
  for (const x of inputsFor(model)) {
    const code = Float32Array.from({ length: 12 }, (_, c) => dot(lowRank.down.subarray(c * 60, (c + 1) * 60), x) + lowRank.center[c]);
    for (let o = 0; o < 24; o++) {
      const predicted = dot(lowRank.up.subarray(o * 12, (o + 1) * 12), code) + lowRank.mean[o];
      const z = dot(floatWeights(layers[0]).subarray(o * 60, (o + 1) * 60), x) + layers[0].bias[o];
      expect(Math.abs(predicted - z)).toBeLessThan(1e-4 * Math.max(1, Math.abs(z)));
    }
  }
});

test("hash tables choose the nodes their buckets vote for", async () => {
  const model = madeUpModel([8, 20, 4], 13);
  // one table of one bit: the sign of the first input. Below: nodes 3 and 4; above: 3, 7 and 11
  const planes = new Float32Array(8);
  planes[0] = 1;
  const hash: LayerActivators["hash"] = {
    tables: 1,
    bits: 1,
    planes,
    starts: Uint32Array.of(0, 2, 5),
    nodes: Uint32Array.of(3, 4, 3, 7, 11),
    votes: Float32Array.of(1, 2, 1, 2, 3),
  };
  const hashed = createModel("hashed", model.layers, {
    ladder: null,
    tensors: encodeActivators([{ ...noActivators, hash }, noActivators]),
  });
  const inputs = inputsFor(model).slice(0, 5);
  inputs[0][0] = 1;
  inputs[1][0] = -1;
  const byVotes = (x: Float32Array): Set<number> => new Set(x[0] > 0 ? [7, 11] : [3, 4]);
  const got = await runLevel(hashed, [rung(ranked({ activator: "hash", variant: 1, amount: 2 / 20 }))], inputs, {});
  expectClose(
    got,
    inputs.map((x) => ({ ...got[0], output: [...masked(model, x, () => byVotes(x))] })),
    1e-4,
  );
});

test("screens of any width share the eight-bit weights, which are the layer's own where it has no more", () => {
  const plain = madeUpModel([48, 2000], 15);
  const copy = 48 * 2000;
  const bytesOf = (model: Model, ...settings: LayerSetting[]): number => {
    const memory = createMemoryPlan();
    const network = placeNetwork(memory, model);
    for (const setting of settings) placeLevel(memory, network, [{ layers: [setting] }]);
    return memory.reserve(0);
  };
  const screen = (variant: number): RankedSetting => ranked({ activator: "screen", variant, amount: 0.01 });
  for (const [model, own] of [
    [plain, 4 * copy],
    [quantizeModel(plain), copy],
  ] as const) {
    const one = bytesOf(model, screen(4));
    const three = bytesOf(model, screen(4), screen(8), screen(12));
    // the rows of chosen nodes and the columns of all, in eight bits
    expect(one).toBeGreaterThan(own + copy);
    expect(one).toBeLessThan(own + copy + 100_000);
    expect(three - one).toBeLessThan(copy / 2);
  }
  // columns of a layer in eight bits are the same for whoever reads them
  const bytes = quantizeModel(plain);
  const columns: LayerSetting = { kind: "exact", layout: "columns" };
  expect(bytesOf(bytes, screen(4), columns) - bytesOf(bytes, screen(4))).toBeLessThan(copy / 2);
});

test("refuses activators that are not there", async () => {
  const model = madeUpModel([8, 20, 4], 14);
  const refused = (layers: LayerSetting[]) =>
    expect(runLevel(model, [{ layers }], inputsFor(model), {})).rejects.toMatchObject({ code: "bad-file" });
  await refused([exact, ranked({ activator: "clusters", unit: "cluster", variant: 1 })]);
  await refused([ranked({ activator: "low-rank", variant: 2 }), exact]);
  await refused([ranked({ activator: "hash", variant: 8 }), exact]);
  await refused([ranked({ activator: "screen", variant: 0 }), exact]);
});

test("refuses activators that are there in other sizes", async () => {
  const random = seeded(16);
  const numbers = (n: number) => Float32Array.from({ length: n }, () => random() - 0.5);
  const { name, layers } = madeUpModel([8, 20, 40], 14);
  const fitted: LayerActivators[] = [
    {
      ...noActivators,
      lowRank: madeUpLowRank(8, 20, 3, numbers),
      hash: {
        tables: 2,
        bits: 1,
        planes: numbers(16),
        starts: new Uint32Array(5),
        nodes: new Uint32Array(0),
        votes: new Float32Array(0),
      },
    },
    { ...noActivators, clusters: [{ panels: 1, router: madeUpLowRank(20, 3, 2, numbers) }] },
  ];
  const model = createModel(name, layers, { ladder: null, tensors: encodeActivators(fitted) });
  const run = (...settings: LayerSetting[]) => runLevel(model, [{ layers: settings }], inputsFor(model), {});
  const hidden = (activator: RankedSetting["activator"], variant: number): LayerSetting[] => [ranked({ activator, variant }), exact];
  const output = (variant: number, rank?: number): LayerSetting[] => [
    exact,
    ranked({ activator: "clusters", unit: "cluster", variant, ...(rank === undefined ? {} : { rank }) }),
  ];
  for (const known of [hidden("low-rank", 1), hidden("low-rank", 3), hidden("hash", 2), output(1, 1), output(1, 2)])
    expect(await run(...known)).toHaveLength(7);
  for (const unknown of [
    hidden("low-rank", 0),
    hidden("low-rank", 4),
    hidden("hash", 1),
    hidden("hash", 3),
    output(1),
    output(1, 0),
    output(1, 3),
    output(2, 1),
  ])
    await expect(run(...unknown)).rejects.toMatchObject({ code: "bad-file", message: expect.stringMatching(/got no .* activator of \d/) });
});

test("a screen of more inputs than there are, however many, looks at all of them", async () => {
  const model = madeUpModel([20, 40, 4], 15);
  const run = (variant: number) =>
    runLevel(model, [{ layers: [ranked({ activator: "screen", variant, amount: 0.3 }), exact] }], inputsFor(model), {});
  const all = plain(await run(20));
  for (const variant of [2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]) expect(plain(await run(variant))).toEqual(all);
});

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function preActivations(model: Model, l: number, x: ArrayLike<number>): Float32Array {
  const { bias, inputs, outputs } = model.layers[l];
  const weight = floatWeights(model.layers[l]);
  return Float32Array.from({ length: outputs }, (_, o) => dot(weight.subarray(o * inputs, (o + 1) * inputs), x) + bias[o]);
}

function forwardHidden(model: Model, x: Float32Array): Float32Array {
  const { activation, alpha } = model.layers[0];
  return activate(activation, preActivations(model, 0, x), alpha);
}

/** The reference pass with every hidden node that `keep` leaves out counting as 0. */
function masked(model: Model, input: Float32Array, keep: (z: Float32Array, l: number) => Set<number>): Float32Array {
  let x = input;
  model.layers.forEach(({ activation, alpha }, l) => {
    const z = preActivations(model, l, x);
    x = activate(activation, z, alpha);
    if (l === model.layers.length - 1) return;
    const kept = keep(z, l);
    x = x.map((v, i) => (kept.has(i) ? v : 0));
  });
  return x;
}

function best(scores: Float32Array, k: number): Set<number> {
  return new Set([...scores.keys()].sort((i, j) => scores[j] - scores[i] || i - j).slice(0, k));
}

function bestPanels(z: Float32Array, k: number): Set<number> {
  const scores = new Float32Array(Math.ceil(z.length / 16));
  z.forEach((v, i) => {
    scores[i >> 4] += Math.max(v, 0);
  });
  const panels = best(scores, k);
  return new Set([...z.keys()].filter((i) => panels.has(i >> 4)));
}

function lead(output: readonly number[]): number {
  const [a, b] = [...output].sort((x, y) => y - x);
  return Math.fround(a - b);
}
