// How long the levels of a model take on one machine with one build, as data. It is measured where it is used and never part of a model file;
// how it is measured, and how load changes it, is decided elsewhere.

import { refusal } from "../errors.ts";
import { show } from "../quoted.ts";
import type { Level } from "./ladder.ts";

/** Milliseconds; NaN where nothing was measured. */
export interface Quantiles {
  /** The median. */
  p50: number;
  p90: number;
  p99: number;
}

/** The 97th percentile: between the 90th and the 99th, logarithms of times grow about evenly with the nines of a share. */
export const p97Of = ({ p90, p99 }: Quantiles): number => Math.sqrt(p90 * p99);

/** Times from the start of a query to the end of a rung, if every query went that far. */
export interface RungLatency extends Quantiles {
  /** Milliseconds from the start of the query to the end of each layer of the rung, medians. */
  layers: readonly number[];
  /** Share of queries that the level's own rule takes this far; unknown where absent. */
  reached?: number;
}

/** Times of a whole warm query that ends where the level's own rule ends it. */
export interface LevelLatency extends Quantiles {
  /** Milliseconds of the first run in a new session, before code is optimised and caches are warm. */
  cold?: number;
  /** One per rung of the level. */
  rungs?: readonly RungLatency[];
  /** The power of the machine's slow-down that shows in this level; 1 unless measured beside co-runners (`slonn bench --co-runners`). */
  sensitivity?: number;
}

/** What a profile was measured on. A session refuses a profile of another origin: its times mean nothing there. */
export interface ProfileOrigin {
  /** The caller's name for the machine and its runtime; empty where none was given. */
  machine: string;
  /** Version and kernels of this package. */
  build: string;
  backend: string;
  /** Layer widths and settings of the levels, as a hash. */
  model: string;
}

/**
 * How long the levels of a model take on one machine. Plain data: `JSON.stringify` writes it (a time that was not measured as null), and what
 * `JSON.parse` gives back is checked when it is used.
 */
export interface LatencyProfile {
  /** Absent in one made by hand, which is taken for any machine's. */
  origin?: ProfileOrigin;
  /** Milliseconds of the smallest step the clock was seen to make. */
  stepMs?: number;
  /** One per level, in the order of the session's `levels`. */
  levels: readonly LevelLatency[];
}

/** A hash that differs between models whose levels take different times: FNV-1a of shapes (inputs, outputs, bits of a weight) and settings. */
export function fingerprint(shapes: readonly (readonly number[])[], levels: readonly Level[]): string {
  let hash = 0x811c9dc5;
  for (const character of JSON.stringify([shapes, levels.map(({ rungs }) => rungs)]))
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return (hash >>> 0).toString(16);
}

/** The longest time a profile may name, in milliseconds. */
export const mostMs = 1e12;

/**
 * Checks that a profile handed in is one and belongs here. NaN and null in it count as not measured.
 * @throws SlonnError `bad-option` where it has another number of levels, holds anything but levels, or a time below 0 or above `mostMs`, or was
 * measured on another origin than `here`.
 */
export function checkProfile({ origin, levels }: LatencyProfile, here: ProfileOrigin, count: number): void {
  const refuse = (what: string, got: string | number, expected: string | number): never => {
    throw refusal("bad-option", `latency profile: ${what}`, got, expected);
  };
  for (const key of Object.keys(here) as (keyof ProfileOrigin)[])
    if (origin && origin[key] !== here[key]) refuse(key, show(origin[key]), show(here[key]));
  const found = Array.isArray(levels) ? levels.length : show(levels);
  if (found !== count) refuse("levels", found, count);
  const isOdd = (one: Quantiles | null, parts: unknown = []): boolean =>
    !(one && Array.isArray(parts)) ||
    Object.values(one)
      .flat()
      .some((ms) => ms < 0 || ms > mostMs);
  levels.forEach((level, i) => {
    if (isOdd(level, level?.rungs) || level.rungs?.some((rung) => isOdd(rung, rung?.layers ?? 0)))
      refuse(`levels[${i}]`, "something else", "what measureLatency gave");
  });
}
