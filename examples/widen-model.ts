// Weights of eight bits back in floats, for networks that lie in eight bits only for their size.

import { createModel, floatWeights, type Model } from "../src/model/model.ts";

/** The model with every layer's weights in floats. Its calibration is left out: that holds for the weights as they were. */
export function widenModel(model: Model): Model {
  return createModel(
    model.name,
    model.layers.map((layer) => ({ ...layer, weight: floatWeights(layer) })),
  );
}
