// The inputs and labels a command was given, checked against its model.

import { refusal } from "../errors.ts";
import type { Model } from "../model/model.ts";
import type { Labels, Rows } from "../model/rows.ts";
import { twoOutputs } from "../model/two-classes.ts";
import type { Arguments } from "./arguments.ts";
import { readInputs, readLabels } from "./data/data.ts";

/** @throws SlonnError as the readers do, and where the files do not fit the model. */
export async function readModelData(args: Arguments, model: Model): Promise<{ rows: Rows; labels: Labels | null }> {
  const path = args.required("data");
  const scale = args.number("scale", 1);
  const { inputs } = model.layers[0];
  const { outputs } = model.layers[model.layers.length - 1];
  const rows = await readInputs(path, { scale, width: inputs });
  const labelsPath = args.text("labels");
  if (labelsPath === undefined) return { rows, labels: null };
  if (outputs < 2) throw refusal("bad-input", labelsPath, "labels for a model of 1 output", twoOutputs);
  return { rows, labels: await readLabels(labelsPath, rows.count, outputs) };
}

/** The files beside the model that a command was given to read, by flag. */
export function dataFiles(args: Arguments): Map<string, string> {
  const files = new Map<string, string>();
  for (const flag of ["data", "labels", "fit-data", "latency-profile"]) {
    const path = args.text(flag);
    if (path !== undefined) files.set(`--${flag}`, path);
  }
  return files;
}
