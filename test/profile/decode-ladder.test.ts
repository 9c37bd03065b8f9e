import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SlonnError } from "../../src/errors.ts";
import { createModel, type Model } from "../../src/model/model.ts";
import { decodeLadder } from "../../src/profile/decode-ladder.ts";
import type { Ladder, RankedSetting } from "../../src/profile/ladder.ts";

function modelWith(ladder: unknown): Model {
  const layer = (name: string, inputs: number, outputs: number) => ({
    name,
    inputs,
    outputs,
    weight: new Float32Array(inputs * outputs),
    bias: new Float32Array(outputs),
    activation: "relu" as const,
    alpha: 0,
  });
  return createModel("net", [layer("a", 4, 8), layer("b", 8, 3)], { ladder, tensors: new Map() });
}

const cost = (macs: number, nodes: number): Ladder["levels"][number]["cost"] => ({
  macs: { mean: macs, p99: macs, max: macs },
  bytes: 4 * macs,
  nodes: [nodes, 1],
});

const good: Ladder = {
  version: 1,
  metric: "accuracy",
  promise: { kind: "loss", bound: 0.003, confidence: 0.95 },
  levels: [
    {
      rungs: [
        {
          layers: [
            { kind: "ranked", activator: "low-rank", variant: 16, unit: "panel", by: "threshold", amount: -0.25 },
            { kind: "exact" },
          ],
          margin: 1.5,
        },
        { layers: [{ kind: "ranked", activator: "hash", variant: 0, unit: "node", by: "top-k", amount: 0.5 }, { kind: "exact" }] },
      ],
      cost: { macs: { mean: 20, p99: 30, max: 40 }, bytes: 100, nodes: [0.25, 1] },
      observed: { agreement: 0.99, accuracy: 0.9, loss: -0.001 },
      certificates: [
        { kind: "loss", bound: 0.002, confidence: 0.95, samples: 10_000 },
        { kind: "agreement", bound: 0.98, confidence: 0.95, samples: 10_000 },
      ],
    },
    {
      rungs: [{ layers: [{ kind: "dense" }, { kind: "dense" }] }],
      cost: cost(56, 1),
      observed: { agreement: 1, accuracy: null, loss: null },
      certificates: [],
    },
  ],
};

/** A copy of the good ladder with one place changed; `undefined` removes it. */
function changed(path: string, value: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(good));
  const keys = path.split(".");
  let at = copy;
  for (const key of keys.slice(0, -1)) at = at[key];
  const last = keys[keys.length - 1];
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

