// What every test of this folder starts from, made once: the runtimes, drivers, bundlers and compilers of package.json, installed
// beside it, and the package as others get it, packed and installed into an empty folder outside the repository.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder whose node_modules holds the packed package. */
    installed: string;
  }
}

const here = import.meta.dirname;

export default function setup(project: TestProject): () => void {
  if (`${process.platform} ${process.arch}` !== "linux x64")
    throw new Error(`runtimes: got ${process.platform} ${process.arch}, expected linux x64, the one the runtimes are pinned for`);
  installRuntimes();
  const installed = mkdtempSync(join(tmpdir(), "slonn-installed-"));
  // without scripts: a rebuild would pull build/ away from under other tests
  const packed = npm(resolve("."), "pack", "--json", "--ignore-scripts", "--pack-destination", installed);
  writeFileSync(join(installed, "package.json"), JSON.stringify({ name: "someone-elses", private: true, type: "module" }));
  npm(installed, "install", "--prefer-offline", "--no-audit", "--no-fund", join(installed, JSON.parse(packed)[0].filename));
  project.provide("installed", installed);
  return () => rmSync(installed, { recursive: true, force: true });
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
