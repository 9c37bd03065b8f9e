import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  binomialAtLeast,
  binomialAtMost,
  binomialLower,
  binomialUpper,
  hoeffdingBentkus,
  lossUpper,
  lossUpperBetting,
  samplesNeeded,
} from "../../src/calibrate/bounds.ts";
import { permutation, type Random, seeded } from "../../src/random.ts";
import { lossUpperHoeffdingBentkus, lossUpperSplit } from "./yardsticks.ts";

describe("binomial", () => {
  // From scipy 1.17: beta.ppf(delta, k, n - k + 1), binom.sf(29, 10000, 0.001).
  test.each([
    [9900, 10_000, 0.05, 0.9882027660286524],
    [999_999, 1_000_000, 0.05, 0.9999952561443618],
    [500_000, 1_000_000, 0.01, 0.49883632792948496],
    [1, 10, 0.05, 0.005116196891823701],
    [3, 1_000_000, 1e-6, 1.8254301050976877e-8],
    [9985, 10_000, 0.001, 0.9968781761309501],
  ])("lower bound of %i in %i at delta %f", (k, n, delta, expected) => {
    expect(binomialLower(k, n, delta) / expected).toBeCloseTo(1, 12);
  });

  test("tails far out keep their relative accuracy", () => {
    expect(binomialAtLeast(30, 10_000, 0.001) / 2.4615644296482943e-7).toBeCloseTo(1, 11);
  });

  test("without successes or samples the lower bound is 0, without failures it is what n successes prove", () => {
    expect(binomialLower(0, 100, 0.05)).toBe(0);
    expect(binomialLower(0, 0, 0.05)).toBe(0);
    expect(binomialLower(100, 100, 0.05)).toBeCloseTo(0.05 ** 0.01, 14);
    expect(binomialUpper(0, 0, 0.05)).toBe(1);
    expect(binomialUpper(100, 100, 0.05)).toBe(1);
  });

  test.each([1, 4, 10])("tails of what never or always happens, %i of 10", (k) => {
    expect([binomialAtLeast(k, 10, 0), binomialAtMost(k - 1, 10, 0)]).toEqual([0, 1]);
    expect([binomialAtLeast(k, 10, 1), binomialAtMost(k - 1, 10, 1)]).toEqual([1, 0]);
  });

  test("the tails below and above a count sum to 1", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.double({ min: 0.0001, max: 0.9999, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, p, at) => {
          const k = Math.floor(at * n);
          expect(binomialAtMost(k, n, p) + binomialAtLeast(k + 1, n, p)).toBeCloseTo(1, 11);
        },
      ),
    );
  });
});

/** log(n!) */
function logFactorials(n: number): Float64Array {
  const logs = new Float64Array(n + 1);
  for (let i = 2; i <= n; i++) logs[i] = logs[i - 1] + Math.log(i);
  return logs;
}

/** The probability, summed over every outcome that can occur, that `bound` lies below the true loss. */
function failure(bound: (losses: number, gains: number) => number, n: number, pLoss: number, pGain: number): number {
  const logs = logFactorials(n);
  const none = 1 - pLoss - pGain;
  let total = 0;
  for (let l = 0; l <= n; l++)
    for (let g = 0; g + l <= n; g++) {
      const logP =
        logs[n] -
        logs[l] -
        logs[g] -
        logs[n - l - g] +
        (l && l * Math.log(pLoss)) +
        (g && g * Math.log(pGain)) +
        (n - l - g && (n - l - g) * Math.log(none));
      if (logP > -30 && bound(l, g) < pLoss - pGain) total += Math.exp(logP);
    }
  return total;
}

/** Differences as Int8Array, drawn one by one. */
function draw(n: number, pLoss: number, pGain: number, random: Random): Int8Array {
  return Int8Array.from({ length: n }, () => {
    const u = random();
    return u < pLoss ? 1 : u < pLoss + pGain ? -1 : 0;
  });
}

function countOf(differences: Int8Array, value: number): number {
  return differences.reduce((n, d) => n + (d === value ? 1 : 0), 0);
}

// [pLoss, pGain]: no gains at all (the edge of the parameter space), typical, balanced, gains prevailing, frequent, all different.
const truths: [number, number][] = [
  [0.003, 0],
  [0.005, 0.002],
  [0.013, 0.01],
  [0.01, 0.01],
  [0.004, 0.01],
  [0.05, 0.03],
  [0.2, 0.17],
  [0.3, 0.25],
  [0.52, 0.48],
  [0.9, 0],
];

