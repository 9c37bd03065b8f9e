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
    import { createQueue } from "slonn/queue";
    import { askEverything } from "./queries.js";
    globalThis.slonn = slonn;
    globalThis.worker = worker;
    globalThis.createQueue = createQueue;
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

/** What Next.js has in the place of what its edge runtime lacks. */
function refuses(): never {
  throw new Error("A Node.js API is used which is not supported in the Edge Runtime.");
}

function open(globals: Record<string, unknown> = {}) {
  const vm = new EdgeVM({
    codeGeneration: { strings: false, wasm: false },
    extend: (context: Record<string, unknown>) => {
      context.compiled = compiled.map((path) => new WebAssembly.Module(readFileSync(path)));
      return Object.assign(context, globals);
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

  test("loads a model and answers in a queue where Node's functions are there, and refuse to be called", async () => {
    const vm = open({ process: { env: {}, getBuiltinModule: refuses }, setImmediate: refuses, MessageChannel: refuses });
    const answered = await vm.evaluate<Promise<string[]>>(`(async () => {
      const session = await slonn.createSession(await slonn.loadModel("${server.origin}/model.slonn"));
      let ms = 0; // so late that there is a turn of the event loop before every query
      const queue = createQueue(session, { clock: { now: () => (ms += 100) } });
      const image = new Float32Array(await (await fetch("${server.origin}/images.bin")).arrayBuffer(), 0, 784);
      const answers = await Promise.all([1, 2, 3].map(() => queue.run(image, { loss: 0.003 })));
      queue.close();
      return answers.map(({ output }) => String(output.top(1)[0].index));
    })()`);
    expect([...answered]).toEqual(["7", "7", "7"]);
  });

  test("has no Worker", async () => {
    expect(await open().evaluate("worker.createWorkerSession(new Uint8Array(4)).catch(({ code }) => code)")).toBe("worker");
  });
});
