// What Node and Chromium run for `npm run bench:leaks`: sessions made, asked and disposed, and queries by the hundred thousand on one. It
// measures nothing but the JavaScript heap after the garbage went.

import { createSession, loadModel } from "slonn";

const width = 784;
const slo = { loss: 0.003 };

/** @param heapUsed bytes of the JavaScript heap, as the runtime says it */
export async function createSteps(modelBytes, images, heapUsed) {
  const model = await loadModel(modelBytes);
  const rows = Array.from({ length: images.length / width }, (_, i) => images.subarray(i * width, (i + 1) * width));
  const out = new Float32Array(10);
  const settled = async () => {
    for (let i = 0; i < 3; i++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return heapUsed();
  };
  let session = null;
  return {
    async cycles(count) {
      session?.dispose();
      session = null;
      for (let i = 0; i < count; i++) {
        const one = await createSession(model);
        one.run(rows[i % rows.length], slo);
        one.dispose();
      }
      return settled();
    },
    async queries(count) {
      session ??= await createSession(model);
      // one in a hundred with a report
      for (let i = 0; i < count; i++)
        if (i % 100 === 0) session.run(rows[i % rows.length], slo);
        else session.runInto(rows[i % rows.length], out, slo);
      return settled();
    },
  };
}
