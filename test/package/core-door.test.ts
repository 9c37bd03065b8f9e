// What the core door promises as a file: small, self-contained, and free of everything a strict content security policy or an edge
// runtime refuses. Reads the built package.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { type BuildOptions, build } from "esbuild";
import { afterAll, describe, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "slonn-core-door-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function bundle(contents: string, options: Pick<BuildOptions, "format" | "minify" | "logLevel" | "conditions" | "external"> = {}) {
  const { metafile, outputFiles, warnings } = await build({
    stdin: { contents, resolveDir: resolve(".") },
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    ...options,
  });
  const [output] = Object.values(metafile.outputs);
  return { text: outputFiles[0].text, inputs: Object.keys(metafile.inputs), imports: output.imports, warnings };
}

const sizeOf = (bytes: string | Uint8Array): number => gzipSync(bytes, { level: 9 }).length;
const print = (what: string, bytes: string | Uint8Array): void => console.log(`${what}: ${bytes.length} bytes, ${sizeOf(bytes)} gzip`);

const door = 'export * from "./build/js/index.js";';

describe("the core door", () => {
  test("is one file that imports nothing, from any runtime or package", async () => {
    const { imports, inputs, warnings } = await bundle(door);
    expect(imports).toEqual([]);
    expect(warnings).toEqual([]);
    expect(inputs.filter((path) => path !== "<stdin>" && !path.startsWith("build/js/"))).toEqual([]);
    expect(inputs.filter((path) => /^build\/js\/(calibrate|import|cli)\b/.test(path))).toEqual([]);
  });

  test("has no dynamic import, no code from strings and no top-level await", async () => {
    const { text } = await bundle(door, { minify: false });
    expect(text.match(/(?<![\w.])(import\s*\(|require\s*\(|eval\s*\(|new\s+Function\b|Function\s*\()/g)).toBeNull();
    // esbuild refuses top-level await in this format
    await expect(bundle(door, { format: "iife" })).resolves.toBeDefined();
    await expect(bundle("await 0;", { format: "iife", logLevel: "silent" })).rejects.toThrow(/[Tt]op-level await/);
  });

  test("keeps nothing in its modules: no variable and no collection outside of a function", async () => {
    const { inputs } = await bundle('export * from "./src/index.ts";');
    const files = inputs.filter((path) => path.startsWith("src/"));
    expect(files).toContain("src/engine/kernels.ts");
    for (const file of files)
      expect([file, readFileSync(file, "utf8").match(/^(export )?(let|var|const [^=]+= new) .*/gm)]).toEqual([file, null]);
  });

  test("runs where code from strings is forbidden", async () => {
    const { text } = await bundle(door);
    writeFileSync(join(folder, "slonn.mjs"), text);
    const program = `
      import { createModel, createSession } from "./slonn.mjs";
      const layer = { name: "one", inputs: 2, outputs: 1, weight: Float32Array.of(2, 3), bias: Float32Array.of(1), activation: "identity", alpha: 0 };
      const session = await createSession(createModel("tiny", [layer]));
      const { output } = session.run(Float32Array.of(10, 100));
      let forbidden = false;
      try { eval("0"); } catch { forbidden = true; }
      console.log(session.backend, output.top(1)[0].score, forbidden);`;
    writeFileSync(join(folder, "program.mjs"), program);
    const printed = execFileSync(process.execPath, ["--disallow-code-generation-from-strings", join(folder, "program.mjs")]);
    expect(printed.toString()).toMatch(/^(simd|relaxed) 321 true\n$/);
  });

  test("weighs at most 36.8 kB gzip, and less for who creates sessions only", async () => {
    const whole = (await bundle(door)).text;
    const createSessionOnly = (await bundle('export { createSession } from "./build/js/index.js";')).text;
    print("core door", whole);
    print("createSession alone", createSessionOnly);
    expect(sizeOf(whole)).toBeLessThanOrEqual(36_800);
    expect(createSessionOnly.length).toBeLessThan(whole.length);
    expect(createSessionOnly).not.toContain("could not be read");
    expect((await bundle('import "slonn";')).text).toBe("");
  });

  test.each(["workerd", "edge-light"])("imports the kernels as a module in %s, where 36.2 kB gzip hold both", async (condition) => {
    const { text, imports } = await bundle(door, { conditions: [condition], external: ["*.wasm?module"] });
    // the query asks for a module: Nitro hands out an instance without it
    expect(imports.map(({ path }) => path)).toEqual([expect.stringMatching(/\/slonn-simd\.wasm\?module$/)]);
    // no binary as text: nothing in the bundle is that long
    expect(Math.max(...[...text.matchAll(/"[^"\n]*"/g)].map(([quoted]) => quoted.length))).toBeLessThan(2_000);
    const kernels = sizeOf(readFileSync("build/slonn-simd.wasm"));
    print(`core door for ${condition}, without ${kernels} of kernels`, text);
    expect(sizeOf(text) + kernels).toBeLessThanOrEqual(36_140);
  });

  test("no binary weighs more than 30 kB gzip", () => {
    for (const name of ["simd", "relaxed", "scalar", "arrays"]) {
      const binary = readFileSync(`build/slonn-${name}.wasm`);
      print(`slonn-${name}.wasm`, binary);
      expect(sizeOf(binary)).toBeLessThanOrEqual(30_000);
    }
  });
});
