// The service level objective: what a caller asks of a query. Reads it from the command line and from objects, checks it, and writes it
// back as text. It knows no level and no latency.

import { decimal } from "../decimal.ts";
import { refusal as refusalOf, type SlonnError } from "../errors.ts";
import { isObject, quoted, show } from "../quoted.ts";

/** What a caller asks. Several keys are all asked at once; `dense` and `exact` stand alone. A key that is undefined is not asked. */
export interface Slo {
  /** At least this share of right answers, certified (0 to 1). */
  accuracy?: number | undefined;
  /** At most this lost against dense, certified: points of the metric as a fraction (0.003 = 0.3 points). */
  loss?: number | undefined;
  /** At least this share of dense's own answers, certified (0 to 1). */
  agreement?: number | undefined;
  /** Deadline in milliseconds, from the call. */
  latencyMs?: number | undefined;
  /** Which percentile of the predicted latency has to fit the deadline, 50 to 99; 99 where absent. */
  percentile?: number | undefined;
  /** What to do where not even the fastest level is expected to be done in time: run it, which is the default, or refuse with `deadline`. */
  late?: "run" | "refuse" | undefined;
  /** At most this many multiply-adds; needs no clock. */
  operations?: number | undefined;
  /** At most this mean share of active nodes (0 to 1) in the layers that levels leave nodes out of. */
  nodes?: number | undefined;
  /** The answers of `dense`, skipping zero inputs only. */
  exact?: true | undefined;
  /** Every node from every input. */
  dense?: true | undefined;
  /** Once it fires, a query that waits in a queue or a worker session is taken out, and one that a Worker runs stops before its next layer; no part of the objective. */
  signal?: AbortSignal | undefined;
}

type Quantity = "accuracy" | "loss" | "agreement" | "latencyMs" | "percentile" | "operations" | "nodes";

/** In canonical order. */
const quantities: readonly Quantity[] = ["accuracy", "loss", "agreement", "latencyMs", "percentile", "operations", "nodes"];

interface Expectation {
  allows: (value: unknown) => boolean;
  text: string;
}

const number = (allows: (value: number) => boolean, text: string): Expectation => ({
  allows: (v) => typeof v === "number" && allows(v),
  text,
});
const share = number((v) => v > 0 && v <= 1, "a share above 0, at most 1");
const amount = number((v) => v > 0 && v < Number.POSITIVE_INFINITY, "a finite number above 0");
const alone: Expectation = { allows: (v) => v === true, text: "true, or no such key" };

/** Of every key there is. */
const expectations: Record<keyof Slo, Expectation> = {
  dense: alone,
  exact: alone,
  accuracy: share,
  loss: number((v) => v >= 0 && v < 1, "a fraction from 0 to below 1"),
  agreement: share,
  latencyMs: amount,
  percentile: number((v) => v >= 50 && v <= 99, "50 to 99"),
  operations: amount,
  nodes: share,
  late: { allows: (v) => v === "run" || v === "refuse", text: "run or refuse" },
  signal: { allows: (v) => typeof (v as AbortSignal | null)?.aborted === "boolean", text: "an AbortSignal" },
};

const forms = "dense, exact, accuracy=0.97, loss=0.003, agreement=0.99, latency=2ms, latency=2ms@p99, operations=200000 or nodes=5%";

/** The most characters an SLO's text may have; the longest sensible one has about a hundred. */
const longestText = 1000;

/**
 * Reads the command line's form, e.g. `latency=2ms@p90,loss=0.01`. Times are in `us`, `ms` or `s`; shares may be written `5%` or `0.05`.
 * @throws SlonnError `bad-slo` naming the part, what was found and what was expected.
 */
