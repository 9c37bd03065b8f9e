import { describe, expect, test } from "vitest";
import { topDepth } from "../../src/activator/level-plan.ts";
import { binomialLower, lossUpper, lossUpperBetting } from "../../src/calibrate/bounds.ts";
import { dense, everyLayer, exact } from "../../src/calibrate/candidates.ts";
import type { Outcome } from "../../src/calibrate/evaluate.ts";
import { sum } from "../../src/calibrate/judge.ts";
import { type Certifying, certifiedLevels, type Sequenced, type Sequencing, sequence } from "../../src/calibrate/levels.ts";
import type { Labels } from "../../src/model/rows.ts";
import type { Certificate, Rung } from "../../src/profile/ladder.ts";

const n = 1000;
const widths = [32, 4];
/** Dense always answers 0, which is always right; a rule answers 1 on its first `wrong` rows. */
const labels: Labels = { kind: "class", count: n, classes: new Uint32Array(n) };
const outcome = (wrong: number, macs: number): Outcome => ({
  answers: Uint32Array.from({ length: n }, (_, r) => (r < wrong ? 1 : 0)),
  tops: new Uint32Array(n * topDepth),
  margins: new Float32Array(n),
  macs: new Float64Array(n).fill(macs),
  bytes: new Float64Array(n).fill(4 * macs),
  rungs: new Uint8Array(n).fill(1),
  timesMs: new Float32Array(n),
  nodes: [16, 4],
  rungMacs: [macs],
});
const rule = (amount: number): readonly Rung[] => [
  { layers: [{ kind: "ranked", activator: "low-rank", variant: 8, unit: "node", by: "top-k", amount }, exact] },
];
const denseRule = [everyLayer(2, dense)];
const exactRule = [everyLayer(2, exact)];
const lost = (count: number) => ({ rows: n, lost: count, changed: count, disagreed: count });
const near = (value: number) => expect.closeTo(value, 9);
const costOf = ({ macs }: Outcome): number => sum(macs) / n;
const sequencing: Sequencing = {
  labels,
  costOf,
  exact: exactRule,
  always: [],
  samples: n,
  promise: { kind: "loss", bound: 0.01 },
  lossRate: 1,
};
const certifying: Certifying = { labels, widths, confidence: 0.95 };

