// Packs a slice of a row-major matrix into the panels tile.ts multiplies by. Reads nothing past the matrix; columns that a panel has beyond
// the last are written as 0.
import { PANEL_COLUMNS } from "./tile";

/** Panels from b[step][column]: `steps` rows `line` bytes apart, `columns` of each. */
export function packColumns(b: usize, line: usize, steps: i32, columns: i32, panels: usize): void {
  let to = panels;
  for (let first = 0; first < columns; first += PANEL_COLUMNS) {
    const width = min(PANEL_COLUMNS, columns - first);
    let from = b + (<usize>first << 2);
    const end = to + (<usize>steps << 5);
    if (width == PANEL_COLUMNS) {
      for (; to < end; to += 32, from += line) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
      }
    } else {
      memory.fill(to, 0, <usize>steps << 5);
      for (; to < end; to += 32, from += line) memory.copy(to, from, <usize>width << 2);
    }
  }
}

/** Panels from bᵀ, with b[column][step]: `columns` rows `line` bytes apart, `steps` of each. */
export function packRows(b: usize, line: usize, steps: i32, columns: i32, panels: usize): void {
  let panel = panels;
  for (let first = 0; first < columns; first += PANEL_COLUMNS) {
    const width = min(PANEL_COLUMNS, columns - first);
    if (width < PANEL_COLUMNS) memory.fill(panel, 0, <usize>steps << 5);
    let c = 0;
    for (; c + 4 <= width; c += 4) fourRows(b + <usize>(first + c) * line, line, steps, panel + (<usize>c << 2));
    for (; c < width; c++) {
      const from = b + <usize>(first + c) * line;
      const to = panel + (<usize>c << 2);
      for (let s = 0; s < steps; s++) store<f32>(to + (<usize>s << 5), load<f32>(from + (<usize>s << 2)));
    }
    panel += <usize>steps << 5;
  }
}

/** Four rows become four columns of a panel, four steps at a time. */
function fourRows(from: usize, line: usize, steps: i32, to: usize): void {
  const r1 = from + line;
  const r2 = r1 + line;
  const r3 = r2 + line;
  let s = 0;
  for (; s + 4 <= steps; s += 4) {
    const i = <usize>s << 2;
    const v0 = v128.load(from + i);
    const v1 = v128.load(r1 + i);
    const v2 = v128.load(r2 + i);
    const v3 = v128.load(r3 + i);
    const low01 = v128.shuffle<f32>(v0, v1, 0, 4, 1, 5);
    const low23 = v128.shuffle<f32>(v2, v3, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(v0, v1, 2, 6, 3, 7);
    const high23 = v128.shuffle<f32>(v2, v3, 2, 6, 3, 7);
    const at = to + (<usize>s << 5);
    v128.store(at, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
    v128.store(at, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7), 32);
    v128.store(at, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5), 64);
    v128.store(at, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7), 96);
  }
  for (; s < steps; s++) {
    const i = <usize>s << 2;
    const at = to + (<usize>s << 5);
    store<f32>(at, load<f32>(from + i));
    store<f32>(at, load<f32>(r1 + i), 4);
    store<f32>(at, load<f32>(r2 + i), 8);
    store<f32>(at, load<f32>(r3 + i), 12);
  }
}
