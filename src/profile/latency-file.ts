// A latency profile as JSON text, to be kept beside a model; times that were not measured are null.

import { refusal, SlonnError } from "../errors.ts";
import { isObject, show } from "../quoted.ts";
import { type LatencyProfile, type LevelLatency, mostMs, type ProfileOrigin, type Quantiles, type RungLatency } from "./latency.ts";

export function encodeProfile(profile: LatencyProfile): string {
  return `${JSON.stringify(profile, null, 1)}\n`;
}

/**
 * Reads a stored profile, which has to say where it was measured. Whether that is this machine is checked when it is used.
 * @param name for messages
 * @throws SlonnError `bad-file` for what is not a profile: cut off, fields missing or out of range.
 */
export function decodeProfile(text: string, name: string): LatencyProfile {
  const refuse = (what: string, got: unknown, expected: string): never => {
    throw refusal("bad-file", `${name}: ${what}`, show(got), expected);
  };
  const record = (what: string, value: unknown): Record<string, unknown> => (isObject(value) ? value : refuse(what, value, "an object"));
  const list = (what: string, value: unknown): unknown[] => (Array.isArray(value) ? value : refuse(what, value, "a list"));
  const time = (what: string, value: unknown): number => {
    if (value === null) return Number.NaN;
    return typeof value === "number" && value > 0 && value <= mostMs ? value : refuse(what, value, "a number above 0, or null");
  };
  const share = (what: string, value: unknown): number => {
    if (value === null) return Number.NaN;
    return typeof value === "number" && value >= 0 && value <= 1 ? value : refuse(what, value, "a share from 0 to 1, or null");
  };
  const quantiles = (what: string, value: Record<string, unknown>): Quantiles => {
    const [p50, p90, p99] = ["p50", "p90", "p99"].map((key) => time(`${what}.${key}`, value[key]));
    if (p90 < p50 || p99 < p90) throw refusal("bad-file", `${name}: ${what}`, `${p50}, ${p90}, ${p99}`, "percentiles that do not fall");
    return { p50, p90, p99 };
  };
  const rungOf = (what: string, value: unknown): RungLatency => {
    const rung = record(what, value);
    return {
      ...quantiles(what, rung),
      layers: list(`${what}.layers`, rung.layers).map((ms, l) => time(`${what}.layers[${l}]`, ms)),
      ...(rung.reached === undefined ? {} : { reached: share(`${what}.reached`, rung.reached) }),
    };
  };
  const levelOf = (what: string, value: unknown): LevelLatency => {
    const level = record(what, value);
    return {
      ...quantiles(what, level),
      ...(level.cold === undefined ? {} : { cold: time(`${what}.cold`, level.cold) }),
      ...(level.sensitivity === undefined ? {} : { sensitivity: time(`${what}.sensitivity`, level.sensitivity) }),
      ...(level.rungs === undefined
        ? {}
        : { rungs: list(`${what}.rungs`, level.rungs).map((rung, r) => rungOf(`${what}.rungs[${r}]`, rung)) }),
    };
  };

  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new SlonnError("bad-file", `${name}: got text that is no JSON, expected a latency profile`, { cause });
  }
  const profile = record("profile", parsed);
  const origin = record("origin", profile.origin);
  const named = (key: keyof ProfileOrigin): string =>
    typeof origin[key] === "string" ? origin[key] : refuse(`origin.${key}`, origin[key], "text");
  return {
    origin: { machine: named("machine"), build: named("build"), backend: named("backend"), model: named("model") },
    ...(profile.stepMs === undefined ? {} : { stepMs: time("stepMs", profile.stepMs) }),
    levels: list("levels", profile.levels).map((level, i) => levelOf(`levels[${i}]`, level)),
  };
}