function refusal(ladder: unknown): SlonnError {
  try {
    decodeLadder(modelWith(ladder));
  } catch (error) {
    if (error instanceof SlonnError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

describe("decodeLadder", () => {
  test("gives back what was written, as a copy", () => {
    const written = JSON.parse(JSON.stringify(good));
    const read = decodeLadder(modelWith(written));
    expect(read).toEqual(good);
    expect(read).not.toBe(written);
  });

  test("a rung that takes back what the one before chose is refused by name", () => {
    const rung = (by: RankedSetting["by"], amount: number) => ({
      layers: [{ kind: "ranked", activator: "low-rank", variant: 16, unit: "node", by, amount }, { kind: "exact" }],
    });
    const rungs = (by: RankedSetting["by"], first: number, second: number) =>
      changed("levels.0.rungs", [{ ...rung(by, first), margin: 1 }, rung(by, second)]);
    expect(refusal(rungs("top-k", 0.2, 0.1)).message).toBe(
      "ladder.levels[0].rungs[1].layers[0].amount: got 0.1, expected at least 0.2, what the rung before has",
    );
    const third = [{ ...rung("top-k", 0.1), margin: 1 }, { ...rung("top-k", 0.3), margin: 1 }, rung("top-k", 0.2)];
    expect(refusal(changed("levels.0.rungs", third)).message).toBe(
      "ladder.levels[0].rungs[2].layers[0].amount: got 0.2, expected at least 0.3, what the rung before has",
    );
    expect(refusal(rungs("threshold", -1, 0.5)).message).toContain("expected at most -1");
    expect(refusal(rungs("within", 3, 2)).message).toContain("expected at least 3");
    expect(refusal(rungs("within", -1, 2)).message).toContain("got -1, expected 0 to");
    expect(() => decodeLadder(modelWith(rungs("top-k", 0.1, 0.2)))).not.toThrow();
  });

  test("is null where the model was never calibrated", () => {
    expect(decodeLadder({ ...modelWith(null), calibration: null })).toBeNull();
    expect(decodeLadder(modelWith(null))).toBeNull();
  });

  const layer0 = "levels.0.rungs.0.layers.0";
  test.each<[string, unknown, string]>([
    ["version", "1", 'ladder.version: got "1", expected 1'],
    [
      "metric",
      "f1",
      'ladder.metric: got "f1", expected accuracy, precision@1, precision@3, precision@5, agreement, agreement@3, agreement@5',
    ],
    ["promise", [], "ladder.promise: got a list of 0, expected an object"],
    ["promise.kind", "accuracy", 'ladder.promise.kind: got "accuracy", expected loss, agreement'],
    ["promise.bound", 1.5, "ladder.promise.bound: got 1.5, expected 0 to 1"],
    ["promise.confidence", 1, "ladder.promise.confidence: got 1, expected between 0 and 1"],
    ["promise.confidence", 0, "ladder.promise.confidence: got 0, expected between 0 and 1"],
    ["surprise", 1, 'ladder: got the key "surprise", expected version, metric, reference, promise, levels'],
    ["levels", {}, "ladder.levels: got an object, expected a list of 1 to 256"],
    ["levels", [], "ladder.levels: got a list of 0"],
    ["levels", new Array(2000).fill(good.levels[1]), "ladder.levels: got a list of 2000"],
    ["levels", [good.levels[0]], "ladder.levels[0].rungs: got a list of 2, expected a list of 1"],
    ["levels", [good.levels[1], good.levels[0]], "ladder.levels[1].rungs: got a list of 2, expected a list of 1"],
    ["levels.1.rungs.0.layers.1.kind", "exact", 'ladder.levels[1].rungs[0].layers[1].kind: got "exact", expected dense'],
    ["levels.0.rungs", [], "ladder.levels[0].rungs: got a list of 0"],
    ["levels.0.rungs", new Array(17).fill(good.levels[0].rungs[0]), "ladder.levels[0].rungs: got a list of 17, expected a list of 1 to 16"],
    ["levels.0.rungs.0.margin", undefined, "ladder.levels[0].rungs[0].margin: got nothing, expected a finite number"],
    ["levels.0.rungs.0.margin", -1, "ladder.levels[0].rungs[0].margin: got -1"],
    ["levels.0.rungs.1.margin", 1, 'ladder.levels[0].rungs[1]: got the key "margin", expected layers'],
    ["levels.0.rungs.0.layers", [{ kind: "exact" }], "ladder.levels[0].rungs[0].layers: got a list of 1, expected a list of 2"],
    [`${layer0}.kind`, "magic", 'ladder.levels[0].rungs[0].layers[0].kind: got "magic", expected dense, exact, ranked'],
    [`${layer0}.kind`, "exact", 'ladder.levels[0].rungs[0].layers[0]: got the key "activator", expected kind'],
    [
      `${layer0}.activator`,
      "psychic",
      'layers[0].activator: got "psychic", expected low-rank, hash, clusters, screen, static, all, oracle',
    ],
    [`${layer0}.variant`, 1.5, "layers[0].variant: got 1.5, expected a whole number"],
    [`${layer0}.among`, 0, "layers[0].among: got 0"],
    [`${layer0}.rank`, 0, "layers[0].rank: got 0"],
    [`${layer0}.among`, 2.5, "layers[0].among: got 2.5, expected a whole number"],
    [`${layer0}.unit`, "row", 'layers[0].unit: got "row", expected node, panel'],
    [`${layer0}.unit`, "cluster", 'layers[0].unit: got "cluster", expected node, panel'],
    [`${layer0}.activator`, "clusters", 'layers[0].unit: got "panel", expected cluster'],
    [`${layer0}.by`, "chance", 'layers[0].by: got "chance", expected top-k, threshold'],
    [`${layer0}.amount`, null, "layers[0].amount: got null, expected a finite number"],
    [`${layer0}.amount`, Number.POSITIVE_INFINITY, "layers[0].amount: got Infinity, expected a finite number"],
    [`${layer0}.by`, "top-k", "layers[0].amount: got -0.25, expected 0 to 1"],
    ["levels.0.cost.macs.mean", Number.NaN, "ladder.levels[0].cost.macs.mean: got NaN, expected a finite number"],
    ["levels.0.cost.macs.mean", 41, "ladder.levels[0].cost.macs.mean: got 41"],
    ["levels.0.cost.macs.p99", 41, "ladder.levels[0].cost.macs.p99: got 41"],
    ["levels.0.cost.macs.max", 1e300, "ladder.levels[0].cost.macs.max: got 1e+300"],
    ["levels.0.cost.bytes", "many", 'ladder.levels[0].cost.bytes: got "many", expected a finite number'],
    ["levels.0.cost.nodes", [1], "ladder.levels[0].cost.nodes: got a list of 1, expected a list of 2"],
    ["levels.0.cost.nodes.0", 1.1, "ladder.levels[0].cost.nodes[0]: got 1.1"],
    ["levels.0.observed.agreement", null, "ladder.levels[0].observed.agreement: got null, expected a finite number"],
    ["levels.0.observed.accuracy", undefined, "ladder.levels[0].observed.accuracy: got nothing, expected a finite number"],
    ["levels.0.observed.loss", -2, "ladder.levels[0].observed.loss: got -2, expected -1 to 1"],
    ["levels.0.certificates.1.kind", "loss", "ladder.levels[0].certificates[1].kind: got loss, expected one of each kind"],
    ["levels.0.certificates.0.kind", "hope", 'ladder.levels[0].certificates[0].kind: got "hope"'],
    ["levels.0.certificates.0.samples", 0, "ladder.levels[0].certificates[0].samples: got 0"],
    ["levels.0.certificates.0.samples", 10.5, "ladder.levels[0].certificates[0].samples: got 10.5, expected a whole number"],
    ["levels.0.certificates.0.bound", -1.1, "ladder.levels[0].certificates[0].bound: got -1.1, expected -1 to 1"],
    ["levels.0.certificates.1.bound", -0.1, "ladder.levels[0].certificates[1].bound: got -0.1, expected 0 to 1"],
  ])("refuses a broken %s (%#)", (path, value, message) => {
    const error = refusal(changed(path, value));
    expect(error.code).toBe("bad-file");
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("\n");
  });

  test("a mean may pass the largest value by what summing rounds, and so may a share 1", () => {
    const max = good.levels[0].cost.macs.max;
    for (const [path, value] of [
      ["levels.0.cost.macs.mean", max * (1 + 1e-9)],
      ["levels.0.cost.nodes.0", 1 + 1e-9],
    ] as const)
      expect(decodeLadder(modelWith(changed(path, value)))?.levels).toHaveLength(good.levels.length);
  });

  test("a loss may be proved to be below 0, a gain", () => {
    expect(decodeLadder(modelWith(changed("levels.0.certificates.0.bound", -0.001)))?.levels[0].certificates[0].bound).toBe(-0.001);
  });

  test("a later version is unsupported, not broken", () => {
    expect(refusal(changed("version", 2)).code).toBe("unsupported");
  });

  test("a layer may have so many activators and no more, whatever chooses by them", () => {
    const [level, dense] = good.levels;
    const ladder = (variants: readonly number[]): unknown => ({
      ...good,
      levels: [
        ...variants.flatMap((variant) =>
          [0.1, 0.2].map((amount) => ({
            ...level,
            rungs: [{ layers: [{ kind: "ranked", activator: "low-rank", variant, unit: "node", by: "top-k", amount }, { kind: "exact" }] }],
          })),
        ),
        dense,
      ],
    });
    const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
    expect(decodeLadder(modelWith(ladder(upTo(64))))?.levels).toHaveLength(129);
    expect(() => decodeLadder(modelWith(ladder(upTo(65))))).toThrow('ladder.levels: got 65 activators of layer "a", expected at most 64');
  });

  test("anything at all is either a ladder or a SlonnError", () => {
    const paths = (value: unknown, at: string[]): string[] =>
      typeof value === "object" && value !== null
        ? Object.entries(value).flatMap(([k, v]) => [[...at, k].join("."), ...paths(v, [...at, k])])
        : [];
    const places = paths(good, []);
    const check = (ladder: unknown): void => {
      try {
        const read = decodeLadder(modelWith(ladder));
        if (read) expect(decodeLadder(modelWith(structuredClone(read)))).toEqual(read);
      } catch (error) {
        expect(error).toBeInstanceOf(SlonnError);
      }
    };
    fc.assert(fc.property(fc.jsonValue(), check), { numRuns: 300 });
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.option(fc.jsonValue(), { nil: undefined }), (path, value) => check(changed(path, value))),
      { numRuns: 2000 },
    );
  });
});

describe("of any ladder", () => {
  const share = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }));
  const count = fc.oneof(fc.constantFrom(0, Number.MAX_SAFE_INTEGER), fc.double({ min: 0, max: 1e12, noNaN: true }));
  const anything = fc.oneof(fc.constantFrom(-Number.MAX_VALUE, 0, Number.MAX_VALUE), fc.double({ noNaN: true, noDefaultInfinity: true }));
  const length = anything.map(Math.abs);
  const confidence = fc.double({ min: 0, max: 1, minExcluded: true, maxExcluded: true, noNaN: true });
  const whole = (least: number) => fc.oneof(fc.constant(least), fc.integer({ min: least, max: Number.MAX_SAFE_INTEGER }));
  const optional = <T>(key: string, value: fc.Arbitrary<T>) =>
    fc.option(
      value.map((v) => ({ [key]: v })),
      { nil: {} },
    );
  const ranked = fc
    .tuple(
      fc.constantFrom("low-rank", "hash", "clusters", "screen", "static", "all", "oracle"),
      fc.constantFrom("top-k", "threshold", "within"),
    )
    .chain(([activator, by]) =>
      fc.record({
        kind: fc.constant("ranked"),
        activator: fc.constant(activator),
        by: fc.constant(by),
        variant: whole(0),
        unit: activator === "clusters" ? fc.constant("cluster") : fc.constantFrom("node", "panel"),
        amount: by === "top-k" ? share : by === "within" ? length : anything,
      }),
    )
    .chain((setting) =>
      fc.tuple(optional("rank", whole(1)), optional("among", whole(1))).map((more) => Object.assign({ ...setting }, ...more)),
    );
  const exact = optional("layout", fc.constantFrom("panels", "columns")).map((layout) => ({ kind: "exact", ...layout }));
  const dense = fc.constant({ kind: "dense" });
  const layers = fc.tuple(fc.oneof(ranked, exact, dense), fc.oneof(ranked, exact, dense));
  const rung = (last: boolean) =>
    fc.tuple(layers, optional("macs", count), length).map(([of, macs, margin]) => ({ layers: of, ...macs, ...(last ? {} : { margin }) }));
  const level = (rungs: fc.Arbitrary<readonly object[]>) =>
    fc.record({
      rungs,
      cost: fc.record({
        macs: fc.tuple(count, share, share).map(([max, mean, p99]) => ({ mean: mean * max, p99: p99 * max, max })),
        bytes: count,
        nodes: fc.tuple(share, share),
      }),
      observed: fc.record({
        agreement: share,
        accuracy: fc.option(share),
        loss: fc.option(fc.oneof(fc.constantFrom(-1, 1), fc.double({ min: -1, max: 1, noNaN: true }))),
      }),
      certificates: fc
        .subarray(["loss", "agreement", "accuracy"])
        .chain((kinds) =>
          fc.tuple(...kinds.map((kind) => fc.record({ kind: fc.constant(kind), bound: share, confidence, samples: whole(1) }))),
        ),
    });
  const growing = fc
    .tuple(fc.array(rung(false), { maxLength: 4 }), rung(true))
    // the same settings throughout, so that none takes back what one before it chose
    .map(([before, last]) => [...before.map((one) => ({ ...one, layers: last.layers })), last]);
  const denseRungs = fc.constant([{ layers: [{ kind: "dense" }, { kind: "dense" }] }]);
  const ladders = fc
    .record({
      version: fc.constant(1),
      metric: fc.constantFrom("accuracy", "precision@1", "precision@3", "precision@5", "agreement", "agreement@3", "agreement@5"),
      promise: fc.record({ kind: fc.constantFrom("loss", "agreement"), bound: share, confidence }),
      levels: fc.tuple(fc.array(level(growing), { maxLength: 4 }), level(denseRungs)).map(([above, last]) => [...above, last]),
    })
    .chain((ladder) => optional("reference", fc.constant("float32")).map((reference) => ({ ...ladder, ...reference })));

  test("what was written comes back, every field of it", () => {
    fc.assert(
      fc.property(ladders, (ladder) => {
        expect(decodeLadder(modelWith(structuredClone(ladder)))).toStrictEqual(structuredClone(ladder));
      }),
      { numRuns: 300 },
    );
  });

  /** Where every number, text and list lies, as messages call it, and how to put something else there. */
  const places = (value: object, at: string): { at: string; put(odd: unknown): void }[] =>
    Object.entries(value).flatMap(([key, of]) => {
      const here = Array.isArray(value) ? `${at}[${key}]` : `${at}.${key}`;
      const place = { at: here, put: (odd: unknown) => void Object.assign(value, { [key]: odd }) };
      return typeof of === "object" && of !== null ? [place, ...places(of, here)] : [place];
    });

  test("what no field may be is refused in one line that names the field", () => {
    const odd = fc.constantFrom<unknown>(
      true,
      "odd\nvalue",
      Number.NaN,
      Number.POSITIVE_INFINITY,
      -Number.MAX_VALUE * 2,
      1n,
      {},
      new Array(300),
    );
    fc.assert(
      fc.property(ladders, fc.nat(), odd, (ladder, n, value) => {
        const copy = JSON.parse(JSON.stringify(ladder));
        const all = places(copy, "ladder");
        const { at, put } = all[n % all.length];
        put(value);
        const { message, code } = refusal(copy);
        expect(code).toBe("bad-file");
        expect(message).toMatch(/^[^\n]{1,300}$/);
        expect(message.startsWith(at)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
