// What a data file holds before anyone asks whether it is inputs or labels. Every format reader gives one of these two.

import type { Tensor } from "../../model/tensor.ts";

export type Table = ArrayTable | SparseTable;

/** A dense array; the first dimension counts rows. */
export interface ArrayTable {
  kind: "array";
  tensor: Tensor;
}

/** Compressed sparse rows: columns ascending and distinct within each row. */
export interface SparseTable {
  kind: "sparse";
  count: number;
  /** Columns: as the file states them, else one more than the greatest column used. */
  width: number;
  widthStated: boolean;
  /** [count + 1] */
  indptr: Uint32Array;
  indices: Uint32Array;
  values: Float32Array;
  /** Labels standing in front of each row (SVMlight), unchecked, `several` where there is no telling by their number; null where the format has none. */
  labels: { indptr: Uint32Array; values: Float64Array; several: boolean } | null;
}
