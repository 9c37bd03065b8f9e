// Which level a query gets in the time it has, by the latency profile and by how slow the machine turns out to be: it keeps both, hands
// them to the policy, and takes in what every query took. It runs nothing and reads no clock.

import { refusal } from "../errors.ts";
import { checkNames } from "../option-names.ts";
import { createForecast, pick, predict, predictWithin } from "../policy/deadline.ts";
import {
  begin,
  createLoad,
  EXPECTED_MS,
  estimate,
  follow,
  type LoadEstimate,
  type LoadOptions,
  OBSERVED_MS,
  observe,
  P99_MS,
  PRESSURE,
  STEP_MS,
} from "../policy/load.ts";
import type { Plan } from "../policy/plan.ts";
import { asksPromise, plan, planKey, preference, shareOf } from "../policy/policy.ts";
import { type Asked, askedOf, type Slo } from "../policy/slo.ts";
import type { Ladder, Level } from "../profile/ladder.ts";
import type { LatencyProfile } from "../profile/latency.ts";
import { checkFunction } from "../quoted.ts";
import { EXPECTED_P99_MS, LEFT_MS, type LevelRun, type Ran, STRETCH, setLatency, TOOK_MS } from "./level-run.ts";

const optionNames: Record<keyof LoadOptions, true> = { stretch: true, lostPerMs: true, pressure: true };

/** What was decided for an SLO. */
export interface Decision extends Asked {
  /** The plan for the last choice, made when somebody first asks for it. */
  plan: Plan | null;
  /** Levels in the order a deadline prefers them; undefined without a deadline, or where nothing was measured to go by. */
  order: readonly number[] | undefined;
  /** The deadline; infinite without one. */
  latencyMs: number;
  /** The share of queries whose time counts, as `shareOf` tells. */
  share: number;
  /** Whether all growth has to fit the deadline too: a promise rests on it. */
  whole: boolean;
  /** What was picked, whether it fits, and the time left and the version of the load that it was picked for. */
  level: number;
  isFit: boolean;
  leftMs: number;
  version: number;
  /** Milliseconds within which 99 of 100 queries that keep their core are then expected to end. */
  p99Ms: number;
}

export interface Pacing {
  /** How slow the machine is taken to be. */
  estimate(): LoadEstimate;
  /** Whether there is a profile to go by. */
  hasProfile(): boolean;
  /** Goes by another profile from now on; earlier decisions no longer hold. @param isWarm whether all levels have just run */
  adopt(profile: LatencyProfile, runs: readonly LevelRun[], isWarm: boolean): void;
  decide(asked?: Slo): Decision;
  /**
   * The level for the time that is left; leaves in `ran` how slow its rungs are expected to be.
   * @param reservedMs milliseconds that are left to others, which is no reason to refuse
   * @throws SlonnError `deadline` where no level is fast enough and the SLO asks to be refused then
   */
  choose(decision: Decision, ran: Ran, reservedMs: number): number;
  /** The plan that led to the last choice, in full. */
  planOf(decision: Decision): Plan;
  /** Takes in how long the query of the last choice took. */
  learn(decision: Decision, run: LevelRun, ran: Ran): void;
}

