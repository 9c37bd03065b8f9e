// The policy against the documents, read plainly: of all levels the one that no other level beats, key by key in the order of what wins.
// Small worlds, and in each of them every combination of what may be asked.

import { describe, expect, test } from "vitest";
import { closeness, createForecast, type Forecast } from "../../src/policy/deadline.ts";
import { createLoad, follow, type LoadState } from "../../src/policy/load.ts";
import type { Plan } from "../../src/policy/plan.ts";
import { plan } from "../../src/policy/policy.ts";
import type { Slo } from "../../src/policy/slo.ts";
import type { Certificate, Ladder, Level } from "../../src/profile/ladder.ts";
import type { LatencyProfile } from "../../src/profile/latency.ts";
import { type Random, seeded } from "../../src/random.ts";

interface World {
  levels: Level[];
  profile: LatencyProfile | null;
  stretch: number;
  promise: Ladder["promise"] | null;
}

const among = <T>(random: Random, ...of: readonly T[]): T => of[Math.floor(random() * of.length)];

/** One to five levels: with or without labels, certificates of any kinds, latencies in any order, some or all unknown; dense in other weights or not. */
function worldOf(seed: number): World {
  const random = seeded(seed);
  const labelled = random() < 0.7;
  const isOther = random() < 0.2;
  const certificate = (kind: Certificate["kind"], bound: number): Certificate[] =>
    random() < 0.7 ? [{ kind, bound, confidence: 0.95, samples: 1000 }] : [];
  const certificates = (accuracy: readonly number[]): Certificate[] => [
    ...certificate("loss", among(random, 0.001, 0.01, 0.02)),
    ...certificate("agreement", among(random, 0.95, 0.99, 0.999)),
    ...(labelled ? certificate("accuracy", among(random, ...accuracy)) : []),
  ];
  const level = (kind: "ranked" | "exact" | "dense", macs: number): Level => ({
    rungs: [
      {
        layers: [
          kind === "ranked" ? { kind, activator: "low-rank", variant: 8, unit: "node", by: "top-k", amount: 0.1 } : { kind },
          { kind: kind === "dense" ? kind : "exact" },
        ],
      },
    ],
    cost: { macs: { mean: macs, p99: macs, max: macs }, bytes: macs, nodes: [kind === "ranked" ? among(random, 0.1, 0.2, 0.5) : 1, 1] },
    observed: {
      agreement: kind === "ranked" ? among(random, 0.95, 0.97, 0.99) : 1,
      accuracy: labelled ? (kind === "ranked" ? among(random, 0.9, 0.94, 0.95) : 0.95) : null,
      loss: labelled ? 0 : null,
    },
    certificates: kind === "ranked" || (kind === "dense" && isOther) ? certificates([0.9, 0.93, 0.94]) : [],
  });
  const macs = Array.from({ length: Math.floor(5 * random()) }, () => among(random, 10, 20, 30, 40)).sort((a, b) => a - b);
  const levels = [...macs.map((n) => level(random() < 0.25 ? "exact" : "ranked", n)), level("dense", 50)];
  if (!isOther) levels.push({ ...levels.pop()!, certificates: labelled ? certificate("accuracy", 0.94) : [] });
  const times = random() < 0.15 ? null : levels.map(() => (random() < 0.1 ? Number.NaN : among(random, 1, 2, 4, 8)));
  return {
    levels,
    profile: times && { levels: times.map((p50) => ({ p50, p90: 2 * p50, p99: 3 * p50 })) },
    stretch: among(random, 1, 1, 2, 5),
    promise: random() < 0.5 ? { kind: "loss", bound: among(random, 0.01, 0.0005), confidence: 0.95 } : null,
  };
}

const values: Record<string, readonly (number | undefined)[]> = {
  latencyMs: [undefined, 2.9, 12.1, 1000],
  percentile: [undefined, 50, 90],
  operations: [undefined, 5, 25, 100],
  loss: [undefined, 0, 0.005, 0.5],
  agreement: [undefined, 0.98, 1],
  accuracy: [undefined, 0.92, 0.99],
  nodes: [undefined, 0.05, 0.3],
};
/** Every combination of those. */
const slos: Slo[] = Object.entries(values)
  .reduce<Slo[]>(
    (all, [key, list]) => all.flatMap((slo) => list.map((value) => (value === undefined ? slo : { ...slo, [key]: value }))),
    [{}],
  )
  .filter((slo) => slo.percentile === undefined || slo.latencyMs !== undefined);

