import { expect, test } from "vitest";
import { pathBeside } from "../../src/import/beside.ts";

test.each([
  ["w.bin", "w.bin"],
  ["./w.bin", "w.bin"],
  ["a/./%2e/b c.bin", "a/b c.bin"],
  ["a/..b/...", "a/..b/..."],
])("%j is beside the model: %j", (path, expected) => {
  expect(pathBeside(path)).toBe(expected);
});

test.each([
  ...["", ".", "/", "/w", "a//b", "w/", "..", "a/../w", "%2e./w", ".%2E/w", "a%2fw", "a%5Cw"],
  ...["C:w", "https://x/w", "a\\w", "w\0", "w\n", "~w:"],
])("%j is not beside the model", (path) => {
  expect(pathBeside(path)).toBe(null);
});
