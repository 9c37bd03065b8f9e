// Writes mnist.slonn beside this file's source: the MNIST network, calibrated by counted work, so that it comes out the same wherever
// it is made. Weights are stored in 16 bits, which is how they were trained.
//
//   npm run playground:model

import { calibrate } from "../../src/calibrate/calibrate.ts";
import { writeBytes } from "../../src/cli/write-bytes.ts";
import { encodeModel } from "../../src/model/slonn-file.ts";
import { flagsOf } from "../flags.ts";
import { loadNetwork, projectPath } from "../networks.ts";
import { sayRefusals } from "../say-refusals.ts";

sayRefusals("playground:model");
flagsOf(import.meta.filename);
const { model, fit, heldOut } = await loadNetwork("mnist");
const calibrated = await calibrate(model, {
  rows: heldOut.rows,
  labels: heldOut.labels,
  fitRows: fit,
  cost: "macs",
  onProgress: (share, what) => process.stderr.write(`\r${Math.round(100 * share)} % ${what}\x1b[K`),
});
process.stderr.write("\n");
await writeBytes(projectPath("examples", "playground", "mnist.slonn"), encodeModel(calibrated, { half: true }));