describe("loss bounds fail with probability at most delta", () => {
  // Summed exactly, not sampled: every (losses, gains) with its probability.
  test.each(truths)("exactly, P(loss) %f and P(gain) %f", (pLoss, pGain) => {
    for (const [n, delta] of [
      [40, 0.05],
      [150, 0.1],
      [pLoss + pGain < 0.1 ? 1000 : 150, 0.05],
    ]) {
      expect(failure((l, g) => lossUpper(l, g, n, delta), n, pLoss, pGain)).toBeLessThanOrEqual(delta);
      expect(failure((l, g) => lossUpperSplit(l, g, n, delta), n, pLoss, pGain)).toBeLessThanOrEqual(delta);
      if (n <= 150) expect(failure((l, g) => lossUpperHoeffdingBentkus(l, g, n, delta), n, pLoss, pGain)).toBeLessThanOrEqual(delta);
    }
  });

  // where rejecting is allowed so often that the most likely outcomes decide
  test("exactly, of few rows at little confidence, wherever the truth lies", () => {
    for (const n of [2, 8, 12])
      for (let share = 1; share <= 20; share++)
        for (const pGain of [0, 0.1, 0.5]) {
          const pLoss = share / 50;
          expect(failure((l, g) => lossUpper(l, g, n, 0.5), n, pLoss, pGain)).toBeLessThanOrEqual(0.5);
        }
  });

  // 2,500 seeded samples of 10,000 rows; four standard errors of the observed rate are allowed.
  test.each([
    [0.003, 0],
    [0.0045, 0.0015],
    [0.0085, 0.0055],
    [0.006, 0.006],
    [0.3, 0.297],
  ])("by simulation at n = 10,000, P(loss) %f and P(gain) %f", (pLoss, pGain) => {
    const [n, delta, trials] = [10_000, 0.05, 2500];
    const random = seeded(7);
    const known = new Map<string, number>();
    let failures = 0;
    for (let t = 0; t < trials; t++) {
      let losses = 0;
      let gains = 0;
      for (let i = 0; i < n; i++) {
        const u = random();
        if (u < pLoss) losses++;
        else if (u < pLoss + pGain) gains++;
      }
      const key = `${losses} ${gains}`;
      const bound = known.get(key) ?? lossUpper(losses, gains, n, delta);
      known.set(key, bound);
      if (bound < pLoss - pGain) failures++;
    }
    expect(failures / trials).toBeLessThanOrEqual(delta + 4 * Math.sqrt((delta * (1 - delta)) / trials));
  });

  test.each([
    [0.02, 0],
    [0.03, 0.01],
    [0.02, 0.02],
    [0.4, 0.35],
  ])("by simulation, betting, P(loss) %f and P(gain) %f", (pLoss, pGain) => {
    const [n, delta, trials] = [500, 0.05, 2000];
    const random = seeded(11);
    let failures = 0;
    for (let t = 0; t < trials; t++) if (lossUpperBetting(draw(n, pLoss, pGain, random), delta) < pLoss - pGain) failures++;
    expect(failures / trials).toBeLessThanOrEqual(delta + 4 * Math.sqrt((delta * (1 - delta)) / trials));
  });

  test("Hoeffding-Bentkus bounds the tail of fair coins, the widest case", () => {
    for (const s of [20, 35, 45, 49]) expect(hoeffdingBentkus(s, 100, 0.5)).toBeGreaterThanOrEqual(binomialAtMost(s, 100, 0.5));
  });
});

