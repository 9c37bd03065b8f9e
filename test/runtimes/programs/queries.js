// The same queries wherever this runs: every image under every objective, first with the kernels a runtime takes by itself, then with
// each backend asked for. Plain data out, outputs as the bits of their floats. Knows no runtime and where nothing comes from.

const objectives = [undefined, { dense: true }, { exact: true }, { loss: 0.003 }, { loss: 0.02 }, { operations: 100_000 }, { nodes: 0.05 }];
const inputs = 784;

/** Whether WebAssembly here has relaxed SIMD: a function of one such instruction, i8x16.relaxed_swizzle. */
export function hasRelaxed() {
  const header = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0];
  return WebAssembly.validate(Uint8Array.from([...header, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11]));
}

/**
 * @param slonn the module
 * @param source of the model, anything loadModel takes
 * @param {ArrayBuffer} images floats, one image after the other
 * @param backends to ask for, beside the default
 */
export async function askEverything({ loadModel, createSession }, source, images, backends = ["simd", "js"], options = {}) {
  const model = await loadModel(source);
  const floats = new Float32Array(images);
  const results = {};
  for (const backend of ["default", ...backends]) {
    const session = await createSession(model, backend === "default" ? options : { backend });
    const answers = [];
    for (let at = 0; at < floats.length; at += inputs)
      for (const slo of objectives) {
        const { output, report } = session.run(floats.slice(at, at + inputs), slo);
        answers.push({
          bits: Array.from(new Uint32Array(output.data.slice().buffer)),
          macs: report.macs,
          nodes: report.nodes,
          level: report.plan.level,
        });
      }
    results[backend] = { backend: session.backend, reason: session.backendReason, answers };
    session.dispose();
  }
  return results;
}

/** The same image asked of a session in a Worker, with progress, an error and a signal. */
export async function askWorker({ createWorkerSession }, source, images, worker) {
  const image = () => new Float32Array(images.slice(0, 4 * inputs));
  let progress = 0;
  const session = await createWorkerSession(source, { worker, onProgress: () => progress++ });
  const first = await session.run(image(), { loss: 0.003 });
  const many = await Promise.all(Array.from({ length: 20 }, () => session.run(image(), { dense: true }, { transfer: true })));
  const bad = await session.run([1]).catch(({ name, code }) => `${name} ${code}`);
  const controller = new AbortController();
  const stopped = session.run(image(), { dense: true, signal: controller.signal }).catch(({ code }) => code);
  controller.abort();
  const result = { backend: session.backend, progress: progress > 0, bad, stopped: await stopped };
  session.dispose();
  const late = await session.run(image()).catch(({ code }) => code);
  return {
    ...result,
    late,
    closed: await session.closed,
    bits: [first, ...many].map(({ output }) => Array.from(new Uint32Array(output.data.slice().buffer))),
    macs: first.report.macs,
  };
}
