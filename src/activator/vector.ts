// A vector on its way through a level: a layer's input or output in whichever form the next row asks for. A form is made once, by rows
// emitted when it is first asked for.

import * as abi from "../engine/generated/abi.ts";
import { paddedTo } from "../engine/memory-plan.ts";
import type { FloatArgument, Row } from "../engine/plan-writer.ts";
import type { PlacedNetwork } from "./network.ts";

export type Emit = (row: Row) => void;

export const float = (value: number): FloatArgument => ({ float: value });

/** What a vector is made from: dense numbers, pre-activations still to be activated, or lists of non-zeros. */
export type Source =
  | { kind: "dense"; at: number }
  | { kind: "pre"; at: number; activation: number; alpha: number }
  | { kind: "parts"; parts: readonly number[] };

/** 16-bit codes of a vector, for weights in eight bits: where they lie, and lists of their pairs and blocks of 8. */
export interface Codes {
  at: number;
  pairs: number;
  blocks: number;
}

export interface Vector {
  dense(emit: Emit): number;
  parts(emit: Emit): readonly number[];
  blocks(emit: Emit): number;
  /** @param every whether zeros are listed too */
  codes(emit: Emit, every: boolean): Codes;
  /** The address of the activated outputs, for the end of the network. */
  activated(emit: Emit): number;
  preActivations: number;
}

export function createVector(network: PlacedNetwork, name: string, width: number, source: Source): Vector {
  let dense: number | null = source.kind === "dense" ? source.at : null;
  let parts: readonly number[] | null = source.kind === "parts" ? source.parts : null;
  let blocks: number | null = null;
  const coded: (Codes | null)[] = [null, null];
  const vector: Vector = {
    preActivations: source.kind === "pre" ? source.at : 0,
    dense(emit) {
      if (dense !== null) return dense;
      dense = network.floats(`${name}.dense`, width);
      if (source.kind === "pre") emit([abi.ACTIVATE, source.at, width, dense, source.activation, float(source.alpha)]);
      else for (const [i, part] of (parts ?? []).entries()) emit([abi.SCATTER, part, width, dense, i > 0 ? 1 : 0]);
      return dense;
    },
    parts(emit) {
      if (parts !== null) return parts;
      const list = network.list(`${name}.active`, width);
      if (source.kind === "pre") emit([abi.COMPACT, source.at, width, list, source.activation, float(source.alpha)]);
      else emit([abi.COMPACT, dense ?? 0, width, list, abi.IDENTITY, float(0)]);
      parts = [list];
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
      return source.kind === "pre" && source.activation === abi.IDENTITY ? source.at : vector.dense(emit);
    },
  };
  return vector;
}
