// Runs every model named in inputs.json with ONNX Runtime, row by row, and writes outputs.json. onnxruntime-node (1.30.0 made the
// committed answers) is not a dependency: give the folder it is installed in. Usage: node run-onnxruntime.js <folder with node_modules>
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const ort = createRequire(`${resolve(process.argv[2])}/package.json`)("onnxruntime-node");
const here = new URL(".", import.meta.url);
const outputs = {};
for (const [name, { shape, rows, type = "float32" }] of Object.entries(JSON.parse(readFileSync(new URL("inputs.json", here))))) {
  const session = await ort.InferenceSession.create(new URL(`${name}.onnx`, here).pathname, { graphOptimizationLevel: "disabled" });
  outputs[name] = [];
  for (const row of rows) {
    const data = type === "uint8" ? Uint8Array.from(row) : Float32Array.from(row);
    const answer = await session.run({ [session.inputNames[0]]: new ort.Tensor(type, data, [1, ...shape]) });
    outputs[name].push(Array.from(answer[session.outputNames[0]].data));
  }
}
writeFileSync(new URL("outputs.json", here), `${JSON.stringify(outputs)}\n`);
