// Blocks of code in the README and the guides that name another runtime than Node run there, with the model of the installed folder. What
// they print is kept out of the way: a block has failed when it throws.

import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Block, blocksOf, pages } from "../package/code-blocks.ts";
import { type Browser, type BrowserName, describeBrowser, launch } from "./browser.ts";
import { requireHere, run, runtimePath } from "./run-program.ts";
import { type Server, serve } from "./serve.ts";

const installed = inject("installed");
const blocks = pages.flatMap(blocksOf);
const blocksFor = (runtime: string): Block[] => blocks.filter(({ runtimes }) => runtimes.includes(runtime));

const programs: Record<string, string[]> = {
  deno: [runtimePath("@deno", "linux-x64-glibc", "deno"), "run", "--no-lock", "--node-modules-dir=manual", "--allow-read"],
  bun: [runtimePath("@oven", "bun-linux-x64", "bin", "bun")],
};
const browsers: BrowserName[] = ["chromium", "firefox"];

test("no block names a runtime nobody runs", () => {
  const known = new Set(["node", "workerd", ...Object.keys(programs), ...browsers]);
  expect(blocks.filter(({ runtimes }) => runtimes.some((runtime) => !known.has(runtime))).map(({ name }) => name)).toEqual([]);
});

describe.each(Object.entries(programs))("%s", (runtime, [program, ...args]) => {
  test.each(blocksFor(runtime))("runs $name", ({ code }) => {
    writeFileSync(join(installed, "block.mjs"), code);
    const env = { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", DENO_DIR: join(installed, ".deno") };
    const { status, stdout, stderr } = run(program, [...args, "block.mjs"], { cwd: installed, env });
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).not.toBe("");
  });
});

describe("workerd", () => {
  test.each(blocksFor("workerd"))("runs $name", async ({ code }) => {
    const folder = mkdtempSync(join(installed, "workerd-"));
    const model = readFileSync(join(installed, "model.slonn"));
    writeFileSync(join(folder, "model.slonn"), model);
    writeFileSync(join(folder, "worker.js"), code);
    const dist = join(folder, "dist");
    mkdirSync(dist);
    const { metafile } = await build({
      entryPoints: [join(folder, "worker.js")],
      bundle: true,
      metafile: true,
      format: "esm",
      outdir: dist,
      conditions: ["workerd"],
      loader: { ".slonn": "copy", ".wasm": "copy" },
      logLevel: "error",
    });
    const types: Record<string, string> = { js: "ESModule", wasm: "CompiledWasm", slonn: "Data" };
    const modules = Object.keys(metafile.outputs)
      .sort((a, b) => Number(b.endsWith(".js")) - Number(a.endsWith(".js")))
      .map((path) => ({ type: types[path.split(".").at(-1) ?? ""], path: path.split("/").at(-1), contents: readFileSync(path) }))
      // imported as `?module`, which esbuild leaves to the import alone
      .map((module) => (module.type === "CompiledWasm" ? { ...module, path: `${module.path}?module` } : module));
    const { Miniflare, Response: Own } = requireHere("miniflare");
    const miniflare = new Miniflare({
      modules,
      modulesRoot: "/",
      compatibilityDate: "2026-04-01",
      serviceBindings: { ASSETS: () => new Own(model) },
    });
    try {
      const body = new Uint8Array(new Float32Array(784).fill(0.5).buffer);
      const response = await miniflare.dispatchFetch("http://localhost/", { method: "POST", body });
      const answer = await response.json();
      expect(answer.best.length).toBe(3);
      expect(answer.operations).toBeGreaterThan(0);
      const wrong = await miniflare.dispatchFetch("http://localhost/", { method: "POST", body: body.subarray(4) });
      expect(wrong.ok).toBe(false);
    } finally {
      await miniflare.dispose();
    }
  });
});

describe.each(browsers)("%s", (name) => {
  describeBrowser(name, () => {
    let browser: Browser;
    let server: Server;
    beforeAll(async () => {
      server = await serve(page);
      browser = await launch(name);
    });
    afterAll(async () => {
      await browser?.close();
      await server?.close();
    });

    test.each(blocksFor(name))("runs $name", async (block) => {
      const said = await browser.visit(`${server.origin}/block/?${blocks.indexOf(block)}`);
      expect(said).toMatch(/^ran\n./s);
    });
  });
});

/** The package's files as they lie in node_modules, and a page that runs a block of which it is told the number. */
function page(path: string, { search }: URL): { body: string | Uint8Array } | null {
  const files = "/node_modules/slonn/build/js";
  const doors = { slonn: "index.js", "slonn/worker": "worker.js", "slonn/import": "import/import.js" };
  const imports = Object.fromEntries(Object.entries(doors).map(([door, file]) => [door, `${files}/${file}`]));
  const importMap = JSON.stringify({ imports: { ...imports, "#kernels": `${files}/engine/kernels.js` } });
  if (path === "/block/") return { body: `${head}<script type="importmap">${importMap}</script><pre id="out"></pre>${runner}` };
  if (path === "/block.js") return { body: blocks[Number(search.slice(1))].code };
  return path.startsWith("/node_modules/slonn/build/") ? { body: readFileSync(join(installed, path)) } : null;
}

const head = `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>block</title>`;
const runner = `<script type="module">
const said = [];
console.log = (...values) => said.push(JSON.stringify(values));
const out = document.querySelector("#out");
const done = (text) => { out.textContent = text; out.dataset.done = ""; };
import("/block.js" + location.search).then(() => done(["ran", ...said].join("\\n")), (error) => done(String(error)));
</script></html>`;
