import { describe, expect, test } from "vitest";
import { type ActivatorKind, type CalibrateOptions, calibrate } from "../../src/calibrate/calibrate.ts";
import type { Clock } from "../../src/clock.ts";
import type { EngineOptions } from "../../src/engine/engine.ts";
import { forward } from "../../src/model/forward.ts";
import { denseMacs, type Model } from "../../src/model/model.ts";
import { quantizeModel } from "../../src/model/quantize.ts";
import { type Labels, type Rows, rowOf } from "../../src/model/rows.ts";
import { decodeModel, encodeModel } from "../../src/model/slonn-file.ts";
import { isDense, isLossless } from "../../src/policy/levels.ts";
import { decodeLadder } from "../../src/profile/decode-ladder.ts";
import type { Certificate, Ladder, Level } from "../../src/profile/ladder.ts";
import { seeded } from "../../src/random.ts";
import { createSession } from "../../src/session/session.ts";
import { compressed, madeUpModel, madeUpRows } from "../made-up-models.ts";

const width = 40;
const plain = madeUpModel([width, 160, 48, 6], 1);
const rows = madeUpRows(1500, width, 2);

const top = (values: Float32Array): number => values.indexOf(Math.max(...values));
const answers = (model: Model, on: Rows & { kind: "dense" }): Uint32Array =>
  Uint32Array.from({ length: on.count }, (_, r) => top(forward(model, rowOf(on, r) as Float32Array)));

/** Labels of which the network itself gets about 90 % right. */
const random = seeded(5);
const denseAnswers = answers(plain, rows);
const labels: Labels = {
  kind: "class",
  count: rows.count,
  classes: denseAnswers.map((a) => (random() < 0.9 ? a : Math.floor(random() * 6))),
};

const options: CalibrateOptions = { rows, labels, maxLoss: 0.03, cost: "macs" };
const ladderOf = (model: Model): Ladder => decodeLadder(model) as Ladder;
const bound = (level: Level, kind: Certificate["kind"]): number => level.certificates.find((c) => c.kind === kind)?.bound ?? Number.NaN;

const model = await calibrate(plain, options);

