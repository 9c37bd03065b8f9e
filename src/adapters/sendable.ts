// What of a caller's arguments goes into a message, and which buffers are transferred with it: never more than a view shows, and no memory
// that others may use. It knows nothing of Workers.

import { refusal } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { copyOfView } from "../model/tensor.ts";
import { show } from "../quoted.ts";
import { changedParts, type QueryInput } from "../session/input-parts.ts";
import { builtin } from "./builtin.ts";
import { openSource, type ReadOptions, readAll, type Source } from "./read-source.ts";

/** What is posted, and the buffers that the caller gives away with it. */
export interface Sendable<Value> {
  value: Value;
  transfer: Transferable[];
}

/**
 * A model's source. Streams and responses are read here.
 * @param isTransferred whether bytes in memory may be handed over
 * @throws SlonnError what reading a source finds
 */
export async function sendableSource(
  source: Source | Model,
  isTransferred: boolean,
  options: ReadOptions,
): Promise<Sendable<Source | Model>> {
  if (typeof source === "string" || source instanceof URL) return { value: blobAt(source) ?? absolute(source), transfer: [] };
  if (typeof source === "object" && source !== null && ("layers" in source || source instanceof Blob))
    return { value: source, transfer: [] };
  const isStream = !(source instanceof ArrayBuffer || ArrayBuffer.isView(source));
  const bytes = await readAll(await openSource(source, options));
  const own = ownView(bytes);
  return { value: own, transfer: isStream || isTransferred || own !== bytes ? buffersOf([own]) : [] };
}

/** A query's input; what is none is sent as it is, and refused by the session. @param isTransferred whether its buffers may be handed over */
export function sendableInput(input: QueryInput, isTransferred: boolean): Sendable<QueryInput> {
  const given: ArrayBufferView[] = [];
  const own = (part: unknown): unknown => {
    // a DataView is no input, whatever it shows
    if (!ArrayBuffer.isView(part) || part instanceof DataView) return part;
    const view = ownView(part);
    if (isTransferred || view !== part) given.push(view);
    return view;
  };
  const value = changedParts(input, own);
  return { value, transfer: buffersOf(given) };
}

/** The view, or a copy where it shows less than its buffer: a message takes whole buffers along. Shared memory is shared. */
function ownView<View extends ArrayBufferView>(view: View): View {
  const isOwn = view.byteLength === view.buffer.byteLength || !(view.buffer instanceof ArrayBuffer);
  return isOwn ? view : copyOfView(view);
}

/** Each buffer once, except shared ones, which cannot be transferred, and empty ones: in Node, one transferred before would neither arrive nor be refused. */
function buffersOf(views: readonly ArrayBufferView[]): ArrayBuffer[] {
  return [...new Set(views.map(({ buffer }) => buffer))].filter(
    (buffer): buffer is ArrayBuffer => buffer instanceof ArrayBuffer && buffer.byteLength > 0,
  );
}

/** What a blob: URL stands for where the runtime tells; Node's Workers have no blobs but those of their own. */
function blobAt(location: string | URL): Blob | undefined {
  const { resolveObjectURL } = builtin<{ resolveObjectURL?(url: string): Blob | undefined }>("node:buffer") ?? {};
  return /^blob:/i.test(String(location)) ? resolveObjectURL?.(String(location)) : undefined;
}

/** A page's own base, which the Worker may not have. Where there are files, a relative path is one. */
function absolute(location: string | URL): string {
  const {
    document,
    location: here,
    process,
  } = globalThis as {
    document?: { baseURI: string };
    location?: { href: string };
    process?: { getBuiltinModule?: unknown };
  };
  const base = document?.baseURI ?? here?.href;
  if (process?.getBuiltinModule || base === undefined) return String(location);
  try {
    return new URL(location, base).href;
  } catch {
    // a Worker made of a blob has an address that nothing can be relative to
    throw refusal("unreadable", String(location), `no URL beside ${show(base)}`, "one");
  }
}
