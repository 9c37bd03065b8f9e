// Bundlers without configuration, and what comes out of them run in Chromium. Vite, webpack and Parcel find a Worker's program by themselves;
// esbuild, Rollup and rolldown leave its URL as it is, so the file has to be put somewhere and named. Parcel reads neither `exports` nor
// `imports`; Rollup needs its node-resolve plugin to find any package.

import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Browser, describeBrowser, launch } from "./browser.ts";
import { type Answers, type Expected, expectAnswers, expectWorkerAnswers, type WorkerAnswers } from "./expected.ts";
import { requireHere, run, runtimePath } from "./run-program.ts";
import { type Server, serve } from "./serve.ts";

const installed = inject("installed");
const folder = mkdtempSync(join(installed, "bundlers-"));
const html = (script: string): string =>
  `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><pre id="out"></pre>${script}`;

/** Builds page.js of a folder into its dist. */
type Bundle = (root: string) => Promise<void> | void;

const bin = (path: string[], args: string[], cwd: string): void => {
  const env = { ...process.env, NODE_ENV: "production", PARCEL_WORKERS: "0", NO_COLOR: "1" };
  const { status, stdout, stderr } = run(process.execPath, [runtimePath(...path), ...args], { cwd, env });
  if (status !== 0) throw new Error(`${path[0]}: got exit code ${status}, expected 0\n${stdout}${stderr}`);
};

const bundlers: { name: string; bundle: Bundle; findsWorker: boolean }[] = [
  { name: "vite", findsWorker: true, bundle: (root) => bin(["vite", "bin", "vite.js"], ["build", "--base=./"], root) },
  {
    name: "webpack",
    findsWorker: true,
    async bundle(root) {
      const webpack = requireHere("webpack");
      const compiler = webpack({
        mode: "production",
        context: root,
        entry: "./page.js",
        output: { path: join(root, "dist"), filename: "page.js" },
      });
      const stats = await new Promise<{ hasErrors(): boolean; toString(): string }>((resolve, reject) =>
        compiler.run((error: Error | null, result: never) => (error ? reject(error) : resolve(result))),
      );
      if (stats.hasErrors()) throw new Error(stats.toString());
    },
  },
  {
    name: "parcel",
    findsWorker: true,
    bundle: (root) => bin(["parcel", "lib", "bin.js"], ["build", "index.html", "--no-cache", "--no-source-maps", "--public-url=./"], root),
  },
  {
    name: "esbuild",
    findsWorker: false,
    bundle: (root) =>
      requireHere("esbuild").build({
        entryPoints: [join(root, "page.js")],
        outdir: join(root, "dist"),
        bundle: true,
        minify: true,
        format: "esm",
        logLevel: "error",
      }),
  },
  {
    name: "rollup",
    findsWorker: false,
    async bundle(root) {
      const { rollup } = requireHere("rollup");
      const { nodeResolve } = requireHere("@rollup/plugin-node-resolve");
      const build = await rollup({ input: join(root, "page.js"), plugins: [nodeResolve()] });
      await build.write({ dir: join(root, "dist") });
    },
  },
  {
    name: "rolldown",
    findsWorker: false,
    async bundle(root) {
      const { build } = await import(runtimePath("rolldown", "dist", "index.mjs"));
      await build({ input: join(root, "page.js"), output: { dir: join(root, "dist"), minify: true }, logLevel: "silent" });
    },
  },
];

describeBrowser("chromium", () => {
  let browser: Browser;
  let server: Server;
  let expected: Expected;

  beforeAll(async () => {
    server = await serve((path) => {
      const file = join(folder, path.endsWith("/") ? `${path}index.html` : path);
      return existsSync(file) && statSync(file).isFile() ? { body: readFileSync(file) } : null;
    });
    browser = await launch("chromium");
    expected = { backend: "relaxed", reason: null };
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  test.each(bundlers)("$name", async ({ name, bundle, findsWorker }) => {
    const root = join(folder, name);
    mkdirSync(root);
    writeFileSync(join(root, "package.json"), JSON.stringify({ name: `with-${name}`, private: true, type: "module" }));
    for (const file of ["page.js", "queries.js"]) cpSync(join(installed, file), join(root, file));
    writeFileSync(join(root, "index.html"), html('<script type="module" src="./page.js"></script>'));
    await bundle(root);
    const dist = join(root, "dist");
    if (!existsSync(join(dist, "index.html")))
      writeFileSync(join(dist, "index.html"), html('<script type="module" src="page.js"></script>'));
    cpSync(join(installed, "node_modules/slonn/build/js/worker-thread.js"), join(dist, "thread.js"));

    const scripts = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((file) => /\.m?js$/.test(file) && file !== "thread.js");
    for (const file of scripts) {
      const text = readFileSync(join(dist, file));
      console.log(`${name} ${file}: ${text.length} bytes, ${gzipSync(text).length} gzip`);
      // codes that only calibration and the importers throw with, or words that only they have
      expect(text.toString()).not.toMatch(/too-few-samples|protobuf|onnx/i);
    }

    const ask = async <T>(what: string): Promise<T> => {
      const result = JSON.parse(await browser.visit(`${server.origin}/${name}/dist/index.html?ask=${what}`));
      if (result.failed) throw new Error(`${name} ${what}: ${result.failed}\n${result.stack}`);
      return result;
    };
    expectAnswers((await ask<{ results: Record<string, Answers> }>("everything")).results, expected);
    expectWorkerAnswers(await ask<WorkerAnswers>(findsWorker ? "own-worker" : "worker"), expected);
  });
});
