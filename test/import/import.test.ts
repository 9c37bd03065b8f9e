import { describe, expect, test } from "vitest";
import { SlonnError } from "../../src/errors.ts";
import { formatOf, importModel } from "../../src/import/import.ts";
import { createModel } from "../../src/model/model.ts";
import { encodeModel } from "../../src/model/slonn-file.ts";
import { writeSafetensors } from "../model/write-safetensors.ts";
import { expectOutputs, h5, json, refusal } from "./golden-files.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

const small = createModel("small", [
  { name: "l", inputs: 2, outputs: 1, weight: Float32Array.of(1, 2), bias: Float32Array.of(3), activation: "identity", alpha: 0 },
]);
const weights = writeSafetensors(
  new Map([
    ["0.weight", { dtype: "float32", shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ["1.weight", { dtype: "float32", shape: [1, 3], data: Float32Array.of(1, 1, 1) }],
  ]),
  {},
);

describe("importModel", () => {
  test("reads model.json and asks for its shards", async () => {
    const golden = json("tfjs-mlp");
    const asked: string[] = [];
    const read = async (path: string): Promise<Uint8Array> => {
      asked.push(path);
      return new Uint8Array(Buffer.from(golden.shards[path], "base64"));
    };
    const bytes = bytesOf(`\ufeff \n${JSON.stringify(golden.modelJson)}`);
    expectOutputs(await importModel({ name: "model.json", bytes, read }), golden.cases);
    expect(asked).toEqual(Object.keys(golden.shards));
    expect((await refusal(() => importModel({ name: "model.json", bytes }))).code).toBe("unreadable");
    const missing = await refusal(() => importModel({ name: "model.json", bytes, read: async () => Promise.reject(new Error("ENOENT")) }));
    expect([missing.code, missing.message]).toEqual([
      "unreadable",
      expect.stringMatching(/could not read "group1-shard1of3.bin" beside it \(ENOENT\)/),
    ]);
    const refused = new SlonnError("aborted", "aborted");
    await expect(importModel({ name: "m", bytes, read: async () => Promise.reject(refused) })).rejects.toBe(refused);
  });

  test("reads Keras .h5", async () => expectOutputs(await importModel({ name: "m.h5", bytes: h5("mlp") }), json("mlp.cases")));

  test("reads .slonn, under any name", async () => {
    for (const name of ["a.slonn", "a.safetensors", "a"])
      expect((await importModel({ name, bytes: encodeModel(small) })).layers).toEqual(small.layers);
  });

  test("reads safetensors with the activations given", async () => {
    const model = await importModel({ name: "w.safetensors", bytes: weights }, { activations: ["tanh"] });
    expect(model.layers.map(({ activation }) => activation)).toEqual(["tanh", "identity"]);
  });

  test("takes activations for safetensors only", async () => {
    const error = await refusal(() => importModel({ name: "m.h5", bytes: h5("mlp") }, { activations: ["relu"] }));
    expect([error.code, error.message]).toEqual(["bad-option", expect.stringMatching(/format keras, expected them for safetensors only/)]);
  });
});

describe("what importModel is handed", () => {
  test("takes an ArrayBuffer as bytes, from the source and from what reads beside it", async () => {
    const { buffer } = Uint8Array.from(weights);
    expect((await importModel({ name: "w", bytes: buffer })).layers.length).toBe(2);
    const golden = json("tfjs-mlp");
    const read = async (path: string): Promise<ArrayBuffer> => Uint8Array.from(Buffer.from(golden.shards[path], "base64")).buffer;
    expectOutputs(await importModel({ name: "m", bytes: bytesOf(JSON.stringify(golden.modelJson)), read }), golden.cases);
  });

  const form = "expected { name: text, bytes: a Uint8Array or ArrayBuffer }";
  test.each<[string, unknown, unknown, string]>([
    ["a path", "model.onnx", {}, `importModel: got "model.onnx", ${form}`],
    ["nothing", undefined, {}, `importModel: got nothing, ${form}`],
    ["bytes alone", weights, {}, `importModel: got bytes alone, ${form}`],
    ["a buffer alone", new ArrayBuffer(8), {}, `importModel: got bytes alone, ${form}`],
    ["a source without a name", { bytes: weights }, {}, `importModel: got nothing as name, ${form}`],
    ["a source without bytes", { name: "m" }, {}, `importModel: got nothing as bytes, ${form}`],
    ["bytes as a list", { name: "m", bytes: [8, 7] }, {}, `importModel: got a list of 2 as bytes, ${form}`],
    ["other numbers", { name: "m", bytes: new Float32Array(2) }, {}, `importModel: got Float32Array as bytes, ${form}`],
    ["no options", { name: "m", bytes: weights }, null, "importModel: got null, expected an object of activations, signal"],
    ["an option nobody knows", { name: "m", bytes: weights }, { seed: 1 }, "importModel: got seed, expected activations, signal"],
    ["a signal that is none", { name: "m", bytes: weights }, { signal: {} }, "signal: got object, expected an AbortSignal"],
    ["activations as text", { name: "m", bytes: weights }, { activations: "relu" }, 'activations: got "relu", expected a list of names'],
    ["a reader that cannot be called", { name: "m", bytes: weights, read: "here" }, {}, 'read: got "here", expected a function'],
    [
      "files beside it as text",
      { name: "m", bytes: bytesOf(JSON.stringify(json("tfjs-mlp").modelJson)), read: async () => "text" },
      {},
      'read: got "text" for "group1-shard1of3.bin", expected a Uint8Array or ArrayBuffer',
    ],
  ])("refuses %s", async (_, source, options, message) => {
    const error = await refusal(() => importModel(source as never, options as never));
    expect([error.code, error.message]).toEqual(["bad-option", message]);
  });

  test("stops between steps when the signal fires", async () => {
    const stop = new AbortController();
    const bytes = bytesOf(JSON.stringify(json("tfjs-mlp").modelJson));
    let reads = 0;
    const read = async (): Promise<Uint8Array> => {
      reads++;
      stop.abort();
      return new Uint8Array();
    };
    expect((await refusal(() => importModel({ name: "m", bytes, read }, { signal: stop.signal }))).code).toBe("aborted");
    expect((await refusal(() => importModel({ name: "m", bytes, read }, { signal: stop.signal }))).code).toBe("aborted");
    expect(reads).toBe(1);
  });
});

describe("formatOf", () => {
  test("goes by content", () => {
    expect(formatOf("x", h5("mlp"))).toBe("keras");
    expect(formatOf("x", weights)).toBe("safetensors");
    expect(formatOf("x", encodeModel(small))).toBe("slonn");
    expect(formatOf("x.slonn", weights)).toBe("slonn"); // refused there, for what it lacks
    expect(formatOf("x", bytesOf("\n {}"))).toBe("tfjs");
    expect(formatOf("x.json", bytesOf("[{}]"))).toBe("tfjs"); // refused there, for what it lacks
    expect(formatOf("x", Uint8Array.of(8, 7, 0x12, 0))).toBe("onnx");
    expect(formatOf("x", Uint8Array.of(8, 7, 0x12, 0x5b))).toBe("onnx"); // a name of so many letters, not a list
    expect(formatOf("x.onnx", Uint8Array.of(1))).toBe("onnx");
  });

  test.each<[string, string, RegExp, string, Uint8Array]>([
    ["nothing", "bad-file", /m.h5: got an empty file/, "m.h5", new Uint8Array()],
    ["zip archives", "unsupported", /got a zip archive \(.keras, .pt, .npz\).*Keras .h5/, "m.keras", bytesOf("PK\x03\x04")],
    ["pickles", "unsupported", /got a Python pickle.*safetensors/, "m.pt", Uint8Array.of(0x80, 2, 0x8a)],
    [
      "pickles of protocol 5",
      "unsupported",
      /got a Python pickle \(.pkl, .joblib.*scikit-learn.*ONNX/,
      "m.pkl",
      Uint8Array.of(0x80, 5, 0x95),
    ],
    ["TensorFlow Lite", "unsupported", /TensorFlow Lite/, "m.tflite", bytesOf("\x1c\0\0\0TFL3")],
    ["GGUF", "unsupported", /GGUF/, "m.gguf", bytesOf("GGUF\x03")],
    ["ONNX Runtime's own format", "unsupported", /\.ort.*import the \.onnx/, "m.ort", bytesOf("\x1c\0\0\0ORTM")],
    ["TensorFlow's SavedModel", "unsupported", /SavedModel/, "saved_model.pb", Uint8Array.of(8, 1, 0x12, 6)],
    ["TensorFlow's graphs", "unsupported", /TensorFlow graph/, "frozen.pb", Uint8Array.of(10, 16, 10, 1, 0x78)],
    ["Core ML", "unsupported", /Core ML/, "m.mlmodel", Uint8Array.of(8, 4, 0x12, 9)],
    ["numpy's numbers", "unsupported", /\.npy/, "x.npy", Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0)],
    ["gzip", "unsupported", /gzip.*unpack/, "m.onnx", Uint8Array.of(0x1f, 0x8b, 8, 0)],
    ["Git LFS", "unsupported", /git lfs pull/, "m.onnx", bytesOf("version https://git-lfs.github.com/spec/v1\noid sha256:4d")],
    ["a page in place of the file", "unsupported", /HTML/, "m.safetensors", bytesOf("<!DOCTYPE html>\n<html>")],
    ["a page behind white space", "unsupported", /got a page \(HTML, XML\)/, "m.onnx", bytesOf("\n\n <html>")],
    ["XML behind a byte order mark", "unsupported", /got a page \(HTML, XML\)/, "m.bin", bytesOf("\ufeff<?xml version")],
    ["a name that promises something else", "bad-file", /not what .h5 files begin with/, "m.h5", bytesOf("hello")],
    ["what it does not know", "unsupported", /unknown format, expected ONNX/, "m.bin", bytesOf("hello")],
  ])("refuses %s", async (_, code, message, name, bytes) => {
    const error = await refusal(() => formatOf(name, bytes));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });
});
