import { execFileSync, spawn } from "node:child_process";
import { getEventListeners, once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadModel } from "../../src/adapters/load-model.ts";
import { openSource, type ReadOptions, readAll, type Source } from "../../src/adapters/read-source.ts";
import { encodeModel } from "../../src/model/slonn-file.ts";
import { madeUpModel } from "../made-up-models.ts";

const content = Uint8Array.from({ length: 3000 }, (_, i) => i % 251);
const chunks = [content.slice(0, 1000), content.slice(1000, 1001), content.slice(1001)];

function stream(parts: readonly unknown[] = chunks, end?: Error): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      if (next < parts.length) controller.enqueue(parts[next++] as Uint8Array);
      else if (end) controller.error(end);
      else controller.close();
    },
  });
}

test("the runtime's own CRC-32 comes along, where there is one", async () => {
  expect((await openSource(content)).crc32?.(content)).toBe(crc32(content));
});

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "slonn-"));
  path = join(folder, "a file.slonn");
  writeFileSync(path, content);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** All bytes of a source, taken as they come. */
async function readSource(source: Source, options: ReadOptions = {}): Promise<{ name: string; bytes: Uint8Array }> {
  const reader = await openSource(source, options);
  const taken: Uint8Array[] = [];
  try {
    for (let left = reader.totalBytes ?? Number.POSITIVE_INFINITY; left > 0; left--) taken.push((await reader.take(1)).slice());
    await reader.end();
  } catch (error) {
    reader.close();
    // a source that does not say how long it is ends where it ends
    if (reader.totalBytes !== null || (error as { code?: string }).code !== "bad-file") throw error;
  }
  return { name: reader.name, bytes: Buffer.concat(taken) };
}

