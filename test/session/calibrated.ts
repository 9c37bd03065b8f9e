// The small network of the session's tests with levels written by hand: what a promise costs and keeps is known, only its activators are fitted.

import { encodeActivators } from "../../src/activator/activator.ts";
import { fitActivators } from "../../src/calibrate/fit.ts";
import { createArrayKernels } from "../../src/engine/array-kernels.ts";
import { createModel, denseMacs, type Model } from "../../src/model/model.ts";
import type { Certificate, Level, Rung } from "../../src/profile/ladder.ts";
import type { LevelLatency } from "../../src/profile/latency.ts";
import { seeded } from "../../src/random.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";

export const widths: readonly number[] = [30, 64, 40, 10];
/** Without levels. */
export const plain = madeUpModel(widths, 1);

/** That share of the first layer's nodes, all others; the next rung for answers that lead by less than `margin`. */
export const rung = (amount: number, margin?: number): Rung => ({
  layers: [{ kind: "ranked", activator: "low-rank", variant: 8, unit: "node", by: "top-k", amount }, { kind: "exact" }, { kind: "exact" }],
  ...(margin !== undefined && { margin }),
});

/** Four levels: 20 % of the first layer, loss 0.05; `growing`, loss 0.02; exact; dense. Promises `loss`. */
export async function calibratedWith(growing: Rung[], loss = 0.02): Promise<Model> {
  const options = { kinds: ["low-rank"], rows: 100, random: seeded(3) };
  const { layers, fitted } = await fitActivators(plain, madeUpRows(100, widths[0], 9), options, await createArrayKernels());
  const every = (kind: "exact" | "dense"): Rung[] => [{ layers: plain.layers.map(() => ({ kind })) }];
  const levels = [level([rung(0.2)], 0.2, 0.05), level(growing, 0.4, 0.02), level(every("exact"), 0.6, 0), level(every("dense"), 1, 0)];
  return createModel("calibrated", layers, {
    ladder: { version: 1, metric: "accuracy", promise: { kind: "loss", bound: loss, confidence: 0.95 }, levels },
    tensors: encodeActivators(fitted),
  });
}

/** @param share of dense's work, and of the first layer's nodes */
function level(rungs: Rung[], share: number, loss: number): Level {
  const mean = share * denseMacs(plain);
  const certificate = (kind: Certificate["kind"], bound: number): Certificate => ({ kind, bound, confidence: 0.95, samples: 1000 });
  return {
    rungs,
    cost: { macs: { mean, p99: mean, max: mean }, bytes: 4 * mean, nodes: [share, 1, 1] },
    observed: { agreement: 1 - loss, accuracy: 0.9 - loss, loss },
    certificates: [certificate("loss", loss), certificate("agreement", 1 - loss)],
  };
}

/** A level's latency in milliseconds at the median, twice that at the 99th percentile; and of each of its rungs. */
export const latency = (p50: number, rungs?: readonly number[]): LevelLatency => ({
  p50,
  p90: 1.5 * p50,
  p99: 2 * p50,
  ...(rungs && { rungs: rungs.map((ms) => ({ p50: ms, p90: 1.5 * ms, p99: 2 * ms, layers: [0.6 * ms, 0.8 * ms, ms] })) }),
});
