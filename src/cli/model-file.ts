// A model from any file the user may name, with the files beside it that it asks for.

import { basename, dirname, isAbsolute, relative, resolve } from "node:path";
import { refusal } from "../errors.ts";
import { formatOf, importModel } from "../import/import.ts";
import type { Activation, Model } from "../model/model.ts";
import { quoted } from "../model/quoted.ts";
import { readBytes } from "./read-bytes.ts";

/**
 * Loads a model. A .slonn keeps the name it carries; anything else is called after its file.
 * @param activations text of `--activations`: names joined by commas.
 * @throws SlonnError as the importers do.
 */
export async function loadModelFile(path: string, activations?: string): Promise<Model> {
  const bytes = await readBytes(path);
  const source = { name: basename(path), bytes, read: (part: string) => readBytes(besideModel(path, part)) };
  const model = await importModel(
    source,
    activations === undefined ? {} : { activations: activations.split(",").map((name) => name.trim()) as Activation[] },
  );
  if (formatOf(source.name, bytes) === "slonn") return model;
  return { ...model, name: source.name.replace(/(?<=.)\.[a-z0-9]+$/i, "") };
}

/**
 * Where a part the model names (a weight shard) lies.
 * @throws SlonnError `bad-file` where that is not inside the model's own directory.
 */
export function besideModel(modelPath: string, part: string): string {
  const directory = resolve(dirname(modelPath));
  const path = resolve(directory, part);
  const within = relative(directory, path);
  if (part.includes("\0") || isAbsolute(part) || isAbsolute(within) || within === "" || /^\.\.(?:$|[\\/])/.test(within))
    throw refusal("bad-file", modelPath, `a part at ${quoted(part)}`, "it inside the model's directory");
  return path;
}
