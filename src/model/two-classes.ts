// Gives a binary classifier of one output a second one, so that there is a best answer to promise something about.

import { refusal } from "../errors.ts";
import { checkModel, createModel, floatWeights, type Model } from "./model.ts";

/** What is expected where one output alone cannot be judged. */
export const twoOutputs =
  "at least 2, the best of which is judged; a binary classifier of 1 gets 2 by slonn import --binary (asTwoClasses), a regression runs dense or exact only";

/**
 * Makes two classes of a binary classifier of one output: class 0 gets the score 0 beside the output z, so class 1 is the best answer where z is
 * above 0. A sigmoid becomes a softmax, as softmax(0, z) = (1 − σ(z), σ(z)); identity stays. The result is not calibrated.
 * @throws SlonnError `bad-model` for what is not a model, for more than one output, and for another activation than sigmoid or identity.
 */
export function asTwoClasses(model: Model): Model {
  checkModel(model);
  const last = model.layers[model.layers.length - 1];
  const { name, inputs, outputs, activation } = last;
  if (outputs !== 1) throw refusal("bad-model", name, `${outputs} outputs`, "the one output of a binary classifier");
  if (activation !== "sigmoid" && activation !== "identity")
    throw refusal(
      "bad-model",
      name,
      `activation ${activation}`,
      "sigmoid, or identity (a logit), after the one output of a binary classifier",
    );
  const weight = new Float32Array(2 * inputs);
  weight.set(floatWeights(last), inputs);
  const two = {
    ...last,
    outputs: 2,
    weight,
    bias: Float32Array.of(0, last.bias[0]),
    activation: activation === "sigmoid" ? ("softmax" as const) : activation,
  };
  return createModel(model.name, [...model.layers.slice(0, -1), two]);
}
