// The cluster activator: a thin linear layer that scores clusters of nodes, learned from which of them hold the best nodes. It looks at
// all active inputs or at the strongest few: clusters · inputs looked at multiply-adds.

import * as abi from "../engine/generated/abi.ts";
import { reserveList } from "../engine/list.ts";
import { type MemoryPlan, paddedTo, reserveFloats } from "../engine/memory-plan.ts";
import type { Row } from "../engine/plan-writer.ts";
import { placeMatrix, placeVector } from "../model/place.ts";
import type { Activator, Clusters, RankInput } from "./activator.ts";

/** @param strongest how many inputs it looks at; absent: all that are not 0 */
export function placeClusters(memory: MemoryPlan, { router, bias }: Clusters, strongest?: number): Activator {
  const count = bias.length;
  const inputs = router.length / count;
  const matrix = placeMatrix(memory, router, count, inputs);
  const biasAt = placeVector(memory, bias);
  const scores = reserveFloats(memory, paddedTo(count, abi.PANEL));
  const rankFew = strongest === undefined ? null : placeStrongest(memory, inputs, strongest);
  return {
    rank(input: RankInput, emit: (row: Row) => void): number {
      const parts = rankFew ? [rankFew(input, emit)] : input.parts();
      for (let i = input.extended && !rankFew ? parts.length - 1 : 0; i < parts.length; i++)
        emit([abi.COLUMNS, matrix.columns(), i === 0 ? biasAt : scores, parts[i], matrix.columnStride, count, scores]);
      return scores;
    },
  };
}

/** Emits the row that lists the strongest inputs; returns the list. */
export function placeStrongest(
  memory: MemoryPlan,
  inputs: number,
  strongest: number,
): (input: RankInput, emit: (row: Row) => void) => number {
  const kept = reserveList(memory, inputs);
  const scratch = reserveFloats(memory, paddedTo(inputs, 4) + 2048);
  return (input, emit) => {
    emit([abi.STRONGEST, input.dense(), inputs, strongest, kept, scratch]);
    return kept;
  };
}
