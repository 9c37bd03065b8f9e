// What every runtime runs for `npm run bench:runtimes`: it asks the bench for its next block of queries, answers them, says how long that
// took, and asks again. It knows no runtime; only the kernels and engines that run here differ.

import { createSession, loadModel } from "slonn";

const width = 784;

/** Ways to answer one row, by name, or why there is none. */
export async function createWays(model, images, loadOnnx) {
  const rows = Array.from({ length: images.length / width }, (_, i) => images.subarray(i * width, (i + 1) * width));
  const ways = {};
  for (const backend of ["simd", "relaxed", "js"])
    try {
      const session = await createSession(model, { backend });
      const out = new Float32Array(10);
      for (const slo of [{ dense: true }, { loss: 0.003 }]) {
        const run = (count) => {
          for (let i = 0; i < count; i++) session.runInto(rows[i % rows.length], out, slo);
        };
        ways[`${backend} ${Object.keys(slo)[0]}`] = { run };
      }
    } catch ({ message }) {
      ways[`${backend} dense`] = ways[`${backend} loss`] = { message };
    }
  if (loadOnnx)
    try {
      const { session, Tensor } = await loadOnnx();
      const data = new Float32Array(width);
      const feeds = { x: new Tensor("float32", data, [1, width]) };
      const run = async (count) => {
        for (let i = 0; i < count; i++) {
          data.set(rows[i % rows.length]);
          await session.run(feeds);
        }
      };
      ways["onnxruntime-web"] = { run };
    } catch (error) {
      ways["onnxruntime-web"] = { message: String(error?.message ?? error).split("\n")[0] };
    }
  return ways;
}

/** Milliseconds that `count` queries took, after some that are not counted. */
export async function timeBlock({ run }, { settle, count }) {
  await run(settle);
  const began = performance.now();
  await run(count);
  return performance.now() - began;
}

/** Serves blocks until there are no more. */
export async function serveBlocks(name, origin, wasmPaths) {
  const bytes = async (path) => (await fetch(origin + path)).arrayBuffer();
  const post = (path, result) => fetch(`${origin}${path}?runtime=${name}`, { method: "POST", body: JSON.stringify(result) });
  const loadOnnx = async () => {
    const ort = await import("onnxruntime-web/wasm");
    Object.assign(ort.env.wasm, { numThreads: 1, ...(wasmPaths ? { wasmPaths } : {}) });
    return { Tensor: ort.Tensor, session: await ort.InferenceSession.create(new Uint8Array(await bytes("/model.onnx"))) };
  };
  const ways = await createWays(await loadModel(await bytes("/model.slonn")), new Float32Array(await bytes("/images.bin")), loadOnnx);
  await post("/ready", Object.fromEntries(Object.entries(ways).map(([way, { message = null }]) => [way, message])));
  while (true) {
    const block = await (await fetch(`${origin}/next?runtime=${name}`)).json();
    if (block.over) return;
    await post("/took", { ms: await timeBlock(ways[block.way], block) });
  }
}