describe("a calibrated model", () => {
  const ladder = ladderOf(model);

  test("has levels from cheap to dense, fewer multiply-adds the cheaper they are, none above dense", () => {
    const { levels } = ladder;
    expect(levels.length).toBeGreaterThan(4);
    expect(isDense(levels[levels.length - 1])).toBe(true);
    for (const { cost } of levels) expect(cost.macs.mean).toBeLessThanOrEqual(levels[levels.length - 1].cost.macs.mean);
    expect(levels[0].cost.macs.mean).toBeLessThan(0.5 * denseMacs(plain));
    expect(levels.some((level) => isLossless(level) && !isDense(level))).toBe(true);
    expect(new Set(levels.map(({ rungs }) => JSON.stringify(rungs))).size).toBe(levels.length);
  });

  test("says what was proved of each level, on the rows that certified", () => {
    expect(ladder.metric).toBe("accuracy");
    expect(ladder.promise).toEqual({ kind: "loss", bound: 0.03, confidence: 0.95 });
    for (const { certificates, observed, cost } of ladder.levels) {
      expect(certificates.map(({ kind }) => kind).sort()).toEqual(["accuracy", "agreement", "loss"]);
      for (const { samples, confidence } of certificates) expect([samples, confidence]).toEqual([1000, 0.95]);
      expect(observed.loss).toBeLessThanOrEqual(certificates.find(({ kind }) => kind === "loss")?.bound ?? -1);
      expect(observed.agreement).toBeGreaterThanOrEqual(certificates.find(({ kind }) => kind === "agreement")?.bound ?? 2);
      expect(cost.macs.mean).toBeLessThanOrEqual(cost.macs.max);
      expect(cost.macs.p99).toBeLessThanOrEqual(cost.macs.max);
    }
    const dense = ladder.levels[ladder.levels.length - 1];
    expect([bound(dense, "loss"), bound(dense, "agreement")]).toEqual([0, 1]);
    expect(dense.observed.agreement).toBe(1);
    expect(dense.observed.accuracy).toBeCloseTo(0.9, 1);
  });

  test("what loses nothing is tested before what might, so a bad level costs a good one nothing", () => {
    const lossless = ladder.levels.filter((level) => isLossless(level) && !isDense(level));
    const others = ladder.levels.filter((level) => !isLossless(level));
    for (const exact of lossless) for (const level of others) expect(bound(exact, "loss")).toBeLessThanOrEqual(bound(level, "loss"));
    // no disagreement on 1000 rows bounds agreement at 0.05^(1/1000)
    for (const exact of lossless) expect(bound(exact, "agreement")).toBeCloseTo(0.05 ** (1 / 1000), 6);
  });

  test("keeps its promise on rows it has not seen, for fewer multiply-adds", async () => {
    const fresh = madeUpRows(1000, width, 77);
    const expected = answers(plain, fresh);
    const session = await createSession(model);
    let [agreed, macs] = [0, 0];
    for (let r = 0; r < fresh.count; r++) {
      const { output, report } = session.run(rowOf(fresh, r), { agreement: 0.9 });
      expect(report.plan.promised).toBe(true);
      agreed += top(output.data) === expected[r] ? 1 : 0;
      macs += report.macs;
    }
    session.dispose();
    expect(agreed).toBeGreaterThan(880);
    expect(macs / fresh.count).toBeLessThan(0.8 * denseMacs(plain));
  });

  test("survives its file: a session on it answers alike", async () => {
    const back = decodeModel(encodeModel(model));
    expect(ladderOf(back)).toEqual(ladder);
    const [one, other] = [await createSession(model), await createSession(back)];
    for (let r = 0; r < 30; r++)
      for (const slo of [undefined, { loss: 0.01 }, { loss: 0.1 }, { operations: 2000 }, { nodes: 0.05 }]) {
        const [a, b] = [one.run(rowOf(rows, r), slo), other.run(rowOf(rows, r), slo)];
        expect(b.output.data).toEqual(a.output.data);
        expect(b.report.macs).toBe(a.report.macs);
      }
    one.dispose();
    other.dispose();
  });

  test("is the same for the same seed and another for another", async () => {
    expect(encodeModel(await calibrate(plain, options))).toEqual(encodeModel(model));
    expect(JSON.stringify((await calibrate(plain, { ...options, seed: 2 })).calibration?.ladder)).not.toBe(
      JSON.stringify(model.calibration?.ladder),
    );
  });
});

test("sparse rows give what the same rows give dense", async () => {
  const few = madeUpRows(600, width, 3);
  const at = { maxLoss: 0.05, cost: "macs" } as const;
  const dense = await calibrate(plain, { ...at, rows: few });
  const sparse = await calibrate(plain, { ...at, rows: compressed(few) });
  expect(encodeModel(sparse)).toEqual(encodeModel(dense));
});

test("without labels the promise is agreement", async () => {
  const { promise, metric, levels } = ladderOf(await calibrate(plain, { rows, maxLoss: 0.07, cost: "macs" }));
  expect([promise.kind, promise.bound, metric]).toEqual(["agreement", 0.93, "agreement"]); // 1 - 0.07 is less in binary
  for (const { certificates, observed } of levels) {
    expect(certificates.map(({ kind }) => kind)).toEqual(["agreement"]);
    expect([observed.accuracy, observed.loss]).toEqual([null, null]);
  }
});

test("with several labels a hit on any of them counts", async () => {
  const sets = Array.from(denseAnswers, (a, r) => (r % 10 === 0 ? [] : r % 3 === 0 ? [a, (a + 1) % 6] : [a]));
  const indptr = Uint32Array.from([0, ...sets.map((s) => s.length)]).map(
    (
      (total) => (n: number) =>
        (total += n)
    )(0),
  );
  const multi: Labels = { kind: "multi", count: rows.count, indptr, indices: Uint32Array.from(sets.flat()) };
  const { metric, promise, levels } = ladderOf(await calibrate(plain, { ...options, labels: multi }));
  expect([metric, promise.kind]).toEqual(["precision@1", "loss"]);
  expect(levels[levels.length - 1].observed.accuracy).toBeCloseTo(0.9, 1);
});

test("hash tables and both kinds of activator calibrate", async () => {
  for (const activators of [["hash"], ["low-rank", "hash"], []] as ActivatorKind[][]) {
    const model = await calibrate(plain, { rows: madeUpRows(600, width, 3), maxLoss: 0.05, cost: "macs", activators });
    const session = await createSession(model);
    expect(session.run(rowOf(rows, 0)).output.data).toHaveLength(6);
    session.dispose();
  }
});

