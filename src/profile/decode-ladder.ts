// Reads the ladder a model file carries: opaque JSON in, a checked `Ladder` out. Every field is checked and copied. Whether the model has the
// activators it names is checked in `activator/`. That levels are ordered by cost is taken on trust: it is the time measured where the model was
// calibrated, which the file does not hold, and no buffer depends on it.

import { activatorName, sameRanking, widens } from "../activator/setting.ts";
import { refusal } from "../errors.ts";
import type { AnyModel } from "../model/model.ts";
import { isObject, show } from "../quoted.ts";
import { type Certificate, type Ladder, type LayerSetting, type Level, metrics, type RankedSetting, type Rung } from "./ladder.ts";

/** The most levels of a ladder and rungs of a level, as one query may have to measure them all; calibration keeps far fewer. */
const maxLevels = 256;
const maxRungs = 16;
/** The most activators a layer's levels may use, each of which takes as much memory as the tensors it is made from; calibration tries fewer. */
const maxActivators = 64;

/** Means are sums divided; they may pass the largest value by this relative rounding. */
const rounding = 1e-6;

/**
 * The ladder in `model.calibration`, or null where the model was never calibrated.
 * @throws SlonnError `bad-file` naming the field, what it holds and what was expected; `unsupported` for a later version.
 */
export function decodeLadder(model: AnyModel): Ladder | null {
  const { ladder } = model.calibration ?? {};
  if (ladder == null) return null;
  const read = ladderOf(model.layers.length)("ladder", ladder);
  model.layers.forEach(({ name }, l) => {
    const used = new Set<string>();
    for (const { rungs } of read.levels)
      for (const { layers } of rungs) {
        const setting = layers[l];
        if (setting.kind === "ranked") used.add(activatorName(setting));
      }
    if (used.size > maxActivators) refuse("ladder.levels", `${used.size} activators of layer ${show(name)}`, `at most ${maxActivators}`);
  });
  return read;
}

// ---- Fields: what each part of a ladder may hold -------------------------------------------------------------------------------

function ladderOf(layers: number): Read<Ladder> {
  return record<Ladder>({
    version: (at, value) => {
      if (value !== 1) throw refusal(Number.isInteger(value) ? "unsupported" : "bad-file", at, show(value), "1");
      return 1;
    },
    metric: oneOf(...metrics),
    reference: optional(oneOf("float32")),
    promise: record<Ladder["promise"]>({ kind: oneOf("loss", "agreement"), bound: share, confidence }),
    levels: list(1, maxLevels, levelOf(layers, maxRungs, "dense", "exact", "ranked"), levelOf(layers, 1, "dense")),
  });
}

function levelOf(layers: number, rungs: number, ...kinds: LayerSetting["kind"][]): Read<Level> {
  const settings = list(layers, layers, settingOf(kinds));
  const last = record<Omit<Rung, "margin">>({ layers: settings, macs: optional(count) });
  const rung = record<Rung>({ layers: settings, margin: numbers(0, Number.MAX_VALUE), macs: optional(count) });
  const read = record<Level>({
    rungs: list<Rung>(1, rungs, rung, last),
    cost: record<Level["cost"]>({
      macs: record<Level["cost"]["macs"]>({ mean: count, p99: count, max: count }),
      bytes: count,
      nodes: list(layers, layers, numbers(0, 1 + rounding)),
    }),
    observed: record<Level["observed"]>({ agreement: share, accuracy: orNull(share), loss: orNull(numbers(-1, 1)) }),
    certificates: list(0, 3, readCertificate),
  });
  return (at, value) => {
    const level = read(at, value);
    checkOrder(at, level.rungs);
    const { macs } = level.cost;
    for (const key of ["mean", "p99"] as const) numbers(0, macs.max * (1 + rounding))(`${at}.cost.macs.${key}`, macs[key]);
    level.certificates.forEach(({ kind }, i) => {
      if (level.certificates.findIndex((other) => other.kind === kind) < i)
        refuse(`${at}.certificates[${i}].kind`, kind, "one of each kind");
    });
    return level;
  };
}

/** A rung that ranks a layer in the same way as the one before has to choose at least as much: growth takes nothing back. */
function checkOrder(at: string, rungs: readonly Rung[]): void {
  for (let r = 1; r < rungs.length; r++)
    rungs[r].layers.forEach((setting, l) => {
      const before = rungs[r - 1].layers[l];
      if (!sameRanking(before, setting) || widens(before, setting)) return;
      const { by, amount } = setting as RankedSetting;
      const order = `at ${by === "threshold" ? "most" : "least"} ${(before as RankedSetting).amount}`;
      refuse(`${at}.rungs[${r}].layers[${l}].amount`, amount, `${order}, what the rung before has`);
    });
}

