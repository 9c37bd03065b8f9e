// For runtimes with Node's files: asks everything, and a Worker, and prints the answers.

import { readFileSync } from "node:fs";
import * as slonn from "slonn";
import * as worker from "slonn/worker";
import { askEverything, askWorker } from "./queries.js";

const images = new Uint8Array(readFileSync("images.bin")).buffer;
const results = await askEverything(slonn, "model.slonn", images, ["simd", "js"]);
console.log(JSON.stringify({ results, worker: await askWorker(worker, "model.slonn", images) }));
