// Loading a .slonn model from any source: whole, or with the weights left in their stream for the session they are for.

import type { Model, StreamedModel } from "../model/model.ts";
import { decodeModelFrom } from "../model/slonn-file.ts";
import { checkNames } from "../option-names.ts";
import { openSource, type ReadOptions, type Source } from "./read-source.ts";

/** How a model is read. */
export interface LoadModelOptions extends ReadOptions {
  /**
   * Leaves the large weights in the source. `createSession` reads them, once, straight into the session's memory, so that they are never
   * held twice; `signal` and `onProgress` go on meanwhile. What can be wrong with them or with the source then rejects `createSession`.
   */
  stream?: boolean | undefined;
}

const optionNames: Record<keyof LoadModelOptions, true> = { signal: true, onProgress: true, stream: true };

/**
 * Loads a `.slonn` model, with `stream: true` leaving its large weights in the source. Other formats: `slonn/import`.
 * @param source bytes are not copied where their alignment allows, so they must not be changed afterwards
 * @throws (rejects) SlonnError `bad-option`, `bad-input` for what is no source, `unreadable`, `aborted`, or what reading the file finds: `bad-file`,
 * `checksum`, `unsupported`, `bad-model`.
 */
export function loadModel(source: Source, options: LoadModelOptions & { stream: true }): Promise<StreamedModel>;
export function loadModel(source: Source, options?: LoadModelOptions & { stream?: false | undefined }): Promise<Model>;
export function loadModel(source: Source, options?: LoadModelOptions): Promise<Model | StreamedModel>;
export async function loadModel(source: Source, options: LoadModelOptions = {}): Promise<Model | StreamedModel> {
  checkNames("loadModel", options, optionNames);
  return decodeModelFrom(await openSource(source, options), options.stream ?? false);
}
