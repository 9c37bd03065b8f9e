import { expect, test } from "vitest";
import { widenModel } from "../../examples/widen-model.ts";
import { type ByteWeights, createModel } from "../../src/model/model.ts";
import { quantizeModel } from "../../src/model/quantize.ts";
import { madeUpModel } from "../made-up-models.ts";

test("weights widened again are those the bytes stand for, and calibration is left behind", () => {
  const { layers } = quantizeModel(madeUpModel([7, 5, 3], 2));
  const wide = widenModel(createModel("m", layers, { ladder: {}, tensors: new Map() }));
  expect(wide.calibration).toBeNull();
  for (const [l, { weight, inputs }] of wide.layers.entries()) {
    const { values, scale } = layers[l].weight as ByteWeights;
    expect(weight).toEqual(Float32Array.from(values, (value, i) => value * scale[Math.floor(i / inputs)]));
  }
});