type Key = "latencyMs" | "operations" | "loss" | "agreement" | "accuracy" | "nodes";
const keys: readonly Key[] = ["latencyMs", "operations", "loss", "agreement", "accuracy", "nodes"];
const texts: Record<Key, string> = {
  ...(Object.fromEntries(keys.map((key) => [key, `${key}=`])) as Record<Key, string>),
  latencyMs: "latency=",
};

const isLossless = ({ rungs: [{ layers }] }: Level): boolean => layers.every(({ kind }) => kind !== "ranked");

/** The best bound that holds for a level, by its own tests or because it computes what dense does. */
function boundOf({ levels }: World, i: number, kind: Certificate["kind"]): number {
  const tested = (level: Level, of: Certificate["kind"]): number | undefined => level.certificates.find((one) => one.kind === of)?.bound;
  // what agrees is not lost
  const own = (level: Level, of: Certificate["kind"]): number | undefined =>
    tested(level, of) ?? (of === "loss" ? 1 - (tested(level, "agreement") ?? Number.NaN) : undefined);
  const dense = levels[levels.length - 1];
  if (!isLossless(levels[i])) return own(levels[i], kind) ?? Number.NaN;
  // dense is what promises are about, unless it was tested against other weights than its own
  const isOther = dense.certificates.some(({ kind: of, bound }) => (of === "loss" && bound > 0) || (of === "agreement" && bound < 1));
  if (kind === "accuracy" || isOther) return own(dense, kind) ?? Number.NaN;
  return kind === "loss" ? 0 : 1;
}

/** What a level is known to take, in the percentile asked. */
function latencyOf({ profile, stretch }: World, i: number, percentile = 99): number {
  const level = profile?.levels[i];
  return (level ? ({ 50: level.p50, 90: level.p90, 99: level.p99 }[percentile] ?? Number.NaN) : Number.NaN) * stretch;
}

function keepsKey(world: World, slo: Slo, i: number, key: Key): boolean {
  const asked = slo[key] ?? Number.NaN;
  const { cost } = world.levels[i];
  switch (key) {
    case "latencyMs":
      return latencyOf(world, i, slo.percentile) <= asked;
    case "operations":
      return cost.macs.max <= asked;
    case "nodes":
      return shareOf(world, i) <= asked;
    case "loss":
      return boundOf(world, i, key) <= asked;
    default:
      return boundOf(world, i, key) >= asked;
  }
}

/** Only the first layer is ever thinned; where it is not, both are asked about and nothing is left out of either. */
const shareOf = ({ levels }: World, i: number): number => levels[i].cost.nodes[0];

const isPromise = (key: Key): boolean => key === "loss" || key === "agreement" || key === "accuracy";

/** How far a level is from a budget that no level keeps; equal where nothing is known. */
function distanceOf(world: World, forecast: Forecast, load: LoadState, slo: Slo, i: number, key: Key): number {
  if (key === "operations") return world.levels[i].cost.macs.max;
  if (key === "nodes") return shareOf(world, i);
  return -closeness(forecast, load, i, slo.latencyMs ?? Number.NaN);
}

/** Levels that no level beats in what is kept, key by key. */
function remaining(world: World, forecast: Forecast, load: LoadState, slo: Slo): number[] {
  const asked = keys.filter((key) => slo[key] !== undefined);
  let left = world.levels.map((_, i) => i);
  for (const key of asked) {
    const keeping = left.filter((i) => keepsKey(world, slo, i, key));
    if (keeping.length > 0) left = keeping;
    else if (!isPromise(key)) {
      const far = (i: number): number => distanceOf(world, forecast, load, slo, i, key);
      const known = left.filter((i) => !Number.isNaN(far(i)));
      const least = Math.min(...known.map(far));
      if (known.length > 0) left = known.filter((i) => far(i) === least);
      else if (asked.length === 1)
        left = left.filter((i) => world.levels[i].cost.macs.mean === Math.min(...left.map((j) => world.levels[j].cost.macs.mean)));
    }
  }
  return left;
}

