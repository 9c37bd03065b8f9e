// A network calibrated on the rows held out for it, or what an earlier run left in build/models.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { calibrate } from "../src/calibrate/calibrate.ts";
import type { Model } from "../src/model/model.ts";
import { decodeModel, encodeModel } from "../src/model/slonn-file.ts";
import { type Network, projectPath } from "./networks.ts";

export interface CalibratedOptions {
  /** Calibrate even where an earlier run left a model. */
  fresh: boolean;
  log: (line: string) => void;
  /** Levels of one fixed setting only, none that grows; kept apart from the others. */
  fixed?: boolean;
}

export async function calibrated(network: Network, { fresh, log, fixed = false }: CalibratedOptions): Promise<Model> {
  const name = fixed ? `${network.name}-fixed` : network.name;
  const path = projectPath("build", "models", `${name}.slonn`);
  if (!fresh && existsSync(path)) return decodeModel(readFileSync(path), name);
  const started = performance.now();
  const { rows, labels } = network.heldOut;
  const model = await calibrate(network.model, { rows, labels, fitRows: network.fit, growing: !fixed, onProgress: showProgress(name) });
  log(`${name}: calibrated on ${rows.count} rows in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  mkdirSync(projectPath("build", "models"), { recursive: true });
  writeFileSync(path, encodeModel(model));
  return model;
}

function showProgress(name: string): (share: number, what: string) => void {
  if (!process.stderr.isTTY) return () => {};
  return (share, what) => process.stderr.write(`\r\x1b[K${share < 1 ? `${name}: ${what} ${Math.round(100 * share)} %` : ""}`);
}
