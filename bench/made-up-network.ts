// A network nobody trained, for what depends on its shape alone.

import { createModel, type Model } from "../src/model/model.ts";
import { normal, seeded } from "../src/random.ts";

/** ReLU layers of these widths, inputs first, the last one without activation; the same weights every time. */
export function madeUpNetwork(widths: readonly number[]): Model {
  const random = seeded(1);
  const layers = widths.slice(1).map((outputs, l) => {
    const inputs = widths[l];
    const weight = Float32Array.from({ length: inputs * outputs }, () => normal(random) / Math.sqrt(inputs));
    const activation = l < widths.length - 2 ? ("relu" as const) : ("identity" as const);
    return { name: `${l}`, inputs, outputs, weight, bias: new Float32Array(outputs), activation, alpha: 0 };
  });
  return createModel(widths.join("-"), layers);
}
