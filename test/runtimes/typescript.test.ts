// Declarations, under every TypeScript from 5.5 on, with every declaration file checked. The older ones lack type arguments on
// typed arrays (before 5.7) and rewriting of relative imports. What a service has is the types of Node alone, without the DOM's.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { afterAll, expect, inject, test } from "vitest";
import { run, runtimePath } from "./run-program.ts";

const installed = inject("installed");
const folder = mkdtempSync(join(installed, "typescript-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = `
  import {
    createModel, createSession, loadModel, SlonnError,
    type LoadModelOptions, type Model, type Report, type Session, type Slo, type Source, type StreamedModel,
  } from "slonn";
  import { importModel, importOnnx, importSafetensors } from "slonn/import";
  import { calibrate, encodeModel } from "slonn/calibrate";
  import { createKernels } from "slonn/kernels";
  import { createWorkerSession, type WorkerSession } from "slonn/worker";
  import { createQueue, type RemoteLane } from "slonn/queue";
  import { watchPressure } from "slonn/load";
  import kernels from "slonn/kernels.wasm";
  const bytes: Uint8Array = encodeModel(await importModel({ name: "a.onnx", bytes: new Uint8Array(8) }), { half: undefined });
  const model: Model = await loadModel(bytes);
  using session: Session = await createSession(model, { backend: "js", module: kernels, latencyProfile: undefined });
  const best: number | undefined = session.run([1, 2], { loss: 0.003, latencyMs: undefined }).output.top(1)[0]?.index;
  using elsewhere: WorkerSession = await createWorkerSession(model, { signal: AbortSignal.timeout(1000), load: { stretch: undefined } });
  const score: number | undefined = (await elsewhere.run([1, 2], undefined, { transfer: undefined })).output.top(1)[0]?.score;
  createQueue(session, { most: undefined }).close();
  await (elsewhere satisfies RemoteLane as RemoteLane).run([1, 2], undefined, { waitedMs: undefined, reservedMs: undefined });
  await createKernels({ backend: undefined });
  await createSession(model, { load: { pressure: watchPressure({ everyMs: undefined, source: undefined }).pressure, stretch: undefined } });
  await createSession(createModel("tiny", [
    { name: "one", inputs: 1, outputs: 1, weight: Float32Array.of(1), bias: Float32Array.of(0), activation: "relu", alpha: 0 },
  ]));
  await importOnnx(bytes, { name: "a", external: undefined });
  importSafetensors(bytes, { name: "a", activations: undefined });
  await importModel({ name: "a", bytes }, { activations: ["relu", "identity"] as const });

  // what wraps the package hands on what it was handed
  const open = async (source: Source, options?: LoadModelOptions): Promise<Session> => createSession(await loadModel(source, options));
  const streamed: StreamedModel = await loadModel(bytes, { stream: true });
  const ask = (input: number[], slo?: Readonly<Slo>): Report => session.run(input, slo).report;
  const isOurs = (error: unknown): boolean => error instanceof SlonnError && error.code === "overloaded";

  const { levels } = session;
  const { plan } = ask([1, 2]);
  const rows = { kind: "dense", count: 1, width: 2, data: new Float32Array(2) } as const;
  // @ts-expect-error a key no objective has
  session.run([1, 2], { speed: 3 });
  // @ts-expect-error an objective that is asked or left out
  session.run([1, 2], { exact: false });
  // @ts-expect-error text
  session.run("12");
  // @ts-expect-error an option nobody knows
  loadModel("model.slonn", { streams: true });
  // @ts-expect-error an option nobody knows
  createSession(model, { clocks: null });
  // @ts-expect-error a path in place of a model
  createSession("model.slonn");
  // @ts-expect-error a clock, which cannot be sent to a Worker
  createWorkerSession(model, { clock: performance });
  // @ts-expect-error no activator's name
  calibrate(model, { rows, activators: ["lowrank"] });
  // @ts-expect-error no activation's name
  importModel({ name: "a", bytes }, { activations: ["rleu"] });
  // @ts-expect-error no code
  if (new SlonnError("bad-input", "").code === "late") throw new Error();
  // @ts-expect-error what the session goes by
  levels.pop();
  // @ts-expect-error what the session goes by
  if (levels[0]?.rungs[0]) levels[0].rungs[0].margin = 1;
  // @ts-expect-error what the session goes by
  if (levels[0]?.certificates[0]) levels[0].certificates[0].bound = 1;
  // @ts-expect-error what queries that ask the same share
  plan.gaveUp.push("loss=0.003");
  // @ts-expect-error what queries that ask the same share
  plan.slo.loss = 1;
  export { score, best, streamed, open, isOurs };`;

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

/** What the compiler says of a program, and the code it exits with. */
function compiled(
  version: string,
  kind: "nodenext" | "bundler",
  types: "dom" | "node",
  file: string,
  text: string,
): [string, number | null] {
  const sources = mkdtempSync(join(folder, `${version}-${kind}-${types}-`));
  writeFileSync(join(sources, file), text);
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true, // what may be left out may be undefined as well
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: file.endsWith(".mts"), // as it is written, an import is none of CommonJS
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
  writeFileSync(join(sources, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [file] }));
  const { stdout, status } = run(process.execPath, [runtimePath(version, "bin", "tsc"), "-p", sources]);
  return [stdout, status];
}

test.each(cases)("%s, resolving as %s, with the types of %s", (version, kind, types) => {
  expect(compiled(version, kind, types, "program.mts", program)).toEqual(["", 0]);
});

test("in CommonJS, imports of newer compilers, and calls of import() where they are refused", () => {
  const imports = 'import { createSession, loadModel } from "slonn"; export const open = async () => createSession(await loadModel("m"));';
  const calls = 'export const open = async (bytes: Uint8Array) => { const slonn = await import("slonn"); return slonn.loadModel(bytes); };';
  expect(compiled("typescript-6", "nodenext", "dom", "program.cts", imports)).toEqual(["", 0]);
  expect(compiled("typescript-5.7", "nodenext", "dom", "program.cts", imports)[0]).toContain("error TS1479");
  expect(compiled("typescript-5.7", "nodenext", "dom", "program.cts", calls)).toEqual(["", 0]);
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
