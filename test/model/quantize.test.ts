import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { forward } from "../../src/model/forward.ts";
import { type ByteWeights, createModel, floatWeights, type Model, weightBytes } from "../../src/model/model.ts";
import { byteWeights, quantizeModel } from "../../src/model/quantize.ts";
import { openSafetensors, packSafetensors, readSafetensors } from "../../src/model/safetensors.ts";
import { decodeModel, encodeModel } from "../../src/model/slonn-file.ts";
import { createSession } from "../../src/session/session.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";

const layerOf = (inputs: number, weight: Float32Array) => {
  const outputs = weight.length / inputs;
  return { name: "l", inputs, outputs, weight, bias: new Float32Array(outputs), activation: "identity", alpha: 0 } as const;
};
const bytesOf = (model: Model, l: number): ByteWeights => model.layers[l].weight as ByteWeights;

describe("weights in eight bits", () => {
  test("are off by half a step at most, the largest of each node by nothing but rounding", () => {
    const row = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), (rows) => {
        const layer = layerOf(3, Float32Array.from(rows.flat()));
        const { values, scale } = byteWeights(layer);
        rows.forEach((_, o) => {
          const weights = layer.weight.subarray(o * 3, o * 3 + 3);
          const most = Math.max(...weights.map(Math.abs));
          expect(scale[o]).toBeCloseTo(most / 127, 4);
          if (most > 1e-30) expect(Math.max(...values.subarray(o * 3, o * 3 + 3).map(Math.abs))).toBe(127);
          weights.forEach((w, i) => {
            expect(Math.abs(values[o * 3 + i] * scale[o] - w)).toBeLessThanOrEqual(0.5001 * scale[o] + 1e-40);
          });
        });
      }),
      { numRuns: 300 },
    );
  });

  test("of a node without weights are zeros with a scale of 0, the others go on as they are", () => {
    const { values, scale } = byteWeights(layerOf(2, Float32Array.of(0, -0, 1, -2, 0, 0)));
    expect([...values].map((v) => v + 0)).toEqual([0, 0, 64, -127, 0, 0]);
    expect([...scale]).toEqual([0, Math.fround(2 / 127), 0]);
  });

  test("stay what they are when they are asked for again", () => {
    const once = quantizeModel(madeUpModel([6, 9, 4], 1));
    expect(bytesOf(quantizeModel(once), 0)).toBe(bytesOf(once, 0));
    expect(weightBytes(once.layers[0])).toBe(6 * 9 + 4 * 9);
  });

  test("say nothing about what was calibrated", () => {
    const { name, layers } = madeUpModel([6, 9, 4], 1);
    expect(quantizeModel(createModel(name, layers, { ladder: null, tensors: new Map() })).calibration).toBeNull();
  });
});

describe("a file of weights in eight bits", () => {
  const model = quantizeModel(madeUpModel([7, 30, 5], 3, "relu", "softmax"));
  const bytes = encodeModel(model);

  test("gives the model back and the same bytes again", () => {
    expect(decodeModel(bytes)).toEqual(model);
    expect(Buffer.compare(encodeModel(decodeModel(bytes)), bytes)).toBe(0);
    const { tensors } = readSafetensors(bytes, "f");
    expect(tensors.get("layers.1.weight")).toMatchObject({ dtype: "int8", shape: [5, 30] });
    expect(tensors.get("layers.1.scale")).toMatchObject({ dtype: "float32", shape: [5] });
    expect(Buffer.compare(encodeModel(model, { half: true }), bytes)).toBe(0);
  });

  test("may have layers of floats beside", () => {
    const floats = madeUpModel([7, 30, 5], 3);
    const mixed = createModel("mixed", [floats.layers[0], model.layers[1]]);
    expect(decodeModel(encodeModel(mixed))).toEqual(mixed);
  });

  test("is less than half of one of floats", () => {
    const floats = madeUpModel([200, 100, 50], 3);
    expect(encodeModel(quantizeModel(floats)).length).toBeLessThan(encodeModel(floats).length / 2);
  });

  test.each<[string, (name: string) => boolean, RegExp]>([
    ["without a scale", (name) => name !== "layers.1.scale", /no tensor layers\.1\.scale, expected one/],
    ["without weights", (name) => name !== "layers.0.weight", /no tensor layers\.0\.weight, expected one/],
  ])("%s is refused", (_, keep, message) => {
    const { stored, metadata } = openSafetensors(bytes, "f");
    const less = packSafetensors(
      stored.filter(({ name }) => keep(name)),
      metadata,
    );
    expect(() => decodeModel(less)).toThrow(message);
    expect(() => decodeModel(less)).toThrow(expect.objectContaining({ code: "bad-file" }));
  });

  test("with a scale beside weights of floats is refused", () => {
    const { stored, metadata } = openSafetensors(encodeModel(madeUpModel([7, 30, 5], 3)), "f");
    const scale = openSafetensors(bytes, "f").stored.find(({ name }) => name === "layers.1.scale")!;
    const checksums = {
      ...JSON.parse(metadata.checksums),
      [scale.name]: JSON.parse(openSafetensors(bytes, "f").metadata.checksums)[scale.name],
    };
    const more = packSafetensors([...stored, scale], { ...metadata, checksums: JSON.stringify(checksums) });
    expect(() => decodeModel(more)).toThrow(/got tensor "layers\.1\.scale", expected/);
  });
});

test("scales that do not fit the nodes are refused", () => {
  const [layer] = quantizeModel(madeUpModel([4, 3], 1)).layers;
  const { values, scale } = layer.weight as ByteWeights;
  const withWeight = (weight: ByteWeights) => () => createModel("m", [{ ...layer, weight }]);
  expect(withWeight({ values, scale: scale.slice(1) })).toThrow('"m": layer "layer 0": got 2 scales, expected 3');
  expect(withWeight({ values, scale: new Float32Array(4) })).toThrow('"m": layer "layer 0": got 4 scales, expected 3');
  expect(withWeight({ values: values.slice(1), scale })).toThrow('"m": layer "layer 0": got 11 weights, expected 3 x 4');
  expect(withWeight({ values, scale: scale.map(() => Number.NaN) })).toThrow(/got scale\[0\] = NaN, expected finite numbers/);
});

test.each(["simd", "js"] as const)("a session on %s answers by weights in eight bits as the reference does", async (backend) => {
  for (const widths of [
    [33, 50, 10],
    [20, 37, 300],
    [16, 5],
  ]) {
    const floats = madeUpModel(widths, 4);
    const model = quantizeModel(floats);
    expect(floatWeights(model.layers[0])).toHaveLength(widths[0] * widths[1]);
    const session = await createSession(model, { backend });
    for (let r = 0; r < 5; r++) {
      const x = madeUpRows(1, widths[0], 60 + r).data;
      const [got, expected, before] = [session.run(x, { dense: true }).output.data, forward(model, x), forward(floats, x)];
      const off = (from: Float32Array): number => Math.max(...from.map((v, i) => Math.abs(v - got[i])));
      const size = Math.max(1, ...expected.map(Math.abs));
      expect(off(expected)).toBeLessThan(1e-3 * size);
      expect(off(before)).toBeLessThan(0.05 * size);
      const exact = session.run(x, { exact: true }).output.data;
      expect(Math.max(...exact.map((v, i) => Math.abs(v - got[i])))).toBeLessThan(1e-3 * size);
    }
    session.dispose();
  }
});
