import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test, vi } from "vitest";
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
  afterEach(() => void vi.restoreAllMocks());

  test("takes the fastest backend and says why it is not the very fastest", async () => {
    const engine = await createEngine(1 << 16);
    const relaxed = WebAssembly.validate(readFileSync("build/slonn-relaxed.wasm"));
    expect(engine.backend).toBe(relaxed ? "relaxed" : "simd");
    expect(engine.reason).toBe(relaxed ? null : "relaxed SIMD is missing");
  });

  test("compiles its kernels once, whatever backend is asked for between", async () => {
    const { backend } = await createEngine(1 << 16);
    const [tried, made] = [vi.spyOn(WebAssembly, "validate"), vi.spyOn(WebAssembly, "instantiate")];
    for (const asked of [undefined, backend, undefined]) {
      const engine = await createEngine(1 << 16, { backend: asked });
      expect(engine.backend).toBe(backend);
      expect(new Uint8Array(engine.buffer).every((byte, at) => at < 1024 || byte === 0)).toBe(true);
    }
    expect(tried).not.toHaveBeenCalled();
    expect(made.mock.calls.map(([given]) => given instanceof WebAssembly.Module)).toEqual([true, true, true]);
  });

  test("refuses a module that is not the kernels", async () => {
    const empty = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
    await expect(createEngine(1024, { module: empty })).rejects.toMatchObject({ code: "no-engine" });
    const bytes = readFileSync("build/slonn-simd.wasm") as unknown as WebAssembly.Module;
    await expect(createEngine(1024, { module: bytes })).rejects.toMatchObject({ code: "no-engine" });
  });

  test("refuses memory that is not to be had", async () => {
    await expect(createEngine(2 ** 40)).rejects.toMatchObject({ code: "no-engine" });
  });

  test("the binaries import nothing", () => {
    for (const name of ["scalar", "simd"]) expect(WebAssembly.Module.imports(binary(name))).toEqual([]);
  });
});
