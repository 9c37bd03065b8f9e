// The whole build: kernels, then declarations and JavaScript to build/js. `npm ci` runs it through `prepare`, and `npm test` with
// `--if-stale`, which builds only when a source is newer than the last whole build.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isFile, isPath } from "./module-ids.mjs";

/** Written last, so a build that was interrupted is stale. */
const stamp = "build/whole";

if (!process.argv.includes("--if-stale") || isStale()) await build();

function isStale() {
  if (![stamp, "src/engine/generated/build.ts"].every((path) => existsSync(path))) return true;
  const built = statSync(stamp).mtimeMs;
  const folders = ["src", "assembly", "scripts"].flatMap((folder) => [
    folder,
    ...readdirSync(folder, { recursive: true }).map((name) => join(folder, name)),
  ]);
  return [...folders, "package.json", "package-lock.json", "tsconfig.json", "asconfig.json"].some((path) => statSync(path).mtimeMs > built);
}

async function build() {
  // loaded here, because with nothing to build the compilers have no business being loaded
  const { buildArrays } = await import("./build-arrays.mjs");
  const { buildKernels } = await import("./build-kernels.mjs");
  rmSync(stamp, { force: true });
  await buildKernels();
  await buildArrays();
  rmSync("build/js", { recursive: true, force: true });
  const { status } = spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.json"], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
  await bundleDoors();
  await bundleThread();
  chmodSync("build/js/cli/cli.js", 0o755);
  // what importing `slonn/kernels.wasm` gives where .wasm files are imported as modules
  writeFileSync(
    "build/js/kernels-wasm.d.ts",
    'import type { WasmModule } from "./engine/wasm-module.js";\n\ndeclare const kernels: WasmModule;\nexport default kernels;\n',
  );
  dropInnerDeclarations();
  writeFileSync(stamp, "");
}

/** Leaves the declarations that those of a door lead to; nobody can import the others. */
function dropInnerDeclarations() {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
  const reached = new Set(Object.values(exports).flatMap(({ types }) => (types ? [resolve(types)] : [])));
  // a set is walked to its end, also through what is added on the way
  for (const file of reached)
    for (const [, path] of readFileSync(file, "utf8").matchAll(/\b(?:from|import)\b[ (]*"(\.[^"]+)\.[jt]s"/g))
      reached.add(resolve(dirname(file), `${path}.d.ts`));
  for (const path of readdirSync("build/js", { recursive: true }).map((name) => resolve("build/js", name)))
    if (path.endsWith(".d.ts") && !reached.has(path)) rmSync(path);
}

/**
 * Makes files of the doors: one that has all of the core door, one per other door, and chunks of what those share. A runtime takes longer to
 * load sixty small files than over everything else until the first answer. The engine's import of its kernels leads to `#kernels`, which
 * package.json's `imports` resolves by condition, through a file of its own: Parcel resolves no `imports`, and package.json's `alias` has
 * other kernels for that file.
 */
async function bundleDoors() {
  const { rolldown } = await import("rolldown");
  const { bin, exports, imports } = JSON.parse(readFileSync("package.json", "utf8"));
  // but for the program of a Worker, which has a bundle of its own
  const doors = Object.values(exports).flatMap(({ default: path }) => (/(?<!worker-thread)\.js$/.test(path) ? [path] : []));
  const names = [...doors, ...Object.values(bin), ...Object.values(imports["#kernels"])].map((path) =>
    path.slice("./build/js/".length, -3),
  );
  const bundle = await rolldown({
    input: Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
    platform: "neutral",
    external: (id) => !isPath(id) || id.includes(".wasm"),
    treeshake: { moduleSideEffects: false },
    plugins: [
      {
        name: "kernels by runtime",
        resolveId: (id, importer) =>
          id === "./kernels.ts" && isFile(importer, "engine/engine.ts") ? { id: "../engine/chosen-kernels.js", external: true } : null,
      },
    ],
  });
  const core = new Set();
  const nameOf = (id, graph) => {
    if (core.size === 0) {
      core.add(resolve("src/index.ts"));
      // a set is walked to its end, also through what is added on the way
      for (const reached of core) for (const imported of graph.getModuleInfo(reached)?.importedIds ?? []) core.add(imported);
    }
    return core.has(id) ? "core" : null;
  };
  await bundle.write({
    dir: "build/js",
    // they stand in the declarations
    comments: { jsdoc: false },
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name].js",
    codeSplitting: {
      groups: [
        { name: nameOf, debugName: "core" },
        // in a folder of its own, as its source is, from where it names the program of its Workers
        { name: "start-worker", test: (id) => isFile(id, "adapters/start-worker.ts") },
      ],
    },
  });
  writeFileSync("build/js/engine/chosen-kernels.js", 'export { startKernels } from "#kernels";\n');
}

/**
 * Makes the program of a Worker one file: Workers have no import maps, so a page without a bundler could not tell its Worker what
 * `#kernels` is, and bundlers that copy the file have all of it.
 */
async function bundleThread() {
  const { rolldown } = await import("rolldown");
  const bundle = await rolldown({ input: "src/worker-thread.ts", platform: "neutral", external: /^node:/ });
  await bundle.write({ file: "build/js/worker-thread.js", minify: true });
}