function settingOf(kinds: readonly LayerSetting["kind"][]): Read<LayerSetting> {
  const readKind = oneOf(...kinds);
  return (at, value) => {
    const { kind, activator, by } = object(at, value);
    const fields: { [Kind in LayerSetting["kind"]]: Fields<Omit<LayerSetting & { kind: Kind }, "kind">> } = {
      dense: {},
      exact: { layout: optional(oneOf("panels", "columns")) },
      ranked: {
        activator: oneOf("low-rank", "hash", "clusters", "screen", "static", "all", "oracle"),
        variant: whole(0),
        rank: optional(whole(1)),
        among: optional(whole(1)),
        // any other list would be expanded past the last panel
        unit: activator === "clusters" ? oneOf("cluster") : oneOf("node", "panel"),
        by: oneOf("top-k", "threshold", "within"),
        amount: by === "top-k" ? share : numbers(by === "within" ? 0 : -Number.MAX_VALUE, Number.MAX_VALUE),
      },
    };
    return record({ kind: readKind, ...fields[readKind(`${at}.kind`, kind)] })(at, value) as LayerSetting;
  };
}

function readCertificate(at: string, value: unknown): Certificate {
  return record<Certificate>({
    kind: oneOf("loss", "agreement", "accuracy"),
    bound: numbers(object(at, value).kind === "loss" ? -1 : 0, 1),
    confidence,
    samples: whole(1),
  })(at, value);
}

// ---- Readers: check a JSON value and copy it -----------------------------------------------------------------------------------

/** Gives back what is at the place called `at`, or refuses. */
type Read<T> = (at: string, value: unknown) => T;

/** A reader for each field of T. */
type Fields<T> = { [K in keyof T]-?: Read<T[K]> };

function refuse(at: string, got: string | number, expected: string): never {
  throw refusal("bad-file", at, got, expected);
}

function object(at: string, value: unknown): Record<string, unknown> {
  return isObject(value) ? value : refuse(at, show(value), "an object");
}

/** An object that has these fields and no others; a field its reader gives back as undefined is left out. */
function record<T extends object>(fields: Fields<T>): Read<T> {
  const keys = Object.keys(fields) as (keyof T & string)[];
  return (at, value) => {
    const given = object(at, value);
    for (const key of Object.keys(given)) if (!keys.includes(key as keyof T & string)) refuse(at, `the key ${show(key)}`, keys.join(", "));
    const read: Partial<T> = {};
    for (const key of keys) {
      const field = fields[key](`${at}.${key}`, given[key]);
      if (field !== undefined) read[key] = field;
    }
    return read as T;
  };
}

function list<T>(least: number, most: number, item: Read<T>, last: Read<T> = item): Read<T[]> {
  const expected = `a list of ${least}${least === most ? "" : ` to ${most}`}`;
  return (at, value) => {
    if (!Array.isArray(value) || value.length < least || value.length > most) refuse(at, show(value), expected);
    // Array.from turns holes into undefined, which is refused
    return Array.from(value, (element: unknown, i) => (i < value.length - 1 ? item : last)(`${at}[${i}]`, element));
  };
}

function numbers(least: number, most: number): Read<number> {
  return (at, value) => {
    if (!Number.isFinite(value)) refuse(at, show(value), "a finite number");
    const number = value as number;
    if (number < least || number > most) refuse(at, number, `${least} to ${most}`);
    return number;
  };
}

const share: Read<number> = numbers(0, 1);
const count: Read<number> = numbers(0, Number.MAX_SAFE_INTEGER);

/** What `read` gives, refused unless `holds` is true of it. */
function only(read: Read<number>, holds: (number: number) => boolean, expected: string): Read<number> {
  return (at, value) => {
    const number = read(at, value);
    return holds(number) ? number : refuse(at, number, expected);
  };
}

const whole = (least: number): Read<number> => only(numbers(least, Number.MAX_SAFE_INTEGER), Number.isInteger, "a whole number");
const confidence: Read<number> = only(share, (number) => number > 0 && number < 1, "between 0 and 1");

/** Passes `absent` through; reads anything else with `read`. */
function unless<Absent extends null | undefined>(absent: Absent): <T>(read: Read<T>) => Read<T | Absent> {
  return (read) => (at, value) => (value === absent ? absent : read(at, value));
}

const orNull: <T>(read: Read<T>) => Read<T | null> = unless(null);
const optional: <T>(read: Read<T>) => Read<T | undefined> = unless(undefined);

function oneOf<T extends string>(...known: T[]): Read<T> {
  return (at, value) => known.find((k) => k === value) ?? refuse(at, show(value), known.join(", "));
}