export function parseSlo(text: string): Slo {
  if (text.length > longestText) throw refusal("slo", `${text.length} characters`, `at most ${longestText}`);
  const slo: Record<string, number | true> = {};
  const set = (key: string, value: number | true): void => {
    if (Object.hasOwn(slo, key)) throw refusal(key === "latencyMs" ? "latency" : key, `it twice in ${quoted(text)}`, "it once");
    slo[key] = value;
  };
  for (const part of text.split(",").map((p) => p.trim())) {
    const [, key, value] = /^([a-z]+)(?:\s*=\s*(.*))?$/s.exec(part) ?? [];
    switch (key) {
      case "dense":
      case "exact":
        if (value !== undefined) throw refusal(key, quoted(part), `${key} without a value`);
        set(key, true);
        break;
      case "accuracy":
      case "loss":
      case "agreement":
      case "nodes":
        set(key, parseShare(key, value));
        break;
      case "operations":
        set(key, parseNumber(key, value ?? "", "operations=200000"));
        break;
      case "latency": {
        const [, digits, unit, percentile] = /^([^a-z@%]*?(?:[eE][+-]?\d+)?)\s*(us|ms|s)(?:\s*@\s*p(.+))?$/s.exec(value ?? "") ?? [];
        if (unit === undefined || /[^\d.eE+-]/.test(digits))
          throw refusal("latency", quoted(value ?? ""), "a time such as 2ms, 500us, 1s or 2ms@p99");
        const number = parseNumber("latency", digits, "latency=2ms");
        const ms = unit === "us" ? decimal(number / 1000) : unit === "s" ? decimal(number * 1000) : number;
        if (!amount.allows(ms)) throw refusal("latency", quoted(value ?? ""), "a finite time above 0, such as 2ms");
        set("latencyMs", ms);
        if (percentile !== undefined) set("percentile", parseNumber("percentile", percentile, "latency=2ms@p99"));
        break;
      }
      default:
        throw refusal("slo", part === text ? quoted(part) : `${quoted(part)} in ${quoted(text)}`, forms);
    }
  }
  return checkSlo(slo);
}

/**
 * Checks what a program handed in and gives back a copy with nothing else in it. Absent and `undefined` are the same.
 * @throws SlonnError `bad-slo` for unknown keys, values out of range and contradictions.
 */
export function checkSlo(value: unknown): Slo {
  if (!isObject(value)) throw refusal("slo", show(value), "an object");
  const keys = Object.keys(expectations);
  for (const key of Object.keys(value)) if (!keys.includes(key)) throw refusal("slo", `the key ${quoted(key)}`, keys.join(", "));
  const checked: Record<string, unknown> = {};
  for (const [key, { allows, text }] of Object.entries(expectations)) {
    const asked = value[key];
    if (asked === undefined) continue;
    if (!allows(asked)) throw refusal(key, show(asked), text);
    checked[key] = asked;
  }
  const slo: Slo = checked;
  const only = slo.dense ? "dense" : slo.exact ? "exact" : null;
  const beside = Object.keys(slo).find((key) => key !== only && key !== "signal");
  if (only && beside) throw refusal(only, `${beside} beside it`, `${only} alone, as it leaves nothing to choose`);
  for (const key of ["percentile", "late"] as const)
    if (slo[key] !== undefined && slo.latencyMs === undefined) throw refusal(key, "no latencyMs beside it", "a deadline it belongs to");
  return slo;
}

/**
 * Checks the time that, by the caller's word, had passed before a query, and the time that is to be left to others.
 * @throws SlonnError `bad-slo` where either is below 0 or not a number
 */
export function checkTimes(waitedMs: number, reservedMs: number): void {
  const isTime = (ms: unknown): boolean => typeof ms === "number" && ms >= 0;
  if (!isTime(waitedMs) || !isTime(reservedMs))
    throw refusal("waitedMs, reservedMs", `${show(waitedMs)}, ${show(reservedMs)}`, "milliseconds from 0");
}

/** A checked SLO, and what is needed to compare others with it. */
export interface Asked {
  readonly slo: Slo;
  /** In canonical order, NaN for those that are not asked. */
  readonly numbers: Float64Array;
  /** How many keys it has. */
  readonly keys: number;
}

/** @param slo as `checkSlo` gives it, without a signal */
export function askedOf(slo: Slo): Asked {
  return { slo, numbers: Float64Array.from(quantities, (key) => slo[key] ?? Number.NaN), keys: Object.keys(slo).length };
}

