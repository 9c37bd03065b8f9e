// Cloudflare Workers (workerd) compile no WebAssembly from bytes: the kernels are imported as a module, the plain SIMD ones, since
// an import cannot be tried. They have no Workers of their own, no files, 128 MB, and in production a clock that stands still during a
// request (here it does not: a clock that does is handed in).

import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Answers, expectAnswers } from "./expected.ts";
import { requireHere, run, runtimePath } from "./run-program.ts";

const installed = inject("installed");
const folder = mkdtempSync(join(installed, "cloudflare-"));
const dist = join(folder, "dist");
const date = "2026-04-01";
const reason = "imported kernels are plain SIMD";

interface Miniflare {
  dispatchFetch(url: string): Promise<Response>;
  dispose(): Promise<void>;
}

let miniflare: Miniflare;
let said: string;

beforeAll(async () => {
  for (const file of ["cloudflare.js", "queries.js", "model.slonn", "images.bin"]) cpSync(join(installed, file), join(folder, file));
  const config = {
    name: "slonn-test",
    main: "cloudflare.js",
    compatibility_date: date,
    rules: [{ type: "Data", globs: ["**/*.slonn"], fallthrough: true }],
  };
  writeFileSync(join(folder, "wrangler.json"), JSON.stringify(config));
  const home = join(folder, "home");
  mkdirSync(home);
  const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, WRANGLER_SEND_METRICS: "false", CI: "true", NO_COLOR: "1" };
  const wrangler = runtimePath("wrangler", "bin", "wrangler.js");
  const { status, stdout, stderr } = run(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", dist], { cwd: folder, env });
  expect([status, stderr]).toEqual([0, ""]);
  said = stdout;
  const types = { js: "ESModule", wasm: "CompiledWasm", bin: "Data", slonn: "Data" } as Record<string, string>;
  const files = readdirSync(dist).filter((name) => (name.split(".").at(-1) ?? "") in types);
  const modules = files
    .sort((a, b) => Number(b === "cloudflare.js") - Number(a === "cloudflare.js"))
    .map((name) => ({ type: types[name.split(".").at(-1) ?? ""], path: name, contents: readFileSync(join(dist, name)) }));
  const { Miniflare: Class } = requireHere("miniflare");
  miniflare = new Class({ modules, compatibilityDate: date, outboundService: serve });
}, 180_000);
afterAll(() => miniflare?.dispose());

/** What the network answers. */
async function serve(request: Request): Promise<Response> {
  const { Response: Own } = requireHere("miniflare");
  const model = readFileSync(join(installed, "model.slonn"));
  switch (new URL(request.url).pathname) {
    case "/model.slonn":
      return new Own(model);
    case "/page":
      return new Own("<!doctype html>", { headers: { "content-type": "text/html" } });
    case "/changed":
      model[model.length - 5] ^= 1;
      return new Own(model);
    case "/cut":
      return new Own(model.subarray(0, 100_000));
    default:
      return new Own("nothing", { status: 404 });
  }
}

async function ask<T>(path: string): Promise<T> {
  const response = await miniflare.dispatchFetch(`http://localhost${path}`);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.parse(text) as T;
}

describe("workerd", () => {
  test("gets one module of kernels from wrangler, and no binary as text", () => {
    expect(said).toContain("--dry-run: exiting now.");
    const files = readdirSync(dist);
    expect(files.filter((name) => name.endsWith(".wasm")).length).toBe(1);
    const code = readFileSync(join(dist, "cloudflare.js"), "utf8");
    console.log(`Worker of slonn, slonn/kernels, slonn/worker, unminified: ${code.length} bytes, ${gzipSync(code).length} gzip`);
    expect(code).not.toContain("simdBinary");
  });

  test("refuses to compile bytes, which is why", async () => {
    expect(await ask("/compile")).toMatch(/CompileError|disallowed/);
  });

  test("answers every query", async () => {
    expectAnswers(await ask<Record<string, Answers>>("/everything"), { backend: "simd", reason });
  });

  test("answers with a model that is fetched", async () => {
    expectAnswers(await ask<Record<string, Answers>>("/fetched"), { backend: "simd", reason });
  });

  test.each([
    ["/nowhere", "unreadable", /got status 404, expected 200/],
    ["/page", "unreadable", /got an HTML page, expected a model file/],
    ["/changed", "checksum", /./],
    ["/cut", "bad-file", /./],
  ])("says what is wrong with a model at %s", async (path, code, message) => {
    const told = await ask(`/load?url=${encodeURIComponent(`http://models${path}`)}`);
    expect(told).toMatchObject({ name: "SlonnError", code, message: expect.stringMatching(message) });
  });

  test("refuses kernels it does not have", async () => {
    expect(await ask("/backend?name=relaxed")).toMatchObject({
      name: "SlonnError",
      code: "no-engine",
      message: expect.stringContaining(reason),
    });
  });

  test("has no Worker for a session, and plain-JavaScript array kernels", async () => {
    expect(await ask("/worker")).toMatchObject({ name: "SlonnError", code: "worker" });
    expect(await ask("/kernels")).toEqual({ backend: "js", reason: expect.stringContaining("WebAssembly is forbidden here") });
  });

  test("keeps a budget where time stands still, and gives a deadline up", async () => {
    const { operations, deadline } =
      await ask<Record<string, { best: number; macs: number; total: number; gaveUp: string[] }>>("/no-clock");
    expect(operations).toMatchObject({ best: 7, total: 0, gaveUp: [] });
    expect(operations.macs).toBeLessThanOrEqual(100_000);
    expect(deadline).toMatchObject({ best: 7, total: 0, gaveUp: ["latency=1ms"] });
  });

  test("stays far below 128 MB, and lets it go", async () => {
    const { memoryBytes, disposed } = await ask<{ memoryBytes: number; disposed: { code: string } }>("/memory");
    expect(memoryBytes).toBeLessThan(40_000_000);
    expect(disposed.code).toBe("disposed");
  });
});