describe("read to its end", () => {
  test("a source gives all its bytes, once; memory stays where it is", async () => {
    expect(await readAll(await openSource(content))).toEqual(content);
    expect((await readAll(await openSource(content))).buffer).toBe(content.buffer);
    expect(await readAll(await openSource(stream()))).toEqual(content);
    expect(await readAll(await openSource(path))).toEqual(content);
    expect(await readAll(await openSource(stream([])))).toEqual(new Uint8Array(0));
  });

  test("chunks that share a Buffer of Node's, whose own slice copies nothing, are kept as they came", async () => {
    const room = Buffer.alloc(1000);
    let at = 0;
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (at === content.length) return controller.close();
          room.set(content.subarray(at, (at += 1000)));
          controller.enqueue(room);
        },
      },
      { highWaterMark: 0 },
    );
    expect(await readAll(await openSource(source))).toEqual(content);
  });

  test("a source that breaks off is refused", async () => {
    const short = new Response(stream(chunks.slice(0, 2)), { headers: { "content-length": "3000" } });
    await expect(readAll(await openSource(short))).rejects.toMatchObject({
      code: "unreadable",
      message: expect.stringContaining("got 1001 bytes, expected 3000"),
    });
    const broken = await openSource(stream(chunks.slice(0, 2), new Error("cut")));
    await expect(readAll(broken)).rejects.toMatchObject({ code: "unreadable" });
  });

  test("lets the source and the signal go, whatever ended it", async () => {
    const { signal } = new AbortController();
    const onProgress = (): void => {
      throw new RangeError("mine");
    };
    let cancelled = 0;
    const source = (chunk: unknown): ReadableStream<Uint8Array> =>
      new ReadableStream({ pull: (c) => c.enqueue(chunk as Uint8Array), cancel: () => void cancelled++ });
    await expect(openSource(source(content), { signal, onProgress }).then(readAll)).rejects.toThrow(RangeError);
    await expect(openSource(source("text"), { signal }).then(readAll)).rejects.toMatchObject({ code: "bad-input" });
    expect(cancelled).toBe(2);
    await expect(openSource(content, { signal, onProgress })).rejects.toThrow(RangeError);
    await readAll(await openSource(content, { signal }));
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

const refuse = (source: unknown, code: string, message: RegExp, options?: ReadOptions) =>
  expect(readSource(source as Source, options)).rejects.toMatchObject({
    name: "SlonnError",
    code,
    message: expect.stringMatching(message),
  });

describe("reads", () => {
  const sources: [string, () => Source, string][] = [
    ["bytes", () => content, "bytes"],
    ["an ArrayBuffer", () => content.buffer.slice(0), "bytes"],
    ["part of a buffer", () => new Uint8Array([9, 9, ...content, 9]).subarray(2, 3002), "bytes"],
    ["a DataView", () => new DataView(content.buffer), "bytes"],
    ["a Blob", () => new Blob([content]), "blob"],
    ["a File", () => new File([content], "picked.slonn"), "picked.slonn"],
    ["a Response", () => new Response(content), "response"],
    ["a streamed Response", () => new Response(stream()), "response"],
    ["a ReadableStream", () => stream(), "stream"],
    ["a path", () => path, ""],
    ["a file URL", () => pathToFileURL(path), ""],
    ["a file URL as text", () => pathToFileURL(path).href, ""],
    ["a data URL", () => `data:application/octet-stream;base64,${Buffer.from(content).toString("base64")}`, ""],
  ];
  test.each(sources)("%s", async (_, source, name) => {
    const given = source();
    const read = await readSource(given);
    expect(Buffer.compare(read.bytes, content)).toBe(0);
    expect(read.name).toBe(name || String(given));
  });

  test("a large file in takes of any size, into room of the caller's too", async () => {
    const large = Uint8Array.from({ length: 1_500_001 }, (_, i) => (i * i) % 251);
    const file = join(folder, "large.slonn");
    writeFileSync(file, large);
    const reader = await openSource(file);
    const room = new Uint8Array(700_000).subarray(100_000);
    const taken = [await reader.take(8), await reader.take(600_000, room), await reader.take(100), await reader.take(899_893)];
    expect(taken[1].buffer).toBe(room.buffer);
    expect((await (await openSource(large)).take(600_000, room)).buffer).toBe(large.buffer);
    expect(Buffer.compare(await readAll(await openSource(file)), large)).toBe(0);
    expect(Buffer.compare(Buffer.concat(taken), large)).toBe(0);
    await reader.end();
    const short = await openSource(file);
    await expect(short.take(1_500_002)).rejects.toMatchObject({ code: "bad-file", message: expect.stringContaining("got 1500001 bytes") });
  });

  // another page's, as of a frame; or Node's, where a test environment has classes of the same names
  test("bytes whose classes are another realm's", async () => {
    const theirs: Uint8Array = runInNewContext("Uint8Array.from(content)", { content });
    expect([theirs instanceof Uint8Array, theirs.buffer instanceof ArrayBuffer]).toEqual([false, false]);
    for (const source of [theirs, theirs.buffer as ArrayBuffer, stream([theirs]), new Response(stream([theirs]))])
      expect((await readSource(source)).bytes).toEqual(Buffer.from(content));
  });

  test("nothing at all as nothing", async () => {
    for (const source of [new Uint8Array(0), new Blob([]), new Response(null), new Response(""), stream([])])
      expect((await readSource(source)).bytes).toHaveLength(0);
  });

  test("a model from any of them", async () => {
    const model = madeUpModel([4, 5, 2], 1);
    const bytes = encodeModel(model);
    for (const source of [bytes, new Blob([bytes.slice()]), new Response(bytes.slice())])
      expect((await loadModel(source)).layers).toEqual(model.layers);
    await expect(loadModel(content)).rejects.toMatchObject({ code: "bad-file" });
  });
});

describe("progress", () => {
  const progressOf = async (source: Source): Promise<[number, number | null][]> => {
    const seen: [number, number | null][] = [];
    await readSource(source, { onProgress: (loaded, total) => seen.push([loaded, total]) });
    return seen;
  };

  test("chunk by chunk, with the total where it is known", async () => {
    expect(await progressOf(stream())).toEqual([
      [1000, null],
      [1001, null],
      [3000, null],
    ]);
    expect(await progressOf(new Response(stream(), { headers: { "content-length": "3000" } }))).toEqual([
      [1000, 3000],
      [1001, 3000],
      [3000, 3000],
    ]);
    expect(await progressOf(path)).toEqual([[3000, 3000]]);
    expect(await progressOf(content)).toEqual([[3000, 3000]]);
    expect((await progressOf(new Blob([content]))).at(-1)).toEqual([3000, 3000]);
  });

  test("the length of a compressed transfer is not the length of the bytes", async () => {
    const headers = { "content-length": "5000", "content-encoding": "gzip" };
    expect((await progressOf(new Response(stream(), { headers }))).at(-1)).toEqual([3000, null]);
  });

  test("nor is it where a page of another origin cannot see that it was compressed", async () => {
    expect(await progressOf(new Response(stream(), { headers: { "content-length": "1001" } }))).toEqual([
      [1000, 1001],
      [1001, 1001],
      [3000, null],
    ]);
    expect((await progressOf(new Response(stream(), { headers: { "content-length": "many" } }))).at(-1)).toEqual([3000, null]);
    const model = madeUpModel([4, 5, 2], 1);
    const bytes = encodeModel(model);
    for (const length of [5, 300, bytes.length - 1, -1]) {
      const response = new Response(bytes.slice(), { headers: { "content-length": String(length) } });
      expect((await loadModel(response)).layers).toEqual(model.layers);
    }
  });

  test("a callback that throws is heard as it is, and the source is let go", async () => {
    let cancelled = false;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(content),
      cancel: () => void (cancelled = true),
    });
    const onProgress = () => {
      throw new RangeError("mine");
    };
    await expect(readSource(source, { onProgress })).rejects.toThrow(RangeError);
    expect(cancelled).toBe(true);
  });
});