/**
 * Whether an SLO that was not checked asks just that, signals aside. One that is odd in any way, or no plain object, does not, and is to be
 * checked. Every query does this, so nothing is allocated and no absent key is looked up: with objects of many shapes, engines take long to find a
 * key absent, and they allocate an object for every fraction that is read by a name not known beforehand or compared with what may be undefined.
 * A property of a plain object that is not enumerable is overlooked.
 */
export function asksSame(slo: Slo | null, { slo: asked, numbers, keys }: Asked): boolean {
  if (slo === null || Object.getPrototypeOf(slo) !== Object.prototype) return false;
  let left = keys;
  for (const key in slo) {
    if (key === "signal" && typeof slo.signal?.aborted === "boolean") continue;
    const matches =
      (key === "loss" && typeof slo.loss === "number" && slo.loss === numbers[1]) ||
      (key === "latencyMs" && typeof slo.latencyMs === "number" && slo.latencyMs === numbers[3]) ||
      (key === "dense" && slo.dense === true && asked.dense === true) ||
      (key === "exact" && slo.exact === true && asked.exact === true) ||
      (key === "accuracy" && typeof slo.accuracy === "number" && slo.accuracy === numbers[0]) ||
      (key === "agreement" && typeof slo.agreement === "number" && slo.agreement === numbers[2]) ||
      (key === "percentile" && typeof slo.percentile === "number" && slo.percentile === numbers[4]) ||
      (key === "operations" && typeof slo.operations === "number" && slo.operations === numbers[5]) ||
      (key === "nodes" && typeof slo.nodes === "number" && slo.nodes === numbers[6]) ||
      (key === "late" && slo.late !== undefined && slo.late === asked.late);
    if (matches) left--;
    else if (!asksNothing(slo, key)) return false;
  }
  return left === 0;
}

/** Whether a key is there but undefined; each is read by its literal name, for the reason above. */
function asksNothing(slo: Slo, key: string): boolean {
  return (
    (key === "loss" && slo.loss === undefined) ||
    (key === "latencyMs" && slo.latencyMs === undefined) ||
    (key === "dense" && slo.dense === undefined) ||
    (key === "exact" && slo.exact === undefined) ||
    (key === "accuracy" && slo.accuracy === undefined) ||
    (key === "agreement" && slo.agreement === undefined) ||
    (key === "percentile" && slo.percentile === undefined) ||
    (key === "operations" && slo.operations === undefined) ||
    (key === "nodes" && slo.nodes === undefined) ||
    (key === "late" && slo.late === undefined) ||
    (key === "signal" && slo.signal === undefined)
  );
}

/** The canonical text of an SLO; `parseSlo` reads it back. Empty where nothing is asked. The signal and `late` are left out. */
export function describeSlo(slo: Slo): string {
  const parts: string[] = [];
  if (slo.dense) parts.push("dense");
  if (slo.exact) parts.push("exact");
  for (const key of quantities) if (slo[key] !== undefined && key !== "percentile") parts.push(describeKey(slo, key));
  return parts.join(",");
}

/** One asked quantity as text, e.g. `latency=2ms@p90`. */
export function describeKey(slo: Slo, key: Exclude<Quantity, "percentile">): string {
  const value = slo[key] ?? Number.NaN;
  if (key === "latencyMs") return `latency=${value}ms${slo.percentile === undefined ? "" : `@p${slo.percentile}`}`;
  const percent = decimal(100 * value);
  return key === "nodes" && percent / 100 === value ? `nodes=${percent}%` : `${key}=${value}`;
}

function parseShare(key: string, text: string | undefined): number {
  const percent = text?.endsWith("%") ?? false;
  const number = parseNumber(
    key,
    (percent ? text?.slice(0, -1).trimEnd() : text) ?? "",
    key === "nodes" ? "nodes=5%" : `${key}=${key === "loss" ? 0.003 : 0.97}`,
  );
  return percent ? decimal(number / 100) : number;
}

function parseNumber(key: string, text: string, example: string): number {
  const expected = /^[+-]/.test(text) ? "a number without a sign" : "a number";
  if (!/^(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw refusal(key, quoted(text), `${expected}, as in ${example}`);
  return Number(text);
}

function refusal(subject: string, got: string, expected: string): SlonnError {
  return refusalOf("bad-slo", subject, got, expected);
}
