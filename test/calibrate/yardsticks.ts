// Bounds on the loss that others use: what the one that certifies is held against.

import { binomialLower, binomialUpper, hoeffdingBentkus } from "../../src/calibrate/bounds.ts";

/** Upper bound on E[D] by Hoeffding–Bentkus on (D + 1) / 2. */
export function lossUpperHoeffdingBentkus(losses: number, gains: number, n: number, delta: number): number {
  const net = losses - gains;
  let [low, high] = [net / n, 1];
  for (let i = 0; i < 60; i++) {
    const loss = (low + high) / 2;
    if (hoeffdingBentkus((n + net) / 2, n, (1 + loss) / 2) <= delta) high = loss;
    else low = loss;
  }
  return high;
}

/** Upper bound on E[D]: Clopper–Pearson on losses from above and on gains from below, δ halved between them. */
export function lossUpperSplit(losses: number, gains: number, n: number, delta: number): number {
  return binomialUpper(losses, n, delta / 2) - binomialLower(gains, n, delta / 2);
}
