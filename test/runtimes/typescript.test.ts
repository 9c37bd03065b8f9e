// Declarations, under every TypeScript from 5.5 on, with every declaration file checked. The older ones lack type arguments on
// typed arrays (before 5.7) and rewriting of relative imports. What a service has is the types of Node alone, without the DOM's.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { afterAll, expect, inject, test } from "vitest";
import { run, runtimePath } from "./run-program.ts";

const installed = inject("installed");
const folder = mkdtempSync(join(installed, "typescript-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = `
  import { createSession, loadModel, SlonnError, type Model, type Session } from "slonn";
  import { importModel } from "slonn/import";
  import { calibrate, encodeModel } from "slonn/calibrate";
  import { createKernels } from "slonn/kernels";
  import { createWorkerSession, type WorkerSession } from "slonn/worker";
  import { createQueue } from "slonn/queue";
  import * as hints from "slonn/load";
  import kernels from "slonn/kernels.wasm";
  const bytes: Uint8Array = encodeModel(await importModel({ name: "a.onnx", bytes: new Uint8Array(8) }));
  const model: Model = await loadModel(bytes);
  using session: Session = await createSession(model, { backend: "js", module: kernels, latencyProfile: undefined });
  const best: number | undefined = session.run([1, 2], { loss: 0.003, latencyMs: undefined }).output.top(1)[0]?.index;
  // @ts-expect-error a key no objective has
  session.run([1, 2], { speed: 3 });
  using elsewhere: WorkerSession = await createWorkerSession(model, { signal: AbortSignal.timeout(1000) });
  const score: number | undefined = (await elsewhere.run([1, 2], undefined, { transfer: undefined })).output.top(1)[0]?.score;
  createQueue(session, { most: undefined }).close();
  export { score, best, calibrate, createKernels, createQueue, hints, SlonnError };`;

const cases = [
  ["typescript-5.5", "nodenext", "dom"],
  ["typescript-5.5", "nodenext", "node"],
  ["typescript-5.5", "bundler", "dom"],
  ["typescript-5.7", "nodenext", "dom"],
  ["typescript-6", "nodenext", "dom"],
  ["typescript-7", "nodenext", "dom"],
  ["typescript-7", "nodenext", "node"],
  ["typescript-7", "bundler", "dom"],
] as const;

test.each(cases)("%s, resolving as %s, with the types of %s", (version, kind, types) => {
  const sources = join(folder, `${version}-${kind}-${types}`);
  mkdirSync(sources);
  writeFileSync(join(sources, "program.mts"), program);
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true, // what may be left out may be undefined as well
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    noEmit: true,
    skipLibCheck: false,
    skipDefaultLibCheck: true, // TypeScript's own, which are most of the work
    target: "es2022",
    lib: ["es2022", "esnext.disposable", ...(types === "dom" ? ["dom"] : [])],
    typeRoots: [resolve("node_modules/@types")],
    types: types === "node" ? ["node"] : [],
    module: kind === "nodenext" ? "nodenext" : "esnext",
    moduleResolution: kind,
  };
  writeFileSync(join(sources, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.mts"] }));
  const { stdout, status } = run(process.execPath, [runtimePath(version, "bin", "tsc"), "-p", sources]);
  expect([stdout, status]).toEqual(["", 0]);
});

test("no declaration a door shows gives a typed array a type argument", () => {
  const root = join(installed, "node_modules/slonn");
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const shown = new Set<string>(Object.values<{ types?: string }>(exports).flatMap(({ types }) => (types ? [join(root, types)] : [])));
  for (const path of shown)
    for (const [, to] of readFileSync(path, "utf8").matchAll(/from "(\.[^"]+)"/g))
      shown.add(join(dirname(path), to.replace(/\.[jt]s$/, ".d.ts")));
  expect(shown.size).toBeGreaterThan(10);
  expect([...shown].filter((path) => /\b(U?[Ii]nt\d+|Float\d+)Array</.test(readFileSync(path, "utf8")))).toEqual([]);
});
