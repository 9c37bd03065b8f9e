// The engines we are raced against, each built for one Model at its best for one query at a time on one thread: every
// optimisation it offers on, tensors reused where its API lets them be. It times nothing.

import { createRequire } from "node:module";
import { join } from "node:path";
import { SlonnError } from "../../src/errors.ts";
import { forward } from "../../src/model/forward.ts";
import { type DenseLayer, floatWeights, type Model } from "../../src/model/model.ts";
import { normal, seeded } from "../../src/random.ts";
import { ensurePeers, peersFolder } from "./install.ts";
import { writeOnnx } from "./write-onnx.ts";

/** One engine holding one model. */
export interface Peer {
  name: PeerName;
  version: string;
  /**
   * Answers one query: [inputs] to [outputs]. The array returned is overwritten by the next call where the engine lets outputs be reused.
   * `onnxruntime-node` and `onnxruntime-web` only have promises to offer.
   */
  run(input: Float32Array): Promise<Float32Array> | Float32Array;
  dispose(): Promise<void> | void;
}

/**
 * `onnxruntime-node-native` is onnxruntime-node entered below its public API, which wraps every native call into setImmediate and a
 * promise. No user of the package calls it so; it is the hardest form of the comparison and shows what that wrapping costs.
 */
export type PeerName = "onnxruntime-node" | "onnxruntime-node-native" | "onnxruntime-web" | "tfjs-backend-wasm";

export const peerNames: readonly PeerName[] = ["onnxruntime-node", "onnxruntime-node-native", "onnxruntime-web", "tfjs-backend-wasm"];

/**
 * Installs the peers when they are missing and builds each for `model`. One that cannot run this model here is left out and named in
 * the log; one that answers wrongly is an error, because its time would mean nothing.
 * @throws SlonnError `unreadable` when the install fails, `no-engine` when a peer disagrees with the plain forward pass.
 */
export async function createPeers(model: Model, log: (line: string) => void, names: readonly PeerName[] = peerNames): Promise<Peer[]> {
  await ensurePeers(log);
  const peers: Peer[] = [];
  for (const name of names) {
    let peer: Peer;
    try {
      peer = await createPeer(name, model);
    } catch (error) {
      log(`${name}: left out, it cannot run ${model.name} here (${error instanceof Error ? error.message : String(error)})`);
      continue;
    }
    await checkAgreement(peer, model);
    peers.push(peer);
  }
  return peers;
}

/** Builds one peer; whatever its own packages throw passes through. */
export async function createPeer(name: PeerName, model: Model): Promise<Peer> {
  switch (name) {
    case "onnxruntime-node":
      return createOnnxRuntimeNode(model);
    case "onnxruntime-node-native":
      return createOnnxRuntimeNodeNative(model);
    case "onnxruntime-web":
      return createOnnxRuntimeWeb(model);
    case "tfjs-backend-wasm":
      return createTfjsWasm(model);
    default:
      return name satisfies never;
  }
}

/**
 * Compares a peer with the plain forward pass on seeded inputs, half of their numbers zero.
 * @throws SlonnError `no-engine` when an output is off by more than `tolerance` of the largest.
 */
export async function checkAgreement(peer: Peer, model: Model, tolerance = 1e-4): Promise<void> {
  const random = seeded(1);
  for (let probe = 0; probe < 3; probe++) {
    const input = Float32Array.from({ length: model.layers[0].inputs }, () => (random() < 0.5 ? 0 : normal(random)));
    const expected = forward(model, input);
    const got = await peer.run(input);
    if (got.length !== expected.length)
      throw new SlonnError("no-engine", `${peer.name}: got ${got.length} outputs, expected ${expected.length}`);
    const scale = expected.reduce((largest, v) => Math.max(largest, Math.abs(v)), 1e-6);
    expected.forEach((v, o) => {
      // Written so that NaN fails too.
      if (!(Math.abs(got[o] - v) <= tolerance * scale))
        throw new SlonnError("no-engine", `${peer.name}: got output[${o}] = ${got[o]}, expected ${v} as the plain forward pass gives`);
    });
  }
}

