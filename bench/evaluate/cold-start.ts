// One contender from before its first import to its first answer, in this very process, which is started for nothing else:
//
//   node cold-start.js <contender> <model.slonn>
//
// Prints milliseconds. Bringing our weights into a peer's form is not part of it: that is timed by itself and taken off.

import { readFileSync } from "node:fs";

const [contender, path] = process.argv.slice(2);

async function slonnColdMs(): Promise<number> {
  const door = new URL("../../../js/index.js", import.meta.url).href;
  const started = performance.now();
  // the package as it is published, as peers are
  const { loadModel, createSession } = (await import(door)) as typeof import("../../src/index.ts");
  const model = await loadModel(path);
  const session = await createSession(model);
  session.run(new Float32Array(model.layers[0].inputs));
  return performance.now() - started;
}

async function peerColdMs(name: string): Promise<number> {
  const { decodeModel } = await import("../../src/model/slonn-file.ts");
  const { createPeer } = await import("../peers/peers.ts");
  const { writeOnnx } = await import("../peers/write-onnx.ts");
  const { floatWeights } = await import("../../src/model/model.ts");
  const { transposed } = await import("../../src/model/transposed.ts");
  const model = decodeModel(readFileSync(path), "model");
  const input = new Float32Array(model.layers[0].inputs);
  const write = (): void => {
    if (name.startsWith("onnx")) writeOnnx(model);
    else for (const layer of model.layers) transposed(floatWeights(layer), layer.outputs, layer.inputs);
  };
  write();
  const before = performance.now();
  write();
  const writingMs = performance.now() - before;
  const started = performance.now();
  const peer = await createPeer(name as Parameters<typeof createPeer>[0], model);
  await peer.run(peer.sparse ? { indices: new Uint32Array(1), values: new Float32Array(1) } : input);
  return performance.now() - started - writingMs;
}

const ms = contender === "slonn" ? await slonnColdMs() : await peerColdMs(contender);
process.stdout.write(`${ms.toFixed(3)}\n`, () => process.exit(0));
