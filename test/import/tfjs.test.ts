import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SlonnError } from "../../src/errors.ts";
import { importTfjs } from "../../src/import/tfjs.ts";
import { damaged, expectOutputs, type Json, json, refusal } from "./golden-files.ts";

interface Golden {
  modelJson: Json;
  shards: Record<string, string>;
  cases: { input: number[]; output: number[] }[];
}

function shardsOf(golden: Golden): (path: string) => Uint8Array {
  return (path) => {
    if (!Object.hasOwn(golden.shards, path)) throw new SlonnError("unreadable", `${path}: not found, expected a shard`);
    return new Uint8Array(Buffer.from(golden.shards[path], "base64"));
  };
}

const read = (golden: Golden, modelJson: unknown = golden.modelJson) =>
  importTfjs(JSON.stringify(modelJson), { name: "model.json", shard: shardsOf(golden) });

/** One Dense layer of 2 x 2, with changes to the file. */
function tiny(change: (file: Json) => void): () => Promise<unknown> {
  const file = {
    modelTopology: {
      class_name: "Sequential",
      config: { layers: [{ class_name: "Dense", config: { name: "d", units: 2, batch_input_shape: [null, 2] } }] },
    },
    weightsManifest: [
      {
        paths: ["a.bin"],
        weights: [
          { name: "d/kernel", shape: [2, 2], dtype: "float32" },
          { name: "d/bias", shape: [2], dtype: "float32" },
        ],
      },
    ],
  };
  change(file);
  return () => importTfjs(JSON.stringify(file), { name: "m", shard: () => new Uint8Array(new Float32Array([1, 2, 3, 4, 5, 6]).buffer) });
}

