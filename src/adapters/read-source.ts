// Reading bytes from wherever a runtime keeps them: the network, a file, a stream, memory. It knows nothing of what they mean.

import { refusal, SlonnError, throwIfAborted } from "../errors.ts";

/** Where a model may come from. A string is a path where the runtime has files and the string is not an http(s), data or blob URL. */
export type Source = string | URL | Response | Blob | ArrayBuffer | ArrayBufferView | ReadableStream<Uint8Array>;

export interface ReadOptions {
  signal?: AbortSignal;
  /** `total` is null where the source does not say how long it is. */
  onProgress?: (loadedBytes: number, totalBytes: number | null) => void;
}

/**
 * All bytes of a source, and a name for messages.
 * @throws SlonnError `unreadable` when it cannot be read (not found, refused, interrupted), `aborted`, `bad-input` for anything else.
 */
export async function readSource(source: Source, options: ReadOptions = {}): Promise<{ name: string; bytes: Uint8Array }> {
  throwIfAborted(options.signal);
  if (source instanceof ArrayBuffer) return { name: "bytes", bytes: new Uint8Array(source) };
  if (ArrayBuffer.isView(source)) return { name: "bytes", bytes: new Uint8Array(source.buffer, source.byteOffset, source.byteLength) };
  if (typeof source === "string" || source instanceof URL) return readLocation(source, options);
  if (typeof Response !== "undefined" && source instanceof Response) return readResponse(source.url || "response", source, options);
  if (typeof Blob !== "undefined" && source instanceof Blob) {
    const name = "name" in source && typeof source.name === "string" ? source.name : "blob";
    return { name, bytes: await readStream(name, source.stream(), source.size, options) };
  }
  if (typeof ReadableStream !== "undefined" && source instanceof ReadableStream)
    return { name: "stream", bytes: await readStream("stream", source, null, options) };
  throw refusal("bad-input", "model source", typeof source, "a URL, path, Response, Blob, bytes or ReadableStream");
}

async function readLocation(location: string | URL, options: ReadOptions): Promise<{ name: string; bytes: Uint8Array }> {
  const text = String(location);
  const files = fileSystem();
  const isPath = typeof location === "string" ? !/^(https?|data|blob|file):/i.test(text) : false;
  if (files && (isPath || /^file:/i.test(text))) {
    try {
      const bytes = await files.readFile(isPath ? text : new URL(text), options.signal ? { signal: options.signal } : {});
      options.onProgress?.(bytes.byteLength, bytes.byteLength);
      return { name: text, bytes };
    } catch (cause) {
      throwIfAborted(options.signal);
      throw unreadable(text, cause);
    }
  }
  let response: Response;
  try {
    response = await fetch(location, options.signal ? { signal: options.signal } : {});
  } catch (cause) {
    throwIfAborted(options.signal);
    throw unreadable(text, cause);
  }
  return readResponse(text, response, options);
}

async function readResponse(name: string, response: Response, options: ReadOptions): Promise<{ name: string; bytes: Uint8Array }> {
  if (!response.ok) throw refusal("unreadable", name, `status ${response.status}`, "200");
  const type = response.headers.get("content-type") ?? "";
  if (type.includes("text/html")) throw refusal("unreadable", name, "an HTML page", "a model file");
  // a compressed transfer announces the compressed length, which says nothing of the bytes to come
  const length = response.headers.has("content-encoding") ? Number.NaN : Number(response.headers.get("content-length") ?? Number.NaN);
  if (!response.body) return { name, bytes: new Uint8Array(await response.arrayBuffer()) };
  return { name, bytes: await readStream(name, response.body, Number.isFinite(length) ? length : null, options) };
}

async function readStream(
  name: string,
  stream: ReadableStream<Uint8Array>,
  total: number | null,
  { signal, onProgress }: ReadOptions,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  let reader: ReadableStreamDefaultReader<Uint8Array>;
  try {
    reader = stream.getReader();
  } catch (cause) {
    throw unreadable(name, cause);
  }
  const cancel = (): void => void reader.cancel(signal?.reason).catch(() => {});
  const read = async (): Promise<ReadableStreamReadResult<Uint8Array>> => {
    try {
      return await reader.read();
    } catch (cause) {
      throwIfAborted(signal);
      throw unreadable(name, cause);
    }
  };
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    while (true) {
      const { done, value } = await read();
      throwIfAborted(signal);
      if (done) break;
      if (!(value instanceof Uint8Array)) throw refusal("bad-input", name, `a chunk of ${typeof value}`, "Uint8Array");
      chunks.push(value);
      loaded += value.byteLength;
      onProgress?.(loaded, total);
    }
  } catch (cause) {
    cancel();
    throw cause;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
  if (total !== null && loaded < total) throw refusal("unreadable", name, `${loaded} bytes`, total);
  if (chunks.length === 1) return chunks[0];
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

interface FileSystem {
  readFile(path: string | URL, options: { signal?: AbortSignal }): Promise<Uint8Array>;
}

/** The runtime's files, reached without an import so that bundles for other runtimes do not need one. */
function fileSystem(): FileSystem | null {
  const host = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
  return (host?.getBuiltinModule?.("node:fs/promises") as FileSystem | undefined) ?? null;
}

function unreadable(name: string, cause: unknown): SlonnError {
  const why = cause instanceof Error ? ((cause as { code?: string }).code ?? cause.message) : String(cause);
  return new SlonnError("unreadable", `${name}: could not be read (${why})`, { cause });
}
