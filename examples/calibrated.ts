// A network calibrated on the rows held out for it, what an earlier run left of that in build/models, or as it came where it came
// calibrated.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { calibrate } from "../src/calibrate/calibrate.ts";
import { writeBytes } from "../src/cli/write-bytes.ts";
import type { Model } from "../src/model/model.ts";
import { decodeModel, encodeModel } from "../src/model/slonn-file.ts";
import { type Network, projectPath } from "./networks.ts";

export interface CalibratedOptions {
  /** Calibrate even where an earlier run left a model. */
  fresh: boolean;
  log: (line: string) => void;
  /** Levels of one fixed setting only, none that grows; kept apart from the others. */
  fixed?: boolean;
  /** With weights brought to eight bits under the same promise; kept apart too. */
  int8?: boolean;
  /** Promise this agreement with dense, whatever the labels say, instead of a loss of 0.003; kept apart too. */
  agreement?: number;
}

export async function calibrated(network: Network, options: CalibratedOptions): Promise<Model> {
  const { fresh, log, fixed = false, int8 = false, agreement } = options;
  const name = [network.name, fixed && "fixed", int8 && "int8", agreement && `agreement-${agreement}`].filter(Boolean).join("-");
  const path = projectPath("build", "models", `${name}.slonn`);
  if (!fresh && existsSync(path)) return decodeModel(readFileSync(path), name);
  // A model may come calibrated; on another machine, so that its times are not this one's.
  if (!fresh && name === network.name && network.model.calibration) return network.model;
  const started = performance.now();
  const { rows, labels } = network.heldOut;
  const model = await calibrate(network.model, {
    rows,
    labels: agreement === undefined ? labels : null,
    ...(agreement === undefined ? {} : { maxLoss: 1 - agreement }),
    fitRows: network.fit,
    growing: !fixed,
    ...(int8 ? { weights: "int8" } : {}),
    onProgress: showProgress(name),
  });
  log(`${name}: calibrated on ${rows.count} rows in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  mkdirSync(projectPath("build", "models"), { recursive: true });
  await writeBytes(path, encodeModel(model)); // whole or not at all, as a later run reads it
  return model;
}

function showProgress(name: string): (share: number, what: string) => void {
  if (!process.stderr.isTTY) return () => {};
  return (share, what) => process.stderr.write(`\r\x1b[K${share < 1 ? `${name}: ${what} ${Math.round(100 * share)} %` : ""}`);
}
