// The examples for the edge, from the packed package: as wrangler deploys them, run in workerd, and in Deno and Bun.

import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { requireHere, run, runtimePath } from "./run-program.ts";
import { freePort } from "./serve.ts";

const installed = inject("installed");
const folder = mkdtempSync(join(installed, "edge-"));
const worker = join(folder, "cloudflare-worker");

type Ask = (path: string, init?: { method?: string; body?: string }) => Promise<Response>;

beforeAll(() => {
  for (const part of ["cloudflare-worker", "deno-edge", "text.ts", "data/wordnet"])
    cpSync(join("examples", part), join(folder, part), { recursive: true });
  mkdirSync(join(folder, "models"));
  cpSync("examples/models/wordnet.slonn", join(folder, "models", "wordnet.slonn"));
});

/** What every runtime answers. */
function answers(ask: () => Ask): void {
  test("tags within its budget, asked either way", async () => {
    const text = "a small domesticated feline kept as a pet";
    const posted = await (await ask()("/tag", { method: "POST", body: JSON.stringify({ text, top: 3 }) })).json();
    const got = await (await ask()(`/tag?top=3&text=${encodeURIComponent(text)}`)).json();
    expect(got).toEqual(posted);
    expect(posted).toMatchObject({ unknown: [], kept: expect.any(Boolean), operations: { budget: expect.any(Number) } });
    const { tags, operations, kept } = posted as {
      tags: { name: string; share: number }[];
      operations: { done: number; budget: number; dense: number };
      kept: boolean;
    };
    expect(tags.length).toBe(3);
    expect(tags[0].share).toBeGreaterThanOrEqual(tags[1].share);
    expect(operations.done).toBeLessThanOrEqual(operations.budget);
    // seven words are known, others cost nobody anything
    expect(operations.dense).toBe(7 * 256 + 256 * 11_708);
    expect(operations.done).toBeLessThan(operations.dense);
    expect(kept).toBe(true);
    expect(tags.map(({ name }) => name).join()).toMatch(/feline|cat|animal|carnivore/);
  });

  test.each<[string, { method?: string; body?: string }, number, string]>([
    ["/nowhere", {}, 404, "not-found"],
    ["/tag", { method: "DELETE" }, 405, "method"],
    ["/tag", {}, 400, "bad-input"],
    ["/tag?text=%20", {}, 400, "bad-input"],
    ["/tag?text=cat&top=0", {}, 400, "bad-input"],
    ["/tag?text=cat&top=many", {}, 400, "bad-input"],
    ["/tag", { method: "POST", body: "a cat" }, 400, "bad-json"],
    ["/tag", { method: "POST", body: "null" }, 400, "bad-json"],
    ["/tag", { method: "POST", body: '{"text":["cat"]}' }, 400, "bad-input"],
    ["/tag", { method: "POST", body: JSON.stringify({ text: "cat ".repeat(600) }) }, 413, "too-long"],
    ["/tag", { method: "POST", body: "x".repeat(10_000) }, 413, "too-long"],
    ["/tag?text=qqqqzzzz", {}, 422, "no-known-word"],
  ])("%s %j is refused with %i %s", async (path, init, status, code) => {
    const response = await ask()(path, init);
    expect([response.status, response.headers.get("content-type")]).toEqual([status, expect.stringContaining("application/json")]);
    expect(await response.json()).toEqual({ error: { code, message: expect.any(String) } });
  });

  test("shows a page of its own, under a strict policy", async () => {
    const response = await ask()("/");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    const html = await response.text();
    expect(html).toContain("<label for=");
    expect(html).not.toMatch(/https?:\/\//);
  });
}

describe("Cloudflare's", () => {
  let miniflare: { dispatchFetch: (url: string, init?: object) => Promise<Response>; dispose(): Promise<void> };
  const dist = join(folder, "dist");

  beforeAll(async () => {
    run(process.execPath, ["assets.js"], { cwd: worker });
    const home = join(folder, "home");
    mkdirSync(home);
    const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, WRANGLER_SEND_METRICS: "false", CI: "true", NO_COLOR: "1" };
    const wrangler = [runtimePath("wrangler", "bin", "wrangler.js"), "deploy", "--dry-run", "--outdir", dist];
    const { status, stdout, stderr } = run(process.execPath, wrangler, { cwd: worker, env });
    expect([status, stderr]).toEqual([0, ""]);
    console.log(
      stdout
        .split("\n")
        .filter((line) => line.includes("Total Upload"))
        .join(),
    );
    const { compatibility_date, vars } = JSON.parse(readFileSync(join(worker, "wrangler.json"), "utf8"));
    const types: Record<string, string> = { js: "ESModule", wasm: "CompiledWasm" };
    const modules = readdirSync(dist)
      .filter((name) => (name.split(".").at(-1) ?? "") in types)
      .sort() // worker.js comes after the kernels' hash and has to come first
      .reverse()
      .map((name) => ({ type: types[name.split(".").at(-1) ?? ""], path: name, contents: readFileSync(join(dist, name)) }));
    const { Miniflare, Response: Own } = requireHere("miniflare");
    const assets = (request: Request): Response => {
      const file = join(worker, "assets", new URL(request.url).pathname);
      return existsSync(file) ? new Own(readFileSync(file)) : new Own("not found", { status: 404 });
    };
    miniflare = new Miniflare({ modules, compatibilityDate: compatibility_date, bindings: vars, serviceBindings: { ASSETS: assets } });
  });
  afterAll(() => miniflare?.dispose());

  const ask: Ask = (path, init) => miniflare.dispatchFetch(`http://localhost${path}`, init);
  answers(() => ask);

  test("script is far below the platform's 3 MB, the asset below its 25 MiB", () => {
    const script = readdirSync(dist).filter((name) => /\.(js|wasm)$/.test(name));
    const bytes = script.reduce((sum, name) => sum + readFileSync(join(dist, name)).length, 0);
    expect(bytes).toBeLessThan(400_000);
    expect(readFileSync(join(worker, "assets", "model.slonn")).length).toBeLessThan(25 * 2 ** 20);
  });

  test("memory stays below the platform's 128 MB", async () => {
    const status = (await (await ask("/status")).json()) as { backend: string; memory: { bytes: number; limit: number } };
    console.log(`engine memory: ${status.memory.bytes} bytes`);
    expect(status.backend).toBe("simd");
    // the model is streamed into it, so beside it there are only names and the runtime itself
    expect(status.memory.bytes).toBeLessThan(status.memory.limit / 2);
  });
});

