// The cluster activator: a thin linear layer that scores clusters of nodes, learned from which of them hold the best nodes.
// clusters · active inputs multiply-adds.

import * as abi from "../engine/generated/abi.ts";
import { type MemoryPlan, paddedTo, reserveFloats } from "../engine/memory-plan.ts";
import type { Row } from "../engine/plan-writer.ts";
import { placeMatrix, placeVector } from "../model/place.ts";
import type { Activator, Clusters, RankInput } from "./activator.ts";

export function placeClusters(memory: MemoryPlan, { router, bias }: Clusters): Activator {
  const count = bias.length;
  const inputs = router.length / count;
  const matrix = placeMatrix(memory, router, count, inputs);
  const biasAt = placeVector(memory, bias);
  const scores = reserveFloats(memory, paddedTo(count, abi.PANEL));
  return {
    rank(input: RankInput, emit: (row: Row) => void): number {
      const parts = input.parts();
      for (let i = input.extended ? parts.length - 1 : 0; i < parts.length; i++)
        emit([abi.COLUMNS, matrix.columns(), i === 0 ? biasAt : scores, parts[i], matrix.columnStride, count, scores]);
      return scores;
    },
  };
}
