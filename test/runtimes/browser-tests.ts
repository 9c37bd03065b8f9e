// What every browser has to do with the package: the same body for all.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Browser, type BrowserName, launch } from "./browser.ts";
import { type Answers, type Expected, expectAnswers, expectWorkerAnswers, type WorkerAnswers } from "./expected.ts";
import { servePages } from "./pages.ts";
import { type Server, wrongModels } from "./serve.ts";

type Results = Record<string, Answers>;

/** @param rounds see `expectAnswers` */
export function browserTests(name: BrowserName, rounds: NonNullable<Expected["rounds"]>): void {
  let browser: Browser;
  let server: Server;
  /** What the browser, in the version installed, takes by itself where WebAssembly is allowed. */
  let expected: Expected;

  beforeAll(async () => {
    server = await servePages();
    browser = await launch(name);
    const isRelaxed = await ask<boolean>("plain", "relaxed");
    expected = isRelaxed ? { backend: "relaxed", rounds, reason: null } : { backend: "simd", reason: "relaxed SIMD is missing" };
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  async function ask<T>(kind: string, what: string, more = ""): Promise<T> {
    const result = JSON.parse(await browser.visit(`${server.origin}/${kind}/?ask=${what}${more}`));
    if (result.failed) throw new Error(`${kind} ${what}: ${result.failed}\n${result.stack}`);
    return result;
  }
  const forbidden: Expected = { backend: "js", reason: expect.stringMatching(/^WebAssembly is forbidden here \(.+\)$/s) };

  describe("a page", () => {
    test.each([
      ["without a policy", "plain", false],
      ["under a strict policy", "strict", false],
      ["isolated from other origins", "isolated", true],
      ["of modules that no bundler has seen", "modules", false],
    ])("%s answers every query", async (_, kind, isIsolated) => {
      const { results, isolated } = await ask<{ results: Results; isolated: boolean }>(kind, "everything");
      expect(isolated).toBe(isIsolated);
      expectAnswers(results, expected);
    });

    test("whose policy forbids WebAssembly gets plain JavaScript, the same answers and the reason", async () => {
      expectAnswers((await ask<{ results: Results }>("forbidden", "everything-plain")).results, forbidden);
    });

    test("takes its own module, compiled while it streams", async () => {
      expectAnswers(await ask("strict", "own-module"), { backend: "simd", reason: null });
    });

    test("says what is wrong with a model; its type is not, but for a page", async () => {
      const told = await ask<unknown[]>(
        "strict",
        "load",
        [...wrongModels.map(([path]) => path), "/wrong-type.slonn"].map((path) => `&model=${path}`).join(""),
      );
      expect(told).toEqual([
        ...wrongModels.map(([, code, message]) => ({ name: "SlonnError", code, message: expect.stringMatching(message) })),
        { name: "mnist" },
      ]);
    });

    test("runs two models at once, and knows a disposed session", async () => {
      expect(await ask("strict", "two-models")).toEqual({
        lengths: [expect.objectContaining({ index: 7 }), { index: 0, score: 6 }, expect.objectContaining({ index: 7 })],
        disposed: { name: "SlonnError", code: "disposed", message: expect.any(String) },
        still: { index: 0, score: 6 },
      });
    });
  });

  describe("a Worker", () => {
    test.each(["strict", "isolated"])("answers for a page (%s)", async (kind) => {
      expectWorkerAnswers(await ask<WorkerAnswers>(kind, "worker"), expected);
    });

    test("of files that no bundler has seen is found", async () => {
      expectWorkerAnswers(await ask<WorkerAnswers>("modules", "own-worker"), expected);
    });

    test("answers in plain JavaScript where its policy forbids WebAssembly", async () => {
      expectWorkerAnswers(await ask<WorkerAnswers>("forbidden", "worker"), { backend: "js" });
    });

    test("runs sessions itself", async () => {
      expectAnswers(await ask<Results>("strict", "in-worker"), expected);
    });

    test("that cannot start is an error that says so", async () => {
      const told = await ask<unknown[]>("strict", "no-worker");
      expect(told.length).toBe(3);
      for (const error of told)
        expect(error).toMatchObject({ name: "SlonnError", code: "worker", message: expect.stringContaining("could not be started") });
    });
  });

  test("a service worker answers every query", async () => {
    const { results, worker } = await ask<{ results: Results; worker: string | null }>("strict", "service-worker");
    expectAnswers(results, expected);
    expect([null, "worker"]).toContain(worker);
  });
}
