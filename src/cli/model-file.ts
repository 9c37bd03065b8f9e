// Loads a model from any file the user may name, with the files beside it that it refers to.

import { basename, dirname, isAbsolute, relative, resolve } from "node:path";
import { refusal } from "../errors.ts";
import { formatOf, importModel } from "../import/import.ts";
import type { Activation, Model } from "../model/model.ts";
import { quoted } from "../quoted.ts";
import type { Arguments } from "./arguments.ts";
import { readBytes } from "./read-bytes.ts";
import { checkPlace } from "./write-bytes.ts";

/**
 * Loads the model a command works on. A .slonn keeps the name it carries; anything else is named after its file.
 * @throws SlonnError as the importers, and `unreadable` where `--output` is a file the model refers to; UsageError for an empty name among the
 * activations
 */
export async function loadModelFile(args: Arguments): Promise<Model> {
  const activations = args.names("activations") as Activation[] | undefined;
  const output = args.text("output");
  const name = basename(args.file);
  const bytes = await readBytes(args.file);
  const read = async (part: string): Promise<Uint8Array> => {
    const path = besideModel(args.file, part);
    if (output !== undefined) await checkPlace(output, new Map([[name, path]]));
    return readBytes(path);
  };
  const model = await importModel({ name, bytes, read }, { activations });
  if (formatOf(name, bytes) === "slonn") return model;
  return { ...model, name: name.replace(/(?<=.)\.[a-z0-9]+$/i, "") };
}

/**
 * The path of a part the model refers to, such as a shard of weights.
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
