import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createEngine } from "../../src/engine/engine.ts";
import type { createMemoryPlan } from "../../src/engine/memory-plan.ts";
import { engineConformance } from "./conformance.ts";

const js = (memory: ReturnType<typeof createMemoryPlan>) => memory.create({ backend: "js" });
const binary = (name: string) => new WebAssembly.Module(readFileSync(`build/slonn-${name}.wasm`));

engineConformance("js", js, js, true);
engineConformance("simd", (memory) => memory.create({ backend: "simd" }), js, true);
engineConformance("scalar", (memory) => memory.create({ backend: "scalar", module: binary("scalar") }), js, true);
if (WebAssembly.validate(readFileSync("build/slonn-relaxed.wasm")))
  engineConformance("relaxed", (memory) => memory.create({ backend: "relaxed" }), js, false);

describe("createEngine", () => {
  test("takes the fastest backend and says why it is not the very fastest", async () => {
    const engine = await createEngine(1 << 16);
    const relaxed = WebAssembly.validate(readFileSync("build/slonn-relaxed.wasm"));
    expect(engine.backend).toBe(relaxed ? "relaxed" : "simd");
    expect(engine.reason).toBe(relaxed ? null : "relaxed SIMD is missing");
    for (const backend of ["simd", "js"] as const)
      expect(await createEngine(1 << 16, { backend })).toMatchObject({ backend, reason: null }); // it was asked for
    if (!relaxed)
      await expect(createEngine(1 << 16, { backend: "relaxed" })).rejects.toThrow(
        "backend: got relaxed, but relaxed SIMD is missing in this runtime",
      );
  });

  test("refuses a module that is not the kernels", async () => {
    const empty = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
    await expect(createEngine(1024, { module: empty })).rejects.toMatchObject({ code: "no-engine" });
    const bytes = readFileSync("build/slonn-simd.wasm") as unknown as WebAssembly.Module;
    await expect(createEngine(1024, { module: bytes })).rejects.toMatchObject({ code: "no-engine" });
  });

  test("refuses memory that is not to be had", async () => {
    await expect(createEngine(2 ** 40)).rejects.toMatchObject({ code: "no-engine" });
    for (const bytes of [2 ** 31 + 1, 2 ** 33, 2 ** 60])
      await expect(createEngine(bytes, { backend: "js" })).rejects.toMatchObject({
        code: "no-engine",
        message: `memory: ${bytes} bytes could not be had`,
      });
  });

  test("the binaries import nothing", () => {
    for (const name of ["scalar", "simd"]) expect(WebAssembly.Module.imports(binary(name))).toEqual([]);
  });
});
