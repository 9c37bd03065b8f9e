// One contender from before its first import to its first answer, in this very process, which is started for nothing else:
//
//   node cold-start.js <contender> <model.slonn>
//
// Prints milliseconds. Writing our weights as a peer's file is not part of it: that is timed by itself and taken off.

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
  const model = decodeModel(readFileSync(path), "model");
  const input = new Float32Array(model.layers[0].inputs);
  writeOnnx(model);
  const before = performance.now();
  writeOnnx(model);
  const writingMs = name.startsWith("onnx") ? performance.now() - before : 0;
  const started = performance.now();
  const peer = await createPeer(name as Parameters<typeof createPeer>[0], model);
  await peer.run(peer.sparse ? { indices: new Uint32Array(1), values: new Float32Array(1) } : input);
  return performance.now() - started - writingMs;
}

const ms = contender === "slonn" ? await slonnColdMs() : await peerColdMs(contender);
process.stdout.write(`${ms.toFixed(3)}\n`, () => process.exit(0));
