// Reads the ladder a model file carries: opaque JSON in, a checked `Ladder` out. Nothing in the JSON is believed; every field
// is checked and copied. Whether the activators it names are there is for the activator room to find out. That levels are ordered by cost is
// believed: the cost is the time measured where the model was calibrated, which the file does not hold, and no buffer depends on it.

import { sameRanking, widens } from "../activator/setting.ts";
import { SlonnError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import type { Certificate, Cost, Ladder, LayerSetting, Level, Rung } from "./ladder.ts";

/** The most levels a ladder and rungs a level may have; calibration keeps far fewer. */
const maxLevels = 1024;
const maxRungs = 64;

/** Means are sums divided; they may pass the largest value by this relative rounding. */
const rounding = 1e-6;

/**
 * The ladder in `model.calibration`, or null where the model was never calibrated.
 * @throws SlonnError `bad-file` naming the field, what it holds and what was expected; `unsupported` for a later version.
 */
export function decodeLadder(model: Model): Ladder | null {
  if (model.calibration === null || model.calibration.ladder === null || model.calibration.ladder === undefined) return null;
  const ladder = record("ladder", model.calibration.ladder, ["version", "metric", "promise", "levels"]);
  if (ladder.version !== 1)
    throw new SlonnError(
      Number.isInteger(ladder.version) ? "unsupported" : "bad-file",
      `ladder.version: got ${show(ladder.version)}, expected 1`,
    );
  const metric = oneOf("ladder.metric", ladder.metric, [
    "accuracy",
    "precision@1",
    "agreement",
    "precision@3",
    "precision@5",
    "agreement@3",
    "agreement@5",
  ] as const);
  const promise = record("ladder.promise", ladder.promise, ["kind", "bound", "confidence"]);
  const levels = list("ladder.levels", ladder.levels, 1, maxLevels).map((level, i) =>
    readLevel(`ladder.levels[${i}]`, level, model.layers.length),
  );
  const last = levels[levels.length - 1];
  const where = `ladder.levels[${levels.length - 1}].rungs`;
  if (last.rungs.length !== 1) refuse(where, `${last.rungs.length} rungs`, "one, the last level being dense");
  last.rungs[0].layers.forEach(({ kind }, l) => {
    if (kind !== "dense") refuse(`${where}[0].layers[${l}].kind`, kind, "dense, as in every layer of the last level");
  });
  return {
    version: 1,
    metric,
    promise: {
      kind: oneOf("ladder.promise.kind", promise.kind, ["loss", "agreement"] as const),
      bound: number("ladder.promise.bound", promise.bound, 0, 1),
      confidence: confidence("ladder.promise.confidence", promise.confidence),
    },
    levels,
  };
}

function readLevel(at: string, value: unknown, layers: number): Level {
  const level = record(at, value, ["rungs", "cost", "observed", "certificates"]);
  const rungs = list(`${at}.rungs`, level.rungs, 1, maxRungs);
  const observed = record(`${at}.observed`, level.observed, ["agreement", "accuracy", "loss"]);
  const certificates = list(`${at}.certificates`, level.certificates, 0, 3).map((c, i) => readCertificate(`${at}.certificates[${i}]`, c));
  certificates.forEach(({ kind }, i) => {
    if (certificates.findIndex((other) => other.kind === kind) < i)
      refuse(`${at}.certificates[${i}].kind`, kind, "at most one certificate of each kind");
  });
  const read = rungs.map((rung, r) => readRung(`${at}.rungs[${r}]`, rung, layers, r === rungs.length - 1));
  checkOrder(at, read);
  return {
    rungs: read,
    cost: readCost(`${at}.cost`, level.cost, layers),
    observed: {
      agreement: number(`${at}.observed.agreement`, observed.agreement, 0, 1),
      accuracy: orNull(`${at}.observed.accuracy`, observed.accuracy, 0, 1),
      loss: orNull(`${at}.observed.loss`, observed.loss, -1, 1),
    },
    certificates,
  };
}

/** A rung that ranks a layer as the one before it does has to choose at least as much: growth takes nothing back. */
function checkOrder(at: string, rungs: readonly Rung[]): void {
  for (let r = 1; r < rungs.length; r++)
    rungs[r].layers.forEach((setting, l) => {
      const before = rungs[r - 1].layers[l];
      if (before.kind !== "ranked" || setting.kind !== "ranked" || !sameRanking(before, setting) || widens(before, setting)) return;
      const order = setting.by === "top-k" ? `at least ${before.amount}` : `at most ${before.amount}`;
      refuse(`${at}.rungs[${r}].layers[${l}].amount`, setting.amount, `${order}, what the rung before has`);
    });
}

function readRung(at: string, value: unknown, layers: number, last: boolean): Rung {
  const rung = record(at, value, last ? ["layers", "macs"] : ["layers", "margin", "macs"]);
  const settings = list(`${at}.layers`, rung.layers, layers, layers).map((s, l) => readSetting(`${at}.layers[${l}]`, s));
  return {
    layers: settings,
    ...(last ? {} : { margin: number(`${at}.margin`, rung.margin, 0, Number.MAX_VALUE) }),
    ...(rung.macs === undefined ? {} : { macs: number(`${at}.macs`, rung.macs, 0, Number.MAX_SAFE_INTEGER) }),
  };
}

function readSetting(at: string, value: unknown): LayerSetting {
  const { kind } = record(at, value);
  switch (oneOf(`${at}.kind`, kind, ["dense", "exact", "ranked"] as const)) {
    case "dense":
      record(at, value, ["kind"]);
      return { kind: "dense" };
    case "exact":
      return readExact(at, record(at, value, ["kind", "layout"]));
    case "ranked": {
      const setting = record(at, value, ["kind", "activator", "variant", "unit", "by", "amount"]);
      const by = oneOf(`${at}.by`, setting.by, ["top-k", "threshold"] as const);
      const most = Number.MAX_VALUE;
      const variant = number(`${at}.variant`, setting.variant, 0, Number.MAX_SAFE_INTEGER);
      if (!Number.isInteger(variant)) refuse(`${at}.variant`, variant, "a whole number");
      return {
        kind: "ranked",
        activator: oneOf(`${at}.activator`, setting.activator, ["low-rank", "hash", "clusters", "screen", "oracle"] as const),
        variant,
        unit: oneOf(`${at}.unit`, setting.unit, ["node", "panel", "cluster"] as const),
        by,
        amount: by === "top-k" ? number(`${at}.amount`, setting.amount, 0, 1) : number(`${at}.amount`, setting.amount, -most, most),
      };
    }
  }
}

function readExact(at: string, { layout }: Record<string, unknown>): LayerSetting {
  return layout === undefined
    ? { kind: "exact" }
    : { kind: "exact", layout: oneOf(`${at}.layout`, layout, ["panels", "columns"] as const) };
}

function readCost(at: string, value: unknown, layers: number): Cost {
  const cost = record(at, value, ["macs", "bytes", "nodes"]);
  const macs = record(`${at}.macs`, cost.macs, ["mean", "p99", "max"]);
  const max = number(`${at}.macs.max`, macs.max, 0, Number.MAX_SAFE_INTEGER);
  const most = max * (1 + rounding);
  return {
    macs: { mean: number(`${at}.macs.mean`, macs.mean, 0, most), p99: number(`${at}.macs.p99`, macs.p99, 0, most), max },
    bytes: number(`${at}.bytes`, cost.bytes, 0, Number.MAX_SAFE_INTEGER),
    nodes: list(`${at}.nodes`, cost.nodes, layers, layers).map((share, l) => number(`${at}.nodes[${l}]`, share, 0, 1 + rounding)),
  };
}

function readCertificate(at: string, value: unknown): Certificate {
  const certificate = record(at, value, ["kind", "bound", "confidence", "samples"]);
  const kind = oneOf(`${at}.kind`, certificate.kind, ["loss", "agreement", "accuracy"] as const);
  const samples = number(`${at}.samples`, certificate.samples, 1, Number.MAX_SAFE_INTEGER);
  if (!Number.isInteger(samples)) refuse(`${at}.samples`, samples, "a whole number");
  return {
    kind,
    bound: number(`${at}.bound`, certificate.bound, kind === "loss" ? -1 : 0, 1),
    confidence: confidence(`${at}.confidence`, certificate.confidence),
    samples,
  };
}

// ---- Fields --------------------------------------------------------------------------------------------------------------

function refuse(at: string, got: unknown, expected: string): never {
  throw new SlonnError("bad-file", `${at}: got ${typeof got === "string" ? got : show(got)}, expected ${expected}`);
}

/** A short, one-line picture of a JSON value. */
function show(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === "object" && value !== null) return "an object";
  return value === undefined ? "nothing" : String(value);
}

