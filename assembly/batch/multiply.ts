// Products of two row-major matrices, added to out. A block of the right side, 256 steps by 512 columns, is packed into panels of 512 kB,
// which stay in the L2 cache; each strip of left rows then passes over the whole block while it stays in L1.
import { packColumns, packRows } from "./pack";
import { PANEL_COLUMNS, SLICE, addStrip } from "./tile";

/** Columns packed at a time. */
const BLOCK_COLUMNS: i32 = 512;
/** Rows of the left side that pass over a block together: 32 kB of it for a whole slice. */
const STRIP_ROWS: i32 = 32;

/** out [m, n] += a [m, k] · b [k, n] */
export function addProduct(a: usize, b: usize, m: i32, n: i32, k: i32, out: usize): void {
  multiply(a, b, m, n, k, out, false);
}

/** out [m, n] += a [m, k] · b [n, k]ᵀ */
export function addProductTransposed(a: usize, b: usize, m: i32, n: i32, k: i32, out: usize): void {
  multiply(a, b, m, n, k, out, true);
}

function multiply(a: usize, b: usize, m: i32, n: i32, k: i32, out: usize, transposed: bool): void {
  if (m == 0 || n == 0 || k == 0) return;
  const outLine = <usize>n << 2;
  const leftLine = <usize>k << 2;
  const widest = (min(BLOCK_COLUMNS, n) + PANEL_COLUMNS - 1) & -PANEL_COLUMNS;
  const panels = heap.alloc((<usize>widest * min(SLICE, k)) << 2);
  for (let step = 0; step < k; step += SLICE) {
    const steps = min(SLICE, k - step);
    const left = a + (<usize>step << 2);
    for (let column = 0; column < n; column += BLOCK_COLUMNS) {
      const columns = min(BLOCK_COLUMNS, n - column);
      if (transposed) packRows(b + <usize>column * leftLine + (<usize>step << 2), leftLine, steps, columns, panels);
      else packColumns(b + <usize>step * outLine + (<usize>column << 2), outLine, steps, columns, panels);
      for (let row = 0; row < m; row += STRIP_ROWS) {
        const rows = min(STRIP_ROWS, m - row);
        const strip = left + <usize>row * leftLine;
        let to = out + <usize>row * outLine + (<usize>column << 2);
        let panel = panels;
        for (let c = 0; c < columns; c += PANEL_COLUMNS) {
          addStrip(strip, leftLine, 4, rows, panel, steps, to, outLine, min(PANEL_COLUMNS, columns - c));
          panel += <usize>steps << 5;
          to += PANEL_COLUMNS << 2;
        }
      }
    }
  }
  heap.free(panels);
}
