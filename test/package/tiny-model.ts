// A tiny model and its rows as files, for programs that run outside the test process.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeNpy } from "../../src/cli/data/npy.ts";
import { encodeModel } from "../../src/model/slonn-file.ts";
import { madeUpModel, madeUpRows } from "../made-up-models.ts";

/** Writes `model.slonn` (6-32-10) and `inputs.npy` (20 rows) into a folder. */
export function writeTinyModel(folder: string): void {
  writeFileSync(join(folder, "model.slonn"), encodeModel(madeUpModel([6, 32, 10], 1)));
  writeFileSync(join(folder, "inputs.npy"), writeNpy(madeUpRows(20, 6, 2).data, [20, 6]));
}
