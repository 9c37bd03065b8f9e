// A Worker of Cloudflare's: its model lies in its bundle, and is fetched when asked to.

import * as slonn from "slonn";
import { createKernels } from "slonn/kernels";
import * as worker from "slonn/worker";
import images from "./images.bin";
import bundled from "./model.slonn";
import { askEverything } from "./queries.js";

const told = ({ name, code, message }) => ({ name, code, message });

const answers = {
  "/everything": () => askEverything(slonn, bundled, images),
  "/fetched": async () => askEverything(slonn, await fetch("http://models/model.slonn"), images, []),
  "/load": async ({ searchParams }) => slonn.loadModel(new URL(searchParams.get("url"))).then(({ name }) => name, told),
  "/worker": () => worker.createWorkerSession(bundled).catch(told),
  "/kernels": async () => {
    const { backend, reason } = await createKernels();
    return { backend, reason };
  },
  "/compile": () => WebAssembly.compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)).then(String, String),
  "/backend": async ({ searchParams }) =>
    slonn.createSession(await slonn.loadModel(bundled), { backend: searchParams.get("name") }).catch(told),
  "/no-clock": async () => {
    const session = await slonn.createSession(await slonn.loadModel(bundled), { clock: { now: () => 0 } });
    const image = new Float32Array(images.slice(0, 4 * 784));
    const ask = (slo) => {
      const { output, report } = session.run(image, slo);
      return { best: output.top(1)[0].index, macs: report.macs, total: report.timeMs.total, gaveUp: report.plan.gaveUp };
    };
    return { operations: ask({ operations: 100_000 }), deadline: ask({ latencyMs: 1 }) };
  },
  "/memory": async () => {
    const session = await slonn.createSession(await slonn.loadModel(bundled));
    const { memoryBytes } = session;
    session.dispose();
    return {
      memoryBytes,
      disposed: told(
        await Promise.resolve()
          .then(() => session.run([]))
          .catch((error) => error),
      ),
    };
  },
};

export default {
  async fetch(request) {
    const url = new URL(request.url);
    return Response.json(await answers[url.pathname](url));
  },
};
