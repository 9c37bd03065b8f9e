import { expect, test } from "vitest";
import { SlonnError } from "../../src/errors.ts";
import { chainOf } from "../../src/import/keras-chain.ts";

const functional = (call: unknown) => ({
  class_name: "Functional",
  config: {
    layers: [
      { class_name: "InputLayer", name: "x", config: {}, inbound_nodes: [] },
      { class_name: "Dropout", name: "drop", config: { rate: 0.5 }, inbound_nodes: [call] },
    ],
    input_layers: [["x", 0, 0]],
    output_layers: [["drop", 0, 0]],
  },
});
const tensor = { class_name: "__keras_tensor__", config: { keras_history: ["x", 0, 0] } };

const calls: [string, (training: boolean) => unknown][] = [
  ["Keras 2", (training) => [["x", 0, 0, { training }]]],
  ["Keras 2, flat", (training) => ["x", 0, 0, { training }]],
  ["Keras 3", (training) => ({ args: [tensor], kwargs: { training } })],
];

test.each(calls)("a layer called in training mode is refused by name, one called for inference is not: %s", (_, call) => {
  expect(chainOf(functional(call(false)), "m").map(({ className }) => className)).toEqual(["InputLayer", "Dropout"]);
  expect(() => chainOf(functional(call(true)), "m")).toThrow(
    new SlonnError(
      "unsupported",
      'm: model: layer "drop" ("Dropout"): got a call with training set to true, expected inference: build the model without it',
    ),
  );
});

test("the input and the output of a model may stand in an object", () => {
  const model = functional(["x", 0, 0]);
  const config = { ...model.config, input_layers: { pixels: ["x", 0, 0] }, output_layers: { scores: ["drop", 0, 0] } };
  expect(chainOf({ ...model, config }, "m").map(({ className }) => className)).toEqual(["InputLayer", "Dropout"]);
  const two = { ...config, output_layers: { scores: ["drop", 0, 0], other: ["x", 0, 0] } };
  expect(() => chainOf({ ...model, config: two }, "m")).toThrow(expect.objectContaining({ code: "unsupported" }));
});
