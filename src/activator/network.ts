// A network laid out in engine memory: weights, activators and the buffers every level shares. Things are placed when a level
// first asks for them, so what no level uses takes no memory.

import { reserveList } from "../engine/list.ts";
import { type MemoryPlan, reserveFloats, reserveWords } from "../engine/memory-plan.ts";
import { refusal } from "../errors.ts";
import { type AnyModel, activations } from "../model/model.ts";
import { type PlacedMatrix, placeMatrix } from "../model/place.ts";
import { show } from "../quoted.ts";
import { type Activator, decodeActivators } from "./activator.ts";
import { placeHash } from "./hash.ts";
import { placeLowRank } from "./low-rank.ts";
import { placeOracle } from "./oracle.ts";
import { placeScreen } from "./screen.ts";
import { activatorName, type RankedSetting } from "./setting.ts";

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
  /** The list of its non-zeros. */
  readonly active: number;
  /** Whether the input has so many numbers that most of them are taken to be 0, so that even dense reads only the others. */
  readonly sparse: boolean;
  /** Address of the output node at each place, or 0 where they stand in order. */
  readonly order: number;
  /** The list that best answers are left in. */
  readonly best: number;
  floats(name: string, n: number): number;
  list(name: string, capacity: number): number;
  activator(layer: number, setting: RankedSetting): Activator;
}

/** The least number of inputs at which an input is taken to be sparse. */
const sparseFrom = 8192;
/** The most answers that one query may ask for. */
export const bestCapacity = 128;

/** Whether a model's input has so many numbers that most of them are taken to be 0. */
export function isSparse(model: AnyModel): boolean {
  return model.layers[0].inputs >= sparseFrom;
}

export function placeNetwork(memory: MemoryPlan, model: AnyModel): PlacedNetwork {
  const fitted = decodeActivators(model);
  const placed = new Map<string, unknown>();
  const layers = model.layers.map(({ weight, bias, inputs, outputs, activation, alpha }, l) => {
    const { order } = fitted[l];
    return {
      matrix: placeMatrix(memory, weight, outputs, inputs, { order }),
      bias: reserveFloats(memory, outputs, bias, order),
      activation: activations.indexOf(activation), // assembly/abi.ts has them in that order
      alpha,
    };
  });
  const { order } = fitted[fitted.length - 1];

  /** What goes by this name, placed when it is first asked for. */
  const named = <T>(name: string, place: () => T): T => {
    const known = (placed.get(name) as T | undefined) ?? place();
    placed.set(name, known);
    return known;
  };
  const floats = (name: string, n: number): number => named(name, () => reserveFloats(memory, n));

  /** Layer l in eight bits: the layer itself where its weights are so anyway. */
  const bytesOf = (l: number): PlacedMatrix => {
    const { matrix } = layers[l];
    if (matrix.scales !== null) return matrix;
    const { weight } = model.layers[l];
    const { order } = fitted[l];
    return named(`${l}.bytes`, () => placeMatrix(memory, weight, matrix.outputs, matrix.inputs, { order, quantize: true }));
  };

  const list = (name: string, capacity: number): number => named(name, () => reserveList(memory, capacity));

  const placeActivator = (l: number, setting: RankedSetting): Activator => {
    const { lowRank, hash, clusters, order } = fitted[l];
    const { matrix, bias } = layers[l];
    /** A layer's scores serve whichever activator ranks it: each ranking is read before the next is made. */
    const scores = (): number => floats(`${l}.scores`, matrix.outputs);
    switch (setting.activator) {
      case "low-rank":
        if (!lowRank || setting.variant > lowRank.rank || setting.variant < 1 || (setting.among ?? 0) > matrix.outputs) break;
        return placeLowRank(memory, lowRank, setting.variant, order, scores(), setting.among);
      case "hash":
        if (!hash || setting.variant !== hash.tables) break;
        return placeHash(memory, hash, matrix.outputs, order, scores());
      case "clusters": {
        const found = clusters.find(({ panels }) => panels === setting.variant);
        const rank = setting.rank ?? 0;
        if (!found || rank < 1 || rank > found.router.rank) break;
        return placeLowRank(memory, found.router, rank, null, floats(`${l}.${found.panels}.scores`, found.router.mean.length));
      }
      case "screen":
        if (setting.variant < 1) break;
        return placeScreen(memory, bytesOf(l), bias, setting.variant, scores());
      case "oracle":
        // in eight bits: a screen that looks at every input
        if (matrix.scales !== null) return placeScreen(memory, matrix, bias, matrix.inputs, scores());
        return placeOracle(matrix, bias, scores());
      default:
        // these have nothing to place: the layer itself does the ranking (layer-pass.ts)
        setting.activator satisfies "all" | "static";
    }
    throw refusal("bad-file", show(model.layers[l].name), `no ${setting.activator} activator of ${setting.variant}`, "what its levels use");
  };

  return {
    layers,
    input: reserveFloats(memory, model.layers[0].inputs),
    sparse: isSparse(model),
    order: order ? reserveWords(memory, order) : 0,
    best: reserveList(memory, bestCapacity),
    active: list("input.active", model.layers[0].inputs),
    floats,
    list,
    activator: (l, setting) => named(`${l}.${activatorName(setting)}`, () => placeActivator(l, setting)),
  };
}