// The parts of the peers' APIs used here. Their own types are not imported: they are not installed when this is compiled.

interface OrtTensor {
  data: Float32Array;
}
interface OrtSession {
  run(feeds: Record<string, OrtTensor>, fetches?: Record<string, OrtTensor>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}
interface Ort {
  Tensor: new (type: "float32", data: Float32Array, shape: readonly number[]) => OrtTensor;
  InferenceSession: { create(bytes: Uint8Array, options: object): Promise<OrtSession> };
  env: { logLevel: string; wasm: { numThreads: number; simd: boolean; proxy: boolean } };
}
interface OrtNative {
  loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: object): void;
  run(feeds: Record<string, OrtTensor>, fetches: Record<string, OrtTensor>, options: object): unknown;
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

async function createOnnxRuntimeNode(model: Model): Promise<Peer> {
  const ort = load<Ort>("onnxruntime-node");
  const session = await ort.InferenceSession.create(writeOnnx(model), nodeOptions);
  const { feeds, fetches, input, output } = placeTensors(ort, model);
  return {
    name: "onnxruntime-node",
    version: versionOf("onnxruntime-node"),
    async run(row) {
      input.set(row);
      await session.run(feeds, fetches);
      return output;
    },
    dispose: () => session.release(),
  };
}

async function createOnnxRuntimeNodeNative(model: Model): Promise<Peer> {
  const ort = load<Ort>("onnxruntime-node");
  const { binding, initOrt } = load<{ binding: { InferenceSession: new () => OrtNative }; initOrt(): void }>(
    "onnxruntime-node/dist/binding.js",
  );
  initOrt();
  const session = new binding.InferenceSession();
  const file = writeOnnx(model);
  session.loadModel(file.buffer, file.byteOffset, file.byteLength, nodeOptions);
  const { feeds, fetches, input, output } = placeTensors(ort, model);
  const options = {};
  return {
    name: "onnxruntime-node-native",
    version: versionOf("onnxruntime-node"),
    run(row) {
      input.set(row);
      session.run(feeds, fetches, options);
      return output;
    },
    dispose: () => session.dispose(),
  };
}

async function createOnnxRuntimeWeb(model: Model): Promise<Peer> {
  const ort = load<Ort>("onnxruntime-web");
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.simd = true;
  ort.env.wasm.proxy = false;
  const session = await ort.InferenceSession.create(writeOnnx(model), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
    executionMode: "sequential",
    enableCpuMemArena: true,
    enableMemPattern: true,
  });
  const { feeds, input } = placeTensors(ort, model);
  return {
    name: "onnxruntime-web",
    version: versionOf("onnxruntime-web"),
    async run(row) {
      input.set(row);
      // No tensor to write to is handed over as for Node: 1.30.0 gives such a tensor back unfilled.
      return (await session.run(feeds)).y.data;
    },
    dispose: () => session.release(),
  };
}

/** The input and output tensors of one query, made once; ONNX Runtime reads and writes their arrays in place. */
function placeTensors(ort: Ort, model: Model) {
  const input = new Float32Array(model.layers[0].inputs);
  const output = new Float32Array(model.layers[model.layers.length - 1].outputs);
  const feeds = { x: new ort.Tensor("float32", input, [1, input.length]) };
  const fetches = { y: new ort.Tensor("float32", output, [1, output.length]) };
  return { feeds, fetches, input, output };
}

