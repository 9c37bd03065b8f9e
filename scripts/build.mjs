// The whole build: kernels, then types and JavaScript to build/js. `npm ci` runs it through `prepare`, and `npm test` with
// `--if-stale`, which builds only when a source is newer than the last whole build.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Written last, so a build that was interrupted is stale. */
const stamp = "build/whole";

if (!process.argv.includes("--if-stale") || isStale()) await build();

function isStale() {
  if (!existsSync(stamp)) return true;
  const built = statSync(stamp).mtimeMs;
  const folders = ["src", "assembly", "scripts"].flatMap((folder) => [
    folder,
    ...readdirSync(folder, { recursive: true }).map((name) => join(folder, name)),
  ]);
  return [...folders, "package-lock.json", "tsconfig.json", "asconfig.json"].some((path) => statSync(path).mtimeMs > built);
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
  chmodSync("build/js/cli/cli.js", 0o755);
  chooseKernelsByRuntime();
  await bundleThread();
  // what importing `slonn/kernels.wasm` gives where .wasm files are imported as modules
  writeFileSync("build/js/kernels-wasm.d.ts", "declare const kernels: WebAssembly.Module;\nexport default kernels;\n");
  writeFileSync(stamp, "");
}

/**
 * Lets the runtime choose where its kernels come from: the engine imports `#kernels`, which package.json's `imports` resolves by
 * condition. Parcel resolves no `imports`; its `alias` in package.json leads to the engine as compiled.
 */
function chooseKernelsByRuntime() {
  const [engine, parcel] = ["build/js/engine/engine.js", "build/js/engine/engine-parcel.js"];
  renameSync(engine, parcel);
  const text = readFileSync(parcel, "utf8");
  if (text.split('"./kernels.js"').length !== 2) throw new Error(`${engine}: got no single import of ./kernels.js, expected one`);
  writeFileSync(engine, text.replace('"./kernels.js"', '"#kernels"'));
}

/**
 * Makes the program of a Worker one file: Workers have no import maps, so a page without a bundler could not tell its Worker what
 * `#kernels` is, and bundlers that copy the file have all of it.
 */
async function bundleThread() {
  const { build } = await import("esbuild");
  const path = "build/js/worker-thread.js";
  await build({
    entryPoints: [path],
    outfile: path,
    allowOverwrite: true,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
  });
}
