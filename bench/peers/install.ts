// Puts the peers' packages in place when a race asks for them, and loads them from there. They weigh hundreds of megabytes, so the root `npm ci` leaves
// them out; they have a package.json and a lock file of their own beside this file's source.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SlonnError } from "../../src/errors.ts";

/**
 * The folder that holds the peers' package.json. This file may run from its source or compiled under build/, so the folder is
 * looked for upwards.
 * @throws SlonnError `unreadable` when it is nowhere above.
 */
export function peersFolder(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    const candidate = join(folder, "bench", "peers");
    if (existsSync(join(candidate, "package-lock.json"))) return candidate;
    if (folder === dirname(folder))
      throw new SlonnError("unreadable", `bench/peers/package-lock.json: found nowhere above ${start}, expected it in the checkout`);
  }
}

/**
 * Installs the peers unless they are there already in the versions the lock file names. Install scripts do not run:
 * onnxruntime-node's would fetch GPU libraries from elsewhere, and its CPU library is in the package itself.
 * @throws SlonnError `unreadable` when npm fails.
 */
export async function ensurePeers(log: (line: string) => void): Promise<void> {
  const folder = peersFolder();
  if (isInstalled(folder)) return;
  log("peers: installing onnxruntime-node, onnxruntime-web and tfjs into bench/peers/node_modules (about 500 MB, once)");
  const output: string[] = [];
  // npm is a script on Windows, which spawn only finds through a shell; the arguments are constants.
  const npm = spawn("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: folder, shell: process.platform === "win32" });
  npm.stdout.on("data", (text: Buffer) => output.push(text.toString()));
  npm.stderr.on("data", (text: Buffer) => output.push(text.toString()));
  const status = await new Promise<number | string>((resolve) => {
    npm.on("error", (error) => resolve(error.message));
    npm.on("close", (code) => resolve(code ?? "a signal"));
  });
  if (status !== 0) {
    const last = output.join("").trim().split("\n").slice(-3).join(" | ");
    throw new SlonnError("unreadable", `bench/peers: npm ci ended with ${status}, expected 0 (${last})`);
  }
  log("peers: installed");
}

/** Whether every dependency package.json names is there in that version: a half-finished or outdated install is done again. */
function isInstalled(folder: string): boolean {
  try {
    const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { dependencies: Record<string, string> };
    return Object.entries(dependencies).every(([name, wanted]) => {
      const found = JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")) as { version: string };
      return found.version === wanted;
    });
  } catch {
    return false;
  }
}

/** A package out of the peers' own node_modules, wherever this file was compiled to. */
export function loadPackage<T>(name: string): T {
  return createRequire(join(peersFolder(), "package.json"))(name) as T;
}

/** The version package.json pins. */
export function versionOf(name: string): string {
  return loadPackage<{ dependencies: Record<string, string> }>("./package.json").dependencies[name];
}
