// Aᵀ A of a row-major matrix: a slice of rows is packed once and multiplied by itself, panel by panel. Only panels on and right of the
// diagonal are computed; the rest mirrors them.
import { packColumns } from "./pack";
import { PANEL_COLUMNS, addStrip } from "./tile";

/** Rows packed at a time: 512 kB at 1,024 columns. */
const ROWS: i32 = 128;

/** out [k, k] += a [m, k]ᵀ · a; out is symmetric before and after. */
export function addGram(a: usize, m: i32, k: i32, out: usize): void {
  if (m == 0 || k == 0) return;
  const line = <usize>k << 2;
  const panels = heap.alloc(<usize>((k + PANEL_COLUMNS - 1) & -PANEL_COLUMNS) * (<usize>min(ROWS, m) << 2));
  for (let row = 0; row < m; row += ROWS) {
    const rows = min(ROWS, m - row);
    const panelBytes = <usize>rows << 5;
    packColumns(a + <usize>row * line, line, rows, k, panels);
    let left = panels;
    for (let i = 0; i < k; i += PANEL_COLUMNS) {
      const height = min(PANEL_COLUMNS, k - i);
      let right = left;
      for (let j = i; j < k; j += PANEL_COLUMNS) {
        // the left panel read as a transposed matrix: its rows are 4 bytes apart, its steps 32
        addStrip(left, 4, 32, height, right, rows, out + <usize>i * line + (<usize>j << 2), line, min(PANEL_COLUMNS, k - j));
        right += panelBytes;
      }
      left += panelBytes;
    }
  }
  heap.free(panels);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < i; j++) store<f32>(out + <usize>i * line + (<usize>j << 2), load<f32>(out + <usize>j * line + (<usize>i << 2)));
  }
}
