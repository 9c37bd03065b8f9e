// The inner loop of every matrix product: a tile of the result, 4 rows by 8 columns, stays in registers while a slice of the summed
// dimension goes by. The right side is packed in panels of eight columns:
//
//   panel p   step 0: b[0][8p … 8p+7] | step 1: b[1][8p … 8p+7] | …       32 bytes a step; columns past the last are 0
//
// The left side is read where it lies: rows `rowBytes` apart, steps `stepBytes` apart.

/** Columns of a panel. */
export const PANEL_COLUMNS: i32 = 8;
/** Steps of one slice: a panel of it is 8 kB and stays in the first cache. */
export const SLICE: i32 = 256;

/** out[0 … rows)[0 … columns) += left · panel, for any number of rows and at most 8 columns. `line` = bytes of a row of out. */
export function addStrip(left: usize, rowBytes: usize, stepBytes: usize, rows: i32, panel: usize, steps: i32, out: usize, line: usize, columns: i32): void {
  if (columns == PANEL_COLUMNS) {
    let row = 0;
    for (; row + 4 <= rows; row += 4) {
      addTile(left, rowBytes, stepBytes, panel, steps, out, line);
      left += rowBytes << 2;
      out += line << 2;
    }
    for (; row < rows; row++) {
      addRow(left, stepBytes, panel, steps, out, PANEL_COLUMNS);
      left += rowBytes;
      out += line;
    }
    return;
  }
  for (let row = 0; row < rows; row++) {
    addRow(left, stepBytes, panel, steps, out, columns);
    left += rowBytes;
    out += line;
  }
}

function addTile(left: usize, rowBytes: usize, stepBytes: usize, panel: usize, steps: i32, out: usize, line: usize): void {
  let a0 = left;
  let a1 = a0 + rowBytes;
  let a2 = a1 + rowBytes;
  let a3 = a2 + rowBytes;
  let s00 = f32x4.splat(0);
  let s01 = s00, s10 = s00, s11 = s00, s20 = s00, s21 = s00, s30 = s00, s31 = s00;
  const end = panel + (<usize>steps << 5);
  for (; panel < end; panel += 32) {
    const b0 = v128.load(panel);
    const b1 = v128.load(panel, 16);
    let a = v128.load32_splat(a0);
    s00 = f32x4.add(s00, f32x4.mul(a, b0));
    s01 = f32x4.add(s01, f32x4.mul(a, b1));
    a = v128.load32_splat(a1);
    s10 = f32x4.add(s10, f32x4.mul(a, b0));
    s11 = f32x4.add(s11, f32x4.mul(a, b1));
    a = v128.load32_splat(a2);
    s20 = f32x4.add(s20, f32x4.mul(a, b0));
    s21 = f32x4.add(s21, f32x4.mul(a, b1));
    a = v128.load32_splat(a3);
    s30 = f32x4.add(s30, f32x4.mul(a, b0));
    s31 = f32x4.add(s31, f32x4.mul(a, b1));
    a0 += stepBytes;
    a1 += stepBytes;
    a2 += stepBytes;
    a3 += stepBytes;
  }
  addTo(out, s00, s01);
  addTo(out + line, s10, s11);
  addTo(out + (line << 1), s20, s21);
  addTo(out + line * 3, s30, s31);
}

/** The same sums in the same order for one row, and fewer than 8 columns of it if need be. */
function addRow(left: usize, stepBytes: usize, panel: usize, steps: i32, out: usize, columns: i32): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  const end = panel + (<usize>steps << 5);
  for (; panel < end; panel += 32) {
    const a = v128.load32_splat(left);
    s0 = f32x4.add(s0, f32x4.mul(a, v128.load(panel)));
    s1 = f32x4.add(s1, f32x4.mul(a, v128.load(panel, 16)));
    left += stepBytes;
  }
  if (columns == PANEL_COLUMNS) return addTo(out, s0, s1);
  if (columns >= 4) {
    v128.store(out, f32x4.add(v128.load(out), s0));
    s0 = s1;
    out += 16;
    columns -= 4;
  }
  if (columns > 0) store<f32>(out, load<f32>(out) + f32x4.extract_lane(s0, 0));
  if (columns > 1) store<f32>(out, load<f32>(out, 4) + f32x4.extract_lane(s0, 1), 4);
  if (columns > 2) store<f32>(out, load<f32>(out, 8) + f32x4.extract_lane(s0, 2), 8);
}

// @ts-ignore: decorator
@inline
function addTo(out: usize, low: v128, high: v128): void {
  v128.store(out, f32x4.add(v128.load(out), low));
  v128.store(out, f32x4.add(v128.load(out, 16), high), 16);
}
