// The pages browsers are sent to: test/runtimes/programs bundled, once per set of headers.
//
//   /plain/…     no policy
//   /strict/…    a strict Content-Security-Policy that allows WebAssembly
//   /forbidden/… the same without WebAssembly
//   /isolated/…  strict, and cross-origin isolated
//   /modules/…   the package's files as they lie in node_modules, by an import map

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { inject } from "vitest";
import { type Served, type Server, serve } from "./serve.ts";

const policy = "default-src 'self'; object-src 'none'; base-uri 'none'";
const headers: Record<string, Record<string, string>> = {
  plain: {},
  strict: { "content-security-policy": `${policy}; script-src 'self' 'wasm-unsafe-eval'` },
  forbidden: { "content-security-policy": `${policy}; script-src 'self'` },
  isolated: {
    "content-security-policy": `${policy}; script-src 'self' 'wasm-unsafe-eval'`,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
  },
};

const page = (head: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>slonn</title>${head}<pre id="out"></pre></html>`;

/** Serves the pages; `more` adds others. */
export async function servePages(more: (path: string) => Served | null = () => null): Promise<Server> {
  const installed = inject("installed");
  const bundle = async (entry: string): Promise<string> => {
    const { outputFiles } = await build({
      entryPoints: [join(installed, entry)],
      bundle: true,
      write: false,
      format: "iife",
      logLevel: "error",
      define: { "import.meta.url": "location.href" },
    });
    return outputFiles[0].text;
  };
  const scripts: Record<string, string> = {
    "page.js": await bundle("page.js"),
    "in-worker.js": await bundle("in-worker.js"),
    "service-worker.js": await bundle("service-worker.js"),
    "thread.js": await bundle("node_modules/slonn/build/js/worker-thread.js"),
  };
  const imports = {
    slonn: "/node_modules/slonn/build/js/index.js",
    "slonn/worker": "/node_modules/slonn/build/js/worker.js",
    "#kernels": "/node_modules/slonn/build/js/engine/kernels.js",
  };
  return serve((path) => {
    const [, kind, file] = /^\/(\w+)\/([\w.-]*)$/.exec(path) ?? [];
    if (kind in headers && file === "") return { body: page(`<script defer src="page.js"></script>`), headers: headers[kind] };
    if (kind in headers && file in scripts) return { body: scripts[file], headers: headers[kind] };
    if (path === "/kernels.wasm") return { body: readFileSync(join(installed, "node_modules/slonn/build/slonn-simd.wasm")) };
    if (path === "/modules/")
      return {
        body: page(`<script type="importmap">${JSON.stringify({ imports })}</script><script type="module" src="/page.js"></script>`),
      };
    const lying = join(installed, path);
    if (/^\/(node_modules\/slonn\/build|page\.js|queries\.js)/.test(path) && existsSync(lying) && statSync(lying).isFile())
      return { body: readFileSync(lying) };
    return more(path);
  });
}
