// The files that code in the README and the guides finds beside it: a small network in the formats people come with, rows, labels.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeOnnx } from "../../bench/peers/write-onnx.ts";
import { calibrate } from "../../src/calibrate/calibrate.ts";
import { writeNpy } from "../../src/cli/data/npy.ts";
import type { Labels } from "../../src/model/rows.ts";
import { encodeModel } from "../../src/model/slonn-file.ts";
import { transposed } from "../../src/model/transposed.ts";
import { createSession } from "../../src/session/session.ts";
import { type FloatModel, madeUpModel, madeUpRows } from "../made-up-models.ts";

const widths = [6, 64, 10];
/** A promise of 0.3 points needs 2,155 at least. */
const counts = { "held-out": 2400, test: 300 };

/**
 * Writes `model.onnx`, `model.json` with its shard (TensorFlow.js), `model.slonn` (calibrated), per set of rows `<set>.npy` and
 * `<set>-labels.npy`, and `binary.onnx`, a classifier of one output, with `binary-labels.npy` for the held-out rows.
 */
export async function writeGuideFiles(folder: string): Promise<void> {
  const model = madeUpModel(widths, 1);
  writeFileSync(join(folder, "model.onnx"), writeOnnx(model));
  writeTfjs(folder, model);
  const session = await createSession(model);
  for (const [set, count] of Object.entries(counts)) {
    const rows = madeUpRows(count, widths[0], set.length);
    // right is what the network answers, but for one row in twelve
    const right = Uint32Array.from({ length: count }, (_, i) => {
      const { index } = session.run(rows.data.subarray(i * rows.width, (i + 1) * rows.width), { dense: true }).output.top(1)[0];
      return i % 12 === 5 ? (index + 1) % 10 : index;
    });
    writeFileSync(join(folder, `${set}.npy`), writeNpy(rows.data, [count, rows.width]));
    writeFileSync(join(folder, `${set}-labels.npy`), writeNpy(Float32Array.from(right), [count]));
    if (set !== "held-out") continue;
    const binary = madeUpModel([widths[0], 64, 1], 1, "relu", "sigmoid");
    writeFileSync(join(folder, "binary.onnx"), writeOnnx(binary));
    writeFileSync(
      join(folder, "binary-labels.npy"),
      writeNpy(
        Float32Array.from(right, (label) => label % 2),
        [count],
      ),
    );
    const labels: Labels = { kind: "class", count, classes: right };
    const calibrated = await calibrate(model, { rows, labels, cost: "macs" });
    writeFileSync(join(folder, "model.slonn"), encodeModel(calibrated));
  }
}

function writeTfjs(folder: string, { layers }: FloatModel): void {
  const kernels = layers.map(({ weight, inputs, outputs }) => transposed(weight, outputs, inputs));
  const parts = layers.flatMap(({ bias }, l) => [kernels[l], Float32Array.from(bias)]);
  const dense = (l: number): object => ({
    class_name: "Dense",
    config: {
      name: `dense_${l}`,
      units: layers[l].outputs,
      activation: l === layers.length - 1 ? "linear" : "relu",
      use_bias: true,
      ...(l === 0 ? { batch_input_shape: [null, layers[0].inputs] } : {}),
    },
  });
  const model = {
    format: "layers-model",
    modelTopology: {
      keras_version: "2.15.0",
      backend: "tensorflow",
      model_config: { class_name: "Sequential", config: { name: "sequential", layers: layers.map((_, l) => dense(l)) } },
    },
    weightsManifest: [
      {
        paths: ["group1-shard1of1.bin"],
        weights: layers.flatMap(({ inputs, outputs }, l) => [
          { name: `dense_${l}/kernel`, shape: [inputs, outputs], dtype: "float32" },
          { name: `dense_${l}/bias`, shape: [outputs], dtype: "float32" },
        ]),
      },
    ],
  };
  mkdirSync(join(folder, "tfjs"), { recursive: true });
  writeFileSync(join(folder, "tfjs", "model.json"), JSON.stringify(model));
  writeFileSync(join(folder, "tfjs", "group1-shard1of1.bin"), Buffer.concat(parts.map(({ buffer }) => new Uint8Array(buffer))));
}
