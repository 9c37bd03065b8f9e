// What a page in a browser runs for the evaluation: several engines answer the same rows in turns. The bench bundles it, hands it a plan
// and reads what it found.

import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import * as ort from "onnxruntime-web/wasm";
import { createSession, loadModel } from "slonn";

const bytesOf = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
const floatsOf = async (path) => new Float32Array((await bytesOf(path)).buffer);

const engines = {
  async slonn({ slos, outputs }) {
    const session = await createSession(await loadModel(await bytesOf("/model.slonn")));
    return slos.map(([name, slo]) => {
      const out = new Float32Array(outputs);
      return {
        name,
        run(row) {
          session.runInto(row, out, slo);
          return out;
        },
      };
    });
  },
  async "onnxruntime-web"({ width }) {
    Object.assign(ort.env.wasm, { numThreads: 1, wasmPaths: new URL("/ort/", location.href).href });
    const session = await ort.InferenceSession.create(await bytesOf("/model.onnx"));
    const data = new Float32Array(width);
    const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", data, [1, width]) };
    const [output] = session.outputNames;
    const run = async (row) => {
      data.set(row);
      return (await session.run(feeds))[output].data;
    };
    return [{ name: "onnxruntime-web", run }];
  },
  async "tfjs-backend-wasm"({ layers }) {
    setWasmPaths("/tfjs/");
    setThreadsCount(1);
    await tf.setBackend("wasm");
    const weights = await floatsOf("/weights.bin");
    let at = 0;
    const take = (shape) => {
      const count = shape.reduce((a, b) => a * b, 1);
      at += count;
      return tf.tensor(weights.slice(at - count, at), shape);
    };
    const parts = layers.map(({ inputs, outputs, activation }) => ({
      b: take([inputs, outputs]),
      bias: take([outputs]),
      activation: activation === "identity" ? "linear" : activation,
    }));
    const run = (row) => {
      const y = tf.tidy(() => {
        let x = tf.tensor2d(row, [1, row.length]);
        for (const part of parts) x = tf.fused.matMul({ a: x, ...part });
        return x;
      });
      const output = y.dataSync();
      y.dispose();
      return output;
    };
    return [{ name: "tfjs-backend-wasm", run }];
  },
  async "LiteRT.js"({ width }) {
    await loadLiteRt("/litert/");
    const model = await loadAndCompile(await bytesOf("/model.tflite"), { accelerator: "wasm", cpuOptions: { numThreads: 1 } });
    const run = async (row) => {
      const input = new Tensor(row, [1, width]);
      const [output] = await model.run([input]);
      const answer = output.toTypedArray();
      input.delete();
      output.delete();
      return answer;
    };
    return [{ name: "LiteRT.js", run }];
  },
};

/** Contenders by name, and why any is missing. */
let contenders = [];

/** How far each contender's outputs are from those expected at most, as a share of the largest; or what kept it from answering. */
globalThis.prepare = async (plan) => {
  const rows = await floatsOf("/rows.bin");
  const inputs = Array.from({ length: rows.length / plan.width }, (_, r) => rows.slice(r * plan.width, (r + 1) * plan.width));
  const expected = await floatsOf("/expected.bin");
  const found = [];
  for (const [name, create] of Object.entries(engines))
    try {
      for (const one of await create(plan)) {
        let [off, agreed] = [0, 0];
        for (const [r, input] of inputs.entries()) {
          const want = expected.subarray(r * plan.outputs, (r + 1) * plan.outputs);
          const got = Array.from(await one.run(input));
          const scale = Math.max(...want.map(Math.abs));
          off = Math.max(off, ...got.map((value, o) => Math.abs(value - want[o]) / scale));
          if (got.indexOf(Math.max(...got)) === want.indexOf(Math.max(...want))) agreed++;
        }
        contenders.push({ ...one, inputs });
        found.push({ name: one.name, off, agreement: agreed / inputs.length, failed: null });
      }
    } catch (error) {
      found.push({ name, off: null, agreement: null, failed: String(error?.message ?? error).split("\n")[0] });
    }
  return found;
};

/** Microseconds a query of every block, by contender. */
globalThis.raceBlocks = async (names, { rounds, count, settle }) => {
  contenders = contenders.filter(({ name }) => names.includes(name));
  const times = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  for (let round = -2; round < rounds; round++)
    for (let i = 0; i < contenders.length; i++) {
      const { name, run, inputs } = contenders[(i + round + 2) % contenders.length];
      const ask = async (from, many) => {
        for (let q = from; q < from + many; q++) {
          const answer = run(inputs[q % inputs.length]);
          if (answer instanceof Promise) await answer;
        }
      };
      // on the rows before the counted ones, whose nodes would else be warm already
      await ask(inputs.length - settle, settle);
      const began = performance.now();
      await ask(0, count);
      if (round >= 0) times[name].push((1000 * (performance.now() - began)) / count);
    }
  return times;
};
globalThis.isReady = true;
