// Loading a .slonn model from any source.

import type { Model } from "../model/model.ts";
import { decodeModel } from "../model/slonn-file.ts";
import { type ReadOptions, readSource, type Source } from "./read-source.ts";

/**
 * Loads a `.slonn` model. Other formats: `slonn/import`.
 * @throws SlonnError `unreadable`, `aborted`, or what reading the file finds: `bad-file`, `checksum`, `unsupported`, `bad-model`.
 */
export async function loadModel(source: Source, options: ReadOptions = {}): Promise<Model> {
  const { name, bytes } = await readSource(source, options);
  return decodeModel(bytes, name);
}
