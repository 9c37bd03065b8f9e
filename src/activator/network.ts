// A network laid out in engine memory: weights, activators and the buffers every level shares. Things are placed when a level
// first asks for them, so what no level uses takes no memory.

import * as abi from "../engine/generated/abi.ts";
import { reserveList } from "../engine/list.ts";
import { type MemoryPlan, paddedTo, reserveFloats } from "../engine/memory-plan.ts";
import { refusal } from "../errors.ts";
import type { Activation, Model } from "../model/model.ts";
import { type PlacedMatrix, placeMatrix, placeVector } from "../model/place.ts";
import { type Activator, decodeActivators } from "./activator.ts";
import { placeHash } from "./hash.ts";
import { placeLowRank } from "./low-rank.ts";
import { placeOracle } from "./oracle.ts";
import type { RankedSetting } from "./setting.ts";

const activationCodes: Record<Activation, number> = {
  identity: abi.IDENTITY,
  relu: abi.RELU,
  "leaky-relu": abi.LEAKY_RELU,
  sigmoid: abi.SIGMOID,
  tanh: abi.TANH,
  gelu: abi.GELU,
  "gelu-tanh": abi.GELU_TANH,
  softmax: abi.SOFTMAX,
  "log-softmax": abi.LOG_SOFTMAX,
};

export interface PlacedLayer {
  matrix: PlacedMatrix;
  bias: number;
  activation: number;
  alpha: number;
}

/** Addresses of a network's parts. Buffers are named by what they hold; the same name is the same buffer in every level. */
export interface PlacedNetwork {
  readonly layers: readonly PlacedLayer[];
  /** The dense input, padded with zeros. */
  readonly input: number;
  floats(name: string, n: number): number;
  list(name: string, capacity: number): number;
  activator(layer: number, setting: RankedSetting): Activator;
}

export function placeNetwork(memory: MemoryPlan, model: Model): PlacedNetwork {
  const fitted = decodeActivators(model);
  const buffers = new Map<string, number>();
  const activators = new Map<string, Activator>();
  const layers = model.layers.map(({ weight, bias, inputs, outputs, activation, alpha }) => ({
    matrix: placeMatrix(memory, weight, outputs, inputs),
    bias: placeVector(memory, bias),
    activation: activationCodes[activation],
    alpha,
  }));

  const named = (name: string, place: () => number): number => {
    const known = buffers.get(name);
    if (known !== undefined) return known;
    const at = place();
    buffers.set(name, at);
    return at;
  };

  const placeActivator = (l: number, setting: RankedSetting): Activator => {
    const { lowRank, hash } = fitted[l];
    const { matrix, bias } = layers[l];
    switch (setting.activator) {
      case "low-rank":
        if (!lowRank || setting.variant > lowRank.rank || setting.variant < 1) break;
        return placeLowRank(memory, lowRank, setting.variant);
      case "hash":
        if (!hash || setting.variant !== hash.tables) break;
        return placeHash(memory, hash, matrix.outputs);
      case "oracle":
        return placeOracle(memory, matrix, bias);
      default:
        setting.activator satisfies never;
    }
    throw refusal("bad-file", model.layers[l].name, `no ${setting.activator} activator of ${setting.variant}`, "what its levels use");
  };

  return {
    layers,
    input: reserveFloats(memory, model.layers[0].inputs),
    floats: (name, n) => named(name, () => reserveFloats(memory, paddedTo(n, abi.PANEL))),
    list: (name, capacity) => named(name, () => reserveList(memory, capacity)),
    activator(l: number, setting: RankedSetting): Activator {
      const key = `${l}.${setting.activator}.${setting.variant}`;
      const known = activators.get(key) ?? placeActivator(l, setting);
      activators.set(key, known);
      return known;
    },
  };
}
