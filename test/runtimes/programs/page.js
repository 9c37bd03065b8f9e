// A page that does what its address asks (`?ask=`) and writes down what came of it.

import * as slonn from "slonn";
import * as worker from "slonn/worker";
import { askEverything, askWorker, hasRelaxed } from "./queries.js";

const told = ({ name, code, message }) => ({ name, code, message });
const images = async () => (await fetch("/images.bin")).arrayBuffer();
const here = (file) => new URL(file, location.href);

/** The first message of a worker, or of a service worker's port. */
const answerOf = (target) =>
  new Promise((resolve, reject) => {
    target.onmessage = ({ data }) => resolve(data);
    target.onerror = (event) => reject(new Error(event.message ?? "error"));
  });

const asked = {
  relaxed: async () => hasRelaxed(),
  everything: async () => ({ results: await askEverything(slonn, "/model.slonn", await images()), isolated: crossOriginIsolated }),
  // what is not default cannot be asked for where WebAssembly is forbidden
  "everything-plain": async () => ({ results: await askEverything(slonn, "/model.slonn", await images(), ["js"]) }),
  "own-module": async () => {
    const module = await WebAssembly.compileStreaming(fetch("/kernels.wasm"));
    return askEverything(slonn, "/model.slonn", await images(), [], { module });
  },
  worker: async () => askWorker(worker, "/model.slonn", await images(), here("thread.js")),
  "own-worker": async () => askWorker(worker, "/model.slonn", await images()),
  "in-worker": async () => answerOf(new Worker(here("in-worker.js"))),
  "service-worker": async () => {
    const registration = await navigator.serviceWorker.register(here("service-worker.js"));
    await navigator.serviceWorker.ready;
    const { port1, port2 } = new MessageChannel();
    const answer = answerOf(port1);
    registration.active.postMessage(null, [port2]);
    return answer;
  },
  load: () => {
    const models = new URLSearchParams(location.search).getAll("model");
    return Promise.all(models.map((model) => slonn.loadModel(model).then(({ name }) => ({ name }), told)));
  },
  "no-worker": () =>
    Promise.all(
      ["nowhere.js", "wrong-type.slonn", "https://elsewhere.invalid/thread.js"].map((program) =>
        worker.createWorkerSession("/model.slonn", { worker: new URL(program, location.origin) }).catch(told),
      ),
    ),
  "two-models": async () => {
    const [a, b] = [await slonn.loadModel("/model.slonn"), tiny()];
    const sessions = [await slonn.createSession(a), await slonn.createSession(b)];
    const image = new Float32Array((await images()).slice(0, 4 * 784));
    const lengths = [sessions[0].run(image), sessions[1].run([1, 1]), sessions[0].run(image)].map(({ output }) => output.top(1)[0]);
    sessions[0].dispose();
    let disposed;
    try {
      sessions[0].run(image);
    } catch (error) {
      disposed = told(error);
    }
    return { lengths, disposed, still: sessions[1].run([1, 1]).output.top(1)[0] };
  },
};

function tiny() {
  const layer = {
    name: "one",
    inputs: 2,
    outputs: 1,
    weight: Float32Array.of(2, 3),
    bias: Float32Array.of(1),
    activation: "identity",
    alpha: 0,
  };
  return slonn.createModel("tiny", [layer]);
}

const tell = (result) => {
  const out = document.querySelector("#out");
  out.textContent = JSON.stringify(result);
  out.dataset.done = "";
};
asked[new URLSearchParams(location.search).get("ask")]().then(tell, (error) => tell({ failed: String(error), stack: error.stack }));
