// How slow this machine is now, judged by how long our own runs take: the state of that estimate, and the step that takes in one more time. No
// clock, no engine.
//
// Two things make a query late, and they call for different answers (docs/latency.md):
//   stretch   its own work takes longer (shared caches, bandwidth, a slower clock): less effort answers that, level by level
//   lost      the scheduler gives the core to somebody else for milliseconds: no effort saves that query, but the shorter queries
//             are, the fewer of them are hit, so what counts is the rate per millisecond of computing
// A mean of observed over expected mixes them up and is wrong for both.
//
// The stretch of level i is exp(sensitivity_i · shared + own_i), estimated by a Kalman filter whose cross-covariances are left out: a level
// that was not run for a while is unsure of its own part, so a surprise there is put down to the level, while one in a level that is
// run all the time is put down to the machine. A level's own part fades while it is not run; that is how one that was found too slow gets another
// try, after longer and longer times if tries keep failing.

import type { LatencyProfile } from "../profile/latency.ts";

/** What the caller knows of the machine's load. */
export interface LoadOptions {
  /** How many times as long a query's own work takes as in the latency profile, which was measured on an idle machine; 1 = idle. */
  stretch?: number | undefined;
  /** Time slices lost to other programs per millisecond of computing; 0 unless given. */
  lostPerMs?: number | undefined;
  /** Share of time in which runnable work had to wait, NaN if unknown: advice for the estimate. Called after every query, so it should only hand out a number. */
  pressure?: (() => number) | undefined;
}

export interface LoadState {
  /** [levels] As decisions see it: it follows the estimate slowly while that stays within a band, so that noise hardly changes a decision. */
  readonly stretch: Float64Array;
  /** As decisions see it. */
  lostPerMs: number;
  /** How long a lost time slice is, in milliseconds; as decisions see it. */
  sliceMs: number;
  /** How many times as far beyond the median, in logarithms, the high percentiles lie as when idle; as decisions see it. */
  tail: number;
  /** Raised whenever what decisions see has changed. */
  version: number;
  /** Scalars of the estimate; their places are named below. */
  readonly numbers: Float64Array;
  /** [levels] of each part of the estimate, one after another. */
  readonly parts: Float64Array;
  /** [levels] The power to which the shared stretch shows in each level. */
  readonly sensitivity: Float64Array;
}

// places in `numbers`
const shared = 0;
const sharedVariance = 1;
/** Variance of the logarithm of a single time. */
const noise = 2;
/** Sum of how far off recent times were since the last step: above 0 on the slow side, below it on the fast one. */
const surprises = 3;
/** Lost slices in a row. */
const inRow = 4;
const lost = 5;
const busyMs = 6;
const queries = 7;
const observed = 8;
const expected = 9;
const tail = 10;
/** The least error that made up that sum. */
const least = 11;
/** Milliseconds that the lost slices took. */
const lostMs = 12;
const places = 13;

// parts, each [levels]
const own = 0;
const ownVariance = 1;
/** How fast the own part fades, per query. */
const fade = 2;
/** The number of the level's last query. */
const last = 3;
/** Logarithm of the stretch that decisions see. */
const seen = 4;
const partCount = 5;

/** Variance of a level's own part before anything has been seen of it. */
const ownSpread = 0.04;
const fastestFade = 1 / 300;
const slowestFade = 1 / 20000;
/** Errors are cut off at this many deviations; the factor below makes up for the variance which that takes away. */
const clip = 1.5;
const unclip = 1.3;
/** How much each time takes off the sum of surprises. One so far off that its error is cut still adds 1 in total. */
const unsurprising = 0.4;
/** A sum of surprises above this is believed: four such times in a row, or more that are less far off. What looks like lost slices takes one more. */
const believed = 3.9;
/** The longest a run may take that was expected to take `expectedMs` and kept its core; one that took longer lost its core for a time slice. */
export function mostKeptMs(expectedMs: number): number {
  return 3 * expectedMs + 1;
}
/** Milliseconds that a slice usually lasts; the estimate begins as if one such slice had been seen. */
const usualSliceMs = 4;
/** Milliseconds; what takes longer is no slice: a clock was set, or the machine was asleep. */
const mostSliceMs = 100;
/** Milliseconds of computing after which a lost slice counts half. */
const halfLifeMs = 40;
/** Milliseconds of computing without a lost slice that the estimate begins with. */
const priorMs = 5;
/** How far the estimate may leave what decisions see: a factor, as a logarithm. */
const band = 0.15;
/** Queries between two checks of what has faded meanwhile. */
const lookEvery = 64;

