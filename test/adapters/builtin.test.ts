import * as zlib from "node:zlib";
import { afterEach, expect, test, vi } from "vitest";
import { builtin } from "../../src/adapters/builtin.ts";

afterEach(() => vi.unstubAllGlobals());

test("the runtime's own module", () => {
  expect(builtin<typeof zlib>("node:zlib")?.crc32).toBe(zlib.crc32);
});

test.each<[string, unknown]>([
  ["there is no such module", process],
  ["there is no process", undefined],
  ["a bundler's process has no modules", { env: {} }],
  [
    "the function refuses to be called, as in Next.js's edge runtime",
    {
      getBuiltinModule() {
        throw new Error("A Node.js API is used (process.getBuiltinModule) which is not supported in the Edge Runtime.");
      },
    },
  ],
])("undefined where %s", (_, host) => {
  vi.stubGlobal("process", host);
  expect(builtin("node:nowhere")).toBeUndefined();
});