describe("the sequence of levels", () => {
  const order = (rules: (readonly Rung[])[], outcomes: Outcome[], always: (readonly Rung[])[] = []) =>
    sequence([denseRule, exactRule, ...rules], outcomes, { ...sequencing, always });

  test("is cheapest first and dense last, without what costs as much as dense", () => {
    const found = order(
      [rule(0.5), rule(0.1), rule(0.9)],
      [outcome(0, 100), outcome(0, 60), outcome(5, 50), outcome(20, 10), outcome(0, 100)],
    );
    expect(found.map(({ rungs }) => rungs)).toEqual([rule(0.1), rule(0.5), exactRule, denseRule]);
  });

  test("leaves out what saves less than a seventh of exact's cost, as measuring is off by that, but for what is always kept", () => {
    const outcomes = [outcome(0, 100), outcome(0, 60), outcome(1, 51), outcome(2, 50.9), outcome(3, 59)];
    const rules = [rule(0.5), rule(0.4), rule(0.3)];
    expect(order(rules, outcomes).map(({ rungs }) => rungs)).toEqual([rule(0.4), exactRule, denseRule]);
    expect(order(rules, outcomes, [rule(0.3)]).map(({ rungs }) => rungs)).toEqual([rule(0.4), rule(0.3), exactRule, denseRule]);
  });

  test("keeps a rule that grows for more inputs than one that errs on as few rows, and tests it before that one", () => {
    const [{ layers }] = rule(0.1);
    const growing = (margin: number): readonly Rung[] => [{ layers, margin }, ...exactRule];
    const found = order(
      [growing(2), growing(1), rule(0.3)],
      [outcome(0, 100), outcome(0, 60), outcome(0, 40), outcome(0, 30), outcome(0, 45)],
    );
    expect(found.map(({ rungs }) => rungs)).toEqual([growing(1), growing(2), exactRule, denseRule]);
    const [bold, cautious] = found.map(({ rank }) => rank.lost);
    expect(cautious).toBeLessThanOrEqual(bold);
  });

  test("has dense alone where skipping zeros saves nothing, so that dense is what exact is computed as", () => {
    const ladder = [denseRule, rule(0.5), rule(0.4)];
    const found = sequence(ladder, [outcome(0, 100), outcome(1, 90), outcome(2, 84)], { ...sequencing, exact: [everyLayer(2, dense)] });
    expect(found.map(({ rungs }) => rungs)).toEqual([rule(0.4), denseRule]);
    expect(found.map(({ rank }) => rank.lost < -1)).toEqual([false, true]);
  });

  test("leaves out what saves less than a seventh of dense's cost where exact costs more", () => {
    const found = order([rule(0.5), rule(0.4)], [outcome(0, 100), outcome(0, 200), outcome(1, 90), outcome(2, 84)]);
    expect(found.map(({ rungs }) => rungs)).toEqual([rule(0.4), denseRule]);
  });

  test("leaves out what is too bad for any promise, however cheap", () => {
    const found = order([rule(0.1)], [outcome(0, 100), outcome(0, 60), outcome(500, 5)]);
    expect(found.map(({ rungs }) => rungs)).toEqual([exactRule, denseRule]);
  });

  test("counts what is lost against another's answers where there are any, by dense too", () => {
    const outcomes = [outcome(4, 100), outcome(4, 60), outcome(10, 10)];
    const found = sequence([denseRule, exactRule, rule(0.1)], outcomes, { ...sequencing, reference: outcome(1, 1000) });
    expect(found.map(({ lost: count, disagreed }) => [count, disagreed])).toEqual([
      [9, 9],
      [3, 3],
      [3, 3],
    ]);
  });

  test("is dense alone where nothing is cheaper", () => {
    expect(order([rule(0.5)], [outcome(0, 100), outcome(0, 100), outcome(5, 101)]).map(({ rungs }) => rungs)).toEqual([denseRule]);
  });

  test("leaves out what another does better, but for what is always kept; of equals the first stays", () => {
    const outcomes = [outcome(0, 100), outcome(0, 60), outcome(5, 40), outcome(9, 50), outcome(5, 40)];
    const rules = [rule(0.4), rule(0.5), rule(0.41)];
    expect(order(rules, outcomes).map(({ rungs }) => rungs)).toEqual([rule(0.4), exactRule, denseRule]);
    expect(order(rules, outcomes, [rule(0.5)]).map(({ rungs }) => rungs)).toEqual([rule(0.4), rule(0.5), exactRule, denseRule]);
  });

  /** What stays of a rule of one setting and of one that grows, either first. */
  const stays = (fixed: Outcome, growing: Outcome): number[][] => {
    const rules = [rule(0.5), [{ ...rule(0.1)[0], margin: 1 }, ...exactRule]];
    const answered = [fixed, growing];
    return [
      [0, 1],
      [1, 0],
    ].map((places) => {
      const found = order(
        places.map((i) => rules[i]),
        [outcome(0, 100), outcome(0, 60), ...places.map((i) => answered[i])],
      );
      return [0, 1].filter((i) => found.some(({ rungs }) => rungs === rules[i]));
    });
  };

  test.each([
    ["costs less", outcome(5, 40), outcome(5, 39), [1], [1]],
    ["answers better", outcome(5, 40), outcome(4, 40), [1], [1]],
    ["does as much", outcome(5, 40), outcome(5, 40), [0], [1]],
    ["costs more", outcome(5, 40), outcome(5, 41), [0], [0]],
    ["costs more and answers better", outcome(5, 40), outcome(4, 41), [0, 1], [0, 1]],
  ])("of a rule of one setting and one that grows keeps what no other is as good as: it %s", (_, fixed, growing, first, second) => {
    expect(stays(fixed, growing)).toEqual([first, second]);
  });

  test("tests dense and exact first, then what will probably lose least, then what is kept though no promise is served by it", () => {
    const found = order(
      [rule(0.4), rule(0.3), rule(0.2), rule(0.1)],
      [outcome(0, 100), outcome(0, 60), outcome(2, 40), outcome(9, 30), outcome(3, 50), outcome(8, 55)],
      [rule(0.2), rule(0.1)],
    );
    for (const key of ["lost", "disagreed"] as const) {
      const tested = [...found].sort((a, b) => a.rank[key] - b.rank[key]).map(({ rungs }) => rungs);
      expect(tested).toEqual([denseRule, exactRule, rule(0.4), rule(0.3), rule(0.2), rule(0.1)]);
    }
  });

  test("what is always kept has its place among the others where it is the cheapest for a promise", () => {
    const outcomes = [outcome(0, 100), outcome(0, 60), outcome(40, 10), outcome(3, 30), outcome(1, 50)];
    const ladder = [denseRule, exactRule, rule(0.1), rule(0.2), rule(0.4)];
    const found = sequence(ladder, outcomes, { ...sequencing, always: [rule(0.2)] });
    expect(found.map(({ rungs }) => rungs)).toEqual([rule(0.1), rule(0.2), rule(0.4), exactRule, denseRule]);
    const certified = certifiedLevels(
      found,
      [2, 3, 4, 1, 0].map((i) => outcomes[i]),
      certifying,
    );
    for (const kind of [0, 1])
      expect(certified[1].certificates[kind].bound).toBeCloseTo(kind === 0 ? lossUpper(3, 0, n, 0.05) : binomialLower(997, n, 0.05), 9);
  });

  test("has an order of its own for agreement, and dense and exact before what gains more than it loses", () => {
    // where dense is always wrong, every other answer is a gain
    const gained: Labels = { ...labels, classes: new Uint32Array(n).fill(1) };
    const outcomes = [outcome(0, 100), outcome(0, 60), outcome(40, 40), outcome(10, 50)];
    const ladder = [denseRule, exactRule, rule(0.4), rule(0.5)];
    const found = sequence(ladder, outcomes, { ...sequencing, labels: gained, promise: { kind: "agreement", bound: 0.98 }, lossRate: 0 });
    const tested = (key: "lost" | "disagreed") => [...found].sort((a, b) => a.rank[key] - b.rank[key]).map(({ rungs }) => rungs);
    expect(tested("lost")).toEqual([denseRule, exactRule, rule(0.4), rule(0.5)]);
    expect(tested("disagreed")).toEqual([denseRule, exactRule, rule(0.5), rule(0.4)]);
    const certified = certifiedLevels(found, [outcomes[2], outcomes[3], outcomes[1], outcomes[0]], { ...certifying, labels: gained });
    expect(certified[0].observed).toEqual({ agreement: near(0.96), accuracy: near(0.04), loss: near(-0.04) });
    const bounds = certified.map(({ certificates }) => certificates.find(({ kind }) => kind === "agreement")?.bound);
    expect(bounds).toEqual([binomialLower(960, n, 0.05), binomialLower(990, n, 0.05), binomialLower(1000, n, 0.05), 1].map(near));
  });

  /** Dense is wrong on ten rows, where answering otherwise is a gain. */
  const tenWrong: Labels = { ...labels, classes: Uint32Array.from({ length: n }, (_, r) => (r < 10 ? 1 : 0)) };

  test("keeps what agrees more, though what it gains and loses comes to no less", () => {
    const outcomes = [outcome(0, 100), outcome(0, 80), outcome(20, 40), outcome(0, 50)];
    const ladder = [denseRule, exactRule, rule(0.4), rule(0.5)];
    const found = sequence(ladder, outcomes, { ...sequencing, labels: tenWrong, promise: { kind: "agreement", bound: 0.99 } });
    expect(found.map(({ rungs }) => rungs)).toEqual([rule(0.4), rule(0.5), exactRule, denseRule]);
  });

  test("keeps what gains more, though it answers otherwise more often", () => {
    const manyWrong: Labels = { ...labels, classes: Uint32Array.from({ length: n }, (_, r) => (r < 300 ? 1 : 0)) };
    const outcomes = [outcome(0, 100), outcome(0, 80), outcome(5, 40), outcome(300, 50)];
    const ladder = [denseRule, exactRule, rule(0.4), rule(0.5)];
    const found = sequence(ladder, outcomes, { ...sequencing, labels: manyWrong, lossRate: 0 });
    expect(found.map(({ rungs }) => rungs)).toEqual([rule(0.4), rule(0.5), exactRule, denseRule]);
  });

  test("tests what loses and gains alike behind what hardly does either: its loss is less sure", () => {
    const outcomes = [outcome(0, 100), outcome(0, 60), outcome(20, 30), outcome(1, 40)];
    const alike = sequence([denseRule, exactRule, rule(0.3), rule(0.4)], outcomes, { ...sequencing, labels: tenWrong, lossRate: 0 });
    const [wild, calm] = [0.3, 0.4].map((amount) => alike.find(({ rungs }) => JSON.stringify(rungs) === JSON.stringify(rule(amount))));
    expect([wild?.lost, calm?.lost, wild?.changed, calm?.changed]).toEqual([0, -1, 20, 1]);
    expect(wild?.rank.lost).toBeGreaterThan(0.005);
    expect(calm?.rank.lost).toBeLessThan(0.004);
  });
});