describe("lossUpper", () => {
  // What the docstring quotes, in hundredths: this bound, then the others.
  test.each([
    [25, 20, 0.191, 0.21, 0.247, 2.158],
    [40, 30, 0.268, 0.277, 0.342, 2.198],
    [12, 8, 0.144, 0.151, 0.175, 2.138],
    [60, 55, 0.258, 0.285, 0.357, 2.158],
    [5, 0, 0.117, 0.136, 0.117, 2.158],
    [100, 90, 0.359, 0.413, 0.491, 2.198],
  ])("%i losses and %i gains in 10,000", (losses, gains, exact, betting, split, hoeffding) => {
    const [n, delta] = [10_000, 0.05];
    expect(100 * lossUpper(losses, gains, n, delta)).toBeCloseTo(exact, 2.5);
    expect(100 * lossUpperSplit(losses, gains, n, delta)).toBeCloseTo(split, 2.5);
    expect(100 * lossUpperHoeffdingBentkus(losses, gains, n, delta)).toBeCloseTo(hoeffding, 2.5);
    const bets = Array.from({ length: 21 }, (_, seed) => {
      const order = permutation(n, seeded(seed + 1));
      const differences = new Int8Array(n);
      for (let i = 0; i < losses + gains; i++) differences[order[i]] = i < losses ? 1 : -1;
      return lossUpperBetting(differences, delta);
    }).sort((a, b) => a - b);
    expect(100 * bets[10]).toBeCloseTo(betting, 2.5);
  });

  const counts = fc
    .record({
      n: fc.integer({ min: 1, max: 5000 }),
      l: fc.double({ min: 0, max: 1, noNaN: true }),
      g: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map(({ n, l, g }) => {
      const losses = Math.floor(l * l * n);
      return { n, losses, gains: Math.floor(g * g * (n - losses)) };
    });

  test("lies between the observed loss and 1, and grows with every loss and with confidence", () => {
    fc.assert(
      fc.property(counts, ({ n, losses, gains }) => {
        const bound = lossUpper(losses, gains, n, 0.05);
        expect(bound).toBeGreaterThanOrEqual((losses - gains) / n - 1e-12);
        expect(bound).toBeLessThanOrEqual(1);
        expect(lossUpper(losses, gains, n, 0.01)).toBeGreaterThanOrEqual(bound - 1e-11);
        if (losses + gains < n) expect(lossUpper(losses + 1, gains, n, 0.05)).toBeGreaterThanOrEqual(bound - 1e-11);
      }),
    );
  });

  test("counts up to a million", () => {
    expect(lossUpper(1000, 900, 1_000_000, 0.05)).toBeCloseTo(0.00017561, 7);
    expect(lossUpper(200_000, 190_000, 1_000_000, 0.05)).toBeCloseTo(0.0110448, 6);
    expect(lossUpper(400_000, 390_000, 1_000_000, 0.05)).toBeGreaterThan(0.01);
  });

  test("without samples nothing is promised", () => {
    expect(lossUpper(0, 0, 0, 0.05)).toBe(1);
    expect(lossUpperBetting(new Int8Array(0), 0.05)).toBe(1);
  });

  test("the betting bound lies above what it saw", () => {
    const differences = draw(4000, 0.01, 0.005, seeded(3));
    expect(lossUpperBetting(differences, 0.05)).toBeGreaterThan((countOf(differences, 1) - countOf(differences, -1)) / 4000);
  });
});

describe("samplesNeeded", () => {
  test("is the least number with which a flawless run proves the promise", () => {
    for (const [kind, bound, confidence] of [
      ["loss", 0.003, 0.95],
      ["loss", 0.05, 0.9],
      ["agreement", 0.99, 0.95],
      ["accuracy", 0.9, 0.99],
    ] as const) {
      const n = samplesNeeded(kind, bound, confidence);
      const keeps = (samples: number): boolean =>
        kind === "loss" ? lossUpper(0, 0, samples, 1 - confidence) <= bound : binomialLower(samples, samples, 1 - confidence) >= bound;
      expect([keeps(n - 1), keeps(n)]).toEqual([false, true]);
    }
    expect(samplesNeeded("agreement", 0.99, 0.95)).toBe(299);
    expect(samplesNeeded("loss", 0.003, 0.95)).toBe(1437);
  });

  test("counts by betting where being right comes in degrees, which needs fewer", () => {
    const n = samplesNeeded("loss", 0.003, 0.95, 5);
    expect([n - 1, n].map((samples) => lossUpperBetting(new Int8Array(samples), 0.05) <= 0.003)).toEqual([false, true]);
    expect(n).toBeLessThan(1437);
    expect(samplesNeeded("loss", 1e-9, 0.95, 5)).toBe(Number.POSITIVE_INFINITY);
  });

  test("is infinite for what cannot be proved", () => {
    expect(samplesNeeded("loss", 0, 0.95)).toBe(Number.POSITIVE_INFINITY);
    expect(samplesNeeded("agreement", 1, 0.95)).toBe(Number.POSITIVE_INFINITY);
    expect(samplesNeeded("accuracy", 0.9, 1)).toBe(Number.POSITIVE_INFINITY);
    expect(samplesNeeded("loss", Number.NaN, 0.95)).toBe(Number.POSITIVE_INFINITY);
  });
});