/** Nothing seen yet: idle, and unsure of it. */
export function createLoad(levels: number): LoadState {
  const each = (value: number): Float64Array => new Float64Array(levels).fill(value);
  const numbers = new Float64Array(places);
  numbers[sharedVariance] = 0.09;
  numbers[noise] = 0.06;
  numbers[tail] = 1;
  const parts = new Float64Array(partCount * levels);
  parts.fill(ownSpread, ownVariance * levels, fade * levels).fill(fastestFade, fade * levels, last * levels);
  return {
    stretch: each(1),
    lostPerMs: 0,
    sliceMs: usualSliceMs,
    tail: 1,
    version: 0,
    numbers,
    parts,
    sensitivity: each(1),
  };
}

const mostStretch = 1e6;
/** The number, or 0 for what is none above it. */
const aboveZero = (value: unknown): number => (typeof value === "number" && value > 0 ? value : 0);

/** Goes by what the caller says, and returns whether the caller says anything. What is missing or no number above 0 counts as idle. */
export function follow(load: LoadState, { stretch, lostPerMs }: LoadOptions): boolean {
  if (stretch === undefined && lostPerMs === undefined) return false;
  const now = Math.min(aboveZero(stretch) || 1, mostStretch);
  const rate = aboveZero(lostPerMs);
  // an estimate made until now may differ from level to level
  if (load.numbers[sharedVariance] > 0 || now !== load.stretch[0] || rate !== load.lostPerMs) {
    load.numbers[sharedVariance] = 0;
    load.numbers[shared] = Math.log(now);
    load.stretch.fill(now);
    load.lostPerMs = rate;
    load.sliceMs = usualSliceMs;
    load.tail = 1;
    load.version++;
  }
  return true;
}

/**
 * Takes from a profile how much of a stretch shows in each level. A session that has run nothing yet is taken to be as slow as the profile's
 * first runs, until a query was seen.
 */
export function begin({ stretch, parts, sensitivity }: LoadState, { levels }: LatencyProfile, isWarm: boolean): void {
  levels.forEach(({ cold = 0, p50, sensitivity: own }, i) => {
    sensitivity[i] = Math.min(aboveZero(own) || 1, mostStretch);
    if (isWarm || !(cold > p50)) return;
    stretch[i] = Math.min(cold / p50, mostStretch);
    parts[seen * levels.length + i] = Math.log(stretch[i]);
  });
}

/** How slow the machine is taken to be, and how sure that is: for people and reports. */
export interface LoadEstimate {
  /** How many times as long as when idle a query's own work takes, as far as all levels share it; 1 = idle. */
  stretch: number;
  /** Standard deviation of the logarithm of `stretch`: 0.1 is about 10 %. */
  deviation: number;
  /** Time slices lost to other programs per millisecond of computing. */
  lostPerMs: number;
}

export function estimate({ numbers, lostPerMs }: LoadState): LoadEstimate {
  return { stretch: Math.exp(numbers[shared]), deviation: Math.sqrt(numbers[sharedVariance]), lostPerMs };
}

// places in what `observe` is handed
/** Idle median of the work the query did, in milliseconds. */
export const EXPECTED_MS = 0;
export const OBSERVED_MS = 1;
/** What 99 of 100 such queries that keep their core were expected to take; NaN where nothing was expected. */
export const P99_MS = 2;
/** The clock's step: shorter expectations are summed up until they are long beside it. */
export const STEP_MS = 3;
/** Share of time in which runnable work has to wait, if anybody knows; NaN if not. */
export const PRESSURE = 4;

/**
 * Takes in how long one query at `level` took. A query whose times tell nothing (negative, NaN, or 0 expected) is passed over. This is one long function
 * because engines may allocate an object for each fraction that one function hands to another.
 * @param query the five numbers above. In a typed array, because engines may allocate an object for each fraction that is passed by itself
 */
