// The engines we are raced against, each built for one Model at its best for one query at a time on one thread: every optimisation it
// offers on, and of the graphs that compute a wide or sparse network the one it runs fastest. It times nothing else.

import { isSparse } from "../../src/activator/network.ts";
import { SlonnError } from "../../src/errors.ts";
import { forward } from "../../src/model/forward.ts";
import type { Model } from "../../src/model/model.ts";
import { type Input, type Rows, rowOf } from "../../src/model/rows.ts";
import { medianTimes } from "./fastest.ts";
import { ensurePeers } from "./install.ts";
import { createOnnxRuntime, type OnnxRuntime } from "./onnxruntime.ts";
import { createTfjsWasm, type TfForm } from "./tfjs.ts";
import type { OnnxForm } from "./write-onnx.ts";

/** One engine holding one model. */
export interface Peer {
  name: PeerName;
  version: string;
  /** Which graph it runs, in words. */
  form: string;
  /** Whether it takes the inputs that are not zero (where the model's first layer is wide) or all of them. */
  sparse: boolean;
  /**
   * Answers one query: all outputs. The array returned is overwritten by the next call where the engine lets outputs be reused.
   * `onnxruntime-node` and `onnxruntime-web` only have promises to offer.
   */
  run(input: Input): Promise<Float32Array> | Float32Array;
  dispose(): Promise<void> | void;
}

/**
 * `onnxruntime-node-native` is onnxruntime-node entered below its public API, which wraps every native call into setImmediate and a
 * promise. No user of the package calls it so; it is the hardest form of the comparison and shows what that wrapping costs.
 */
export type PeerName = OnnxRuntime | "tfjs-backend-wasm" | `${OnnxRuntime}-int8`;

export const peerNames: readonly PeerName[] = ["onnxruntime-node", "onnxruntime-node-native", "onnxruntime-web", "tfjs-backend-wasm"];

/**
 * ONNX Runtime with weights in eight bits, but for a first layer that is gathered. It gives other answers, so whoever races it has to show how right they are;
 * TensorFlow.js has no such product.
 */
export const int8PeerNames: readonly PeerName[] = ["onnxruntime-node-int8", "onnxruntime-node-native-int8", "onnxruntime-web-int8"];

/** Outputs from which on the last layer is the bulk of the work, so that its form is worth choosing. */
const wideOutputs = 1024;

/**
 * Installs the peers when they are missing and builds each for `model`. One that cannot run this model here, or that eight bits lead astray, is
 * left out and named in the log; one that answers wrongly in floats is an error, because its time would mean nothing.
 * @param inputs what the forms of a peer are compared and timed on, as rows of the model come
 * @throws SlonnError `unreadable` when the install fails, `no-engine` when a peer disagrees with the plain forward pass.
 */
export async function createPeers(
  model: Model,
  inputs: readonly Input[],
  log: (line: string) => void,
  names: readonly PeerName[] = peerNames,
): Promise<Peer[]> {
  await ensurePeers(log);
  const peers: Peer[] = [];
  for (const name of names) {
    const forms: Peer[] = [];
    for (const create of formsOf(name, model))
      try {
        forms.push(await create());
      } catch (error) {
        log(`${name}: a form left out, it cannot run ${model.name} here (${error instanceof Error ? error.message : String(error)})`);
      }
    const inEightBits = int8PeerNames.includes(name);
    const agreeing: Peer[] = [];
    for (const form of forms) {
      const apart = await disagreement(form, model, inputs.slice(0, compared), inEightBits ? int8Tolerance : tolerance);
      if (apart === null) agreeing.push(form);
      else if (inEightBits) {
        log(`${apart}: left out`);
        await form.dispose();
      } else throw new SlonnError("no-engine", apart);
    }
    const fastest = await keepFastest(agreeing, inputs, log);
    if (fastest) peers.push(fastest);
  }
  return peers;
}

async function keepFastest(forms: readonly Peer[], inputs: readonly Input[], log: (line: string) => void): Promise<Peer | undefined> {
  if (forms.length < 2) return forms[0];
  const times = await medianTimes(forms, inputs);
  const best = times.indexOf(Math.min(...times));
  const listed = forms.map(({ form }, f) => `${form} ${(1000 * times[f]).toFixed(0)} µs`).join("; ");
  log(`${forms[best].name}: takes ${forms[best].form} (${listed})`);
  for (const form of forms) if (form !== forms[best]) await form.dispose();
  return forms[best];
}

/** The plainest form of one peer; it has to be installed. Whatever its packages throw passes through. */
export function createPeer(name: PeerName, model: Model): Promise<Peer> {
  return formsOf(name, model)[0]();
}

/** What builds each form of one peer that a model can take; whatever the peer's own packages throw passes through. */
function formsOf(name: PeerName, model: Model): (() => Promise<Peer>)[] {
  if (name === "tfjs-backend-wasm") {
    const forms: TfForm[] = isSparse(model) ? ["gather-sum", "gather-matmul"] : ["vector"];
    return forms.map((form) => () => createTfjsWasm(model, form));
  }
  const inputs: OnnxForm["input"][] = isSparse(model) ? ["gather-sum", "gather-gemm"] : ["vector"];
  const runtime = name.replace("-int8", "") as OnnxRuntime;
  return inputs.flatMap((input) =>
    outputForms(name, model).map((output) => () => createOnnxRuntime(runtime, name, model, { input, output })),
  );
}

function outputForms(name: PeerName, { layers }: Model): OnnxForm["output"][] {
  if (name.endsWith("-int8")) return ["int8", "int8-blocks"];
  return layers[layers.length - 1].outputs >= wideOutputs ? ["gemm", "matmul"] : ["gemm"];
}

/** The first rows, which are enough for peers to be compared and timed on. */
export function firstInputs(rows: Rows, most = 200): Input[] {
  return Array.from({ length: Math.min(most, rows.count) }, (_, r) => rowOf(rows, r));
}

/** How far an output may be off, as a share of the largest: in floats, and with weights and inputs in eight bits. */
const [tolerance, int8Tolerance] = [1e-4, 0.05];

/** Inputs a peer is compared on. */
const compared = 3;

/** What a peer answers otherwise than the plain forward pass, by more than `most` of the largest output; null where it agrees. */
async function disagreement(peer: Peer, model: Model, inputs: readonly Input[], most: number): Promise<string | null> {
  for (const input of inputs) {
    const expected = forward(model, writtenOut(input, new Float32Array(model.layers[0].inputs)));
    const got = await peer.run(input);
    if (got.length !== expected.length) return `${peer.name}: got ${got.length} outputs, expected ${expected.length}`;
    const scale = expected.reduce((largest, v) => Math.max(largest, Math.abs(v)), 1e-6);
    // written so that NaN is off too
    const o = expected.findIndex((v, i) => !(Math.abs(got[i] - v) <= most * scale));
    if (o >= 0) return `${peer.name}, ${peer.form}: got output[${o}] = ${got[o]}, expected ${expected[o]} as the plain forward pass gives`;
  }
  return null;
}

/** An input as all its numbers; a dense one as it is, a sparse one into `dense`. */
export function writtenOut(input: Input, dense: Float32Array): Float32Array {
  if (input instanceof Float32Array) return input;
  dense.fill(0);
  for (let i = 0; i < input.indices.length; i++) dense[input.indices[i]] += input.values[i];
  return dense;
}