test("rows that may only fit are used to fit and for nothing else", async () => {
  const fitRows = madeUpRows(300, width, 8);
  const other = await calibrate(plain, { ...options, fitRows });
  expect(ladderOf(other).levels[0].certificates[0].samples).toBe(1000);
  expect(encodeModel(other)).not.toEqual(encodeModel(model));
});

test("where dropping nodes does not pay, no level costs more than dense", async () => {
  for (const widths of [
    [12, 20, 4],
    [9, 4],
    [30, 24, 24, 3],
  ]) {
    const small = madeUpModel(widths, 3);
    const full = madeUpRows(400, widths[0], 4, 0);
    const { levels } = ladderOf(await calibrate(small, { rows: full, maxLoss: 0.1, cost: "macs" }));
    for (const { cost } of levels.slice(0, -1)) expect(cost.macs.mean).toBeLessThan(levels[levels.length - 1].cost.macs.mean);
  }
});

test("searching by time keeps only levels that were faster than dense", async () => {
  const model = await calibrate(plain, { rows: madeUpRows(600, width, 3), maxLoss: 0.05 });
  expect(ladderOf(model).levels.length).toBeGreaterThan(0);
  // a clock that stands still says nothing pays
  const frozen = await calibrate(plain, { rows: madeUpRows(600, width, 3), maxLoss: 0.05, clock: { now: () => 1 } });
  expect(ladderOf(frozen).levels.map(isDense)).toEqual([true]);
});

describe("weights in eight bits", () => {
  test("are judged by what the weights answered before: what rounding loses counts", async () => {
    const rounded = await calibrate(plain, { ...options, weights: "int8" });
    const { reference, levels } = ladderOf(rounded);
    expect(reference).toBe("float32");
    expect(rounded.layers.every(({ weight }) => !(weight instanceof Float32Array))).toBe(true);
    const dense = levels[levels.length - 1];
    expect(isDense(dense)).toBe(true);
    expect(bound(dense, "loss")).toBeGreaterThan(0);
    expect(bound(dense, "agreement")).toBeLessThan(1);
    const session = await createSession(decodeModel(encodeModel(rounded)));
    const agreed = Array.from({ length: rows.count }, (_, r) =>
      session.run(rowOf(rows, r), { dense: true }).output.top(1)[0].index === denseAnswers[r] ? 1 : 0,
    ).reduce<number>((a, b) => a + b, 0);
    expect(agreed / rows.count).toBeLessThan(1);
    expect(agreed / rows.count).toBeGreaterThan(0.95);
    // exact gives dense's answers, and no better promise
    expect(session.run(rowOf(rows, 0), { loss: bound(dense, "loss") }).report.plan.promised).toBe(true);
    expect(session.run(rowOf(rows, 0), { loss: bound(dense, "loss") / 2 }).report.plan.promised).toBe(false);
  });

  test("are kept by auto only where they are faster", async () => {
    // counted work is the same in eight bits, so nothing speaks for rounding
    const kept = await calibrate(plain, { ...options, weights: "auto" });
    expect(kept.layers.every(({ weight }) => weight instanceof Float32Array)).toBe(true);
    expect(ladderOf(kept)).toEqual(ladderOf(model));
  });

  test("stay as they are where they are in eight bits already", async () => {
    const already = await calibrate(quantizeModel(plain), { ...options, weights: "auto" });
    expect(ladderOf(already).reference).toBeUndefined();
  });
});

test("progress runs from 0 to 1 and never back", async () => {
  const seen: number[] = [];
  await calibrate(plain, { ...options, onProgress: (share) => seen.push(share) });
  expect(seen[0]).toBe(0);
  expect(seen[seen.length - 1]).toBe(1);
  for (let i = 1; i < seen.length; i++) expect(seen[i]).toBeGreaterThanOrEqual(seen[i - 1]);
});

test("stops when the signal fires, wherever it stands", async () => {
  let told = 0;
  await calibrate(plain, { ...options, onProgress: () => told++ });
  for (const after of [0, 5, told - 2]) {
    const controller = new AbortController();
    let calls = 0;
    const onProgress = () => {
      if (calls++ === after) controller.abort();
    };
    await expect(calibrate(plain, { ...options, signal: controller.signal, onProgress })).rejects.toMatchObject({ code: "aborted" });
  }
});

