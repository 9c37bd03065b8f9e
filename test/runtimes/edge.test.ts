// Edge runtimes in Vercel's style (edge-light) forbid code from strings and WebAssembly from bytes: the kernels are imported as a module
// with `?module`. They have fetch, no files and no Workers.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Answers, expectAnswers } from "./expected.ts";
import { requireHere } from "./run-program.ts";
import { type Server, serve, wrongModels } from "./serve.ts";

const installed = inject("installed");
const { EdgeVM } = requireHere("@edge-runtime/vm");

let server: Server;
let code: string;

beforeAll(async () => {
  server = await serve(() => null);
  const contents = `
    import * as slonn from "slonn";
    import * as worker from "slonn/worker";
    import { askEverything } from "./queries.js";
    globalThis.slonn = slonn;
    globalThis.worker = worker;
    globalThis.askEverything = askEverything;`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: installed },
    bundle: true,
    write: false,
    format: "iife",
    platform: "neutral",
    conditions: ["edge-light"],
    define: { "import.meta.url": "undefined" },
    plugins: [
      {
        // what such a platform's build does: the module is compiled beforehand and handed in
        name: "compiled-modules",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /\.wasm\?module$/ }, ({ path, resolveDir }) => ({ path: join(resolveDir, path), namespace: "compiled" }));
          onLoad({ filter: /./, namespace: "compiled" }, ({ path }) => {
            compiled.push(path.replace(/\?module$/, ""));
            return { contents: `export default globalThis.compiled[${compiled.length - 1}];` };
          });
        },
      },
    ],
  });
  code = outputFiles[0].text;
});
afterAll(() => server.close());

const compiled: string[] = [];

function open() {
  const vm = new EdgeVM({
    codeGeneration: { strings: false, wasm: false },
    extend: (context: Record<string, unknown>) => {
      context.compiled = compiled.map((path) => new WebAssembly.Module(readFileSync(path)));
      return context;
    },
  });
  vm.evaluate(code);
  return vm as { evaluate<T>(code: string): T };
}

describe("an edge runtime without code generation", () => {
  test("forbids what it says", async () => {
    const vm = open();
    expect(vm.evaluate("try { eval('1'); } catch (error) { error.name }")).toBe("EvalError");
    expect(
      await vm.evaluate("WebAssembly.compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)).then(() => 'allowed', ({ name }) => name)"),
    ).toBe("CompileError");
  });

  test("answers every query", async () => {
    const text = await open().evaluate<Promise<string>>(`(async () => {
      const images = await (await fetch("${server.origin}/images.bin")).arrayBuffer();
      return JSON.stringify(await askEverything(slonn, "${server.origin}/model.slonn", images));
    })()`);
    expectAnswers(JSON.parse(text) as Record<string, Answers>, {
      backend: "simd",
      reason: "imported kernels are plain SIMD",
    });
  });

  test.each(wrongModels)("says what is wrong with %s", async (path, code, message) => {
    const text = await open().evaluate<Promise<string>>(
      `slonn.loadModel("${server.origin}${path}").catch(({ name, code, message }) => JSON.stringify({ name, code, message }))`,
    );
    expect(JSON.parse(text)).toMatchObject({ name: "SlonnError", code, message: expect.stringMatching(message) });
  });

  test("has no Worker", async () => {
    expect(await open().evaluate("worker.createWorkerSession(new Uint8Array(4)).catch(({ code }) => code)")).toBe("worker");
  });
});
