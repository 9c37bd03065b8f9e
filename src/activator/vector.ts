// A vector on its way through a level: a layer's input or output in whichever form the next row asks for. A form is made once, by rows
// emitted when it is first asked for.

import * as abi from "../engine/generated/abi.ts";
import { paddedTo } from "../engine/memory-plan.ts";
import type { Emit, FloatArgument } from "../engine/plan-writer.ts";
import type { PlacedNetwork } from "./network.ts";

export const float = (value: number): FloatArgument => ({ float: value });

/** Pre-activations that are still to be activated. */
export interface PreActivations {
  at: number;
  activation: number;
  alpha: number;
}

/** 16-bit codes of a vector, for weights in eight bits: where they lie, and lists of their pairs and blocks of 8. */
export interface Codes {
  at: number;
  pairs: number;
  blocks: number;
}

/** Addresses of a vector's forms; asking for one emits the rows that make it, unless it is there. */
export interface Vector {
  /** [width] floats. */
  dense(emit: Emit): number;
  /** Lists that together hold the non-zeros. */
  parts(emit: Emit): readonly number[];
  /** The list of steps between blocks that are not all 0. */
  blocks(emit: Emit): number;
  /** @param every whether zeros are listed too */
  codes(emit: Emit, every: boolean): Codes;
  /** [width] Activated outputs, for the end of the network. */
  activated(emit: Emit): number;
  /** [width] Pre-activations; 0 where it is made from lists. */
  preActivations: number;
}

/** @param source what it is made from: pre-activations, or lists of non-zeros */
export function createVector(
  network: PlacedNetwork,
  name: string,
  width: number,
  source: PreActivations | { parts: readonly number[] },
): Vector {
  let dense: number | null = null;
  /** None yet of pre-activations. */
  let parts = "parts" in source ? source.parts : [];
  let blocks: number | null = null;
  const coded: (Codes | null)[] = [null, null];
  const pre = "at" in source ? source : null;
  const vector: Vector = {
    preActivations: pre ? pre.at : 0,
    dense(emit) {
      if (dense !== null) return dense;
      dense = network.floats(`${name}.dense`, width);
      if (pre) emit([abi.ACTIVATE, pre.at, width, dense, pre.activation, float(pre.alpha)]);
      else for (const [i, part] of parts.entries()) emit([abi.SCATTER, part, width, dense, i > 0 ? 1 : 0]);
      return dense;
    },
    parts(emit) {
      if (pre && parts.length === 0) {
        parts = [network.list(`${name}.active`, width)];
        emit([abi.COMPACT, pre.at, width, parts[0], pre.activation, float(pre.alpha)]);
      }
      return parts;
    },
    blocks(emit) {
      if (blocks !== null) return blocks;
      const from = vector.dense(emit);
      blocks = network.list(`${name}.blocks`, Math.ceil(width / abi.BLOCK));
      emit([abi.BLOCKS, from, width, blocks]);
      return blocks;
    },
    codes(emit, every) {
      const known = coded[Number(every)];
      if (known) return known;
      const from = vector.dense(emit);
      const padded = paddedTo(width, 16);
      const called = `${name}.${every ? "every" : "active"}`;
      const made: Codes = {
        at: network.floats(`${called}.codes`, 4 + padded / 2),
        pairs: network.list(`${called}.pairs`, padded / 2 + 1),
        blocks: network.list(`${called}.blocks-of-8`, padded / 8 + 1),
      };
      emit([abi.CODE, from, width, made.at, made.pairs, made.blocks, every ? 1 : 0]);
      coded[Number(every)] = made;
      return made;
    },
    activated(emit) {
      return pre?.activation === abi.IDENTITY ? pre.at : vector.dense(emit);
    },
  };
  return vector;
}
