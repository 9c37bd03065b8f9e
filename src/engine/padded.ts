// Rounding up to whole lines, panels and blocks.

/** n rounded up to a multiple of `step`. */
export function paddedTo(n: number, step: number): number {
  return Math.ceil(n / step) * step;
}
