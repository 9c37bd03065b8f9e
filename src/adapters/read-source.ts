// Reading bytes from wherever a runtime keeps them: the network, a file, a stream, memory. It knows nothing of what they mean.

import { checkSignal, messageOf, refusal, SlonnError, throwIfAborted } from "../errors.ts";
import type { ByteReader } from "../model/byte-reader.ts";
import { checkFunction, show } from "../quoted.ts";
import { builtin } from "./builtin.ts";

/** Where a model may come from. A string is a path where the runtime has files and the string is not an http(s), data or blob URL. */
export type Source = string | URL | Response | Blob | ArrayBuffer | ArrayBufferView | ReadableStream<Uint8Array>;

/** Cancelling a read, and hearing how far it is. */
export interface ReadOptions {
  /** Stops the read, which then rejects with `aborted`. */
  signal?: AbortSignal | undefined;
  /** Called with the bytes read so far; `totalBytes` is null where the source does not say. */
  onProgress?: ((loadedBytes: number, totalBytes: number | null) => void) | undefined;
}

/**
 * A source to be read a piece at a time.
 * @throws SlonnError `unreadable` when it cannot be read (not found, refused, interrupted), `aborted`, `bad-input` for anything else.
 */
export async function openSource(source: Source, options: ReadOptions = {}): Promise<ByteReader> {
  const { signal, onProgress } = options;
  checkSignal(signal, "bad-option");
  if (onProgress != null) checkFunction("onProgress", onProgress);
  const { name, totalBytes, bytes, next, cancel } = await open(source, options);
  const announced = totalBytes ?? 0;
  let chunk = bytes;
  let loaded = bytes?.length ?? 0;
  const close = (): void => {
    signal?.removeEventListener("abort", close);
    cancel?.(signal?.reason);
  };
  if (bytes) onProgress?.(loaded, totalBytes);
  signal?.addEventListener("abort", close);

  /** The bytes that have arrived and were not taken. Where there are none it waits, for bytes in `room` if the source can fill it; undefined at the end. */
  const arrived = async (room?: Uint8Array): Promise<Uint8Array | undefined> => {
    while (!chunk?.length) {
      throwIfAborted(signal);
      try {
        chunk = await next?.(room);
      } catch (cause) {
        throw unreadable(name, cause);
      } finally {
        throwIfAborted(signal);
      }
      if (chunk === undefined) {
        if (loaded < announced) throw refusal("unreadable", name, `${loaded} bytes`, announced);
        break;
      }
      // by its tag, as the class may be another realm's
      if (chunk?.[Symbol.toStringTag] !== "Uint8Array") throw refusal("bad-input", name, `a chunk of ${typeof chunk}`, "Uint8Array");
      loaded += chunk.length;
      onProgress?.(loaded, loaded > announced ? null : totalBytes);
    }
    return chunk;
  };

  return {
    name,
    // a response that was compressed on the way may announce its compressed length, and across origins its headers do not tell
    totalBytes: cancel ? null : totalBytes,
    crc32: builtin<{ crc32?: ByteReader["crc32"] }>("node:zlib")?.crc32,
    async take(count, into) {
      let taken = into;
      for (let at = 0; at < count; ) {
        const piece = (await arrived(taken?.subarray(at)))?.subarray(0, count - at);
        if (!piece) throw refusal("bad-file", name, `${loaded} bytes`, `at least ${loaded + count - at}`);
        chunk = chunk?.subarray(piece.length);
        // what is in memory stays where it is
        if (bytes && piece.length === count) return piece;
        taken ??= bytesOf(name, count);
        if (piece.buffer !== taken.buffer) taken.set(piece, at);
        at += piece.length;
      }
      return taken ?? new Uint8Array(0);
    },
    async some() {
      const piece = await arrived();
      chunk = undefined;
      // what is in memory stays where it is, a chunk may be written over by the next; a Buffer's own `slice` copies nothing
      return bytes ? piece : piece && new Uint8Array(piece);
    },
    async end() {
      const left = await arrived();
      close();
      if (left) throw refusal("bad-file", name, `${loaded} bytes`, loaded - left.length);
    },
    close,
  };
}

/**
 * All of a source that was just opened, then closes it; what is in memory stays where it is.
 * @throws SlonnError `unreadable` when the source breaks off or there is no memory for it, `aborted`
 */
export async function readAll({ name, some, close }: ByteReader): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let loaded = 0;
  try {
    for (let piece = await some(); piece; piece = await some()) {
      pieces.push(piece);
      loaded += piece.length;
    }
  } finally {
    close();
  }
  if (pieces.length === 1) return pieces[0];
  const all = bytesOf(name, loaded);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/**
 * So many bytes, or a view of those there are.
 * @throws SlonnError `unreadable` where there is no memory for them, or they were handed to another thread
 */
