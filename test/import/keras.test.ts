import { describe, expect, test } from "vitest";
import { SlonnError } from "../../src/errors.ts";
import { importKeras } from "../../src/import/keras.ts";
import { damaged, expectOutputs, h5, json, refusal } from "./golden-files.ts";

const goldens = ["mlp", "mlp-double", "mlp-half", "functional", "keras3", "nested"];

/** The file with a piece of text replaced by another of the same length. */
function edited(bytes: Uint8Array, from: string, to: string): Uint8Array {
  expect(to.length).toBe(from.length);
  const text = Buffer.from(bytes).toString("latin1");
  expect(text).toContain(from);
  return new Uint8Array(Buffer.from(text.replaceAll(from, to), "latin1"));
}

describe("importKeras", () => {
  for (const name of goldens)
    test(`gives the outputs the layers define: ${name}`, () => expectOutputs(importKeras(h5(name), { name }), json(`${name}.cases`)));

  test("folds normalization and keeps one dense layer for each Dense", () => {
    const { name, layers } = importKeras(h5("mlp"), { name: "mlp" });
    expect(name).toBe("mlp");
    expect(layers.map(({ name, inputs, outputs, activation }) => [name, inputs, outputs, activation])).toEqual([
      ["dense", 20, 14, "relu"],
      ["dense_1", 14, 11, "leaky-relu"],
      ["dense_2", 11, 8, "gelu"],
      ["dense_3", 8, 3, "softmax"],
    ]);
  });

  test.each<[string, string, RegExp, () => Uint8Array]>([
    [
      "a layer it does not know",
      "unsupported",
      /bad.h5: layer "dropout" \(Dropper\): got class "Dropper", expected one of Dense/,
      () => edited(h5("mlp"), '"Dropout"', '"Dropper"'),
    ],
    [
      "an activation it does not know",
      "unsupported",
      /layer "dense_2" \(Dense\): got activation "selu"/,
      () => edited(h5("mlp"), '"gelu"', '"selu"'),
    ],
    [
      "a missing weight",
      "bad-file",
      /layer "dense_3" \(Dense\): got no weight "kernel"/,
      () => edited(h5("mlp"), "dense_3/kernel:0", "dense_3/colonel0"),
    ],
    [
      "a weight that nothing uses",
      "unsupported",
      /got weight "[^"]*bias[^"]*" that nothing of its layer is known to use, expected kernel, bias and statistics only/,
      () => edited(h5("mlp"), '"use_bias": true,', '"use_bias":false,'),
    ],
    [
      "a weight that is listed and not there",
      "bad-file",
      /got no dataset "\/model_weights\/bn\/bn\/gamma:9"/,
      () => edited(h5("mlp"), "bn/gamma:0", "bn/gamma:9"),
    ],
    ["compressed weights", "unsupported", /chunked .*expected contiguous/, () => h5("chunked")],
    ["newer forms of HDF5", "unsupported", /superblock version [23].*expected 0 or 1/, () => h5("latest-format")],
    ["HDF5 that is no model", "bad-file", /without model_config/, () => h5("numbers")],
    [
      "weights alone",
      "unsupported",
      /weights without a model.*model\.save/,
      () => edited(edited(h5("mlp"), "model_config\0", "layer_names\0\0"), "model_weights\0", "model_weighty\0"),
    ],
    [
      "what is no HDF5",
      "bad-file",
      /no HDF5 signature/,
      () => new TextEncoder().encode("PK a zip, or anything else that is long enough to look at"),
    ],
    ["an empty file", "bad-file", /no HDF5 signature/, () => new Uint8Array()],
  ])("refuses %s", async (_, code, message, bytes) => {
    const error = await refusal(() => importKeras(bytes(), { name: "bad.h5" }));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  test("refuses every cut of a file", async () => {
    const bytes = h5("keras3");
    for (let length = 0; length < bytes.length; length += 97)
      expect((await refusal(() => importKeras(bytes.slice(0, length), { name: "cut" }))).code).toBe("bad-file");
  });

  test("lets only models and refusals out of 10,200 damaged files", () => {
    let models = 0;
    for (const name of goldens) {
      const bytes = h5(name);
      for (let seed = 0; seed < 1700; seed++)
        try {
          importKeras(damaged(bytes, seed), { name });
          models++;
        } catch (error) {
          if (!(error instanceof SlonnError)) throw error;
        }
    }
    expect(models).toBeGreaterThan(50);
    expect(models).toBeLessThan(9900);
  });
});
