// ONNX Runtime three ways: its Node package by the public API, the same below that API, and its WebAssembly build. Each runs a model in
// one form of its graph with every optimisation on, one thread, and tensors made once.

import { isSparse } from "../../src/activator/network.ts";
import type { Model } from "../../src/model/model.ts";
import type { Input } from "../../src/model/rows.ts";
import { loadPackage, versionOf } from "./install.ts";
import type { Peer } from "./peers.ts";
import { formText, type OnnxForm, writeOnnx } from "./write-onnx.ts";

export type OnnxRuntime = "onnxruntime-node" | "onnxruntime-node-native" | "onnxruntime-web";

/** Builds a session; whatever the package throws passes through. */
export async function createOnnxRuntime(runtime: OnnxRuntime, name: Peer["name"], model: Model, form: OnnxForm): Promise<Peer> {
  const create = { "onnxruntime-node": createNode, "onnxruntime-node-native": createNodeNative, "onnxruntime-web": createWeb }[runtime];
  return {
    name,
    version: versionOf(runtime === "onnxruntime-web" ? "onnxruntime-web" : "onnxruntime-node"),
    form: formText(form),
    sparse: isSparse(model),
    ...(await create(model, form)),
  };
}

type Running = Pick<Peer, "run" | "dispose">;

// The parts of its API used here. Its own types are not imported: the packages are not installed when this is compiled.

interface OrtTensor {
  data: Float32Array;
}
type Tensors = Record<string, OrtTensor>;
interface OrtSession {
  run(feeds: Tensors, fetches?: Tensors): Promise<Tensors>;
  release(): Promise<void>;
}
interface Ort {
  Tensor: new (type: "float32" | "int32", data: Float32Array | Int32Array, shape: readonly number[]) => OrtTensor;
  InferenceSession: { create(bytes: Uint8Array, options: object): Promise<OrtSession> };
  env: { logLevel: string; wasm: { numThreads: number; simd: boolean; proxy: boolean } };
}
interface OrtNative {
  loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: object): void;
  run(feeds: Tensors, fetches: Tensors, options: object): unknown;
  dispose(): void;
}

const nodeOptions = {
  executionProviders: ["cpu"],
  graphOptimizationLevel: "all",
  executionMode: "sequential",
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  enableCpuMemArena: true,
  enableMemPattern: true,
  logSeverityLevel: 3,
};

async function createNode(model: Model, form: OnnxForm): Promise<Running> {
  const ort = loadPackage<Ort>("onnxruntime-node");
  const session = await ort.InferenceSession.create(writeOnnx(model, form), nodeOptions);
  const { feedsOf, fetches, output } = placeTensors(ort, model, form);
  return {
    async run(input) {
      await session.run(feedsOf(input), fetches);
      return output;
    },
    dispose: () => session.release(),
  };
}

async function createNodeNative(model: Model, form: OnnxForm): Promise<Running> {
  const ort = loadPackage<Ort>("onnxruntime-node");
  const { binding, initOrt } = loadPackage<{ binding: { InferenceSession: new () => OrtNative }; initOrt(): void }>(
    "onnxruntime-node/dist/binding.js",
  );
  initOrt();
  const session = new binding.InferenceSession();
  const file = writeOnnx(model, form);
  session.loadModel(file.buffer, file.byteOffset, file.byteLength, nodeOptions);
  const { feedsOf, fetches, output } = placeTensors(ort, model, form);
  const options = {};
  return {
    run(input) {
      session.run(feedsOf(input), fetches, options);
      return output;
    },
    dispose: () => session.dispose(),
  };
}

async function createWeb(model: Model, form: OnnxForm): Promise<Running> {
  const ort = loadPackage<Ort>("onnxruntime-web");
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.simd = true;
  ort.env.wasm.proxy = false;
  const session = await ort.InferenceSession.create(writeOnnx(model, form), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
    enableCpuMemArena: true,
    enableMemPattern: true,
  });
  const { feedsOf } = placeTensors(ort, model, form);
  return {
    async run(input) {
      // No tensor to write to is handed over as for Node: 1.30.0 gives such a tensor back unfilled.
      return (await session.run(feedsOf(input))).y.data;
    },
    dispose: () => session.release(),
  };
}

/** The input and output tensors of one query, made once; ONNX Runtime reads and writes their arrays in place. */
function placeTensors(ort: Ort, model: Model, form: OnnxForm) {
  const output = new Float32Array(model.layers[model.layers.length - 1].outputs);
  const fetches = { y: new ort.Tensor("float32", output, [1, output.length]) };
  return { feedsOf: form.input === "vector" ? placeVector(ort, model) : placeBags(ort, form), fetches, output };
}

function placeVector(ort: Ort, model: Model): (input: Input) => Tensors {
  const x = new Float32Array(model.layers[0].inputs);
  const feeds = { x: new ort.Tensor("float32", x, [1, x.length]) };
  return (input) => {
    x.set(input as Float32Array);
    return feeds;
  };
}

/** A tensor has a fixed shape, so there is a pair of them for every count of non-zeros seen. */
function placeBags(ort: Ort, { input: form }: OnnxForm): (input: Input) => Tensors {
  const place = (n: number) => {
    const indices = new Int32Array(n);
    const values = new Float32Array(n);
    const feeds = {
      indices: new ort.Tensor("int32", indices, [n]),
      values: new ort.Tensor("float32", values, form === "gather-sum" ? [n, 1] : [1, n]),
    };
    return { indices, values, feeds };
  };
  const placed = new Map<number, ReturnType<typeof place>>();
  return (input) => {
    if (input instanceof Float32Array) throw new Error("a peer of a sparse model got a dense input");
    const n = input.indices.length;
    let bag = placed.get(n);
    if (!bag) {
      bag = place(n);
      placed.set(n, bag);
    }
    bag.indices.set(input.indices);
    bag.values.set(input.values);
    return bag.feeds;
  };
}