function bytesOf(name: string, from: number | ArrayBufferLike, at?: number, count?: number): Uint8Array {
  try {
    return new Uint8Array(from as ArrayBuffer, at, count);
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

interface Opened {
  name: string;
  /** Null where the source does not say. */
  totalBytes: number | null;
  /** All of them, where they are in memory. */
  bytes?: Uint8Array;
  /** The next chunk, in `room` if the source can fill it and it is large; undefined at the end. It may be the last chunk's array with other bytes. */
  next?: (room?: Uint8Array) => Promise<Uint8Array | undefined>;
  /** Lets the source go; a `next` that waits ends. */
  cancel?: (reason: unknown) => void;
}

const inMemory = (name: string, bytes: Uint8Array): Opened => ({ name, totalBytes: bytes.length, bytes });

async function open(source: Source, options: ReadOptions): Promise<Opened> {
  // another realm's too
  const { buffer = source, byteOffset, byteLength } = (source ?? {}) as Partial<ArrayBufferView>;
  if (byteLength !== undefined) return inMemory("bytes", bytesOf("bytes", buffer as ArrayBuffer, byteOffset, byteLength));
  if (typeof source === "string" || source instanceof URL) return openLocation(source, options);
  if (source instanceof Response) return openResponse(source.url || "response", source);
  if (source instanceof Blob) {
    return inStream((source as Partial<File>).name ?? "blob", source.size, source.stream());
  }
  if (source instanceof ReadableStream) return inStream("stream", null, source);
  throw refusal("bad-input", "model source", show(source), "a URL, path, Response, Blob, bytes or ReadableStream");
}

async function openLocation(location: string | URL, { signal }: ReadOptions): Promise<Opened> {
  const name = String(location);
  const files = builtin<FileSystem>("node:fs/promises");
  const isPath = typeof location === "string" && !/^(https?|data|blob|file):/i.test(name);
  try {
    if (files && (isPath || /^file:/i.test(name))) return await openFile(files, name, isPath ? name : new URL(name), signal);
    return await openResponse(name, await fetch(location, { signal } as RequestInit));
  } catch (cause) {
    throwIfAborted(signal);
    throw cause instanceof SlonnError ? cause : unreadable(name, cause);
  }
}

/** Bytes of a file read at once; 64 times as many where there is room for them. */
const fileChunkBytes = 1 << 18;

/** The file is open while a chunk is read, not between: who never reads to its end leaves nothing open. */
async function openFile(files: FileSystem, name: string, path: string | URL, signal?: AbortSignal): Promise<Opened> {
  const { size } = await files.stat(path);
  // pipes and devices have no size, nor places to read at
  if (size === 0) {
    const stream = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(await files.readFile(path, { signal }));
        controller.close();
      },
      // opening a pipe that nobody writes to blocks a thread, and with it the end of the program, until someone else opens it
      cancel: async () => (await files.open(path, "r+")).close(),
    });
    return inStream(name, null, stream);
  }
  const buffer = new Uint8Array(Math.min(size, fileChunkBytes));
  let at = 0;
  const next = async (room: Uint8Array = buffer): Promise<Uint8Array | undefined> => {
    const into = room.length < buffer.length ? buffer : room.subarray(0, 64 * fileChunkBytes);
    const file = await files.open(path);
    const { bytesRead } = await file.read(into, 0, into.length, at).finally(() => file.close());
    at += bytesRead;
    return bytesRead > 0 ? into.subarray(0, bytesRead) : undefined;
  };
  return { name, totalBytes: size, next };
}

async function openResponse(name: string, response: Response): Promise<Opened> {
  const { ok, status, headers, body } = response;
  if (!ok || headers.get("content-type")?.includes("text/html")) {
    // what nobody reads would keep the connection
    body?.cancel().catch(() => {});
    throw refusal("unreadable", name, ok ? "an HTML page" : `status ${status}`, ok ? "a model file" : "200");
  }
  if (!body) return inMemory(name, new Uint8Array(await response.arrayBuffer()));
  // a compressed transfer announces the compressed length, which says nothing of the bytes to come
  const length = headers.has("content-encoding") ? null : headers.get("content-length");
  return inStream(name, Number(length) || null, body);
}

function inStream(name: string, totalBytes: number | null, stream: ReadableStream<Uint8Array>): Opened {
  try {
    const reader = stream.getReader();
    return {
      name,
      totalBytes,
      next: async () => (await reader.read()).value,
      cancel: (reason) => void reader.cancel(reason).catch(() => {}),
    };
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

interface FileSystem {
  stat(path: string | URL): Promise<{ size: number }>;
  readFile(path: string | URL, options: { signal: AbortSignal | undefined }): Promise<Uint8Array>;
  open(
    path: string | URL,
    flags?: string,
  ): Promise<{
    read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
    close(): Promise<void>;
  }>;
}

function unreadable(name: string, cause: unknown): SlonnError {
  const why = (cause as { code?: string } | null)?.code ?? messageOf(cause);
  return new SlonnError("unreadable", `${name}: could not be read (${why})`, { cause });
}
