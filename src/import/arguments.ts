// What every importer is handed: the bytes of a file, and options that name the model.

import { refusal } from "../errors.ts";
import { checkNames } from "../option-names.ts";
import { show } from "../quoted.ts";

/** A Uint8Array or an ArrayBuffer, of whichever window or context, as bytes; null for anything else. */
export function asBytes(value: unknown): Uint8Array | null {
  const kind = Object.prototype.toString.call(value);
  if (ArrayBuffer.isView(value) && kind === "[object Uint8Array]") return value as Uint8Array;
  return kind === "[object ArrayBuffer]" ? new Uint8Array(value as ArrayBuffer) : null;
}

/**
 * Checks the arguments of one format's importer.
 * @param known the options it takes, `name` among them.
 * @returns the file's bytes.
 * @throws SlonnError `bad-option` for content that is no bytes, options nobody knows, and a name that is no text.
 */
export function checkArguments(importer: string, content: unknown, options: unknown, known: Record<string, true>): Uint8Array {
  const bytes = asBytes(content);
  if (!bytes) throw refusal("bad-option", importer, show(content), "a Uint8Array");
  checkNames(importer, options, known);
  const { name } = options as { name?: unknown };
  if (typeof name !== "string") throw refusal("bad-option", importer, `${show(name)} as name`, "text");
  return bytes;
}
