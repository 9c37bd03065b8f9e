// A matrix with rows and columns exchanged.

/** Rows and columns of a tile: both stay in the cache. */
const block = 32;

/** [rows, columns] → [columns, rows], row-major both; a copy. */
export function transposed<Numbers extends Float32Array | Int8Array>(matrix: Numbers, rows: number, columns: number): Numbers {
  const out = matrix.slice() as Numbers;
  for (let r0 = 0; r0 < rows; r0 += block)
    for (let c0 = 0; c0 < columns; c0 += block)
      for (let c = c0; c < Math.min(c0 + block, columns); c++)
        for (let r = r0; r < Math.min(r0 + block, rows); r++) out[c * rows + r] = matrix[r * columns + c];
  return out;
}