test("half of the rows search without labels, a third with", async () => {
  const certified = async (labels: Labels | null): Promise<number[]> => {
    const rows = madeUpRows(2400, width, 3);
    const levels = decodeLadder(await calibrate(plain, { rows, labels, cost: "macs" }))?.levels ?? [];
    return [...new Set(levels.flatMap(({ certificates }) => certificates.map(({ samples }) => samples)))];
  };
  expect(await certified(null)).toEqual([1200]);
  expect(await certified({ kind: "class", count: 2400, classes: new Uint32Array(2400) })).toEqual([1600]);
});

describe("refuses", () => {
  const refuse = (part: Partial<CalibrateOptions>, code: string, message: RegExp) =>
    expect(calibrate(plain, { ...options, ...part })).rejects.toMatchObject({ code, message: expect.stringMatching(message) });

  test("too few rows, saying how many are needed; that many are enough", async () => {
    for (const [maxLoss, count] of [
      [0.01, 200],
      [0.003, 1400],
      [0.0001, 1500],
    ] as const) {
      const few = madeUpRows(count, width, 3);
      const needed = await calibrate(plain, { rows: few, maxLoss, cost: "macs" }).then(
        () => 0,
        (error: Error & { code: string }) => {
          expect(error.code).toBe("too-few-samples");
          return Number(/expected at least (\d+) rows/.exec(error.message)?.[1]);
        },
      );
      expect(needed).toBeGreaterThan(count);
      if (needed > 2000) continue;
      await expect(calibrate(plain, { rows: madeUpRows(needed - 1, width, 3), maxLoss, cost: "macs" })).rejects.toMatchObject({
        code: "too-few-samples",
      });
      await calibrate(plain, { rows: madeUpRows(needed, width, 3), maxLoss, cost: "macs" });
    }
    await refuse({ rows: madeUpRows(0, width, 3), labels: null }, "too-few-samples", /got 0 rows/);
    // one searches, one certifies
    const anything = { labels: null, maxLoss: 0.99, confidence: 0.6 };
    await refuse({ rows: madeUpRows(1, width, 3), ...anything }, "too-few-samples", /expected at least 2 rows/);
    await calibrate(plain, { rows: madeUpRows(2, width, 3), ...anything, cost: "macs" });
  });

  test("rows and labels that do not fit", async () => {
    await refuse({ rows: madeUpRows(1500, 39, 3) }, "bad-input", /got rows of 39 numbers, expected 40/);
    await refuse({ fitRows: madeUpRows(10, 41, 3) }, "bad-input", /fit data: got rows of 41 numbers, expected 40/);
    await refuse({ fitRows: madeUpRows(0, 40, 3) }, "bad-input", /fit data: got 0 rows/);
    await refuse({ fitRows: madeUpRows(1500, width, 2) }, "bad-input", /fit data: got the rows of the data, expected others/);
    await refuse({ labels: { kind: "class", count: 3, classes: new Uint32Array(3) } }, "bad-input", /labels: got 3, expected 1500/);
    const fromOne = { ...labels, classes: (labels as { classes: Uint32Array }).classes.map((label) => label + 1) } as Labels;
    await refuse({ labels: fromOne }, "bad-input", /labels: got label \d+ at position \d+, expected a whole number from 0 to/);
    await refuse({ maxLoss: "0.1" as unknown as number }, "bad-option", /max loss: got "0.1", expected/);
    await refuse({ cost: "bytes" as "macs" }, "bad-option", /cost: got "bytes", expected time or macs/);
    const broken = { ...rows, data: rows.data.slice() };
    broken.data[777] = Number.NaN;
    await refuse({ rows: broken }, "bad-input", /^rows: got NaN/);
    await refuse({ rows: { ...rows, data: rows.data.subarray(0, 100) } }, "bad-input", /^rows: got 100 numbers, expected 1500 x 40/);
    const sparse = compressed(rows);
    await refuse({ rows: sparse, fitRows: compressed(rows) }, "bad-input", /fit data: got the rows of the data/);
    await refuse(
      { rows: { ...sparse, indices: sparse.indices.map((i, n) => (n === 5 ? 40 : i)) } },
      "bad-input",
      /^rows: got column 40, expected below 40/,
    );
    await refuse({ rows: { ...sparse, indptr: sparse.indptr.slice(1) } }, "bad-input", /^rows: got/);
  });

  test("options that are out of range", async () => {
    for (const maxLoss of [0, 1, -1, Number.NaN]) await refuse({ maxLoss }, "bad-option", /^max loss: got/);
    for (const confidence of [0.5, 1, 2, Number.NaN]) await refuse({ confidence }, "bad-option", /^confidence: got/);
    await refuse({ maxloss: 0.01 } as object, "bad-option", /^calibrate: got maxloss, expected rows, labels, .*onProgress$/);
    await refuse(
      { activators: ["magic" as ActivatorKind] },
      "bad-option",
      /activators: got "magic", expected low-rank, static, all, screen, clusters, hash/,
    );
    await refuse(
      { activators: "hash" as unknown as ActivatorKind[] },
      "bad-option",
      /^activators: got "hash", expected a list of low-rank, /,
    );
    for (const part of [{ tables: 0 }, { bits: 21 }, { votes: 1.5 }, { votes: Symbol("64") as never }])
      await refuse({ hashShape: { tables: 8, bits: 8, votes: 64, ...part } }, "bad-option", /^hash shape: got /);
    await refuse({ onProgress: 5 as unknown as () => void }, "bad-option", /^onProgress: got 5, expected a function/);
    await refuse({ clock: {} as Clock, cost: "time" }, "bad-option", /^clock.now: got nothing, expected a function/);
    await refuse({ signal: 5 as unknown as AbortSignal }, "bad-option", /^signal: got number, expected an AbortSignal/);
    await refuse({ growing: "no" as unknown as boolean }, "bad-option", /^growing: got "no", expected true or false/);
    await refuse({ engine: { bakend: "js" } as EngineOptions }, "bad-option", /^engine: got bakend, expected backend, module/);
    await refuse({ weights: "int4" as "int8" }, "bad-option", /^weights: got "int4", expected int8 or auto/);
    await refuse({ metric: "precision@7" as "precision@5" }, "bad-option", /^metric: got "precision@7", expected accuracy/);
    for (const seed of [1.5, -1, 2 ** 32, Number.NaN]) await refuse({ seed }, "bad-option", /^seed: got .*, expected a whole number/);
    await refuse({ maxLoss: 1e-14 }, "bad-option", /^max loss: got 1e-14, expected one that a number of rows can prove/);
  });

  test("a metric that looks at all answers there are, which no level could miss", async () => {
    const few = madeUpModel([width, 20, 5], 1);
    const asked = (metric: CalibrateOptions["metric"]) => calibrate(few, { rows, metric, maxLoss: 0.1, cost: "macs" });
    await expect(asked("agreement@5")).rejects.toMatchObject({
      code: "bad-option",
      message: "metric: got agreement@5, expected one that looks at fewer than all 5 outputs",
    });
    expect(ladderOf(await asked("agreement@3")).metric).toBe("agreement@3");
  });

  test("a network of one output, which has no best answer to keep", async () => {
    await expect(calibrate(madeUpModel([width, 20, 1], 1), { rows, cost: "macs" })).rejects.toMatchObject({ code: "bad-model" });
  });
});

test("a model calibrated before can be calibrated again", async () => {
  const again = await calibrate(model, options);
  expect(ladderOf(again).levels.length).toBeGreaterThan(4);
  expect([...(again.calibration?.tensors.keys() ?? [])]).toEqual([...(model.calibration?.tensors.keys() ?? [])]);
});

test("what overflows gets no activator that its file could not hold", async () => {
  const wide = madeUpModel([width, 24, 300], 1);
  const overflowing = {
    ...wide,
    layers: wide.layers.map((layer) => ({ ...layer, weight: layer.weight.map((w) => 1e19 * w) })),
  };
  const calibrated = await calibrate(overflowing, {
    rows: madeUpRows(300, width, 3),
    maxLoss: 0.1,
    cost: "macs",
    activators: ["low-rank", "clusters"],
  });
  const byLowRank = ladderOf(decodeModel(encodeModel(calibrated))).levels.flatMap(({ rungs }) =>
    rungs.flatMap(({ layers }) => layers.map((setting) => setting.kind === "ranked" && setting.activator === "low-rank")),
  );
  expect(byLowRank.filter((is, at) => is && at % 2 === 1)).toEqual([]);
});