export function observe(load: LoadState, level: number, query: Float64Array): void {
  const expectedMs = query[EXPECTED_MS];
  const observedMs = query[OBSERVED_MS];
  const stepMs = query[STEP_MS];
  const { numbers: n, parts: p, sensitivity } = load;
  const levels = sensitivity.length;
  if (!(observedMs >= 0 && observedMs < 1e9 && expectedMs > 1e-9 && expectedMs < 1e9)) return;
  const power = sensitivity[level];
  // where the level's parts stand in `p`
  const ownAt = own * levels + level;
  const varianceAt = ownVariance * levels + level;
  const fadeAt = fade * levels + level;
  const lastAt = last * levels + level;
  const away = ++n[queries] - p[lastAt];
  p[lastAt] = n[queries];
  p[ownAt] *= Math.exp(-p[fadeAt] * away);
  p[varianceAt] = ownSpread + (p[varianceAt] - ownSpread) * Math.exp(-p[fadeAt] * (away - 1));
  // each return to a level halves the speed at which it fades; staying with it raises that speed again
  p[fadeAt] = away > 8 ? Math.max(slowestFade, p[fadeAt] / 2) : Math.min(fastestFade, p[fadeAt] * 1.05);
  n[sharedVariance] += 2e-5; // the machine may have changed meanwhile

  const sure = power * n[shared] + p[ownAt];
  const body = expectedMs * Math.exp(sure);
  const forgotten = 0.5 ** (body / halfLifeMs);
  n[lost] *= forgotten;
  n[lostMs] *= forgotten;
  n[busyMs] = n[busyMs] * forgotten + body;
  if (observedMs > mostKeptMs(body) + stepMs) {
    const off = Math.log(observedMs / body);
    n[least] = n[inRow] > 0 ? Math.min(n[least], off) : off;
    if (n[inRow]++ < believed + 1) {
      n[lost]++;
      n[lostMs] += Math.min(observedMs - body, mostSliceMs);
      look(load, query);
      return;
    }
  } else n[inRow] = 0;
  n[observed] += observedMs;
  n[expected] += expectedMs;
  const isDue = n[queries] % lookEvery === 0;
  if (n[expected] < 4 * stepMs || n[observed] === 0) {
    // fading goes on whether or not a coarse clock has anything to tell by now
    if (isDue) look(load, query);
    return;
  }

  let error = Math.log(n[observed] / n[expected]) - sure;
  n[observed] = n[expected] = 0;
  let variance = power * power * n[sharedVariance] + p[varianceAt] + n[noise];
  const limit = clip * Math.sqrt(variance);
  const side = Math.sign(error);
  // one time in a hundred should be above the percentile expected, so one step up (1.1) makes up for 99 down (0.99904, the 99th root of
  // 1 / 1.1); a clock too coarse for a single query cannot tell
  if (query[P99_MS] > 0 && expectedMs >= 4 * stepMs)
    n[tail] = Math.min(3, Math.max(0.3, n[tail] * (observedMs > query[P99_MS] ? 1.1 : 0.99904)));
  // errors are cut, so that the estimate is near the median, not the mean. But where those on one side add up to too much (Page's cumulative
  // sum), the machine has made a step: as large as the least of them, or as this one is after the cut, whichever is larger
  const size = Math.abs(error);
  const cut = Math.min(size, limit);
  n[noise] += 0.02 * (cut ** 2 * unclip - n[noise]);
  if (n[inRow] === 0) n[least] = n[surprises] * side < 1 ? size : Math.min(n[least], size);
  n[surprises] += ((1 + unsurprising) * side * cut) / limit;
  n[surprises] -= Math.max(-unsurprising, Math.min(unsurprising, n[surprises]));
  if (n[inRow] > 0 || Math.abs(n[surprises]) > believed) {
    n[surprises] = 0;
    error = side * Math.max(n[least], cut);
    // nobody knows whether the step is shared or the level's own: both become less sure in proportion
    const grown = 1 + error ** 2 / (n[sharedVariance] + p[varianceAt]);
    n[sharedVariance] *= grown;
    p[varianceAt] *= grown;
  } else error = side * Math.min(cut, limit / 2);
  variance = power * power * n[sharedVariance] + p[varianceAt] + n[noise];
  const sharedGain = (power * n[sharedVariance]) / variance;
  const ownGain = p[varianceAt] / variance;
  n[shared] += sharedGain * error;
  p[ownAt] += ownGain * error;
  n[sharedVariance] *= 1 - power * sharedGain;
  p[varianceAt] *= 1 - ownGain;
  if (isDue || Math.abs(power * n[shared] + p[ownAt] - p[seen * levels + level]) > band) look(load, query);
}

/** Shows decisions whatever has left its band. */
function look(load: LoadState, query: Float64Array): void {
  const pressure = query[PRESSURE];
  const { numbers: n, parts: p, sensitivity, stretch } = load;
  const levels = sensitivity.length;
  const rate = (n[lost] + (pressure > 0 ? (priorMs * pressure) / usualSliceMs : 0)) / (n[busyMs] + priorMs);
  const slice = (n[lostMs] + usualSliceMs) / (n[lost] + 1);
  if (rate > 1.5 * load.lostPerMs + 0.01 || rate < load.lostPerMs / 1.5 || Math.abs(Math.log(slice / load.sliceMs)) > 0.4) {
    load.lostPerMs = rate;
    load.sliceMs = slice;
    load.version++;
  }
  if (Math.abs(n[tail] - load.tail) > band) {
    load.tail = n[tail];
    load.version++;
  }
  for (let i = 0; i < levels; i++) {
    const away = n[queries] - p[last * levels + i];
    const now = sensitivity[i] * n[shared] + p[own * levels + i] * Math.exp(-p[fade * levels + i] * away);
    const off = now - p[seen * levels + i];
    const isOff = Math.abs(off) > band;
    if (!isOff && n[queries] % lookEvery !== 0) continue;
    // within the band it is followed slowly, so that it comes to rest where it belongs
    p[seen * levels + i] += isOff ? off : 0.1 * off;
    stretch[i] = Math.exp(p[seen * levels + i]);
    load.version++;
  }
}
