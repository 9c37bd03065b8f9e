// The handler of the examples for the edge on its own: odd requests, and models that are not there at once. As it is deployed:
// test/runtimes/edge-example.test.ts.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { budgetOf, createHandler } from "../../examples/cloudflare-worker/handler.ts";
import type { Tagger } from "../../examples/cloudflare-worker/tagger.ts";
import worker from "../../examples/cloudflare-worker/worker.ts";

const tagger = {
  session: { backend: "js", backendReason: null, memoryBytes: 1, levels: [] },
  tag: (text: string) => ({ tags: [{ name: text, share: 1 }], unknown: [], operations: { done: 1, budget: 1, dense: 1 }, kept: true }),
} as unknown as Tagger;
const handle = createHandler(async () => tagger);
const asked = (path: string, init?: RequestInit): Request => new Request(`http://localhost${path}`, init);
const ask = (path: string, init?: RequestInit): Promise<Response> => handle(asked(path, init));
const codeOf = async (response: Response): Promise<[number, string]> => {
  const { error } = (await response.json()) as { error: { code: string } };
  return [response.status, error.code];
};
/** A body that goes on, and counts how much of it was taken. */
function endless() {
  const state = { taken: 0, isCancelled: false };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      state.taken += 1000;
      controller.enqueue(new Uint8Array(1000).fill(32));
    },
    cancel() {
      state.isCancelled = true;
    },
  });
  return { state, init: { method: "POST", body, duplex: "half" } as RequestInit };
}

describe("requests", () => {
  test.each(["/", "/status", "/tag?text=cat", "/nowhere"])("HEAD %s is answered like GET, without a body", async (path) => {
    const [head, get] = [await ask(path, { method: "HEAD" }), await ask(path)];
    expect([head.status, head.headers.get("content-type")]).toEqual([get.status, get.headers.get("content-type")]);
    expect(await head.text()).toBe("");
  });

  test.each([
    ["/", "GET, HEAD"],
    ["/tag", "GET, HEAD, POST"],
  ])("another method than %s has says which it has", async (path, allow) => {
    for (const method of ["OPTIONS", "PUT", "DELETE"]) {
      const response = await ask(path, { method });
      expect(response.headers.get("allow")).toBe(allow);
      expect(await codeOf(response)).toEqual([405, "method"]);
    }
  });

  test("a body of JSON is taken, whatever it calls itself and however it is cut", async () => {
    const bytes = new TextEncoder().encode(JSON.stringify({ text: "ein Kätzchen 🐈" }));
    const bytewise = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    for (const init of [
      { body: bytes, headers: { "content-type": "image/png" } },
      { body: bytewise, duplex: "half" },
    ]) {
      const response = await ask("/tag", { method: "POST", ...init } as RequestInit);
      expect(await response.json()).toMatchObject({ tags: [{ name: "ein Kätzchen 🐈" }] });
    }
  });

  test.each([undefined, "", "[", "\u0000", "text=cat", '{"text":'])("a body that is no JSON (%j)", async (body) => {
    expect(await codeOf(await ask("/tag", { method: "POST", body }))).toEqual([400, "bad-json"]);
  });

  test("a body in another encoding than UTF-8", async () => {
    for (const [text, encoding] of [
      ["un café", "latin1"],
      ["un café", "utf16le"],
      ["caf\u00e9", "latin1"],
    ] as const) {
      const body = Buffer.from(JSON.stringify({ text }), encoding);
      expect(await codeOf(await ask("/tag", { method: "POST", body }))).toEqual([400, "bad-json"]);
    }
    const cut = new TextEncoder().encode('"\u00e9').subarray(0, 2);
    expect(await codeOf(await ask("/tag", { method: "POST", body: cut }))).toEqual([400, "bad-json"]);
  });

  test("nobody is to guess what an answer is, as errors quote what was sent", async () => {
    for (const path of ["/", "/status", "/tag?text=cat", "/%3Cscript%3E"])
      expect((await ask(path)).headers.get("x-content-type-options")).toBe("nosniff");
  });

  test("a body that is too long is read to its end, one without an end for a megabyte", async () => {
    const { state, init } = endless();
    expect(await codeOf(await ask("/tag", init))).toEqual([413, "too-long"]);
    expect(state.taken).toBeLessThan(1_100_000);
    expect(state.isCancelled).toBe(true);
    let left = 500;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => (left-- > 0 ? controller.enqueue(new Uint8Array(1000).fill(32)) : controller.close()),
    });
    expect(await codeOf(await ask("/tag", { method: "POST", body, duplex: "half" } as RequestInit))).toEqual([413, "too-long"]);
    expect(left).toBeLessThan(0);
  });

  test("a number of tags that is none is quoted as it came", async () => {
    for (const [top, got] of [
      ["abc", '"abc"'],
      ["", '""'],
      ["1e1", '"1e1"'],
      ["21", "21"],
    ]) {
      const response = await ask(`/tag?text=cat&top=${top}`);
      expect(await response.json()).toEqual({
        error: { code: "bad-input", message: `top: got ${got}, expected a whole number from 1 to 20` },
      });
    }
    expect(await (await ask("/tag")).json()).toEqual({ error: { code: "bad-input", message: "text: got nothing, expected some words" } });
  });

  test("a body that breaks off is the caller's affair", async () => {
    const body = new ReadableStream({
      pull(controller) {
        controller.error(new Error("gone"));
      },
    });
    const log = vi.spyOn(console, "error");
    expect(await codeOf(await ask("/tag", { method: "POST", body, duplex: "half" } as RequestInit))).toEqual([400, "cut-off"]);
    expect(log).not.toHaveBeenCalled();
    log.mockRestore();
  });
});

