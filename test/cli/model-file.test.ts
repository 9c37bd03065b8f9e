import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { besideModel } from "../../src/cli/model-file.ts";

describe("besideModel", () => {
  test("finds parts in the model's own directory", () => {
    expect(besideModel("/models/m/model.json", "shard1.bin")).toBe(resolve("/models/m/shard1.bin"));
    expect(besideModel("/models/m/model.json", "parts/..data/x.bin")).toBe(resolve("/models/m/parts/..data/x.bin"));
  });

  test.each(["../secret", "/etc/passwd", "a/../../secret", ".", "..", "x\0y"])("refuses %j", (part) => {
    expect(() => besideModel("/models/m/model.json", part)).toThrow(/expected it inside the model's directory/);
  });
});