describe("certified levels", () => {
  const both = (rank: number): Sequenced["rank"] => ({ lost: rank, disagreed: rank });
  const sequenced: Sequenced[] = [
    { rungs: rule(0.1), cost: 10, rank: both(0.02), ...lost(4) },
    { rungs: rule(0.2), cost: 20, rank: both(0.01), ...lost(30) },
    { rungs: rule(0.3), cost: 30, rank: both(0.03), ...lost(60) },
    { rungs: denseRule, cost: 100, rank: both(-1), ...lost(0) },
  ];
  // the level tested second turns out worse than the one tested third
  const outcomes = [outcome(4, 10), outcome(30, 20), outcome(60, 30), outcome(0, 100)];
  const levels = certifiedLevels(sequenced, outcomes, certifying);
  const bounds = (kind: Certificate["kind"]) =>
    levels.map(({ certificates }) => certificates.find((c) => c.kind === kind)?.bound ?? Number.NaN);

  test("have bounds that never get tighter in the order of testing", () => {
    const [third, second, fourth, first] = bounds("loss");
    expect(first).toBe(0);
    expect(second).toBeGreaterThan(0.03);
    expect(third).toBe(second);
    expect(fourth).toBeGreaterThan(third);
    const [a3, a2, a4, a1] = bounds("agreement");
    expect(a1).toBe(1);
    expect(a2).toBeLessThan(0.97);
    expect(a3).toBe(a2);
    expect(a4).toBeLessThan(a3);
  });

  test("keep the order they came in, and say what was observed and spent", () => {
    expect(levels.map(({ rungs }) => rungs[0].layers)).toEqual(sequenced.map(({ rungs }) => rungs[0].layers));
    expect(levels[0]).toMatchObject({
      observed: { agreement: 0.996, accuracy: 0.996, loss: 0.004 },
      cost: { macs: { mean: 10, p99: 10, max: 10 }, bytes: 40, nodes: [0.5, 1] },
      rungs: [{ macs: 10 }],
    });
  });

  test("have the exact bounds where an answer is right or wrong, and say what rows really took", () => {
    const macs = Float64Array.from({ length: n }, (_, r) => (7 * r) % n);
    const growing: Sequenced = { ...sequenced[0], rungs: [{ ...rule(0.1)[0], margin: 1 }, rule(0.3)[0]] };
    const uneven = { ...outcome(4, 10), macs, rungMacs: [10, 25] };
    const [level] = certifiedLevels([growing, sequenced[3]], [uneven, outcomes[3]], certifying);
    expect(level.certificates.map(({ bound }) => bound)).toEqual(
      [lossUpper(4, 0, n, 0.05), binomialLower(996, n, 0.05), binomialLower(996, n, 0.05)].map(near),
    );
    expect(level.cost.macs).toEqual({ mean: 499.5, p99: 989, max: 999 });
    expect(level.rungs.map((one) => one.macs)).toEqual([10, 25]);
  });

  test("promise agreement alone without labels", () => {
    const unlabelled = certifiedLevels(sequenced, outcomes, { ...certifying, labels: null });
    for (const { certificates, observed } of unlabelled) {
      expect(certificates.map(({ kind }) => kind)).toEqual(["agreement"]);
      expect([observed.accuracy, observed.loss]).toEqual([null, null]);
    }
  });

  test("of the best three are ordered and certified by the share of them that is right", () => {
    const right = { kind: "multi", count: n, indptr: Uint32Array.from({ length: n + 1 }, (_, r) => 3 * r) } as const;
    const three = { labels: { ...right, indices: Uint32Array.from({ length: 3 * n }, (_, i) => i % 3) }, depth: 3 };
    // the best answer is always right; the third is not on the first rows
    const topsOf = (wrong: number) =>
      Uint32Array.from({ length: n * topDepth }, (_, i) => (i % topDepth === 2 && i < wrong * topDepth ? 7 : i % topDepth));
    const judged = [outcome(0, 10), outcome(0, 100)].map((one, i) => ({ ...one, tops: topsOf(i === 0 ? 30 : 0) }));
    const [found] = sequence([denseRule, rule(0.1)], [judged[1], judged[0]], { ...sequencing, ...three, always: [rule(0.1)] });
    expect([found.lost, found.changed, found.disagreed]).toEqual([10, 30 / 9, 30].map((value) => expect.closeTo(value, 4)));
    const [level] = certifiedLevels([found, sequenced[3]], judged, { ...certifying, ...three });
    const differences = Float32Array.from({ length: n }, (_, r) => (r < 30 ? 1 / 3 : 0));
    expect(level.certificates.map(({ kind, bound }) => [kind, bound])).toEqual([
      ["loss", near(lossUpperBetting(differences, 0.05))],
      ["agreement", near(binomialLower(970, n, 0.05))],
      [
        "accuracy",
        expect.closeTo(
          -lossUpperBetting(
            differences.map((d) => d - 1),
            0.05,
          ),
          5,
        ),
      ],
    ]);
    expect(level.observed).toEqual({ agreement: 0.97, accuracy: expect.closeTo(0.99, 6), loss: expect.closeTo(0.01, 6) });
  });

  test("are all judged by another's answers where there is one, dense's too", () => {
    const asked = outcome(0, 1000);
    const answered = [outcome(4, 10), outcome(30, 20), outcome(60, 30), outcome(3, 100)];
    const judged = certifiedLevels(sequenced, answered, { ...certifying, reference: asked });
    const dense = judged[judged.length - 1];
    expect(dense.observed).toMatchObject({ loss: 0.003, agreement: 0.997 });
    expect(dense.certificates.find(({ kind }) => kind === "loss")?.bound).toBeGreaterThan(0.003);
    expect(judged[0].certificates[0].bound).toBeGreaterThanOrEqual(dense.certificates[0].bound);
    // how often the other is right spoils no level's accuracy
    const wrong = certifiedLevels(sequenced, answered, { ...certifying, reference: outcome(n, 1000) });
    const accuracy = wrong[wrong.length - 1].certificates.find(({ kind }) => kind === "accuracy");
    expect(accuracy?.bound).toBeCloseTo(binomialLower(n - 3, n, 0.05), 9);
  });
});
