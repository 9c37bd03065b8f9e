// What the policy has to know of a level besides its numbers: whether its answers are dense's by construction, and what it is certified for;
// and which levels there are without calibration.

import { PANEL } from "../engine/generated/abi.ts";
import { paddedTo } from "../engine/memory-plan.ts";
import { type AnyModel, scaleOf, weightBytes } from "../model/model.ts";
import type { Certificate, Cost, Level } from "../profile/ladder.ts";

/** Every node from every input, in every layer. */
export function isDense(level: Level): boolean {
  return level.rungs.every(({ layers }) => layers.every(({ kind }) => kind === "dense"));
}

/** Dense's answers by construction: nothing is left out but zero inputs. Dense itself is lossless. */
export function isLossless(level: Level): boolean {
  return level.rungs.every(({ layers }) => layers.every(({ kind }) => kind !== "ranked"));
}

/**
 * What a level is certified for. A lossless level gives dense's answers and keeps what dense, the last of `levels`, is certified for:
 * loss 0 and agreement 1 without a test (no samples, confidence 1), unless promises are about weights other than dense's. Agreement that was
 * certified alone, without labels, bounds the loss too: an answer that does not change is not lost.
 */
export function certificateOf(levels: readonly Level[], index: number, kind: Certificate["kind"]): Certificate | null {
  const lossless = isLossless(levels[index]);
  const { certificates } = levels[lossless ? levels.length - 1 : index];
  const ideal = (of: Certificate["kind"]): number => (of === "loss" ? 0 : 1);
  const isIdeal = (one: Certificate): boolean => one.kind === "accuracy" || one.bound === ideal(one.kind);
  // a tested bound of the loss can be 0 as well; a tested bound of agreement is never 1
  if (lossless && kind !== "accuracy" && certificates.every(isIdeal)) return { kind, bound: ideal(kind), confidence: 1, samples: 0 };
  const [own, agreement] = [kind, "agreement"].map((wanted) => certificates.find((one) => one.kind === wanted));
  return own ?? (kind === "loss" && agreement ? { ...agreement, kind, bound: 1 - agreement.bound } : null);
}

/**
 * The two levels every model has without calibration, exact and dense. What zero inputs save is unknown, so both cost what dense costs: whole
 * panels, of weights in eight bits also whole blocks of inputs. Zeros are looked for in the input and behind a ReLU, as other activations leave none.
 */
export function uncalibratedLevels(model: AnyModel): Level[] {
  const macs = model.layers.reduce(
    (sum, { inputs, outputs, weight }) => sum + (scaleOf(weight) ? paddedTo(inputs, PANEL) : inputs) * paddedTo(outputs, PANEL),
    0,
  );
  const bytes = model.layers.reduce((sum, layer) => sum + weightBytes(layer) + layer.bias.byteLength, 0);
  const cost: Cost = { macs: { mean: macs, p99: macs, max: macs }, bytes, nodes: model.layers.map(() => 1) };
  return (["exact", "dense"] as const).map((kind) => ({
    rungs: [{ layers: model.layers.map((_, l) => ({ kind: l > 0 && model.layers[l - 1].activation !== "relu" ? "dense" : kind })) }],
    cost,
    observed: { agreement: 1, accuracy: null, loss: null },
    certificates: [],
  }));
}

/** Whether what was certified is as good as `target`, of the same kind. */
export function keeps(certificate: Certificate | null, target: number): boolean {
  if (certificate === null) return false;
  return certificate.kind === "loss" ? certificate.bound <= target : certificate.bound >= target;
}