export function createPacing(levels: readonly Level[], promise: Ladder["promise"] | null, options: LoadOptions): Pacing {
  const { pressure } = options;
  // an object with a pressure may have other members, as what watchPressure returns has
  if (pressure == null) checkNames("load", options, optionNames);
  else checkFunction("pressure", pressure);
  let load = createLoad(levels.length);
  const unmeasured = createForecast({ levels: [] }, levels);
  let forecast = unmeasured;
  const query = new Float64Array(5);
  /** Whether the caller says how slow the machine is: asked for every query, since the caller may only know at times. */
  let isGiven = false;
  let refusals = 0;
  /** Preferences by what is asked besides the deadline's length, of which they are independent. */
  const orders = new Map<string, readonly number[]>();

  const orderOf = (slo: Slo): readonly number[] | undefined => {
    const key = planKey({ ...slo, latencyMs: 1 });
    let order = orders.get(key);
    if (!order) {
      if (orders.size >= mostOrders) orders.clear();
      order = preference(slo, levels, forecast);
      orders.set(key, order);
    }
    // NaN where only a median was measured, which tells no percentile
    return predict(forecast, load, order[0], 0, 0.99) ? order : undefined;
  };

  const planOf = (decision: Decision): Plan =>
    (decision.plan ??= plan(decision.slo, levels, promise, forecast, load, decision.leftMs, decision.order));

  /** Refuses a query for which even the fastest of these levels would be late. @throws SlonnError `deadline` */
  const refuse = ({ level, leftMs, order = [], share }: Decision, reservedMs: number): void => {
    const allMs = leftMs + reservedMs;
    let needed = Number.POSITIVE_INFINITY;
    for (let i = 0; i < order.length; i++) {
      const ms = predict(forecast, load, order[i], 0, share);
      if (ms < needed) needed = ms; // NaN, of a level that was not measured, is never less
    }
    if (needed <= allMs) return;
    // refused queries teach nothing, so the load would stay as it is and every query would be refused for ever. Hence every sixteenth counts as one
    // that took exactly what was expected, for long enough that the clock can tell. Queries that no machine could answer in time do not count
    if (allMs > 0 && ++refusals % 16 === 0 && !isGiven) observe(load, level, query.fill(1 + 4 * query[STEP_MS], EXPECTED_MS, STEP_MS));
    throw refusal("deadline", "deadline", `${allMs.toPrecision(3)} ms left`, `at least ${needed.toPrecision(3)}`);
  };

  return {
    estimate() {
      follow(load, options);
      return estimate(load);
    },
    hasProfile: () => forecast !== unmeasured,
    adopt(profile, runs, isWarm) {
      forecast = createForecast(profile, levels);
      orders.clear();
      // the load is relative to a profile: what was learned with another one says nothing
      load = createLoad(levels.length);
      query[STEP_MS] = profile.stepMs ?? 0;
      profile.levels.forEach((latency, i) => {
        setLatency(runs[i], latency);
      });
      begin(load, profile, isWarm);
    },
    decide(slo = {}) {
      const { latencyMs = Number.POSITIVE_INFINITY } = slo;
      const order = slo.latencyMs ? orderOf(slo) : undefined;
      const decision: Decision = {
        plan: null,
        order,
        latencyMs,
        share: shareOf(slo),
        whole: asksPromise(slo),
        level: 0,
        isFit: true,
        // with an order, the version makes the first choice pick a level; without one, the plan made here may still serve it
        leftMs: latencyMs,
        version: order ? -1 : load.version,
        p99Ms: Number.NaN,
        // last: V8 11 (Node 20) makes a hidden class of its own for every object that begins with a spread
        ...askedOf(slo),
      };
      if (!order) decision.level = planOf(decision).level;
      return decision;
    },
    choose(decision, { times }, reservedMs) {
      const { order, share, whole } = decision;
      const leftMs = times[LEFT_MS];
      isGiven = follow(load, options);
      if (decision.version !== load.version || decision.leftMs !== leftMs) {
        decision.version = load.version;
        decision.leftMs = leftMs;
        decision.plan = null;
        if (order) {
          const picked = pick(order, forecast, load, leftMs, share, whole);
          decision.isFit = picked >= 0;
          decision.level = decision.isFit ? picked : ~picked;
          decision.p99Ms = predictWithin(forecast, load, decision.level, 0.99, leftMs);
        }
      }
      const { level } = decision;
      if (!decision.isFit && decision.slo.late === "refuse") refuse(decision, reservedMs);
      times[STRETCH] = load.stretch[level];
      times[EXPECTED_P99_MS] = decision.p99Ms;
      return level;
    },
    planOf,
    learn({ level }, { sinceMs }, { point, times }) {
      if (forecast === unmeasured || isGiven) return;
      query[EXPECTED_MS] = sinceMs[point];
      query[OBSERVED_MS] = times[TOOK_MS];
      query[P99_MS] = times[EXPECTED_P99_MS];
      query[PRESSURE] = options.pressure?.() as number; // NaN where nobody knows
      observe(load, level, query);
    },
  };
}

/** Preferences kept for what may be asked beside a deadline. */
const mostOrders = 256;
