import { describe, expect, test } from "vitest";
import { loadModel } from "../../src/adapters/load-model.ts";
import type { ReadOptions } from "../../src/adapters/read-source.ts";
import { encodeModel } from "../../src/model/slonn-file.ts";
import { madeUpModel } from "../made-up-models.ts";
import { serving } from "./serving.ts";

const model = madeUpModel([40, 60, 5], 1);
const bytes = encodeModel(model);
const half = bytes.length >> 1;

const refuse = (url: string, code: string, message: RegExp, options?: ReadOptions) =>
  expect(loadModel(url, options)).rejects.toMatchObject({ name: "SlonnError", code, message: expect.stringMatching(message) });

describe("a model over HTTP", () => {
  test("arrives whole, with its length known beforehand or not", async () => {
    for (const headers of [{ "content-length": bytes.length }, {}]) {
      const url = await serving((_, response) => {
        response.writeHead(200, headers);
        response.write(bytes.subarray(0, half));
        response.end(bytes.subarray(half));
      });
      const seen: [number, number | null][] = [];
      const read = await loadModel(new URL(url), { onProgress: (loaded, total) => seen.push([loaded, total]) });
      expect(read.layers).toEqual(model.layers);
      expect(seen[seen.length - 1]).toEqual([bytes.length, "content-length" in headers ? bytes.length : null]);
    }
  });

  test("that is not there, or is a page, is refused by its address", async () => {
    await refuse(
      await serving((_, response) => response.writeHead(404).end()),
      "unreadable",
      /^http:.*net\.slonn: got status 404, expected 200$/,
    );
    const page = await serving((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>"));
    await refuse(page, "unreadable", /net\.slonn: got an HTML page/);
    // from a server that does not say what it sends
    await refuse(await serving((_, response) => response.end("<!doctype html><p>Not found")), "bad-file", /net\.slonn: got an HTML page/);
    await refuse(await serving((_, response) => response.end("not a model")), "bad-file", /net\.slonn/);
  });

  test("that breaks off midway is refused", async () => {
    const url = await serving((_, response) => {
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, half), () => response.destroy());
    });
    await refuse(url, "unreadable", /net\.slonn: could not be read/);
  });

  test("that never comes can be given up, before and after the first bytes", async () => {
    for (const start of [false, true]) {
      const controller = new AbortController();
      const url = await serving((_, response) => {
        if (start) response.writeHead(200).write(bytes.subarray(0, half));
        else controller.abort();
      });
      await refuse(url, "aborted", /./, { signal: controller.signal, onProgress: () => controller.abort() });
    }
  });
});

test("a file cut short or changed is refused", async () => {
  await expect(loadModel(bytes.subarray(0, half))).rejects.toMatchObject({ code: "bad-file" });
  const changed = bytes.slice();
  changed[changed.length - 3] ^= 1;
  await expect(loadModel(changed)).rejects.toMatchObject({ code: "checksum" });
});

test("options that are none are refused before anything is read", async () => {
  for (const options of [{ onprogress: () => {} }, null, 5])
    await expect(loadModel(bytes, options as ReadOptions)).rejects.toMatchObject({ code: "bad-option" });
});