interface TfTensor {
  dataSync(): Float32Array;
  dispose(): void;
}
interface Tf {
  env(): { set(flag: string, value: boolean): void };
  enableProdMode(): void;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tidy<T>(compute: () => T): T;
  tensor1d(values: Float32Array): TfTensor;
  tensor2d(values: Float32Array, shape: readonly [number, number]): TfTensor;
  fused: { matMul(config: { a: TfTensor; b: TfTensor; bias: TfTensor; activation: string; leakyreluAlpha?: number }): TfTensor };
  tanh(x: TfTensor): TfTensor;
  erf(x: TfTensor): TfTensor;
  mul(a: TfTensor, b: TfTensor | number): TfTensor;
  add(a: TfTensor, b: TfTensor | number): TfTensor;
  softmax(x: TfTensor): TfTensor;
  logSoftmax(x: TfTensor): TfTensor;
}

async function createTfjsWasm(model: Model): Promise<Peer> {
  const tf = load<Tf>("@tensorflow/tfjs-core");
  // Its operators reach the engine only by being imported; SIMD is found out by itself.
  load("@tensorflow/tfjs-backend-wasm");
  tf.enableProdMode();
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  if (!(await tf.setBackend("wasm")))
    throw new SlonnError("no-engine", "tfjs-backend-wasm: could not start, expected its WebAssembly backend");
  await tf.ready();
  // Weights as [inputs, outputs]: the form its fast path (XNNPACK, packed at the first run) takes; transposed ones fall back to plain loops.
  const layers = model.layers.map((layer) => ({
    layer,
    weight: tf.tensor2d(transpose(layer), [layer.inputs, layer.outputs]),
    bias: tf.tensor1d(layer.bias),
  }));
  const width = model.layers[0].inputs;
  return {
    name: "tfjs-backend-wasm",
    version: versionOf("@tensorflow/tfjs-backend-wasm"),
    run: (row) =>
      tf.tidy(() => {
        let x = tf.tensor2d(row, [1, width]);
        for (const { layer, weight, bias } of layers) {
          const z = tf.fused.matMul({ a: x, b: weight, bias, activation: fusedName(layer), leakyreluAlpha: layer.alpha });
          x = finish(tf, layer, z);
        }
        return x.dataSync();
      }),
    dispose() {
      for (const { weight, bias } of layers) {
        weight.dispose();
        bias.dispose();
      }
    },
  };
}

/** The activation its matrix product takes along; the others follow as operators of their own. */
function fusedName({ activation }: DenseLayer): string {
  if (activation === "relu" || activation === "sigmoid") return activation;
  return activation === "leaky-relu" ? "leakyrelu" : "linear";
}

function finish(tf: Tf, { activation }: DenseLayer, z: TfTensor): TfTensor {
  switch (activation) {
    case "identity":
    case "relu":
    case "leaky-relu":
    case "sigmoid":
      return z;
    case "tanh":
      return tf.tanh(z);
    case "gelu":
      return tf.mul(tf.mul(z, 0.5), tf.add(tf.erf(tf.mul(z, Math.SQRT1_2)), 1));
    case "gelu-tanh": {
      const inner = tf.mul(tf.add(z, tf.mul(tf.mul(tf.mul(z, z), z), 0.044715)), Math.sqrt(2 / Math.PI));
      return tf.mul(tf.mul(z, 0.5), tf.add(tf.tanh(inner), 1));
    }
    case "softmax":
      return tf.softmax(z);
    case "log-softmax":
      return tf.logSoftmax(z);
    default:
      return activation satisfies never;
  }
}

/** [outputs, inputs] to [inputs, outputs]. */
function transpose(layer: DenseLayer): Float32Array {
  const { inputs, outputs } = layer;
  const weight = floatWeights(layer);
  const out = new Float32Array(weight.length);
  for (let o = 0; o < outputs; o++) for (let i = 0; i < inputs; i++) out[i * outputs + o] = weight[o * inputs + i];
  return out;
}

/** A package out of the peers' own node_modules, wherever this file was compiled to. */
function load<T>(name: string): T {
  return createRequire(join(peersFolder(), "package.json"))(name) as T;
}

function versionOf(name: string): string {
  const { dependencies } = load<{ dependencies: Record<string, string> }>("./package.json");
  return dependencies[name];
}