describe("refuses", () => {
  test("what is not there or not a file", async () => {
    await refuse(join(folder, "none.slonn"), "unreadable", /none\.slonn: could not be read \(ENOENT\)/);
    await refuse(pathToFileURL(join(folder, "none.slonn")), "unreadable", /ENOENT/);
    await refuse(folder, "unreadable", /EISDIR/);
    await refuse("http://127.0.0.1:1/model.slonn", "unreadable", /could not be read/);
  });

  test("answers that are not the file", async () => {
    await refuse(new Response("no", { status: 404 }), "unreadable", /^response: got status 404, expected 200$/);
    await refuse(new Response("oops", { status: 500 }), "unreadable", /got status 500/);
    await refuse(Response.error(), "unreadable", /got status 0/);
    await refuse(new Response("<html>", { headers: { "content-type": "text/html; charset=utf-8" } }), "unreadable", /got an HTML page/);
    await refuse(new Response(stream(), { headers: { "content-length": "3001" } }), "unreadable", /got 3000 bytes, expected 3001/);
  });

  test("answers that are not the file, and lets them go: nobody reads what they say", async () => {
    for (const init of [{ status: 404 }, { headers: { "content-type": "text/html" } }]) {
      let cancelled = 0;
      const body = new ReadableStream({ pull: (c) => c.enqueue(content), cancel: () => void cancelled++ });
      await refuse(new Response(body, init), "unreadable", /^response: got/);
      expect(cancelled).toBe(1);
      const read = new Response(stream(), init);
      read.body?.getReader();
      await refuse(read, "unreadable", /^response: got/);
    }
  });

  test("a source that was read before or is being read", async () => {
    const response = new Response(content);
    await response.arrayBuffer();
    await refuse(response, "unreadable", /^response: could not be read/);
    const locked = stream();
    locked.getReader();
    await refuse(locked, "unreadable", /^stream: could not be read/);
  });

  test("a stream that breaks", async () => {
    await refuse(stream(chunks, new Error("the line is dead")), "unreadable", /^stream: could not be read \(the line is dead\)$/);
    await refuse(new Response(stream([], new Error("the line is dead"))), "unreadable", /the line is dead/);
  });

  test("a stream of something else than bytes", async () => {
    await refuse(stream(["text"]), "bad-input", /^stream: got a chunk of string, expected Uint8Array$/);
    await refuse(stream([content, 5]), "bad-input", /got a chunk of number/);
  });

  test("bytes that were handed to another thread", async () => {
    const bytes = new Uint8Array(8);
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    for (const source of [bytes, bytes.buffer]) await refuse(source, "unreadable", /^bytes: could not be read \(.*detached/);
  });

  test("options of another kind", async () => {
    for (const signal of ["stop", {}, 0])
      await refuse(content, "bad-option", /^signal: got .*, expected an AbortSignal$/, { signal } as unknown as ReadOptions);
    for (const onProgress of [5, {}, 0])
      await refuse(content, "bad-option", /^onProgress: got .*, expected a function$/, { onProgress } as unknown as ReadOptions);
  });

  test("anything else", async () => {
    for (const source of [undefined, null, 5, {}, [1, 2]]) await refuse(source, "bad-input", /^model source: got/);
    await refuse(Promise.resolve(content), "bad-input", /^model source: got Promise, expected/);
  });
});

describe("an AbortSignal", () => {
  test("that fired before reads nothing", async () => {
    const signal = AbortSignal.abort();
    for (const source of [content, path, stream(), new Response(content)]) await refuse(source, "aborted", /aborted/, { signal });
  });

  test("stops a stream midway and lets it go", async () => {
    const controller = new AbortController();
    let cancelled = false;
    const source = new ReadableStream<Uint8Array>({ pull: (c) => c.enqueue(content), cancel: () => void (cancelled = true) });
    let reads = 0;
    const onProgress = () => {
      if (++reads === 3) controller.abort();
    };
    await refuse(source, "aborted", /aborted/, { signal: controller.signal, onProgress });
    expect(cancelled).toBe(true);
    expect(reads).toBe(3);
  });

  test("stops a stream that never answers", async () => {
    const controller = new AbortController();
    const reading = refuse(new ReadableStream(), "aborted", /aborted/, { signal: controller.signal });
    controller.abort();
    await reading;
  });

  describe("of a pipe", () => {
    const piped = (name: string): string => {
      const pipe = join(folder, name);
      execFileSync("mkfifo", [pipe]);
      return pipe;
    };
    /** Refused while it waits. */
    const abortedWhile = async (pipe: string): Promise<void> => {
      const controller = new AbortController();
      const reading = refuse(pipe, "aborted", /aborted/, { signal: controller.signal });
      await new Promise((resolve) => setTimeout(resolve, 20));
      controller.abort();
      await reading;
    };

    test("that nobody opens to write stops it, and no thread is held: there are few", async () => {
      for (let i = 0; i < 8; i++) await abortedWhile(piped(`nobody ${i}`));
      expect((await readSource(path)).bytes).toHaveLength(content.length);
    });

    test("whose writer keeps silent stops it", async () => {
      const pipe = piped("silent");
      const writer = openSync(pipe, "r+");
      await abortedWhile(pipe);
      closeSync(writer);
    });

    test("that is still written to is read no further", async () => {
      const pipe = piped("endless");
      const controller = new AbortController();
      const reading = refuse(pipe, "aborted", /aborted/, { signal: controller.signal });
      // more than a pipe holds: who writes it fails once nobody reads
      const writing = 'exec > "$0"; printf x; echo ready >&2; read go; head -c 1000000 /dev/zero 2> /dev/null';
      const writer = spawn("sh", ["-c", writing, pipe]);
      await once(writer.stderr, "data");
      controller.abort();
      await reading;
      writer.stdin.end("go\n");
      const [status] = await once(writer, "exit");
      expect(status).not.toBe(0);
    });

    test("that is written to in time lets it be read", async () => {
      const pipe = piped("written");
      const reading = readSource(pipe, { signal: new AbortController().signal });
      await writeFile(pipe, content);
      expect(Buffer.compare((await reading).bytes, content)).toBe(0);
    });
  });
});