describe("importTfjs", () => {
  for (const name of ["mlp", "functional", "nested", "mlp-uint8", "mlp-uint16", "mlp-float16"])
    test(`gives the outputs TensorFlow.js gives: ${name}`, async () => {
      const golden = json(`tfjs-${name}`);
      const model = await read(golden);
      expect(model.name).toBe("model.json");
      expectOutputs(model, golden.cases);
    });

  test("folds normalization and keeps one dense layer for each Dense", async () => {
    const { layers } = await read(json("tfjs-mlp"));
    expect(layers.map(({ inputs, outputs, activation, alpha }) => [inputs, outputs, activation, alpha])).toEqual([
      [30, 16, "relu", 0],
      [16, 12, "leaky-relu", 0.15],
      [12, 9, "relu", 0],
      [9, 4, "softmax", 0],
    ]);
  });

  test("reads bytes as well as text, and files of the older form", async () => {
    const golden = json("tfjs-mlp");
    const { format: _, modelTopology, ...rest } = golden.modelJson;
    for (const model_config of [modelTopology, JSON.stringify(modelTopology)]) {
      const older = new TextEncoder().encode(JSON.stringify({ ...rest, modelTopology: { keras_version: "2.1.4", model_config } }));
      expectOutputs(await importTfjs(older, { name: "old", shard: shardsOf(golden) }), golden.cases);
    }
    const listed = { ...modelTopology, config: modelTopology.config.layers };
    expectOutputs(await read(golden, { ...golden.modelJson, modelTopology: listed }), golden.cases);
  });

  test("finds weights whose names carry more than layer and weight", async () => {
    const golden = json("tfjs-mlp");
    const text = JSON.stringify(golden.modelJson);
    for (const [from, to] of [
      ["dense_Dense1/", "model/dense_Dense1/"],
      ["dense_Dense1/", "dense_Dense1/cell/"],
    ] as const)
      expectOutputs(await read(golden, JSON.parse(text.replaceAll(`"${from}`, `"${to}`))), golden.cases);
  });

  test("refuses graph models with advice", async () => {
    const error = await refusal(tiny((file) => (file.format = "graph-model")));
    expect(error.code).toBe("unsupported");
    expect(error.message).toMatch(/graph model, expected a layers model.*ONNX/);
    expect((await refusal(tiny((file) => (file.modelTopology = { node: [] })))).message).toMatch(/graph model/);
  });

  test("refuses what to_json of Keras gives, which has no weights", async () => {
    const { modelTopology } = json("tfjs-mlp").modelJson;
    const error = await refusal(() => importTfjs(JSON.stringify(modelTopology), { name: "m", shard: () => new Uint8Array() }));
    expect([error.code, error.message]).toEqual(["unsupported", expect.stringMatching(/Keras model without its weights.*model\.save/)]);
  });

  test.each<[string, string, RegExp, (file: Json) => void]>([
    [
      "another layer",
      "unsupported",
      /m: layer "d" \(LSTM\): got class "LSTM", expected one of Dense, /,
      (f) => (f.modelTopology.config.layers[0].class_name = "LSTM"),
    ],
    [
      "a layer whose name has lines",
      "unsupported",
      /^m: layer "d" \(A\\nB\): got class "A\\nB", expected one of .*$/,
      (f) => (f.modelTopology.config.layers[0].class_name = "A\nB"),
    ],
    [
      "another activation",
      "unsupported",
      /layer "d" \(Dense\): got activation "elu", expected one of linear, relu/,
      (f) => (f.modelTopology.config.layers[0].config.activation = "elu"),
    ],
    [
      "another quantization",
      "unsupported",
      /got quantization to "int4"/,
      (f) => (f.weightsManifest[0].weights[0].quantization = { dtype: "int4" }),
    ],
    [
      "quantization without a scale",
      "bad-file",
      /scale: got nothing, expected a finite number/,
      (f) => (f.weightsManifest[0].weights[0].quantization = { dtype: "uint8" }),
    ],
    ["another dtype", "unsupported", /got dtype "string"/, (f) => (f.weightsManifest[0].weights[0].dtype = "string")],
    ["a dtype every object has", "unsupported", /got dtype "constructor"/, (f) => (f.weightsManifest[0].weights[0].dtype = "constructor")],
    ["too few bytes", "bad-file", /got 24 bytes in its shards, expected 32/, (f) => (f.weightsManifest[0].weights[1].shape = [4])],
    [
      "too many bytes",
      "bad-file",
      /got at least 24 bytes in its shards, expected 20/,
      (f) => (f.weightsManifest[0].weights[1].shape = [1]),
    ],
    [
      "sizes past 2^53",
      "bad-file",
      /expected fewer than 2\^53 numbers/,
      (f) => (f.weightsManifest[0].weights[0].shape = [2 ** 40, 2 ** 40]),
    ],
    ["a billion dimensions", "bad-file", /expected/, (f) => (f.weightsManifest[0].weights[0].shape = Array(1000).fill(2))],
    ["negative sizes", "bad-file", /expected a list of sizes/, (f) => (f.weightsManifest[0].weights[0].shape = [-2, -2])],
    ["a weight twice", "bad-file", /"d\/kernel" twice/, (f) => (f.weightsManifest[0].weights[1].name = "d/kernel")],
    ["a shard twice", "bad-file", /"a.bin" twice/, (f) => f.weightsManifest[0].paths.push("a.bin")],
    ["no manifest", "bad-file", /weightsManifest: got nothing/, (f) => delete f.weightsManifest],
    ["no topology", "bad-file", /^m: got JSON without modelTopology, expected a TensorFlow.js model.json$/, (f) => delete f.modelTopology],
    ["a missing weight", "bad-file", /layer "d" \(Dense\): got no weight "bias"/, (f) => (f.weightsManifest[0].weights[1].name = "e/bias")],
    [
      "other units",
      "bad-file",
      /got a kernel of shape \[2,2\], expected \[inputs, 3\]/,
      (f) => (f.modelTopology.config.layers[0].config.units = 3),
    ],
    [
      "another input",
      "bad-file",
      /got a kernel of 2 inputs, expected 5/,
      (f) => (f.modelTopology.config.layers[0].config.batch_input_shape = [null, 5]),
    ],
    ["no layer", "bad-model", /no dense layer/, (f) => (f.modelTopology.config.layers = [])],
    ["a layer twice", "bad-file", /two layers named "d"/, (f) => f.modelTopology.config.layers.push(f.modelTopology.config.layers[0])],
  ])("refuses %s", async (_, code, message, change) => {
    const error = await refusal(tiny(change));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  test.each([
    "../a.bin",
    "/a.bin",
    "x/../a.bin",
    "x//a.bin",
    "..\\a.bin",
    "C:a.bin",
    "http://x/a.bin",
    "%2e%2E/a.bin",
    "x/.%2e/a",
    "a%2fb",
    "a\0b",
    "",
  ])("refuses the shard path %j without reading it", async (path) => {
    const file = { modelTopology: {}, weightsManifest: [{ paths: [path], weights: [] }] };
    const shard = (): Uint8Array => {
      throw new Error("read");
    };
    expect((await refusal(() => importTfjs(JSON.stringify(file), { name: "m", shard }))).code).toBe("bad-file");
  });

  test("takes several paths of one shard for one, so that none is read twice", async () => {
    const asked: string[] = [];
    const shard = (path: string): Uint8Array => {
      asked.push(path);
      return new Uint8Array(4);
    };
    const weights = [{ name: "w", shape: [1], dtype: "float32" }];
    const file = (paths: string[]) => JSON.stringify({ modelTopology: {}, weightsManifest: [{ paths, weights }] });
    await refusal(() => importTfjs(file(["./x/./a.bin"]), { name: "m", shard }));
    expect(asked).toEqual(["x/a.bin"]);
    const error = await refusal(() => importTfjs(file(["a.bin", "././a.bin", "%2E/a.bin"]), { name: "m", shard }));
    expect(error.message).toMatch(/got "a\.bin" twice, expected different names/);
    expect(asked).toEqual(["x/a.bin"]);
  });

  test("refuses what is no JSON", async () => {
    for (const text of ["", "{", "[]", "null", "1"])
      expect((await refusal(() => importTfjs(text, { name: "m", shard: () => new Uint8Array() }))).code).toBe("bad-file");
    expect((await refusal(() => importTfjs(Uint8Array.of(0xff, 0xfe), { name: "m", shard: () => new Uint8Array() }))).code).toBe(
      "bad-file",
    );
    const broken = await refusal(() => importTfjs('{\n "format":\n x', { name: "m", shard: () => new Uint8Array() }));
    expect(broken.message).toMatch(/^m: got text that does not parse \(".{10,100}"\), expected UTF-8 JSON$/);
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    for (const text of [deep, `{"modelTopology":{"class_name":${deep}},"weightsManifest":[]}`])
      expect((await refusal(() => importTfjs(text, { name: "m", shard: () => new Uint8Array() }))).code).toBe("bad-file");
  });

  test("lets only models and refusals out of 10,000 damaged files", async () => {
    let models = 0;
    for (const name of ["mlp", "functional", "nested", "mlp-uint8", "mlp-float16"]) {
      const golden: Golden = json(`tfjs-${name}`);
      const text = new TextEncoder().encode(JSON.stringify(golden.modelJson));
      for (let seed = 0; seed < 2000; seed++) {
        const shards = shardsOf(golden);
        const shard = (path: string): Uint8Array => (seed % 4 === 0 ? damaged(shards(path), seed) : shards(path));
        try {
          await importTfjs(seed % 4 === 0 ? text : damaged(text, seed), { name: "m", shard });
          models++;
        } catch (error) {
          if (!(error instanceof SlonnError)) throw error;
        }
      }
    }
    expect(models).toBeGreaterThan(50);
  });

  test("lets only models and refusals out of any JSON in any place", async () => {
    const golden: Golden = json("tfjs-functional");
    const places: (string | number)[][] = [];
    const walk = (value: unknown, path: (string | number)[]): void => {
      if (path.length) places.push(path);
      if (typeof value === "object" && value !== null)
        for (const key of Object.keys(value)) walk((value as Json)[key], [...path, Array.isArray(value) ? Number(key) : key]);
    };
    walk(golden.modelJson, []);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...places),
        fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(0, -1, 1e308, 2 ** 53, 0.5, [], {}, "")),
        async (path, value) => {
          const copy = structuredClone(golden.modelJson);
          let at = copy;
          for (const key of path.slice(0, -1)) at = at[key];
          at[path[path.length - 1]] = value;
          try {
            await read(golden, copy);
          } catch (error) {
            if (!(error instanceof SlonnError)) throw error;
          }
        },
      ),
      { numRuns: 1500, seed: 1 },
    );
  });
});
