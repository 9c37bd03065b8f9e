import { expect, test } from "vitest";
import { isFile, isPath } from "../../scripts/module-ids.mjs";

test.each([
  "./errors.ts",
  "../a.ts",
  "/home/a/slonn/src/index.ts",
  "C:\\slonn\\src\\index.ts",
  "d:/slonn/src/index.ts",
  "\\\\host\\slonn\\a.ts",
])("%s lies here, and goes into the bundle", (id) => expect(isPath(id)).toBe(true));

test.each(["cli-table3", "node:fs", "@scope/name", "#kernels", "src/index.ts"])("%s comes from elsewhere", (id) =>
  expect(isPath(id)).toBe(false),
);

test("a file is known by its path on every system", () => {
  for (const id of ["/slonn/src/engine/engine.ts", "C:\\slonn\\src\\engine\\engine.ts", "C:/slonn/src/engine/engine.ts"])
    expect(isFile(id, "engine/engine.ts")).toBe(true);
  for (const id of [undefined, "/slonn/src/engine/wasm-engine.ts", "C:\\slonn\\src\\queue\\engine.ts"])
    expect(isFile(id, "engine/engine.ts")).toBe(false);
});
