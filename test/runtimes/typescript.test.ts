// Declarations, under every TypeScript from 5.5 on, with every declaration file checked. The older ones lack type arguments on
// typed arrays (before 5.7) and rewriting of relative imports.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
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
  const bytes: Uint8Array = encodeModel(await importModel({ name: "a.onnx", bytes: new Uint8Array(8) }));
  const model: Model = await loadModel(bytes);
  using session: Session = await createSession(model, { backend: "js" });
  const best: number = session.run([1, 2], { loss: 0.003 }).output.top(1)[0].index;
  // @ts-expect-error a key no objective has
  session.run([1, 2], { speed: 3 });
  using elsewhere: WorkerSession = await createWorkerSession(model, { signal: AbortSignal.timeout(1000) });
  const score: number = (await elsewhere.run([1, 2])).output.top(1)[0].score;
  export { score, best, calibrate, createKernels, SlonnError };`;

const cases = [
  ["typescript-5.5", "nodenext"],
  ["typescript-5.5", "bundler"],
  ["typescript-5.7", "nodenext"],
  ["typescript-6", "nodenext"],
  ["typescript-7", "nodenext"],
  ["typescript-7", "bundler"],
] as const;

test.each(cases)("%s, resolving as %s", (version, kind) => {
  const sources = join(folder, `${version}-${kind}`);
  mkdirSync(sources);
  writeFileSync(join(sources, "program.mts"), program);
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    skipDefaultLibCheck: true, // TypeScript's own, which are most of the work
    target: "es2022",
    lib: ["es2022", "dom", "esnext.disposable"],
    types: [],
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