test.each([Number.NaN, 0, -1, Number.POSITIVE_INFINITY, 1e308])(
  "processor time that is none (%f) is named as the setting it comes from",
  (cpuMs) => {
    expect(() => budgetOf(cpuMs)).toThrow("CPU_MS");
  },
);

test("little processor time is still a budget", () => {
  expect(budgetOf(1e-9)).toBe(1);
  expect(budgetOf(10)).toBe(1_250_000);
});

describe("the model", () => {
  test("is loaded once, however many come first, and not for who needs none", async () => {
    let loads = 0;
    const first = createHandler(async () => {
      loads++;
      await new Promise(setImmediate);
      return tagger;
    });
    await first(asked("/"));
    await first(asked("/tag"));
    expect(loads).toBe(0);
    const answers = await Promise.all(["/tag?text=a", "/status", "/tag?text=b"].map((path) => first(asked(path))));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(loads).toBe(1);
  });

  test("is loaded again where that failed, for those who come later", async () => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    let loads = 0;
    const flaky = createHandler(async () => {
      await new Promise(setImmediate);
      if (loads++ === 0) throw new Error("status 503");
      return tagger;
    });
    const both = await Promise.all([flaky(asked("/tag?text=a")), flaky(asked("/tag?text=b"))]);
    expect(both.map(({ status }) => status)).toEqual([500, 500]);
    expect((await flaky(asked("/tag?text=a"))).status).toBe(200);
    expect(loads).toBe(2);
    log.mockRestore();
  });

  test("is fetched again by the Worker, whichever asset failed, and by whoever hangs up as well", async () => {
    const log = vi.spyOn(console, "error").mockReturnValue();
    const failing = ["words.txt.gz", "labels.txt.gz", "model.slonn"];
    const assets = {
      async fetch(url: string): Promise<Response> {
        const name = url.split("/").at(-1) ?? "";
        if (failing[0] === name) {
          failing.shift();
          return new Response("busy", { status: 503 });
        }
        return new Response(
          readFileSync(join("examples", name.endsWith("gz") ? "data/wordnet" : "models", name.replace("model", "wordnet"))),
        );
      },
    };
    const kept: Promise<unknown>[] = [];
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) {
      const env = { ASSETS: assets, CPU_MS: "10" };
      const answer = worker.fetch(asked("/tag?text=a+small+cat"), env, { waitUntil: (done) => void kept.push(done) });
      expect(kept).toEqual(new Array(i + 1).fill(answer));
      statuses.push((await answer).status);
    }
    // both lists of names failed the first time
    expect(statuses).toEqual([500, 500, 200]);
    log.mockRestore();
  });
});
