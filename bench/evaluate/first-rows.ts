// The first so many rows of a batch.

import { type Labels, type Rows, takeLabels, takeRows } from "../../src/model/rows.ts";

/** The first `most` rows. */
export function first(rows: Rows, most: number): Rows {
  return rows.count <= most ? rows : takeRows(rows, whichOf(most));
}

/** The same of rows with their labels. */
export function cut<L extends Labels | null>({ rows, labels }: { rows: Rows; labels: L }, most: number): { rows: Rows; labels: L } {
  if (rows.count <= most) return { rows, labels };
  const which = whichOf(most);
  return { rows: takeRows(rows, which), labels: (labels && takeLabels(labels, which)) as L };
}

const whichOf = (count: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => i);