/** Compares lists of numbers, higher first entries winning; unknown is least. */
const isBetter = (a: readonly number[], b: readonly number[]): boolean => {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at >= 0 && a[at] > b[at];
};

function expectedLevel(world: World, forecast: Forecast, load: LoadState, asked: Slo): number {
  const { levels, promise } = world;
  const dense = levels.length - 1;
  const isNothing = keys.every((key) => asked[key] === undefined);
  if (isNothing && !promise) return dense;
  const slo: Slo = isNothing && promise ? { [promise.kind]: promise.bound } : asked;
  const left = remaining(world, forecast, load, slo);
  const promises = keys.filter((key) => isPromise(key) && slo[key] !== undefined);
  const areKept = promises.every((key) => keepsKey(world, slo, left[0], key));
  if (!areKept && left.includes(dense)) return dense;
  const labelled = levels.every(({ observed }) => observed.accuracy !== null);
  const speed = (i: number): number => -(Number.isNaN(latencyOf(world, i, 50)) ? Number.MAX_VALUE : latencyOf(world, i, 50));
  const quality = (i: number): number => (labelled ? levels[i].observed.accuracy : levels[i].observed.agreement) ?? 0;
  const height = (i: number): number[] => (isLossless(levels[i]) ? [1, speed(i), -i] : [0, i, 0]);
  const score = (i: number): number[] => {
    return promises.length > 0 && areKept ? [speed(i), -i] : [quality(i), ...height(i)];
  };
  const best = left.filter((i) => left.every((j) => !isBetter(score(j), score(i))));
  return best.length === 1 ? best[0] : Number.NaN;
}

/** What is wrong with the plan for an SLO; null where nothing is. */
function faultOf(world: World, slo: Slo, made: Plan, forecast: Forecast, load: LoadState): string | null {
  const { promise } = world;
  const level = expectedLevel(world, forecast, load, slo);
  if (made.level !== level) return `level ${level} was expected`;
  const targets: Slo = Object.keys(slo).length === 0 && promise ? { [promise.kind]: promise.bound } : slo;
  const asked = keys.filter((key) => targets[key] !== undefined);
  const lost = asked.filter((key) => !keepsKey(world, targets, level, key));
  // what was given up is what the level does not keep, in the order of what wins
  if (made.gaveUp.map((text) => asked.find((key) => text.startsWith(texts[key]))).join() !== lost.join()) return `given up is ${lost}`;
  if (made.promised === lost.some(isPromise)) return "promised is wrong";
  if (made.certificate?.kind !== asked.find((key) => isPromise(key) && !lost.includes(key))) return "another certificate was expected";
  const untold = made.gaveUp.find(
    (text) => !made.reason.includes(`${text} fits no level`) && !made.reason.includes(`${text} is certified for no level`),
  );
  return untold ? `nothing is said of ${untold}` : null;
}

describe("plan, beside a plain reading of the documents", () => {
  test("in small worlds, whatever is asked", () => {
    const seen = new Map<string, number>();
    for (let seed = 0; seed < 60; seed++) {
      const world = worldOf(seed);
      const { levels, profile, promise, stretch } = world;
      const forecast = createForecast(profile ?? { levels: [] }, levels);
      const load = createLoad(levels.length);
      follow(load, { stretch });
      for (const slo of slos) {
        const made = plan(slo, levels, promise, forecast, load);
        const fault = faultOf(world, slo, made, forecast, load);
        if (fault) expect.fail(`${fault}: ${JSON.stringify({ slo, world, made })}`);
        const kind = `${made.gaveUp.length} given up, ${made.promised ? "promised" : "not promised"}`;
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    }
    // the worlds are not all alike
    expect([...seen.values()].every((count) => count > 100)).toBe(true);
    expect(seen.size).toBeGreaterThan(6);
  });
});