/** An object; with `keys`, one that has these and no others. Missing ones are refused where they are read. */
function record(at: string, value: unknown, keys?: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(at, show(value), "an object");
  if (keys) for (const key of Object.keys(value)) if (!keys.includes(key)) refuse(at, `the key ${show(key)}`, keys.join(", "));
  return value as Record<string, unknown>;
}

function list(at: string, value: unknown, least: number, most: number): unknown[] {
  const expected = least === most ? `a list of ${least}` : `a list of ${least} to ${most}`;
  if (!Array.isArray(value) || value.length < least || value.length > most) refuse(at, show(value), expected);
  return Array.from(value); // a hole becomes undefined, which is refused
}

function number(at: string, value: unknown, least: number, most: number): number {
  if (typeof value !== "number" || !Number.isFinite(value)) refuse(at, show(value), "a finite number");
  if (value < least || value > most) refuse(at, value, `${least} to ${most}`);
  return value;
}

function orNull(at: string, value: unknown, least: number, most: number): number | null {
  return value === null ? null : number(at, value, least, most);
}

function confidence(at: string, value: unknown): number {
  const share = number(at, value, 0, 1);
  if (share === 0 || share === 1) refuse(at, share, "between 0 and 1, both excluded");
  return share;
}

function oneOf<T extends string>(at: string, value: unknown, known: readonly T[]): T {
  const found = known.find((k) => k === value);
  return found ?? refuse(at, show(value), known.join(", "));
}