const servers = [
  {
    name: "Deno",
    program: runtimePath("@deno", "linux-x64-glibc", "deno"),
    args: (port: number) => [
      "serve",
      "--no-lock",
      "--node-modules-dir=manual",
      "--allow-read",
      "--allow-env",
      "--host=127.0.0.1",
      `--port=${port}`,
      "main.ts",
    ],
  },
  { name: "Bun", program: runtimePath("@oven", "bun-linux-x64", "bin", "bun"), args: () => ["main.ts"] },
];

describe.each(servers)("$name's", ({ program, args }) => {
  let child: ChildProcess;
  let port: number;
  const said: string[] = [];
  const ask: Ask = (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init);

  beforeAll(async () => {
    port = await freePort();
    const env = { ...process.env, PORT: String(port), DENO_NO_UPDATE_CHECK: "1", DENO_DIR: join(folder, ".deno"), NO_COLOR: "1" };
    child = spawn(program, args(port), { cwd: join(folder, "deno-edge"), env, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout?.on("data", (text) => said.push(String(text)));
    child.stderr?.on("data", (text) => said.push(String(text)));
    const end = Date.now() + 60_000;
    while (true)
      try {
        await ask("/");
        break;
      } catch (error) {
        if (Date.now() > end || child.exitCode !== null) throw new Error(`${program}: does not answer\n${said.join("")}`, { cause: error });
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
  });
  afterAll(() => void child?.kill());

  answers(() => ask);
});
